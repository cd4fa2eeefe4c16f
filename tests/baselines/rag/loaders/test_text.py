"""Text files as documents, and files that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from baselines.rag.loaders.text import MOST_BYTES, load_text
from evals.errors import DataError
from evals.types import Document


def written(folder: Path, data: bytes) -> Path:
    (folder / "a.txt").write_bytes(data)
    return folder / "a.txt"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_whatever_marks_it_has(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "Grüße\r\n\r\nan alle".encode(encoding))
    assert list(load_text(path, "a.txt")) == [Document("a.txt", "Grüße\n\nan alle")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"PK\x03\x04\x00\x00", "is binary"),
        ("Grüße".encode("latin-1"), r"is not UTF-8 text \(byte 0xfc\).*\n.*Save"),
    ],
)
def test_what_is_no_text_is_said(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(DataError, match=why):
        list(load_text(written(tmp_path, data), "a.txt"))


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"")
    os.truncate(path, MOST_BYTES + 1)
    with pytest.raises(DataError, match=r"has 50 MB; a document over 50 MB is not read.*\n.*JSONL"):
        list(load_text(path, "a.txt"))
