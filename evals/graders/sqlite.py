"""Queries of unknown origin on a SQLite database: they read, they end, and they stay small.

The database is opened read-only, an authorizer refuses everything but SELECT, reading and functions,
a progress handler stops a query at its deadline, and limits of SQLite bound what one value, one
statement and one LIKE pattern may cost.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

Cell = None | int | float | str | bytes
Row = tuple[Cell, ...]

_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_SCRIPT_PRAGMAS = ("foreign_keys", "encoding")
"""Pragmas that a dump of a database begins with."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 2_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
_STEPS = 1000
"""Instructions of SQLite's machine between two looks at the clock."""
_MOST_BYTES = 50_000_000
"""Text and blobs in one result."""
_SCRIPT_SECONDS = 30.0


class QueryError(Exception):
    """A query that has no result; `ran` says whether it was a query and began to run."""

    def __init__(self, why: str, *, ran: bool = False) -> None:
        super().__init__(why)
        self.ran = ran


@dataclass(frozen=True)
class Limits:
    """What one query may take: seconds, and rows of its result."""

    seconds: float
    rows: int


def open_file(path: Path) -> sqlite3.Connection:
    """A database file, read-only. Raises QueryError when it is not one."""
    if not path.is_file():
        raise QueryError(f"there is no database file {path}")
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise QueryError(f"{path} is not a SQLite database ({error})") from error
    return _guarded(connection)


def open_script(script: str) -> sqlite3.Connection:
    """A database in memory, made by a script. Raises QueryError when the script fails."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.set_authorizer(_script_action)
    try:
        with _deadline(connection, _SCRIPT_SECONDS):
            connection.executescript(script)
            connection.commit()
    except sqlite3.Error as error:
        connection.close()
        raise QueryError(f"the script fails ({_reason(error)})") from error
    return _guarded(connection)


def run(connection: sqlite3.Connection, query: str, limits: Limits) -> list[Row]:
    """The rows of a query. Raises QueryError that says why there are none."""
    rows: list[Row] = []
    size = 0
    try:
        with _deadline(connection, limits.seconds):
            cursor = connection.execute(query)
            if cursor.description is None:
                raise QueryError("not a query")
            for row in cursor:
                rows.append(row)
                size += sum(len(cell) for cell in row if isinstance(cell, (str, bytes)))
                if len(rows) > limits.rows or size > _MOST_BYTES:
                    over = f"{limits.rows} rows" if len(rows) > limits.rows else f"{_MOST_BYTES:,} characters"
                    raise QueryError(f"more than {over}", ran=True)
    except sqlite3.Error as error:
        if "interrupted" in str(error):
            raise QueryError(f"took more than {limits.seconds:g} s", ran=True) from error
        raise QueryError(_reason(error)) from error
    except (ValueError, OverflowError, sqlite3.Warning) as error:
        raise QueryError(_reason(error)) from error
    return rows


def is_ordered(query: str) -> bool:
    """Whether ORDER BY stands in the query outside of parentheses, texts and comments."""
    depth = 0
    outside: list[str] = []
    for part in re.findall(_PARTS, query, re.S):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth == 0 and part[0] not in "'\"`[-/":
            outside.append(part.lower())
    words = [part for part in outside if not part.isspace()]
    return any(pair == ("order", "by") for pair in pairwise(words))


_PARTS = r"'(?:[^']|'')*'?|\"[^\"]*\"?|`[^`]*`?|\[[^\]]*\]?|--[^\n]*|/\*.*?(?:\*/|$)|\w+|\s+|."


def _guarded(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.set_authorizer(None)
    with suppress(sqlite3.Error):
        connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')").fetchall()
        # tables that SQLite declares at their first use, which the authorizer would refuse
    connection.set_authorizer(_query_action)
    return connection


def _query_action(action: int, first: str | None, second: str | None, *_: object) -> int:
    refused = action not in _READING or (second or "").lower() == "load_extension"
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


def _script_action(action: int, first: str | None, second: str | None, *_: object) -> int:
    """A script makes tables; it opens no file and loads nothing."""
    refused = action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH) or (
        action == sqlite3.SQLITE_PRAGMA and (first or "").lower() not in _SCRIPT_PRAGMAS
    )
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        refused = True
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


@contextmanager
def _deadline(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds

    def late() -> int:
        return int(time.monotonic() > end)

    connection.set_progress_handler(late, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def _reason(error: Exception) -> str:
    text = str(error)
    if any(word in text for word in ("authoriz", "prohibited", "readonly")):
        return "does more than read"
    if "one statement at a time" in text:
        return "more than one statement"
    return text or type(error).__name__
