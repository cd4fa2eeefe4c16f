"""Two approaches on one metric: what is paired, what missing rows could do, how many rows would settle it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.differences import amount_contrast, paired, rows_to_settle_difference, share_contrast
from evals.task import Prices
from evals.types import Usage
from tests.evals.measurements import Asked, a_row, approach, rows_of, share

SCORES = st.none() | st.sampled_from([0.0, 0.5, 1.0])


def pairs(first: list[float | None], second: list[float | None], **more: object) -> list:  # type: ignore[type-arg]
    return paired(rows_of(first, **more), rows_of(second, **more))


def test_rows_are_paired_by_id_and_repeat() -> None:
    first = [a_row("a", {"exact": 1.0}), a_row("a", {"exact": 0.0}, repeat=1), a_row("b", {"exact": 1.0})]
    second = [a_row("a", {"exact": 0.5}, repeat=1), a_row("a", {"exact": 0.2}), a_row("c", {"exact": 1.0})]
    found = [(a.scores["exact"].value, b.scores["exact"].value) for a, b in paired(first, second)]
    assert found == [(1.0, 0.2), (0.0, 0.5)]


def test_right_or_wrong_rows_are_held_by_mcnemar() -> None:
    found = share_contrast("exact", pairs([*share(70, 80)], [*share(60, 80)]), 0.9)
    assert (found.first, found.second, found.better, found.worse) == (0.875, 0.75, 10, 0)
    assert found.test == "McNemar"
    assert found.p == pytest.approx(2 / 2**10)
    assert found.difference.value == pytest.approx(0.125)
    assert found.difference.low is not None and found.difference.low > 0


def test_a_pooled_metric_counts_rows_in_which_the_part_occurs() -> None:
    first = [a_row(f"r{i}", {"j": 1.0}, counts={"micro": (2.0, 3.0)}) for i in range(60)]
    second = [a_row(f"r{i}", {"j": 1.0}, counts={"micro": (1.0, 2.0)}) for i in range(60)]
    found = share_contrast("j.micro", paired(first, second), 0.9)
    assert found.first == pytest.approx(2 / 3)
    assert found.second == pytest.approx(0.5)
    assert (found.better, found.p) == (60, None)


def test_missing_rows_are_tried_both_ways() -> None:
    found = share_contrast("exact", pairs([1.0, 1.0, None, 0.0], [1.0, 0.0, 1.0, None]), 0.9)
    assert found.missing == 2
    assert found.difference.value == 0.5
    assert found.lowest is not None and found.highest is not None
    assert found.lowest.value == pytest.approx((0 + 1 - 1 - 1) / 4)
    assert found.highest.value == pytest.approx((0 + 1 + 0 + 0) / 4)


def test_an_error_rate_is_of_all_rows() -> None:
    found = share_contrast("error_rate", pairs([None, 1.0, 1.0], [1.0, 1.0, 1.0]), 0.9)
    assert (found.missing, found.first, found.second) == (0, pytest.approx(1 / 3), 0.0)


def test_without_rows_there_is_no_difference() -> None:
    found = share_contrast("exact", [], 0.9)
    assert (found.difference.value, found.difference.n, found.first) == (None, 0, None)


def test_tokens_are_compared_by_row_and_money_needs_a_price() -> None:
    a = approach("a", rows_of([1.0] * 20, usage=Usage(100, 0, 10, 1)))
    b = approach("b", [a_row(f"r{i}", {"exact": 1.0}, usage=Usage(60 + i, 0, 10, 1)) for i in range(20)])
    both = paired(a.rows["dev"], b.rows["dev"])
    found = amount_contrast("tokens_in", a, b, both, Asked(()), 0.9)
    assert found.difference.value == pytest.approx(100 - 69.5)
    assert found.difference.low is not None and found.difference.low > 25
    assert amount_contrast("usd_per_1k", a, b, both, Asked(()), 0.9).first is None
    priced = amount_contrast("usd_per_1k", a, b, both, Asked((), prices=Prices(1.0, 1.0)), 0.9)
    assert priced.first == pytest.approx(0.11)


def test_latency_is_compared_by_its_values() -> None:
    a, b = approach("a", [1.0], latency=(1.0,) * 60), approach("b", [1.0], latency=(0.5,) * 60)
    found = amount_contrast("p95_seconds", a, b, paired(a.rows["dev"], b.rows["dev"]), Asked(()), 0.9)
    assert (found.difference.value, found.difference.low, found.difference.n) == (0.5, None, 60)


def test_the_rows_that_would_settle_it_do() -> None:
    mix: list[tuple[float, float]] = [(1, 1)] * 47 + [(0, 1)] * 2 + [(1, 0)]
    first, second = [float(a) for a, _ in mix], [float(b) for _, b in mix]
    needed = rows_to_settle_difference("exact", pairs([*first], [*second]), 0.05, 0.05)
    assert needed is not None and needed > 50
    times = needed // 50 + 1
    found = share_contrast("exact", pairs(first * times, second * times), 0.9)
    assert found.difference.low is not None and found.difference.low > -0.05
    assert rows_to_settle_difference("exact", [], 0.05, 0.05) is None


def test_what_is_worse_is_settled_as_worse() -> None:
    needed = rows_to_settle_difference("exact", pairs([*share(9, 20)], [*share(11, 20)]), 0.05, 0.05)
    assert needed is not None
    times = needed // 20 + 1
    found = share_contrast("exact", pairs([*share(9, 20)] * times, [*share(11, 20)] * times), 0.9)
    assert found.difference.high is not None and found.difference.high < 0


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.none() | st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 1.0])), max_size=40
    )
)
def test_missing_rows_widen_and_never_narrow_what_could_be(
    scores: list[tuple[float | None, float | None]],
) -> None:
    found = share_contrast("exact", pairs([a for a, _ in scores], [b for _, b in scores]), 0.9)
    if found.missing:
        assert found.lowest is not None and found.highest is not None
        assert found.lowest.value is not None and found.highest.value is not None
        assert found.lowest.value <= found.highest.value
