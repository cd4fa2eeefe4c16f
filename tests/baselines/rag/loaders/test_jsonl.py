"""One document a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.rag.loaders.jsonl import load_jsonl
from evals.errors import DataError
from evals.types import Document


def documents(folder: Path, *lines: str) -> list[Document]:
    (folder / "a.jsonl").write_text("\n".join(lines))
    return list(load_jsonl(folder / "a.jsonl", "a.jsonl"))


def test_a_line_is_a_document_with_its_title_for_a_heading(tmp_path: Path) -> None:
    found = documents(
        tmp_path, '\ufeff{"id": 7, "text": "one", "page": 3}', "", '{"id": "b", "title": "T", "text": "two"}'
    )
    assert found == [Document("7", "one"), Document("b", "# T\n\ntwo")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[1]", "a row must be a JSON object"),
        ('{"id": "a"', "is not JSON"),
        ('{"text": "x"}', "has no 'id'"),
        ('{"id": "a"}', "has no 'text'"),
        ('{"id": null, "text": "x"}', "'id' must be text or a number"),
        ('{"id": "a", "text": " "}', "'text' must be text, and not empty"),
        ('{"id": "a", "text": ["x"]}', "'text' must be text, and not empty"),
        ('{"id": "a", "text": "\\ud83d"}', "is not Unicode"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(DataError, match=f"a.jsonl:2: .*{why}"):
        documents(tmp_path, '{"id": "first", "text": "x"}', line)
