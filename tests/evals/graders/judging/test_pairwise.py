"""Two answers are compared in both orders; a judge that leans to a place prefers nobody."""

from __future__ import annotations

import pytest

from evals.types import Request
from tests.evals.graders.judging.courts import court, graded, judge, says, shown


def longer(request: Request) -> str:
    first, second = shown(request, "first answer"), shown(request, "second answer")
    return says("tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second")


def test_the_answer_wins_loses_or_ties_against_the_gold_answer() -> None:
    found = graded(judge("pairwise"), court(longer), "longer than gold", "no", "four", "gold")
    assert [(s.value, s.failure) for s in found] == [(1, None), (0, "wrong"), (0.5, None), (0.5, None)]
    assert [s.counts["win"][0] for s in found] == [1, 0, 0, 0]
    assert [s.counts["agreed"][0] for s in found] == [1, 1, 1, 1]


@pytest.mark.parametrize("place", ["first", "second"])
def test_a_judge_that_always_takes_the_same_place_gives_a_tie(place: str) -> None:
    (score,) = graded(judge("pairwise"), court(lambda r: says(place)), "other words")
    assert (score.value, score.counts["agreed"], score.answer) == (
        0.5,
        (0, 1),
        "a tie: the two orders disagree",
    )


def test_both_orders_are_asked_and_paid_for() -> None:
    models = court(longer)
    (score,) = graded(judge("pairwise"), models, "words")
    one, other = models.model.asked
    assert shown(one, "first answer") == shown(other, "second answer") == "words"
    assert score.usage.calls == 2


def test_the_other_answer_may_stand_in_a_column() -> None:
    models = court(longer)
    graded(judge("pairwise", **{"from": "rival"}), models, "words")
    assert shown(models.model.asked[0], "second answer") == "rival 0"


def test_one_unread_order_leaves_the_pair_unjudged() -> None:
    models = court(lambda r: "Hm." if shown(r, "first answer") == "gold" else longer(r))
    (score,) = graded(judge("pairwise"), models, "longer than gold")
    assert (score.judged, score.counts) == (False, {})
    assert score.usage.calls == 1 + 3


def test_the_same_text_is_a_tie_and_nothing_at_all_loses_without_a_call() -> None:
    models = court(lambda r: pytest.fail("asked"))
    same, empty = graded(judge("pairwise"), models, "gold", " ")
    assert (same.value, empty.value, empty.failure) == (0.5, 0, "format")
