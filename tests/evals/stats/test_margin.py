"""What an interval shows against a margin."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from evals.stats.margin import against
from evals.stats.paired import difference
from evals.types import Interval


def _gap(low: float | None, high: float | None) -> Interval:
    return Interval(0.0, low, high, 100, 100, 0.9)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.01, 0.08, (True, True, False, False)),
        (-0.01, 0.01, (False, True, False, True)),
        (-0.03, 0.04, (False, False, False, False)),
        (-0.03, -0.005, (False, False, True, False)),
        (-0.015, -0.005, (False, True, True, True)),
        (None, None, (False, False, False, False)),
    ],
)
def test_each_answer_is_one_bound_on_one_side(
    low: float | None, high: float | None, shown: tuple[bool, ...]
) -> None:
    found = against(_gap(low, high), 0.02)
    assert (found.superior, found.non_inferior, found.inferior, found.equivalent) == shown


def test_where_less_is_better_the_sides_change() -> None:
    assert against(_gap(-0.05, -0.01), 0.02, higher_is_better=False).superior
    assert against(_gap(0.01, 0.05), 0.02, higher_is_better=False).inferior


@pytest.mark.parametrize("margin", [-0.01, float("nan"), float("inf")])
def test_a_margin_below_nothing_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        against(_gap(0, 0), margin)


@pytest.mark.parametrize("margin", [0.02, 0.08])
def test_equivalence_is_called_as_two_one_sided_t_tests_do_on_many_even_differences(margin: float) -> None:
    rng = np.random.default_rng(5)
    hard = rng.beta(5, 2, 400)
    a, b = np.clip(hard[:, None] + rng.normal(0, 0.15, (400, 2)), 0, 1).T
    p = ttost_paired(a, b, -margin, margin)[0]
    assert min(p, abs(p - 0.05)) > 0.02 or p < 0.001
    assert against(difference(a.tolist(), b.tolist(), 0.9), margin).equivalent == (p < 0.05)
