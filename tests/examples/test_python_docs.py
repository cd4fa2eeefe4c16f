"""The python_docs example: every answer is supported by the document that it names."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from evals.graders.folding import squad_tokens, token_f1
from tests.examples.rows import EXAMPLES, every, most_shared, splits
from workbench.cli.main import run

ROOT = EXAMPLES / "python_docs"
NOWHERE = "not in the documents"


@cache
def documents() -> dict[str, str]:
    """The shipped documents by the name of their file, line breaks as spaces."""
    return {
        path.name: " ".join(path.read_text(encoding="utf-8").split())
        for path in sorted((ROOT / "documents").iterdir())
    }


def rows() -> list[dict[str, Any]]:
    return every("python_docs")


def answers(row: dict[str, Any]) -> list[str]:
    return [row["output"], *row["references"]]


def is_answered(row: dict[str, Any]) -> bool:
    return row["output"] != NOWHERE


def test_the_splits_are_as_large_as_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(\w+)\.jsonl` \| (\d+) questions \|", readme, re.MULTILINE))
    assert {split: str(len(found)) for split, found in splits("python_docs").items()} == said
    assert [row["id"] for row in rows()] == [f"q{n:03d}" for n in range(1, 334)]
    assert f"**The {len(rows())} questions**" in readme
    assert f"{sum(not is_answered(row) for row in rows())} have no answer in the documents" in readme


def test_the_row_in_the_guide_is_one_of_the_rows() -> None:
    guide = (ROOT / "GUIDE.md").read_text(encoding="utf-8")
    assert json.loads(guide.split("```json\n")[1].split("```")[0]) in rows()


def test_a_tenth_of_each_split_is_not_in_the_documents_and_names_none() -> None:
    for found in splits("python_docs").values():
        unanswered = [row for row in found if not is_answered(row)]
        assert 0.1 <= len(unanswered) / len(found) <= 0.2
        assert all(
            (row["references"], row["gold_doc_ids"], row["evidence"]) == ([], [], "") for row in unanswered
        )


def test_every_answer_names_one_document_that_holds_its_evidence_and_no_other_does() -> None:
    for row in filter(is_answered, rows()):
        (name,) = row["gold_doc_ids"]
        assert [found for found, text in documents().items() if row["evidence"] in text] == [name], row["id"]


def test_the_words_of_an_answer_stand_in_its_evidence() -> None:
    for row in filter(is_answered, rows()):
        said = " ".join(squad_tokens(row["evidence"].replace("’", "'")))
        words = [[word for word in squad_tokens(a) if word not in ("yes", "no")] for a in answers(row)]
        shares = [sum(word in said for word in found) / len(found) for found in words if found]
        assert max(shares, default=1) >= 0.5, row["id"]


def test_every_answer_has_words_to_compare_and_no_two_are_the_same_to_the_grader() -> None:
    for row in rows():
        compared = [squad_tokens(answer) for answer in answers(row)]
        assert all(compared), row["id"]
        assert len({tuple(words) for words in compared}) == len(compared), row["id"]
        assert len(compared[0]) <= 14, row["id"]


def test_one_answer_to_everything_stays_below_a_fifth() -> None:
    for constant in ("no", "yes", NOWHERE, f"no, {NOWHERE}", "TypeError"):
        values = [max(token_f1(answer, constant) for answer in answers(row)) for row in rows()]
        assert sum(values) / len(values) < 0.2


def test_no_two_questions_share_a_quarter_of_their_word_3_grams() -> None:
    assert most_shared([row["input"] for row in rows()]) <= 0.25


def test_the_questions_are_spread_over_the_documents() -> None:
    asked = {
        split: {d for row in found for d in row["gold_doc_ids"]}
        for split, found in splits("python_docs").items()
    }
    assert documents().keys() - set().union(*asked.values()) == {"await.txt", "lists.txt"}
    assert [len(asked[split]) >= n for split, n in (("train", 35), ("dev", 35), ("test", 55))] == [True] * 3


def test_the_documents_are_small_and_their_licence_is_there() -> None:
    assert len(documents()) == 70
    assert sum(path.stat().st_size for path in (ROOT / "documents").iterdir()) < 400_000
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in licence
    assert "2022, 2023 Python Software Foundation" in licence


def test_the_check_finds_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(ROOT / "task.yaml")]) == 0
    assert "ready: 0 errors, 0 warnings" in capsys.readouterr().out
