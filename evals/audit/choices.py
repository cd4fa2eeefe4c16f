"""What a task asks to choose: its labels, the enumerated fields of its JSON, or a handful of answers.

Class balance and doubtful labels are told of these; a task with free text has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from evals.data import Data
from evals.output import OutputSpec
from evals.types import Example, Json

FEW = 20
"""So many different answers at most, each in many rows, make a text task a choice."""
SHIFT = 0.1
"""The share of rows that would have to change their value for test to be like train, from which it is
reported, when chance explains it no better than one time in a thousand."""
CHANCE = 0.001


@dataclass(frozen=True)
class Choice:
    """Something with a list of values: how it is called, the values, how to read a row's own."""

    name: str
    values: tuple[str, ...]
    read: Callable[[Example], Json]

    def of(self, row: Example) -> str:
        """The row's value as text."""
        return str(self.read(row))


@dataclass(frozen=True)
class Balance:
    """How often each value stands in each split, commonest first. `shift` is the total variation
    distance of train and test, None where chance explains it or one of them is missing."""

    name: str
    counts: dict[str, dict[str, int]]
    shift: float | None


def choices(output: OutputSpec, rows: Sequence[Example] = ()) -> Iterator[Choice]:
    """The label, each enumerated field of a JSON object, or the few answers that the rows have."""
    if output.labels:
        yield Choice("the label", tuple(output.labels), _target)
    for name, part in ((output.schema or {}).get("properties") or {}).items():
        if isinstance(part, dict) and isinstance(part.get("enum"), list) and len(part["enum"]) > 1:
            yield Choice(name, tuple(str(value) for value in part["enum"]), partial(_field, name))
    if output.format == "text" and rows and all(isinstance(row.target, str) for row in rows):
        there = Counter(str(row.target) for row in rows)
        if 1 < len(there) <= min(FEW, len(rows) / FEW):
            yield Choice("the answer", tuple(sorted(there)), _target)


def _target(row: Example) -> Json:
    return row.target


def _field(name: str, row: Example) -> Json:
    return row.target.get(name) if isinstance(row.target, dict) else None


def balance(choice: Choice, data: Data) -> Balance:
    """The counts of a choice's values, and whether test has others than train."""
    there = {split: Counter(map(choice.of, getattr(data, split))) for split in ("train", "dev", "test")}
    counts = {split: dict(counter.most_common()) for split, counter in there.items() if counter}
    return Balance(choice.name, counts, _shift(there["train"], there["test"]))


def _shift(train: Counter[str], test: Counter[str]) -> float | None:
    n, m = train.total(), test.total()
    both = [value for value in {**train, **test} if train[value] + test[value] >= 5]
    if not n or not m or len(both) < 2:
        return None
    distance = sum(abs(train[value] / n - test[value] / m) for value in {**train, **test}) / 2
    if distance < SHIFT:
        return None
    from scipy.stats import chi2_contingency

    table = [[train[value] for value in both], [test[value] for value in both]]
    unlikely = all(map(sum, table)) and chi2_contingency(table).pvalue < CHANCE
    return round(distance, 4) if unlikely else None
