"""McNemar's tests and Tango's interval against other code and published tables."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar

from evals.stats.mcnemar import Discordant, discordant, score_statistic, tango
from evals.stats.sample import sample_of
from evals.stats.worst_row import worst_row_chance

# Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) and BMC Medical Research Methodology
# 13:91 (2013): airway hyper-responsiveness (Bentur et al. 2009), complete response (Cavo et al. 2012).
BENTUR, CAVO = Discordant(1, 7, 21), Discordant(6, 16, 161)
counts = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 60)).map(
    lambda three: Discordant(three[0], three[1], sum(three))
)


def test_tangos_interval_is_that_of_the_published_tables() -> None:
    found = [tango(rows, 0.95) for rows in (BENTUR, CAVO)]
    assert (found[0].low, found[0].high) == pytest.approx((-0.517, -0.026), abs=5e-4)
    assert (found[1].low, found[1].high) == pytest.approx((-0.1240, -0.0054), abs=5e-5)
    third = tango(Discordant(28, 25, 618), 0.9)  # PropCIs::scoreci.mp(25, 28, 618, 0.9)
    assert (third.low, third.high) == pytest.approx((-0.0148, 0.0247), abs=5e-5)


def test_p_values_are_those_of_the_published_tables() -> None:
    assert (BENTUR.exact, BENTUR.mid_p) == pytest.approx((0.0703, 0.0391), abs=5e-5)
    assert (CAVO.exact, CAVO.mid_p) == pytest.approx((0.0525, 0.034690), abs=5e-5)


@settings(max_examples=60)
@given(counts)
def test_the_exact_test_is_that_of_statsmodels(rows: Discordant) -> None:
    table = [[0, rows.better], [rows.worse, 0]]
    theirs = mcnemar(table, exact=True).pvalue if rows.better + rows.worse else 1.0
    assert rows.exact == pytest.approx(min(theirs, 1.0))
    assert 0 < rows.mid_p <= min(1.0, rows.exact + 1e-12)


@settings(max_examples=60)
@given(counts)
def test_at_no_difference_the_score_is_mcnemars(rows: Discordant) -> None:
    off = rows.better + rows.worse
    theirs = (rows.better - rows.worse) / math.sqrt(off) if off else 0.0
    assert score_statistic(rows, 0.0) == pytest.approx(theirs, abs=1e-6)


@settings(max_examples=60)
@given(counts)
def test_the_ends_are_where_the_score_test_turns_and_turn_with_the_approaches(rows: Discordant) -> None:
    found, back = tango(rows, 0.95), tango(Discordant(rows.worse, rows.better, rows.n), 0.95)
    assert found.low is not None and found.high is not None and found.value is not None
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-(back.high or 0), -(back.low or 0)), abs=1e-9)
    for end, sign in ((found.low, 1), (found.high, -1)):
        if abs(end) < 1:
            assert sign * score_statistic(rows, end) == pytest.approx(1.959964, abs=1e-4)


def test_without_disagreement_the_interval_is_that_of_a_score_test_of_nothing() -> None:
    found, z2 = tango(Discordant(0, 0, 50), 0.95), 1.959964**2
    assert (found.low, found.high) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)), abs=1e-6)
    assert Discordant(0, 0, 50).mid_p == 1


@settings(max_examples=60)
@given(counts)
def test_the_bound_with_an_unseen_worst_row_is_the_exact_test_at_no_difference(rows: Discordant) -> None:
    changes = [1.0] * rows.better + [-1.0] * rows.worse + [0.0] * (rows.n - rows.better - rows.worse)
    chance = worst_row_chance(sample_of(changes, floor=-1.0), 0.0)
    assert chance == pytest.approx(rows.exact_better, abs=1e-4)


def test_only_right_and_wrong_can_disagree() -> None:
    assert discordant([1, 0, 1], [0, 0, 1]) == Discordant(1, 0, 3)
    with pytest.raises(ValueError, match="0 and 1"):
        discordant([0.5], [1])
    with pytest.raises(ValueError, match="zip"):
        discordant([1], [])
    assert tango(discordant([], []), 0.95).value is None
