from __future__ import annotations

from threading import Event

import pytest

from evals.models.lanes import AHEAD, in_lanes


def double(number: int, stop: Event) -> int:
    return 2 * number


@pytest.mark.parametrize("lanes", [1, 3, 50])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_every_item_has_one_result(count: int, lanes: int) -> None:
    assert sorted(in_lanes(double, range(count), lanes)) == [2 * n for n in range(count)]


def test_one_lane_keeps_the_order() -> None:
    assert list(in_lanes(double, range(50), 1)) == [2 * n for n in range(50)]


def test_an_exception_is_raised_where_the_results_are_taken() -> None:
    def fails(number: int, stop: Event) -> int:
        if number == 3:
            raise LookupError("three")
        return number

    got: list[int] = []
    with pytest.raises(LookupError, match="three"):
        got.extend(in_lanes(fails, range(10), 1))
    assert got == [0, 1, 2]


def test_only_a_window_is_begun_before_a_result_is_taken() -> None:
    begun: list[int] = []

    def note(number: int, stop: Event) -> int:
        begun.append(number)
        return number

    results = in_lanes(note, range(1000), 2)
    next(results)
    results.close()
    assert len(begun) <= 2 * AHEAD + 1


def test_those_at_work_are_told_when_the_caller_goes_away() -> None:
    told = Event()

    def waits(number: int, stop: Event) -> int:
        if number == 0:
            return 0
        if stop.wait(30):
            told.set()
        return number

    results = in_lanes(waits, range(10), 2)
    assert next(results) == 0
    results.close()
    assert told.wait(10)
