"""The rule: met, not met, insufficient evidence, error."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.status import Judgement, Trial, figure_text, judge
from evals.task import Prices
from evals.types import Requirement
from tests.evals.measurements import Asked, a_row, approach, quality, rows_of, share

TASK = Asked(())
DEV = Trial("dev", 0.05, 0.05, 0.0125)
TEST = Trial("test", 0.0125, 0.05, 0.0125)


def _on_dev(requirement: Requirement, scores: list[float | None], trial: Trial = DEV) -> Judgement:
    return judge(requirement, approach("a", scores), trial, TASK)


def _on_test(requirement: Requirement, scores: list[float | None], trial: Trial = TEST) -> Judgement:
    return judge(requirement, approach("a", [], scores), trial, TASK)


def test_met_when_the_lower_bound_reaches_the_threshold() -> None:
    status = _on_test(quality(0.95), [1.0] * 86).status
    assert status.status == "met"
    assert status.low is not None
    assert status.low >= 0.95
    assert "reaches 0.95 (one-sided error 1.25 %)" in status.why
    assert _on_test(quality(0.95), [1.0] * 85).status.status == "insufficient evidence"


def test_a_look_is_stricter_than_dev() -> None:
    scores: list[float | None] = [1.0] * 60
    assert _on_dev(quality(0.95), scores).status.status == "met"
    assert _on_test(quality(0.95), scores).status.status == "insufficient evidence"


def test_not_met_uses_the_opposite_bound_at_the_full_error() -> None:
    scores: list[float | None] = [*share(30, 45)]
    strict = Trial("test", 0.0125, 0.0125, 0.0125)
    assert _on_test(quality(0.79), scores).status.status == "not met"
    assert _on_test(quality(0.79), scores, strict).status.status == "insufficient evidence"


def test_at_most_is_the_mirror() -> None:
    least, most = quality(0.9), Requirement("exact", "quality", at_most=0.1)
    for right in (0, 20, 70, 76, 79, 80):
        up = _on_test(least, [*share(right, 80)]).status
        down = _on_test(most, [1 - s for s in share(right, 80)]).status
        assert up.status == down.status
        assert up.needed_n == pytest.approx(down.needed_n, abs=1) if up.needed_n else down.needed_n is None


def test_insufficient_evidence_says_how_many_rows_would_settle_it() -> None:
    near = _on_test(quality(0.8), [*share(85, 100)]).status
    assert near.status == "insufficient evidence"
    assert near.needed_n is not None
    assert near.needed_n > 100
    assert f"about {near.needed_n} rows would settle it as met" in near.why
    below = _on_test(quality(0.8), [*share(77, 100)]).status
    assert below.needed_n is not None
    assert "would settle it as not met" in below.why
    equal = _on_test(quality(0.8), [*share(80, 100)]).status
    assert equal.needed_n is None
    assert "no number of rows" in equal.why


def test_missing_rows_do_not_matter_when_it_is_met_without_them() -> None:
    status = _on_test(quality(0.8), [*share(99, 100), None]).status
    assert status.status == "met"
    assert "missing rows counted as failed too" in status.why


def test_missing_rows_that_could_matter_are_an_error() -> None:
    judgement = _on_test(quality(0.95), [*[1.0] * 90, None])
    assert judgement.status.status == "error"
    assert (judgement.best, judgement.worst) == ("met", "insufficient evidence")
    assert "1 of 91 rows have no answer" in judgement.status.why


def test_rows_never_predicted_are_missing_too() -> None:
    short = approach("a", [], [1.0] * 90, expected={"dev": 0, "test": 100})
    assert judge(quality(0.95), short, TEST, TASK).status.status == "error"
    none = approach("a", [], [], expected={"dev": 0, "test": 100})
    judgement = judge(quality(0.95), none, TEST, TASK)
    assert (judgement.status.status, judgement.best, judgement.worst) == ("error", "met", "not met")


def test_for_at_most_a_missing_row_counts_as_one() -> None:
    most = Requirement("exact", "quality", at_most=0.05)
    assert _on_test(most, [*[0.0] * 90, None, None]).status.status == "error"
    assert _on_test(most, [*[0.0] * 200, None]).status.status == "met"


def test_what_bars_met_leaves_the_evidence_insufficient_and_not_met_as_it_is() -> None:
    spent = replace(TEST, barred="test set spent")
    good = _on_test(quality(0.8), [1.0] * 100, spent).status
    assert (good.status, good.needed_n) == ("insufficient evidence", 20)
    assert "test set spent" in good.why
    assert _on_test(quality(0.8), [0.0] * 100, spent).status.status == "not met"


def test_fewer_than_twenty_groups_never_show_that_it_is_met() -> None:
    few = approach("a", [], [a_row(f"{i}", {"exact": 1.0}, group=f"g{i % 19}") for i in range(190)])
    judgement = judge(quality(0.5), few, TEST, TASK)
    assert judgement.status.status == "insufficient evidence"
    assert "fewer than 20 groups" in judgement.status.why
    enough = approach("a", [], [a_row(f"{i}", {"exact": 1.0}, group=f"g{i % 20}") for i in range(200)])
    assert judge(quality(0.5), enough, TEST, TASK).status.status == "met"


def test_point_values_decide_when_the_team_says_so() -> None:
    point = replace(TEST, point=True)
    assert _on_test(quality(0.8), [*share(8, 10)], point).status.status == "met"
    missed = _on_test(quality(0.8), [*share(7, 10)], point).status
    assert missed.status == "not met"
    assert "decided on the value alone" in missed.why


def test_a_slice_is_judged_on_its_own_rows() -> None:
    rows = rows_of([1.0] * 60, fields={"lang": "de"}) + rows_of([0.0] * 60, start=60, fields={"lang": "en"})
    german = judge(quality(0.9, where={"lang": "de"}), approach("a", rows), DEV, TASK).status
    assert (german.status, german.n, german.value) == ("met", 60, 1.0)


def test_a_slice_without_rows_is_insufficient_evidence() -> None:
    status = _on_dev(quality(0.9, where={"lang": "fr"}), [1.0] * 50).status
    assert (status.status, status.value, status.n, status.needed_n) == ("insufficient evidence", None, 0, 42)


def test_amounts_are_decided_as_measured() -> None:
    limit = Requirement("p95_seconds", "latency", at_most=2.0)
    fast = approach("a", [1.0], latency=(1.0,) * 60)
    assert judge(limit, fast, DEV, TASK).status.status == "met"
    slow = approach("a", [1.0], latency=(3.0,) * 60)
    status = judge(limit, slow, DEV, TASK).status
    assert status.status == "not met"
    assert status.why == "3 measured on 60 requests; wanted at most 2"


def test_what_was_not_timed_is_open_on_dev_and_an_error_once_judged() -> None:
    limit = Requirement("p95_seconds", "latency", at_most=2.0)
    assert _on_dev(limit, [1.0]).status.status == "insufficient evidence"
    judgement = _on_test(limit, [1.0])
    assert (judgement.status.status, judgement.best, judgement.worst) == ("error", "met", "not met")


def test_an_accepted_output_that_never_came_costs_too_much() -> None:
    task = Asked((), prices=Prices(1.0, 1.0))
    limit = Requirement("usd_per_1k_accepted", "cost", at_most=100.0)
    status = judge(limit, approach("a", [0.0, 0.0]), DEV, task).status
    assert (status.status, status.value) == ("not met", None)


FORGETTING = Requirement("forgetting_loss", "forgetting", at_most=0.1, tier="advisory")


def test_what_was_forgotten_is_decided_as_measured_with_its_interval_over_passages() -> None:
    passages = [[192, 3.0, 3.1 + n / 100] for n in range(24)]
    record = {"forgetting": {"before": 3.0, "after": 3.215, "loss": 0.215, "passages": passages}}
    tuned = replace(approach("a", [1.0]), kind="tuned", training=record)
    status = judge(FORGETTING, tuned, DEV, TASK).status
    assert (status.status, status.value, status.n) == ("not met", 0.215, 24)
    assert status.low is not None and status.high is not None
    assert 0.15 < status.low < 0.215 < status.high < 0.28
    assert status.why == "0.215 nats a token on 24 passages of general text; wanted at most 0.1"
    asked = {"forgetting": {**record["forgetting"], "task": "trivia", "metric": "acc"}}
    status = judge(FORGETTING, replace(tuned, training=asked), DEV, TASK).status
    assert status.why == "acc fell by 0.215 on 24 rows of trivia; wanted at most 0.1"
    gentle = {"forgetting": {"before": 3.0, "after": 2.98, "loss": -0.02}}
    assert judge(FORGETTING, replace(tuned, training=gentle), DEV, TASK).status.status == "met"


def test_a_baseline_forgets_nothing_and_an_unknown_training_may_have() -> None:
    status = _on_test(FORGETTING, [1.0]).status
    assert (status.status, status.value) == ("met", 0.0)
    assert status.why == "nothing moved its weights; wanted at most 0.1"
    unknown = replace(approach("a", [1.0]), kind="tuned")
    assert judge(FORGETTING, unknown, DEV, TASK).status.status == "insufficient evidence"


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 0.9, 1.0]), min_size=1, max_size=120),
    st.integers(1, 80),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_more_right_rows_never_turn_met_into_not_met(scores: list[float], more: int, bound: float) -> None:
    before = _on_dev(quality(bound), [*scores]).status.status
    after = _on_dev(quality(bound), [*scores, *[1.0] * more]).status.status
    assert (before, after) != ("met", "not met")


SHAPES = st.sampled_from([(0.0, 1.0), (0.0, 0.5, 1.0), (0.7, 0.9, 1.0)])


@settings(max_examples=80)
@given(st.data(), SHAPES, st.integers(0, 60), st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from([1, 4]))
def test_more_of_the_same_direction_never_turns_met_into_not_met(
    data: st.DataObject, levels: tuple[float, ...], more: int, bound: float, size: int
) -> None:
    """At least and at most, graded or not, alone or in groups, on test at a look's error: rows that are
    all right, scores that only rise, and the same mix over again."""
    scores = data.draw(st.lists(st.sampled_from(levels), min_size=1, max_size=90))
    risen = [max(score, data.draw(st.sampled_from(levels))) for score in scores]
    for after in (scores + [1.0] * more, risen, scores * 3):
        for requirement, turn in (
            (quality(bound), False),
            (Requirement("exact", "quality", at_most=1 - bound), True),
        ):
            names = [
                _on_rows(requirement, [1 - s if turn else s for s in values], size)
                for values in (scores, after)
            ]
            assert names != ["met", "not met"]


def _on_rows(requirement: Requirement, scores: list[float], size: int) -> str:
    rows = [
        a_row(f"r{i}", {"exact": s}, group=f"g{i // size}" if size > 1 else None)
        for i, s in enumerate(scores)
    ]
    return judge(requirement, approach("a", [], rows), TEST, TASK).status.status


def test_repeats_of_a_row_are_one_unit_however_often_it_is_asked() -> None:
    rows = [a_row(f"r{i}", {"exact": 1.0}, repeat=n) for i in range(19) for n in range(10)]
    judgement = judge(quality(0.5), approach("a", [], rows), TEST, TASK)
    assert judgement.status.status == "insufficient evidence"
    assert "190 rows in 19 groups" in judgement.status.why


@settings(max_examples=60)
@given(st.lists(st.none() | st.sampled_from([0.0, 0.5, 1.0]), max_size=80), st.sampled_from([0.3, 0.8, 0.95]))
def test_the_worst_case_is_never_better_than_the_best(scores: list[float | None], bound: float) -> None:
    order = ["not met", "insufficient evidence", "met"]
    judgement = _on_dev(quality(bound), scores)
    assert order.index(judgement.worst) <= order.index(judgement.best)
    if None not in scores:
        assert judgement.worst == judgement.best == judgement.status.status


def test_figures_take_the_digits_that_set_them_apart() -> None:
    assert figure_text(0.61, 0.8) == "0.61"
    assert figure_text(0.7996, 0.8) == "0.7996"
    assert figure_text(0.8, 0.8) == "0.80"
