"""Everything that can go wrong by somebody's hand, and whose hand it was.

    WorkbenchError
    ├── TaskError        the task file, its schema or its options
    ├── DataError        a data file or a row of it
    ├── ModelError       a model that is not there, or does not answer as a model should
    │   └── OutageError  it would have answered at another time: the run can be resumed
    │       └── BudgetError  the task's budget allows no further call
    ├── NotApplicable    a rung that this task gives nothing to work with
    └── RunError         the run folder, the disk, the ledger
        └── ResumableError   the same command continues where this one stopped

A message is one or two lines: what is wrong, where (file, line, key), what to do. The command
line prints it without a traceback and exits with `exit_code`. What was found wrong in one reading is told
together (`Mistakes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WorkbenchError(Exception):
    """The root: a mistake or a fault that a person can act on. `others` were found in the same reading."""

    exit_code = 1
    others: tuple[WorkbenchError, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        where: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        """`message` says what is wrong; `where`, `line` and `key` say where; `hint` what to do."""
        place = str(where) if where is not None else ""
        if line is not None:
            place += f":{line}"
        if key:
            place += f": {key}" if place else key
        text = f"{place}: {message}" if place else message
        super().__init__(f"{text}\n{hint}" if hint else text)
        self.message, self.where, self.line, self.key, self.hint = message, where, line, key, hint


class TaskError(WorkbenchError):
    """The task file, its output schema or one of its options is wrong."""


class Mistakes:
    """Collects the mistakes of a task file that do not hang on one another."""

    def __init__(self) -> None:
        self.found: list[TaskError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep a TaskError of the block, and go on behind it."""
        try:
            yield
        except TaskError as error:
            self.found.append(error)

    def tell(self) -> None:
        """Raise the first of them with the others, where there is any."""
        if self.found:
            first, *others = self.found
            first.others = (*others, *first.others)
            raise first


class DataError(WorkbenchError):
    """A data file or a row of it is wrong."""


class ModelError(WorkbenchError):
    """A model is missing, refuses, or answers what no model answers."""


class OutageError(ModelError):
    """A model is out of reach for now; what was written is kept and the run can be resumed."""

    exit_code = 5


class BudgetError(OutageError):
    """What the task allows is spent: models are out of reach until its budget is raised."""


class RunError(WorkbenchError):
    """The run folder, the ledger or the machine does not allow what was asked."""


class ResumableError(RunError):
    """The run stopped before its end (a full disk, say); the same command continues it."""

    exit_code = 5


class NotApplicable(WorkbenchError):
    """A rung cannot be tried on this task (no training rows, say); the ladder goes on without it."""
