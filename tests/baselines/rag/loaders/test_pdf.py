"""PDF files with a text layer, and those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.rag.loaders.pdf import load_pdf
from evals.errors import DataError
from tests.baselines.rag.pdfs import encrypted, pdf


def text_of(folder: Path, data: bytes) -> str:
    (folder / "a.pdf").write_bytes(data)
    (document,) = load_pdf(folder / "a.pdf", "a.pdf")
    return document.text


def test_pages_become_paragraphs_of_one_document(tmp_path: Path) -> None:
    assert text_of(tmp_path, pdf("The first page.", "The second page.")) == (
        "The first page.\n\nThe second page."
    )


def test_an_owners_password_alone_does_not_hinder_reading(tmp_path: Path) -> None:
    assert text_of(tmp_path, encrypted(pdf("Open to all."), "")) == "Open to all."


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02 no pdf at all", "is not a PDF that can be read"),
        (pdf("cut off")[:200], "is not a PDF that can be read"),
        (pdf("", ""), r"has no text layer.*\n.*text recognition"),
        (encrypted(pdf("secret"), "1234"), r"is encrypted.*\n.*without a password"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(DataError, match=why):
        text_of(tmp_path, data)
