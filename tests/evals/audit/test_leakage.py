"""Columns that tell the answer, and groups on both sides of a split."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evals.audit import revealing_columns, straddling_groups
from evals.data import Data
from evals.types import Example, Json

LABELS = ("billing", "delivery", "returns", "other")


def data(field: Callable[[int, str], Json], n: int = 80) -> Data:
    rows = tuple(
        Example(
            f"r{i}", f"text {i}", LABELS[i * 7 % 11 % 4], fields={"column": field(i, LABELS[i * 7 % 11 % 4])}
        )
        for i in range(n)
    )
    return Data(rows[: n // 2], rows[n // 2 : n * 3 // 4], rows[n * 3 // 4 :])


@pytest.mark.parametrize(
    ("field", "how"),
    [
        (lambda i, label: label, "is"),
        (lambda i, label: label.upper() + " ", "is"),
        (lambda i, label: label if i % 4 else "", "is"),
        (lambda i, label: f"ticket {i}: routed to {label} by hand", "contains"),
    ],
)
def test_a_column_that_holds_the_target_is_named_with_its_share(
    field: Callable[[int, str], Json], how: str
) -> None:
    (found,) = revealing_columns(data(field))
    assert (found.column, found.part, found.how) == ("column", "", how)
    assert found.share == 1


@pytest.mark.parametrize(
    "field",
    [
        lambda i, label: "billing delivery returns other",
        lambda i, label: "billing",
        lambda i, label: LABELS[i % 4],
        lambda i, label: f"un{label}s",
        lambda i, label: None,
        lambda i, label: label if i < 5 else None,
    ],
)
def test_a_column_that_holds_it_by_chance_or_rarely_is_not_named(field: Callable[[int, str], Json]) -> None:
    assert revealing_columns(data(field)) == []


def test_a_part_of_a_json_target_is_found_too() -> None:
    rows = tuple(
        Example(f"r{i}", "x", {"queue": LABELS[i % 4], "note": f"n{i}"}, fields={"team": LABELS[i % 4]})
        for i in range(42)
    )
    (found,) = revealing_columns(Data((), rows[:10], rows[10:]))
    assert (found.column, found.part, found.how) == ("team", "queue", "is")


def test_groups_with_rows_in_several_splits_are_named() -> None:
    def rows(*groups: str | None) -> tuple[Example, ...]:
        return tuple(Example(f"{g}", "x", "y", group=g) for g in groups)

    assert straddling_groups(Data(rows("a", "b", None), rows("c", None), rows("b", "c", "d"))) == ["b", "c"]
