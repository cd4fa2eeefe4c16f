"""Which rows each way of choosing shots takes."""

from __future__ import annotations

from collections import Counter

import pytest

from baselines.shot_sets import (
    POOL,
    SET,
    TURNS,
    balanced,
    by_gain,
    diverse,
    drawn,
    gain_sets,
    orders,
)
from evals.models import Loader
from evals.output import OutputSpec
from evals.types import Example
from tests.baselines.rungs import LABELLED, ROWS

LABELS = OutputSpec("labels", labels=("good", "bad"))
TOPICS = (
    "the parcel never arrived at my door",
    "I cannot log in to my account",
    "the invoice charged me twice",
)


def test_a_draw_does_not_depend_on_the_order_of_the_file() -> None:
    assert drawn(ROWS, 4) == drawn(ROWS[::-1], 4)
    assert drawn(ROWS, 4, 0) != drawn(ROWS, 4, 1)
    assert drawn(ROWS, 4) == drawn(ROWS, 8)[:4]


def test_labels_take_turns_the_commonest_first() -> None:
    chosen = balanced(LABELLED, 5, LABELS)
    assert [row.target for row in chosen] == ["good", "bad", "good", "bad", "good"]
    assert balanced(LABELLED[::-1], 5, LABELS) == chosen


def test_more_shots_than_a_rare_label_has_rows_are_filled_with_others() -> None:
    assert Counter(row.target for row in balanced(LABELLED, 20, LABELS)) == {"good": 14, "bad": 6}


def test_records_are_balanced_by_their_first_enumerated_field_and_free_text_not_at_all() -> None:
    schema = {"properties": {"note": {"type": "string"}, "team": {"enum": ["a", "b"]}}}
    rows = [Example(str(n), "x", {"team": "ab"[n % 5 == 0], "note": "n"}) for n in range(20)]
    teams = [row.target["team"] for row in balanced(rows, 4, OutputSpec("json", schema))]  # type: ignore[index,call-overload]
    assert sorted(teams) == ["a", "a", "b", "b"]
    assert balanced(ROWS, 4, OutputSpec("text")) == ()


def test_diverse_shots_come_one_from_each_topic_whatever_the_order(models: Loader) -> None:
    rows = [Example(f"{t}{n}", f"{text}, number {n}", "x") for t, text in enumerate(TOPICS) for n in range(6)]
    found = diverse(rows, 3, models.embedder("minilm"))
    assert {row.id[0] for row in found} == {"0", "1", "2"}
    assert diverse(rows[::-1], 3, models.embedder("minilm")) == found


def test_fewer_rows_than_shots_are_all_taken(models: Loader) -> None:
    found = diverse(ROWS[:2], 3, models.embedder("minilm"))
    assert {row.id for row in found} == {"r0", "r1"}


def test_each_row_of_the_pool_stands_in_as_many_sets_and_the_rows_of_good_sets_win() -> None:
    sets = list(gain_sets(ROWS[:POOL], 0))
    assert Counter(row.id for shown in sets for row in shown) == dict.fromkeys(
        (r.id for r in ROWS[:POOL]), TURNS
    )
    assert {len(shown) for shown in sets} == {SET}
    best = ROWS[3]
    assert by_gain([(shown, float(best in shown)) for shown in sets], 2)[-1] == best


@pytest.mark.parametrize("count", [1, 2, 5])
def test_orders_are_of_the_same_shots_no_order_twice(count: int) -> None:
    found = orders(tuple(ROWS[:4]), count, 0)
    ids = [tuple(row.id for row in shown) for shown in found.values()]
    assert len(ids) == len(set(ids)) == count
    assert all(sorted(order) == sorted(ids[0]) for order in ids)
    assert found["as chosen"] == tuple(ROWS[:4])


def test_few_shots_have_few_orders() -> None:
    assert len(orders(tuple(ROWS[:1]), 4, 0)) == 1
    assert len(orders(tuple(ROWS[:2]), 4, 0)) == 2
