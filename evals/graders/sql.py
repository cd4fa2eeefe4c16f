"""The grader of SQL: the answer's query and the gold query are run, and their results compared."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from evals.errors import DataError, TaskError
from evals.graders.folding import shown
from evals.graders.options import flag, number, text, whole
from evals.graders.row_by_row import Reading, RowByRow, gold_texts
from evals.graders.sqlite import Limits, QueryError, Row, is_ordered, open_file, open_script, run
from evals.types import Example, Json, Models, Prediction, Score

_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.S)
_OPEN = 16
"""Databases that are kept open at a time."""


class Sql(RowByRow):
    """1 when the answer's query gives the result of the gold query or of a reference, else 0.

    The database is `database`, or what stands in the row's column `from`: a script (a text with a
    `;` in it) from which a database is made in memory, the path of a file with such a script
    (.sql), or the path of a SQLite file, which begins at the task file's folder. Queries only read.

    Rows are compared as a multiset; in their order, where the gold query has an ORDER BY of its own.
    Columns are compared by place, numbers to nine digits. With `fences`, a query in a code block is
    read out of it.
    """

    name = "sql"

    def __init__(
        self,
        folder: Path,
        *,
        database: str | None = None,
        from_: str | None = None,
        fences: bool = False,
        timeout: float = 5.0,
        max_rows: int = 10_000,
    ) -> None:
        """Raises ValueError for a wrong option, and unless exactly one place is named."""
        if (database is None) == (from_ is None):
            raise ValueError("needs either database (a file or a script) or from (a column)")
        self._folder = folder
        self._database = None if database is None else text("database", database)
        self._column = None if from_ is None else text("from", from_)
        self._fences = flag("fences", fences)
        self._limits = Limits(number("timeout", timeout, 0, 300), whole("max_rows", max_rows, 1, 1_000_000))
        options: dict[str, Json] = {
            "database": database,
            "from": from_,
            "fences": fences,
            "timeout": timeout,
            "max_rows": max_rows,
        }
        super().__init__(options)

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. Raises TaskError for a database of the options that cannot be
        opened, DataError for one of a row and for a gold query that has no result."""
        with ExitStack() as held:
            there: dict[str, sqlite3.Connection] = {}
            for example, prediction in rows:
                named = self._named(example)
                if named not in there:
                    if len(there) >= _OPEN:
                        held.pop_all().close()
                        there.clear()
                    there[named] = held.enter_context(closing(self._open(example, named)))
                yield self.score(example, prediction, self._read(example, prediction, there[named]))

    def _named(self, example: Example) -> str:
        if self._database is not None:
            return self._database
        value = example.fields.get(str(self._column))
        if not isinstance(value, str) or not value.strip():
            raise DataError(
                f"row {example.id!r}: the column {self._column!r} names no database",
                hint="The grader sql reads there a SQLite file's path, or a script that makes the tables.",
            )
        return value

    def _open(self, example: Example, named: str) -> sqlite3.Connection:
        try:
            if ";" in named:
                return open_script(named)
            path = self._folder / Path(named).expanduser()
            if path.suffix.lower() == ".sql" and path.is_file():
                return open_script(path.read_text(encoding="utf-8"))
            return open_file(path)
        except (QueryError, OSError, RuntimeError, UnicodeDecodeError) as error:
            if self._database is not None:
                raise TaskError(f"the grader sql has no database: {error}", key="graders") from error
            raise DataError(f"row {example.id!r} has no database: {error}") from error

    def _read(self, example: Example, prediction: Prediction, connection: sqlite3.Connection) -> Reading:
        wanted = [self._gold(example, gold, connection) for gold in gold_texts(example)]
        query = self._query(prediction.text)
        if not query:
            return Reading(0.0)
        try:
            rows = run(connection, query, self._limits)
        except QueryError as error:
            fenced = "```" in query and not self._fences
            return Reading(0.0, shown(query), "code fence" if fenced else str(error), unread=not error.ran)
        faults = [difference(gold, rows, ordered) for gold, ordered in wanted]
        right = "" in faults
        return Reading(float(right), shown(query), "" if right else faults[0])

    def _query(self, given: str) -> str:
        blocks = _FENCED.findall(given) if self._fences else []
        return str(blocks[-1] if blocks else given).strip()

    def _gold(self, example: Example, query: str, connection: sqlite3.Connection) -> tuple[list[Row], bool]:
        try:
            return run(connection, query, self._limits), is_ordered(query)
        except QueryError as error:
            raise DataError(
                f"row {example.id!r}: the gold query has no result: {error}",
                hint=f"It is {shown(query, 200)}",
            ) from error


def difference(gold: Sequence[Row], said: Sequence[Row], ordered: bool) -> str:
    """In what a result differs from the gold result, "" when in nothing."""
    wanted, got = [_rounded(row) for row in gold], [_rounded(row) for row in said]
    if wanted == got or (not ordered and Counter(wanted) == Counter(got)):
        return ""
    if len(wanted) != len(got):
        return f"{_count(got, 'row')}, not {len(wanted)}"
    if got and len(wanted[0]) != len(got[0]):
        return f"{_count(got[0], 'column')}, not {len(wanted[0])}"
    if Counter(wanted) == Counter(got):
        return "the rows stand in another order"
    there = set(wanted)
    other = next((row for row in got if row not in there), got[0])
    return f"other rows: {shown(repr(other), 120)}"


def _rounded(row: Row) -> Row:
    return tuple(float(f"{cell:.9g}") if isinstance(cell, float) else cell for cell in row)


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"
