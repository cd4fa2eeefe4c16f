"""Raw rows of every kind of source, and the line of what cannot be read."""

from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import DataError
from evals.rows import find_source, hub_parts, read_rows


def rows(tmp_path: Path, name: str, content: str | bytes) -> list[tuple[int, dict[str, Any]]]:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows(find_source(name, "train", tmp_path)))


def failure(tmp_path: Path, name: str, content: str | bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        rows(tmp_path, name, content)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert len(str(caught.value).splitlines()) <= 2
    return caught.value


def test_jsonl_keeps_line_numbers_over_blank_lines_and_odd_line_ends(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf{"a": 1}\r\n\r\n  \n{"a": "x\xe2\x80\xa8y"}'
    assert rows(tmp_path, "t.jsonl", text) == [(1, {"a": 1}), (4, {"a": "x\u2028y"})]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ('{"a": 1}\n{"a": \n', 2, "is not JSON"),
        ('{"a": 1}\n[1]\n', 2, "must be a JSON object"),
        ('[{"a": 1}]\n', 1, "must be a JSON object"),
        ('[\n{"a": 1}\n]\n', 1, "one object a line"),
        ('{"a": NaN}\n', 1, "NaN"),
        (b'{"a": 1}\n{"a": "\xe9"}\n', 2, "not UTF-8 text (byte 0xe9)"),
        ("x".encode("utf-16"), None, "UTF-16"),
        ('{"a": ' + "[" * 100_000 + "\n", 1, "nested too deeply"),
    ],
)
def test_a_broken_jsonl_line_is_named(
    tmp_path: Path, content: str | bytes, line: int | None, says: str
) -> None:
    error = failure(tmp_path, "t.jsonl", content)
    assert error.line == line
    assert says in str(error)


def test_csv_cells_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbfid,input\r\n1,"a, ""b""\nc"\r\n\r\n2,d\r\n'
    assert rows(tmp_path, "t.csv", text) == [
        (2, {"id": "1", "input": 'a, "b"\nc'}),
        (5, {"id": "2", "input": "d"}),
    ]


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("a,b\n1,2\n3\n", 3, "has 1 cells, the header has 2"),
        ("a,b\n1,2,3\n", 2, "has 3 cells, the header has 2"),
        ('a,b\n1,"2\n', 2, "is not CSV"),
        ("a,a\n1,2\n", 1, "'a' stands twice"),
        (b"a,b\n1,\xe9\n", 2, "not UTF-8"),
    ],
)
def test_a_broken_csv_row_is_named(tmp_path: Path, content: str | bytes, line: int, says: str) -> None:
    error = failure(tmp_path, "t.csv", content)
    assert error.line == line
    assert says in str(error)


def test_tabs_separate_the_cells_of_a_tsv(tmp_path: Path) -> None:
    assert rows(tmp_path, "t.tsv", "a\tb\n1\t2,3\n") == [(2, {"a": "1", "b": "2,3"})]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b"), *table])
    found = rows(tmp_path_factory.mktemp("csv"), "t.csv", text.getvalue())
    assert [(row["a"], row["b"]) for _, row in found] == table


def test_parquet_values_become_json_values(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {
            "input": ["x", "y"],
            "score": [0.5, float("nan")],
            "day": [datetime.date(2024, 1, 2)] * 2,
            "tags": [["a"], []],
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    found = list(read_rows(find_source("t.parquet", "test", tmp_path)))
    assert found == [
        (1, {"input": "x", "score": 0.5, "day": "2024-01-02", "tags": ["a"]}),
        (2, {"input": "y", "score": None, "day": "2024-01-02", "tags": []}),
    ]
    json.dumps(found)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert "Parquet" in str(failure(tmp_path, "t.parquet", "hello"))


def test_a_missing_file_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("{}")
    with pytest.raises(DataError, match=r"no such file \(data.train\). Did you mean 'train.jsonl'\?"):
        find_source("trian.jsonl", "train", tmp_path)


def test_a_kind_of_file_that_cannot_be_read_is_answered_with_those_that_can(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"jsonl, \.ndjson"):
        find_source("train.xlsx", "train", tmp_path)


def test_a_hub_source_is_taken_apart() -> None:
    assert hub_parts("hub:owner/name") == ("owner/name", None, None, None)
    assert hub_parts("hub:owner/name:small@train[:10]#v1") == ("owner/name", "small", "train[:10]", "v1")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.mark.usefixtures("offline")
def test_a_folder_is_read_as_a_data_set_with_its_splits(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for split in ("train", "validation"):
        (tmp_path / "set" / f"{split}.jsonl").write_text(json.dumps({"input": split, "output": "o"}) + "\n")
    assert list(read_rows(find_source("hub:set", "train", tmp_path))) == [
        (1, {"input": "train", "output": "o"})
    ]
    assert list(read_rows(find_source("hub:set", "dev", tmp_path))) == [
        (1, {"input": "validation", "output": "o"})
    ]


@pytest.mark.usefixtures("offline")
def test_a_split_that_is_not_there_is_one_or_two_lines(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text('{"input": "x"}\n')
    with pytest.raises(DataError, match="cannot be loaded") as caught:
        list(read_rows(find_source("hub:set@nope", "test", tmp_path)))
    assert len(str(caught.value).splitlines()) == 2
