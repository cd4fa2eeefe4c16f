"""Rows become Examples: mapping, targets, ids, and named mistakes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evals.errors import DataError
from evals.examples import read_examples, read_unlabelled, row_hash
from evals.output import OutputSpec
from evals.rows import Source, find_source
from evals.types import Example

TEXT, JSON, LABELS = (
    OutputSpec("text"),
    OutputSpec("json"),
    OutputSpec("labels", labels=("billing", "delivery", "3")),
)


def read(
    tmp_path: Path,
    rows: list[Any] | str,
    output: OutputSpec = TEXT,
    columns: Mapping[str, str] | None = None,
    name: str = "t.jsonl",
) -> list[Example]:
    text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_examples(find_source(name, "train", tmp_path), output, columns or {})


def failure(tmp_path: Path, rows: list[Any] | str, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(tmp_path, rows, **options)
    assert len(str(caught.value).splitlines()) <= 2
    return str(caught.value)


def test_a_row_keeps_its_target_apart_from_its_other_columns(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "input": "q",
        "output": "a",
        "group": 3,
        "references": ["b", "c"],
        "gold_doc_ids": [1],
        "lang": "de",
    }
    assert read(tmp_path, [row]) == [Example("7", "q", "a", ("b", "c"), "3", ("1",), {"lang": "de"})]


def test_columns_are_mapped_and_none_of_them_reaches_the_fields(tmp_path: Path) -> None:
    row = {"q": "x", "a": "y", "output": "an older answer", "lang": "de"}
    (example,) = read(tmp_path, [row], columns={"input": "q", "output": "a"})
    assert (example.input, example.target, example.fields) == ("x", "y", {"lang": "de"})


def test_an_input_that_is_no_text_is_shown_as_json(tmp_path: Path) -> None:
    assert read(tmp_path, [{"input": {"a": [1, "é"]}, "output": 1}])[0].input == '{"a": [1, "é"]}'


def test_json_outputs_may_be_objects_or_their_text(tmp_path: Path) -> None:
    rows = [{"input": "x", "output": '{"a": [1]}'}, {"input": "y", "output": {"a": [1]}}]
    assert [e.target for e in read(tmp_path, rows, output=JSON)] == [{"a": [1]}, {"a": [1]}]
    assert [e.target for e in read(tmp_path, rows[:1], output=TEXT)] == ['{"a": [1]}']


def test_csv_lists_are_read_from_their_json_text(tmp_path: Path) -> None:
    text = 'input,output,references,gold_doc_ids,group\nx,y,"[""b""]",d1,\n'
    (example,) = read(tmp_path, text, name="t.csv")
    assert (example.references, example.gold_doc_ids, example.group) == (("b",), ("d1",), None)


def test_a_number_may_be_a_label(tmp_path: Path) -> None:
    assert read(tmp_path, [{"input": "x", "output": 3}], output=LABELS)[0].target == "3"


def test_rows_without_ids_are_named_by_their_content_wherever_they_stand(tmp_path: Path) -> None:
    rows = [{"input": f"x{n}", "output": "y"} for n in range(4)]
    names = {e.input: e.id for e in read(tmp_path, rows)}
    assert names == {e.input: e.id for e in read(tmp_path, rows[::-1])}
    assert len(set(names.values())) == 4


def test_equal_rows_without_ids_are_numbered(tmp_path: Path) -> None:
    first, second, third = read(tmp_path, [{"input": "x", "output": "y"}] * 3)
    assert (second.id, third.id) == (f"{first.id}-2", f"{first.id}-3")


def test_the_row_hash_covers_content_and_not_the_id() -> None:
    row = Example("a", "x", "y", ("z",), fields={"k": 1, "l": 2})
    assert row_hash(row) == row_hash(Example("b", "x", "y", ("z",), "group", ("d",), {"l": 2, "k": 1}))
    others = [
        Example("a", "X", "y", ("z",), fields={"k": 1, "l": 2}),
        Example("a", "x", "y", fields={"k": 1, "l": 2}),
    ]
    assert row_hash(row) not in {row_hash(other) for other in others}
    assert len(row_hash(row)) == 16


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ([{"input": "x", "output": "y"}, {"input": "x"}], {}, "t.jsonl:2: has no 'output'"),
        ([{"input": "x", "otuput": "y"}], {}, "Did you mean 'otuput'?\nThe row has: input, otuput."),
        ([{"input": None, "output": "y"}], {}, "t.jsonl:1: 'input' is null"),
        ([{"input": "x", "output": "y"}], {"columns": {"input": "question"}}, "has no 'question'"),
        ([{"id": "a", "input": "x", "output": "y"}] * 2, {}, "t.jsonl:2: the id 'a' stands on line 1 too"),
        ([{"id": [1], "input": "x", "output": "y"}], {}, "'id' must be text or a number"),
        (
            [{"input": "x", "output": "biling"}],
            {"output": LABELS},
            "t.jsonl:1: the label 'biling' is not in the list. Did you mean 'billing'?",
        ),
        (
            [{"input": "x", "output": "{'a': 1}"}],
            {"output": JSON},
            "t.jsonl:1: the output is text that is no JSON",
        ),
        ("\n\n", {}, "t.jsonl: has no rows"),
        ('{"input": "\\ud800", "output": "y"}', {}, "t.jsonl:1: holds text that is not Unicode"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, rows: list[Any] | str, options: dict[str, Any], says: str
) -> None:
    assert says in failure(tmp_path, rows, **options)


def test_rows_without_answers_are_read_with_their_columns_and_answered_ones_are_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text('{"input": "a", "site": "x", "output": null}\n{"input": {"b": 1}, "group": 3}\n')
    found, lines = read_unlabelled(Source("new.jsonl", "", path, tmp_path), {})
    assert [(row.input, row.target, row.group) for row in found] == [
        ("a", None, None),
        ('{"b": 1}', None, "3"),
    ]
    assert found[0].fields == {"site": "x"} and list(lines.values()) == [1, 2]
    path.write_text('{"input": "a", "answer": "b"}\n')
    with pytest.raises(DataError, match="new.jsonl:1: has an answer already, in 'answer'"):
        read_unlabelled(Source("new.jsonl", "", path, tmp_path), {"output": "answer"})
    path.write_text("")
    with pytest.raises(DataError, match=r"has no rows\nAdd rows\.$"):
        read_unlabelled(Source("new.jsonl", "", path, tmp_path), {})
