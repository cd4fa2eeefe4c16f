"""Graders that assert something of the answer's text: that it contains, starts with or equals a text.

What is asked for stands in the options (`value`, `values`), in a column of the row (`from`), or, with
neither, is the gold answer (or one of the references). Whitespace around the answer is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from evals.errors import DataError
from evals.graders import answer_text
from evals.graders.folding import shown
from evals.graders.options import flag, text, texts
from evals.graders.row_by_row import Reading, RowByRow
from evals.table import nearest
from evals.types import Example, Json, Prediction


class Assertion(RowByRow):
    """1 when `fault` finds nothing wrong with the answer, else 0."""

    def __init__(
        self, option: str, given: Sequence[str] | None, from_: str | None, ignore_case: bool
    ) -> None:
        """`given` are the texts of the option, which is `value` or `values`. Raises ValueError."""
        if given is not None and from_ is not None:
            raise ValueError(f"takes {option} or from, not both")
        self._given = given
        self._column = None if from_ is None else text("from", from_)
        self._ignore_case = flag("ignore_case", ignore_case)
        self._lists = option == "values"
        options: dict[str, Json] = {
            option: None if given is None else list(given),
            "from": from_,
            "ignore_case": ignore_case,
        }
        super().__init__(options)

    def holds(self, said: str, wanted: str) -> bool:
        """Whether the answer has one text, which is not empty, where it is asked for."""
        return wanted in said

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """What is wrong with an answer that has some texts and lacks others; "" when nothing is."""
        raise NotImplementedError

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The assertion on one answer. Raises DataError when the row's column has no such text."""
        said = prediction.text.strip()
        faults = [self._fault(self._form(said), wanted) for wanted in self._wanted(example)]
        right = "" in faults
        return Reading(float(right), shown(said), "" if right else faults[0])

    def _fault(self, said: str, wanted: Sequence[str]) -> str:
        there: list[str] = []
        missing: list[str] = []
        for one in wanted:
            form = self._form(one)
            has = self.holds(said, form) if form.strip() else not said
            (there if has else missing).append(one)
        return self.fault(there, missing)

    def _form(self, given: str) -> str:
        return given.casefold() if self._ignore_case else given

    def _wanted(self, example: Example) -> Sequence[Sequence[str]]:
        """Lists of texts of which one must be satisfied: there are several where there are references."""
        if self._given is not None:
            return [self._given]
        if self._column is not None:
            return [column_texts(example, self._column, self._lists)]
        return [
            [answer_text(item) for item in target]
            if self._lists and isinstance(target, list)
            else [answer_text(target).strip()]
            for target in (example.target, *example.references)
        ]


def column_texts(example: Example, name: str, lists: bool) -> list[str]:
    """The texts in a row's column; a list may be written as JSON, as a CSV file has it. Raises
    DataError when there is none."""
    if name not in example.fields:
        raise DataError(
            f"row {example.id!r} has no column {name!r}.{nearest(name, example.fields)}",
            hint=f"Its other columns: {', '.join(example.fields) or 'none'}.",
        )
    value = example.fields[name]
    if lists and isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    items = value if isinstance(value, list) and lists else [value]
    try:
        return [text(name, item) for item in items]
    except ValueError as error:
        raise DataError(
            f"row {example.id!r}: the column {name!r} holds {shown(answer_text(value), 80)}",
            hint=f"A grader reads it: write a text{' or a list of texts' if lists else ''}.",
        ) from error


def _named(found: Sequence[str]) -> str:
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(shown(repr(one), 60) for one in found[:3]) + more


class OneText(Assertion):
    """An assertion on one text."""

    def __init__(
        self, *, value: str | None = None, from_: str | None = None, ignore_case: bool = False
    ) -> None:
        """Raises ValueError for a wrong option."""
        super().__init__("value", None if value is None else (text("value", value),), from_, ignore_case)


class SeveralTexts(Assertion):
    """An assertion on a list of texts."""

    def __init__(
        self, *, values: Sequence[str] | None = None, from_: str | None = None, ignore_case: bool = False
    ) -> None:
        """Raises ValueError for a wrong option."""
        super().__init__("values", None if values is None else texts("values", values), from_, ignore_case)


class Contains(OneText):
    """1 when the answer contains the text, else 0."""

    name = "contains"

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The text, when it is missing."""
        return f"{_named(missing)} is missing" if missing else ""


class ContainsAny(SeveralTexts):
    """1 when the answer contains at least one of the texts, else 0."""

    name = "contains_any"

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The texts, when all are missing."""
        return "" if there else f"none of {_named(missing)}"


class ContainsAll(SeveralTexts):
    """1 when the answer contains every one of the texts, else 0."""

    name = "contains_all"

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The texts that are missing."""
        return f"missing: {_named(missing)}" if missing else ""


class NotContains(SeveralTexts):
    """1 when the answer contains none of the texts, else 0. An empty answer is 0 too."""

    name = "not_contains"

    def __init__(
        self, *, values: Sequence[str] | None = None, from_: str | None = None, ignore_case: bool = False
    ) -> None:
        """Raises ValueError for a wrong option, and when nothing is named."""
        if values is None and from_ is None:
            raise ValueError("needs values (a list of texts) or from (a column)")
        super().__init__(values=values, from_=from_, ignore_case=ignore_case)

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The assertion on one answer, which must say something."""
        found = super().read(example, prediction)
        return found if prediction.text.strip() else Reading(0.0, "")

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The texts that are there."""
        return f"contains {_named(there)}" if there else ""


class StartsWith(OneText):
    """1 when the answer starts with the text, else 0."""

    name = "starts_with"

    def holds(self, said: str, wanted: str) -> bool:
        """Whether it starts so."""
        return said.startswith(wanted.strip())

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The text, when the answer starts otherwise."""
        return f"does not start with {_named(missing)}" if missing else ""


class EndsWith(OneText):
    """1 when the answer ends with the text, else 0."""

    name = "ends_with"

    def holds(self, said: str, wanted: str) -> bool:
        """Whether it ends so."""
        return said.endswith(wanted.strip())

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The text, when the answer ends otherwise."""
        return f"does not end with {_named(missing)}" if missing else ""


class Equals(OneText):
    """1 when the answer is the text, else 0."""

    name = "equals"

    def holds(self, said: str, wanted: str) -> bool:
        """Whether it is that text."""
        return said == wanted.strip()

    def fault(self, there: Sequence[str], missing: Sequence[str]) -> str:
        """The text, when the answer is another."""
        return f"not {_named(missing)}" if missing else ""
