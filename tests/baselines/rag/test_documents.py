"""A folder of documents: what is read, what is passed over and said, what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from baselines.rag.documents import PassedOver, read_documents
from evals.errors import DataError
from tests.baselines.rag.pdfs import encrypted, pdf


def test_every_kind_is_read_under_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "a.md").write_text("# A\n\none")
    (tmp_path / "b.html").write_text("<p>two</p>")
    (tmp_path / "c.pdf").write_bytes(pdf("three"))
    (tmp_path / "d.txt").write_text("four")
    (tmp_path / "e.jsonl").write_text('{"id": "x", "text": "five"}\n{"id": "y", "text": "six"}\n')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.txt").write_text("hidden")
    passed_over: list[PassedOver] = []
    found = {d.id: d.text for d in read_documents(tmp_path, passed_over)}
    assert found == {
        "b.html": "two",
        "c.pdf": "three",
        "d.txt": "four",
        "x": "five",
        "y": "six",
        "guide/a.md": "# A\n\none",
    }
    assert not passed_over


def test_what_cannot_be_read_is_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.md").write_text("fine")
    (tmp_path / "b.txt").write_bytes(b"\0\1")
    (tmp_path / "c.pdf").write_bytes(encrypted(pdf("x"), "secret"))
    (tmp_path / "d.png").write_bytes(b"x")
    passed_over: list[PassedOver] = []
    with caplog.at_level(logging.WARNING):
        assert [d.id for d in read_documents(tmp_path, passed_over)] == ["a.md"]
    assert {p.file: p.why for p in passed_over} == {
        "1 file(s) of kind .png": "of no kind that is read",
        "b.txt": "is binary, not text",
        "c.pdf": "is encrypted",
    }
    assert "b.txt is binary, not text: it is passed over" in caplog.text


def test_nothing_that_can_be_read_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"holds no document that can be read .*a.txt is empty.*\n.*\.pdf"):
        list(read_documents(tmp_path, []))


def test_a_file_named_alone_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DataError, match="a.txt: is empty"):
        list(read_documents(tmp_path / "a.txt", []))
    with pytest.raises(DataError, match="there is no such file or folder"):
        list(read_documents(tmp_path / "b.txt", []))


def test_two_documents_of_one_id_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "same", "text": "one"}\n')
    (tmp_path / "b.jsonl").write_text('{"id": "same", "text": "two"}\n')
    with pytest.raises(DataError, match=r"b.jsonl: the document id 'same' stands in a.jsonl too"):
        list(read_documents(tmp_path, []))


def test_a_mistake_in_a_jsonl_file_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("fine")
    (tmp_path / "b.jsonl").write_text('{"id": "x"}\n')
    with pytest.raises(DataError, match="b.jsonl:1: has no 'text'"):
        list(read_documents(tmp_path, []))
