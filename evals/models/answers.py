"""Answers of endpoints, kept in a file, so that the same request is not paid for twice.

    $WB_CACHE/answers/answers-1.sqlite     (the cache folder: see cache.py)

A request is known by the hash of where it goes and of its whole body; neither prompts nor keys are in
the file. Several processes may use it at a time (SQLite, write-ahead log). It is a convenience and never
in the way: a damaged file is set aside, one that cannot be used is done without, and either is said once.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from evals.errors import RunError
from evals.models.cache import cache_root
from evals.store import canonical, digest, plain, revive
from evals.types import Completion

log = logging.getLogger(__name__)

FORMAT = 1
"""The version of the file; another one has another name."""
MOST_BYTES = 1 << 30
"""A larger file loses its oldest answers when it is opened."""
BUSY_SECONDS = 10.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def answers_file() -> Path:
    """Where the answers lie."""
    return cache_root() / "answers" / f"answers-{FORMAT}.sqlite"


def key_of(address: str, path: str, body: dict[str, Any]) -> str:
    """What an answer is known by: the address, the path below it, and everything that is sent there."""
    return digest([address, path, body], 64)


class Answers:
    """The kept answers. Opened at the first use; safe for several threads and processes."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or answers_file()
        self._file: sqlite3.Connection | None = None
        self._useless = False
        self._lock = Lock()

    def get(self, key: str) -> Completion | None:
        """The answer to a request, None when it is not known."""
        rows = self._do("SELECT answer, mark FROM answers WHERE key = ?", (key,))
        if not rows or rows[0][1] != _mark(key, str(rows[0][0])):
            return None
        try:
            found: Completion = revive(Completion, json.loads(rows[0][0]))
        except (RunError, ValueError):
            return None
        return found

    def put(self, key: str, answer: Completion) -> None:
        """Keep an answer."""
        text = canonical(plain(answer))
        row = (key, text, _mark(key, text))
        self._do("INSERT OR REPLACE INTO answers (key, answer, mark) VALUES (?, ?, ?)", row)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def _do(self, statement: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """The rows of a statement; none where the file cannot be used."""
        with self._lock:
            for _ in range(2):  # a damaged file is set aside, and a new one tried once
                if self._useless:
                    return []
                try:
                    if self._file is None:
                        with _alone(self.path):  # SQLite does not wait while a log is being begun
                            self._file = _open(self.path)
                    return self._file.execute(statement, values).fetchall()
                except (sqlite3.Error, OSError) as error:
                    self._give_up(error)
            return []

    def _give_up(self, error: sqlite3.Error | OSError) -> None:
        """Set a damaged file aside; do without one that is unusable for another reason."""
        if self._file is not None:
            self._file.close()
        self._file = None
        if not _is_damage(error):
            self._useless = True
            log.warning("%s: answers are not kept in this run (%s)", self.path, error)
            return
        try:
            _set_aside(self.path, error)
        except OSError as other:
            self._useless = True
            log.warning("%s: is damaged and cannot be set aside (%s)", self.path, other)


def size_of(path: Path) -> tuple[int, int]:
    """How many answers there are and how many bytes they take; a damaged file holds none."""
    if not path.is_file():
        return 0, 0
    taken = sum(p.stat().st_size for p in path.parent.glob(path.name + "*") if p.is_file())
    try:
        file = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        try:
            return int(file.execute("SELECT count(*) FROM answers").fetchone()[0]), taken
        finally:
            file.close()
    except sqlite3.Error:
        return 0, taken


def _alone(path: Path) -> AbstractContextManager[Any]:
    """One process opens or sets aside at a time. Raises OSError where others take too long."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return FileLock(path.with_name(path.name + ".lock"), timeout=BUSY_SECONDS)


def _open(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        file.execute("PRAGMA auto_vacuum=INCREMENTAL")
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        columns = "key TEXT PRIMARY KEY, answer TEXT NOT NULL, mark TEXT NOT NULL"
        file.execute(f"CREATE TABLE IF NOT EXISTS answers ({columns})")
        _trim(file)
    except sqlite3.Error:
        file.close()
        raise
    return file


def _trim(file: sqlite3.Connection) -> None:
    """Drop the oldest quarter of the answers until the file is small enough."""
    while _bytes(file) > MOST_BYTES:
        (count,) = file.execute("SELECT count(*) FROM answers").fetchone()
        if not count:
            return
        oldest = "SELECT rowid FROM answers ORDER BY rowid LIMIT ?"
        file.execute(f"DELETE FROM answers WHERE rowid IN ({oldest})", (count // 4 + 1,))
        file.executescript("PRAGMA incremental_vacuum")  # `execute` would free a single page


def _bytes(file: sqlite3.Connection) -> int:
    (pages,), (size,) = (file.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    return int(pages) * int(size)


def _is_damage(error: Exception) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def _set_aside(path: Path, error: Exception) -> None:
    """Rename a damaged file, unless another process did so in the meantime."""
    with _alone(path):
        try:
            probe = _open(path)
            probe.execute("SELECT count(mark) FROM answers").fetchone()
            probe.close()
        except sqlite3.Error as still:
            if not _is_damage(still):
                raise OSError(str(still)) from still
        else:
            return
        number = next(n for n in range(1, 1000) if not path.with_name(f"{path.name}.damaged-{n}").exists())
        aside = path.with_name(f"{path.name}.damaged-{number}")
        path.replace(aside)
        for tail in ("-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
    log.warning("%s is damaged (%s): it is set aside as %s, and a new one begun", path, error, aside.name)


def _mark(key: str, text: str) -> str:
    """What a changed byte in a kept answer shows by."""
    return sha256(f"{key}{text}".encode("utf-8", "replace")).hexdigest()[:16]
