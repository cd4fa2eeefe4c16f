"""Folders of derived files: made once, reused, made again when damaged. A manifest lists their hashes.

What a folder depends on is in its name, so anything that changes leads to another folder. The manifest
is written last: a folder without one is unfinished, and whoever holds the lock finishes it. Every file
is read against its hash before it is used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.store import disk_errors, file_digest, read_json, write_json

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
HASH = 32
"""Hex digits of SHA-256 that are kept of a file."""


def ensure(folder: Path, about: Mapping[str, Any], make: Callable[[Path], None]) -> None:
    """Let `make(folder)` write the folder's files unless they are there and whole.

    `about` goes into the manifest, for people. One process makes while the others wait. Before it is
    called for a damaged folder, the damaged files are removed, and nothing else: what is whole can be
    used. Raises ResumableError on a full disk.
    """
    if damage(folder) == []:
        return
    with _alone(folder):
        bad = damage(folder)
        if bad == []:
            return
        if bad:
            log.warning("%s is damaged (%s) and is made again", folder, ", ".join(bad))
        with disk_errors(folder):
            for name in (MANIFEST, *bad) if bad else ():
                (folder / name).unlink(missing_ok=True)
        make(folder)
        with disk_errors(folder):
            _seal(folder, about)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder, which is made, as the only one to write into it."""
    from filelock import FileLock, Timeout

    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        try:
            lock.acquire(timeout=1)
        except Timeout:
            log.info("waiting for another process that makes %s", folder)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def damage(folder: Path) -> list[str] | None:
    """The names of the files that are not what the manifest says; None when there is no manifest."""
    if not (folder / MANIFEST).is_file():
        return None
    try:
        files = read_json(folder / MANIFEST)["files"]
        return [name for name, found in files.items() if not sound(folder / name, found)]
    except (RunError, KeyError, TypeError, AttributeError):
        return [path.name for path in sorted(folder.iterdir()) if path.is_file()]


def sound(path: Path, expected: str) -> bool:
    """Whether the file is there and has this hash."""
    try:
        return file_digest(path, HASH) == expected
    except OSError:
        return False


def _seal(folder: Path, about: Mapping[str, Any]) -> None:
    """Bring the files to the disk, then write the manifest."""
    files = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        files[path.name] = file_digest(path, HASH)
    write_json(folder / MANIFEST, {**about, "files": files})
