"""The documents a task names: which files they are, and a hash that changes when one of them does."""

from __future__ import annotations

from pathlib import Path

from evals.errors import DataError
from evals.store import digest, file_digest


def document_files(path: Path) -> list[Path]:
    """The file at `path`, or every file under the folder, in the order of their names. Hidden files and
    folders (.git, .DS_Store) are left out; none where nothing is there."""
    if path.is_file():
        return [path]
    found = (p for p in path.rglob("*") if p.is_file())
    seen = [p for p in found if not any(part.startswith(".") for part in p.relative_to(path).parts)]
    return sorted(seen, key=lambda p: p.relative_to(path).as_posix())


def document_name(file: Path, path: Path) -> str:
    """A file's name among the documents at `path`: "guide/install.md"."""
    return file.name if file == path else file.relative_to(path).as_posix()


def documents_digest(path: Path) -> str:
    """16 hex digits over the names and bytes of all files. Raises DataError for one that cannot be read."""
    parts = []
    for file in document_files(path):
        try:
            parts.append([document_name(file, path), file_digest(file, 32)])
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})", where=file) from error
    return digest(parts)
