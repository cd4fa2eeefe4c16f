"""The grader of answers that are a number, alone or at the end of a working."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from fractions import Fraction

from evals.errors import DataError
from evals.graders import answer_text
from evals.graders.folding import shown
from evals.graders.numbers import last_number, numbers_in, whole_number
from evals.graders.options import bound, one_of, texts
from evals.graders.row_by_row import Reading, RowByRow
from evals.types import Example, Json, Prediction

MARKERS = ("####", "answer:", "answer is")
"""What stands before a final number: the first is that of GSM8K (Cobbe et al. 2021, arXiv 2110.14168)."""


class Numeric(RowByRow):
    """1 when the number of the answer is that of the gold answer or a reference, else 0.

    `read` says which number of a text is its answer: `auto` the first one after the last marker, or
    without a marker the last one; `marked` only one after a marker; `first`; `last`; `whole` the
    text itself. A text that is nothing but a number is read as it in every case. Gold answers are
    read by `auto`. Right is within `absolute`, or within `relative` times the gold number.
    """

    name = "numeric"

    def __init__(
        self,
        *,
        read: str = "auto",
        markers: Sequence[str] = MARKERS,
        absolute: float = 0.0,
        relative: float = 0.0,
        percent: str = "number",
        decimal: str = ".",
    ) -> None:
        """Raises ValueError for a wrong option."""
        self._read = one_of("read", read, ("auto", "marked", "first", "last", "whole"))
        marked = "|".join(re.escape(marker) for marker in texts("markers", markers))
        self._marker = re.compile(marked, re.IGNORECASE)
        self._absolute = _tolerance("absolute", absolute)
        self._relative = _tolerance("relative", relative)
        self._percent = one_of("percent", percent, ("number", "share"))
        self._decimal = one_of("decimal", decimal, (".", ","))
        options: dict[str, Json] = {
            "read": read,
            "markers": list(markers),
            "absolute": absolute,
            "relative": relative,
            "percent": percent,
            "decimal": decimal,
        }
        super().__init__(options)

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The answer as a number. Raises DataError for a gold answer without one."""
        wanted = [self._gold(example, target) for target in (example.target, *example.references)]
        said = self._number(prediction.text, self._read)
        if said is None:
            where = " after a marker" if self._read == "marked" else ""
            return Reading(0.0, None, f"no number{where}" if self._read != "whole" else "not a number", True)
        right = any(abs(said - gold) <= max(self._absolute, self._relative * abs(gold)) for gold in wanted)
        return Reading(float(right), _plain(said), f"{_plain(said)}, not {_plain(wanted[0])}")

    def _number(self, text: str, read: str) -> Fraction | None:
        how = (self._decimal, self._percent)
        alone = whole_number(text, *how)
        if alone is not None or read == "whole":
            return alone
        if read in ("auto", "marked"):
            markers = deque(self._marker.finditer(text), maxlen=1)
            if markers:
                return next(numbers_in(text[markers[0].end() :], *how), None)
            return None if read == "marked" else last_number(text, *how)
        return last_number(text, *how) if read == "last" else next(numbers_in(text, *how), None)

    def _gold(self, example: Example, target: Json) -> Fraction:
        if isinstance(target, (int, float)) and not isinstance(target, bool):
            return Fraction(str(target))
        found = self._number(target, "auto") if isinstance(target, str) else None
        if found is None:
            raise DataError(
                f"row {example.id!r}: the gold answer {shown(answer_text(target), 80)!r} has no number",
                hint="The grader numeric compares numbers; for other answers use token_f1 or exact.",
            )
        return found


def _tolerance(name: str, value: float) -> Fraction:
    """How far off is still right. Raises ValueError."""
    found = bound(name, value, low=0)
    if found is None:
        raise ValueError(f"{name} is a number of at least 0, not left empty")
    return Fraction(str(found))


def _plain(value: Fraction) -> Json:
    """A number for a file: exact where a double holds it, else its nearest double or its text."""
    if value.denominator == 1 and abs(value) < 2**53:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return shown(str(value), 60)
