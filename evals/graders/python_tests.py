"""The grader of programs: the answer's Python is run with the row's tests, where it can do no harm.

Only where the command allows it (`--allow-code`): see `evals.graders.sandbox` for what contains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evals.errors import RunError, TaskError
from evals.graders import allows_code
from evals.graders.assertions import column_texts
from evals.graders.folding import shown, writable
from evals.graders.options import number, one_of, text, whole
from evals.graders.row_by_row import Reading, RowByRow
from evals.graders.sandbox import Limits, NoJail, Outcome, refusal, run
from evals.types import Example, Models, Prediction, Score

_FENCED = re.compile(
    r"^[ \t]*+```[ \t]*+([\w.+-]*+)[^\n]*+\n(.*?)(?:^[ \t]*+```[ \t]*+$|\Z)", re.DOTALL | re.MULTILINE
)
_PYTHON = ("", "python", "py", "python3", "Python")
LIMIT = 100_000
"""Characters of an answer in which code is looked for."""


class PythonTests(RowByRow):
    """1 when the answer's code passes all tests of its row, else 0.

    The code is the answer's first fenced block of Python (`block: last` or `all` of them), or the whole
    answer without one. `tests` names the column with the row's tests, a text or a list of texts that
    are run in order; `before` one whose code stands above the answer's. Part: `tests`, the share of
    tests passed of all rows.
    """

    name = "python_tests"
    runs_code = True

    def __init__(
        self,
        *,
        tests: str = "tests",
        before: str | None = None,
        block: str = "first",
        timeout: float = 10.0,
        memory_mb: int = 1024,
        processes: int = 8,
    ) -> None:
        """Raises ValueError for a wrong option."""
        self._tests = text("tests", tests)
        self._before = None if before is None else text("before", before)
        self._block = one_of("block", block, ("first", "last", "all"))
        self._limits = Limits(
            number("timeout", timeout, 0, 600),
            whole("memory_mb", memory_mb, 64, 1 << 20),
            whole("processes", processes, 1, 1000),
        )
        super().__init__(
            {
                "tests": tests,
                "before": before,
                "block": block,
                "timeout": timeout,
                "memory_mb": memory_mb,
                "processes": processes,
            },
            ["tests"],
        )

    def ready(self, models: Models) -> None:
        """Raises TaskError where the command does not allow code, RunError where it cannot be contained."""
        if not allows_code(models):
            raise TaskError(
                f"the grader {self.name} runs code that a model wrote, and this command may not",
                key="graders",
                hint="Type the command again with --allow-code: docs/graders.md says how code is contained.",
            )
        if why := refusal():
            raise RunError(
                f"code that a model wrote cannot be contained on this machine: {why}",
                hint="Run it on Linux, as root or where users may make namespaces: see docs/graders.md.",
            )

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. Raises as `ready`, and DataError for a row without tests."""
        if any(prediction.text.strip() for _, prediction in rows):
            self.ready(models)
        yield from super().grade(rows, models)

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """Run one answer."""
        tests = column_texts(example, self._tests, lists=True)
        above = "" if self._before is None else column_texts(example, self._before, lists=False)[0] + "\n"
        code = self._code(prediction.text[:LIMIT])
        nothing = {"tests": (0.0, float(len(tests)))}
        if not code.strip():
            return Reading(0.0, "", "no code", True, nothing)
        found = self._run(above + str(writable(code)), tests)
        right = len(found.passed) == len(tests) and all(found.passed) and not found.fault
        counts = {"tests": (float(sum(found.passed)), float(len(tests)))}
        return Reading(float(right), shown(code), found.fault, not found.compiled, counts)

    def _run(self, code: str, tests: Sequence[str]) -> Outcome:
        try:
            return run(code, [str(writable(test)) for test in tests], self._limits)
        except NoJail as error:
            raise RunError(
                f"code that a model wrote cannot be contained on this machine: {error}",
                hint="What was graded before is kept: the same command continues.",
            ) from error

    def _code(self, given: str) -> str:
        blocks = [body for tag, body in _FENCED.findall(given) if tag in _PYTHON]
        if not blocks:
            return given
        if self._block == "all":
            return "\n".join(blocks)
        return str(blocks[0 if self._block == "first" else -1])
