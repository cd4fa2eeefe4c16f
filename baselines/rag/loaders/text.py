"""Text files, Markdown too: read as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evals.errors import DataError
from evals.types import Document

MOST_BYTES = 50 << 20
"""The size above which a file is no document that anybody cites; a JSONL file may be larger, none of its
documents."""
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def load_text(path: Path, name: str) -> Iterator[Document]:
    """The file as one document. Raises DataError when it is empty, binary, too large or not UTF-8."""
    data = read_bytes(path)
    encoding = next((code for mark, code in MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in data:
        raise DataError("is binary, not text", where=path)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise DataError(
            f"is not UTF-8 text (byte 0x{byte:02x})", where=path, hint="Save the file as UTF-8."
        ) from error
    yield Document(name, not_empty("\n".join(text.splitlines()), path))


def read_bytes(path: Path) -> bytes:
    """A file of at most MOST_BYTES. Raises DataError."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DataError(
                f"has {size / 2**20:,.0f} MB; a document over {MOST_BYTES >> 20} MB is not read",
                where=path,
                hint="Split it, or write its parts as lines of a JSONL file.",
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path) from error


def not_empty(text: str, path: Path) -> str:
    """The text. Raises DataError when there is nothing in it."""
    if not text.strip():
        raise DataError("is empty", where=path)
    return text
