"""Reads a task's documents: a file or a folder of Markdown, text, HTML, PDF and JSONL files.

A file is known by its path below the folder ("guide/install.md"), a line of a JSONL file by its id. A
file that cannot be read as a document is passed over and said; a JSONL file says what is in it, so a
mistake there is an error with its line.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baselines.rag.loaders import LOADERS
from baselines.rag.notices import silent
from evals.documents import document_files, document_name
from evals.errors import DataError
from evals.types import Document, Progress

log = logging.getLogger(__name__)

NAME_ONE = "Correct the path, or remove the key."


@dataclass(frozen=True)
class PassedOver:
    """A file that gave no document, and why; `files` of one kind are told together."""

    file: str
    why: str
    files: int = 1


def read_documents(
    path: Path, passed_over: list[PassedOver], progress: Progress = silent
) -> Iterator[Document]:
    """The documents at `path`, one after the other; what is passed over is added to the list.

    Raises DataError when there is nothing at `path`, nothing in it can be read, two documents have one
    id, or a JSONL line is wrong.
    """
    seen: dict[str, str] = {}
    files = _readable(path, passed_over)
    for number, file in enumerate(files, 1):
        name = document_name(file, path)
        for document in _loaded(file, name, None if file == path else passed_over):
            if document.id in seen:
                raise DataError(
                    f"the document id {document.id!r} stands in {seen[document.id]} too",
                    where=file,
                    hint="Give every document an id of its own: answers are traced by it.",
                )
            seen[document.id] = name
            yield document
        progress("documents: reading files", number, len(files))
    if not seen:
        reasons = "; ".join(f"{p.file} {p.why}" for p in passed_over[:3])
        raise DataError(
            f"holds no document that can be read{f' ({reasons})' if reasons else ''}",
            where=path,
            hint=f"Kinds: {', '.join(LOADERS)}.",
        )


def _loaded(file: Path, name: str, passed_over: list[PassedOver] | None) -> Iterator[Document]:
    """A file's documents; one that cannot be read is passed over where there is a list for it."""
    try:
        yield from LOADERS.load(file.suffix.lower())(file, name)
    except DataError as error:
        if passed_over is None or file.suffix.lower() == ".jsonl":
            raise
        log.warning("%s %s: it is passed over", file, error.message)
        passed_over.append(PassedOver(name, error.message))


def _readable(path: Path, passed_over: list[PassedOver]) -> list[Path]:
    """The files of a kind that has a loader; the others are counted by kind."""
    files = document_files(path)
    if not files and not path.exists():
        raise DataError("there is no such file or folder (data.documents)", where=path, hint=NAME_ONE)
    known = [file for file in files if file.suffix.lower() in LOADERS]
    others = Counter(file.suffix.lower() or "no suffix" for file in files if file not in set(known))
    for kind, count in sorted(others.items()):
        log.warning("%s: %d file(s) of kind %s are no documents", path, count, kind)
        passed_over.append(PassedOver(f"{count} file(s) of kind {kind}", "of no kind that is read", count))
    return known
