"""JSONL: one document a line, `{"id", "text"}` and perhaps a `title`; other keys are left alone.

Lines are read one by one, so the file may be larger than memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from baselines.rag.loaders.text import MOST_BYTES
from evals.errors import DataError
from evals.types import Document

EXAMPLE = 'Write one document a line: {"id": "doc-1", "text": "…"}.'


def load_jsonl(path: Path, name: str) -> Iterator[Document]:
    """The documents in file order. Raises DataError, with the line, for one that is wrong; a document
    without text is wrong too, as somebody meant it to be there."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _document(line.removeprefix(b"\xef\xbb\xbf"), path, number)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path) from error


def _document(line: bytes, path: Path, number: int) -> Document:
    if len(line) > MOST_BYTES:
        raise DataError(
            f"a document of {len(line) / 2**20:,.0f} MB is not read",
            where=path,
            line=number,
            hint="Split it.",
        )
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {error}", where=path, line=number, hint=EXAMPLE) from error
    if not isinstance(row, dict):
        raise DataError("a row must be a JSON object {...}", where=path, line=number, hint=EXAMPLE)
    for key in ("id", "text"):
        if key not in row:
            raise DataError(f"has no {key!r}", where=path, line=number, hint=EXAMPLE)
    id, text, title = row["id"], row["text"], row.get("title")
    if isinstance(id, bool) or not isinstance(id, (str, int)) or id == "":
        raise DataError("'id' must be text or a number", where=path, line=number)
    if not isinstance(text, str) or not text.strip():
        raise DataError("'text' must be text, and not empty", where=path, line=number)
    headed = f"# {title}\n\n{text}" if isinstance(title, str) and title.strip() else text
    try:
        headed.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"holds text that is not Unicode ({error})", where=path, line=number) from error
    return Document(str(id), headed)
