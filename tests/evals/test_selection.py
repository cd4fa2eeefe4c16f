"""From dev to test, and the figure that settings are raced by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.selection import figure, judge_on_dev, shortlist, with_pairs, worst_margin
from evals.types import Requirement
from tests.evals.measurements import Asked, a_row, approach, quality, rows_of, share

TASK = Asked((quality(0.8),))
scores = st.lists(st.floats(0, 1) | st.none(), min_size=1, max_size=30)


def test_the_cheapest_that_meets_everything_and_the_best_margin_go_to_test() -> None:
    measured = [
        approach("bad", share(5, 60)),
        approach("meets", share(50, 60)),
        approach("better", share(52, 60)),
        approach("best", share(58, 60)),
    ]
    assert shortlist(TASK, measured) == ("#meets", "#best")


def test_one_goes_when_it_is_both() -> None:
    assert shortlist(TASK, [approach("a", share(58, 60)), approach("b", share(55, 60))]) == ("#a",)


def test_where_none_meets_the_best_margin_goes_if_it_is_undecided() -> None:
    measured = [approach("a", share(44, 60)), approach("b", share(47, 60)), approach("c", share(5, 60))]
    assert shortlist(TASK, measured) == ("#b",)


def test_no_test_row_is_touched_when_all_miss_on_dev() -> None:
    assert shortlist(TASK, [approach("a", share(5, 60)), approach("b", share(20, 60))]) == ()
    assert shortlist(TASK, []) == ()


def test_only_scored_approaches_are_chosen() -> None:
    measured = [
        approach("gone", [], state="not applicable"),
        approach("broken", [], state="failed"),
        approach("half", [1.0] * 60, state="incomplete"),
    ]
    assert shortlist(TASK, measured) == ()


def test_advisory_requirements_choose_nothing() -> None:
    task = Asked((quality(0.8, tier="advisory"),))
    assert shortlist(task, [approach("a", share(1, 60)), approach("b", share(60, 60))]) == ("#a",)


def test_a_latency_that_is_timed_later_does_not_keep_an_approach_from_test() -> None:
    task = Asked((quality(0.8), Requirement("p95_seconds", "latency", at_most=1.0)))
    assert shortlist(task, [approach("a", [1.0] * 60)]) == ("#a",)
    assert shortlist(task, [approach("a", [1.0] * 60, latency=(2.0,) * 9)]) == ()


def test_a_row_without_an_answer_counts_as_failed_in_the_choice() -> None:
    measured = [approach("a", [*share(49, 60), None, None, None]), approach("b", share(51, 63))]
    assert shortlist(TASK, measured) == ("#b",)


def test_one_row_in_error_does_not_keep_an_approach_from_test() -> None:
    assert shortlist(TASK, [approach("a", [*share(53, 60), None])]) == ("#a",)


def test_the_worst_margin_is_over_all_requirements_in_standard_errors() -> None:
    task = Asked((quality(0.5, "a"), quality(0.5, "b")))
    rows = [a_row(f"{i}", {"a": 1.0, "b": float(i % 2)}) for i in range(50)]
    assert abs(worst_margin(task, judge_on_dev(task, approach("x", rows)))) < 1e-9
    assert worst_margin(Asked(()), ()) == float("inf")


@given(scores, scores)
def test_every_two_settings_can_be_ranked(first: list[float | None], second: list[float | None]) -> None:
    a, b = figure(TASK, rows_of(first)), figure(TASK, rows_of(second))
    assert (a <= b) or (b <= a)
    assert -1 <= a < 1.1


def test_progress_far_below_the_threshold_is_rewarded() -> None:
    assert figure(TASK, rows_of([0.1] * 20)) < figure(TASK, rows_of([0.2] * 20))


def test_a_surplus_pays_for_no_shortfall_but_breaks_ties() -> None:
    task = Asked((quality(0.5, "a"), quality(0.5, "b")))
    lopsided = [a_row(f"{i}", {"a": 1.0, "b": 0.3}) for i in range(20)]
    balanced = [a_row(f"{i}", {"a": 0.5, "b": 0.4}) for i in range(20)]
    assert figure(task, lopsided) < figure(task, balanced)
    assert figure(TASK, rows_of([0.85] * 20)) < figure(TASK, rows_of([0.95] * 20))


def test_failing_to_answer_wins_nothing() -> None:
    assert figure(TASK, rows_of([0.7, None])) < figure(TASK, rows_of([0.7, 0.1]))
    most = Asked((Requirement("exact", "quality", at_most=0.2),))
    assert figure(most, rows_of([0.1, None])) < figure(most, rows_of([0.1, 0.9]))
    assert figure(TASK, []) == -1.0
    assert figure(TASK, rows_of([None])) == 0.0


def test_without_a_requirement_the_mean_score_ranks() -> None:
    assert figure(Asked(()), rows_of([0.2])) < figure(Asked(()), rows_of([0.3]))


def test_pairs_of_answers_count_as_one_requirement_beside_the_rows() -> None:
    liked = Requirement("preference_accuracy", "quality", at_least=0.8)
    task = Asked((quality(0.8), liked))
    rows = rows_of([0.4] * 20)
    half = [a_row(f"p{i}", {"preference_accuracy": float(i % 2)}) for i in range(10)]
    graded = figure(task, rows)
    assert graded == figure(TASK, rows)
    assert with_pairs(task, graded, half) == pytest.approx((0.5 + 0.5 / 0.8) / 2, abs=1e-5)
    assert with_pairs(task, graded, []) == graded
    assert with_pairs(TASK, graded, half) == graded
    alone = Asked((liked,))
    assert with_pairs(alone, figure(alone, rows), half) == pytest.approx(0.5 / 0.8, abs=1e-5)
    assert with_pairs(alone, figure(alone, rows_of([0.9])), half) > with_pairs(
        alone, figure(alone, rows), half
    )
