"""What a run spends is counted over all commands that continue it, and a budget is never passed."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import BudgetError, RunError
from evals.spending import FILE, Purse, Spent, read_spent
from evals.task import Prices
from evals.types import Usage
from tests.clocks import PATIENCE

PRICES = Prices(1.0, 10.0, 3600.0)
CALL = Usage(tokens_in=100, tokens_out=10, calls=1, seconds=0.5)
COST = (100 * 1.0 + 10 * 10.0) / 1e6


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def purse(path: Path, clock: Clock | None = None, **budget: float) -> Purse:
    return Purse(path / FILE, budget, PRICES, clock or Clock())


def test_what_is_paid_adds_up_and_stands_in_the_file(tmp_path: Path) -> None:
    with purse(tmp_path) as mine:
        for _ in range(3):
            assert mine.reserve(1.0)
            mine.pay("endpoint", "m", CALL, 1.0)
        mine.count("local", "n", CALL)
        mine.count("endpoint", "m", CALL, cached=True)
    assert mine.spent == read_spent(tmp_path / FILE, PRICES)
    assert (mine.spent.calls, mine.spent.cached) == (4, 1)
    assert (mine.spent.tokens_in, mine.spent.tokens_out) == (400, 40)
    assert mine.spent.usd == pytest.approx(3 * COST + 0.5)


def test_time_in_which_no_model_is_asked_is_written_as_it_goes_by(tmp_path: Path) -> None:
    """So that a process that is killed leaves what it took."""
    clock = Clock()
    mine = purse(tmp_path, clock, minutes=2)
    for _ in range(30):
        clock.now += 3
        mine.tick()
    assert read_spent(tmp_path / FILE, PRICES).minutes == pytest.approx(84 / 60)
    mine.check()
    clock.now += 30
    with pytest.raises(BudgetError, match="budget.minutes is spent"):
        mine.check()


def test_the_next_command_goes_on_counting_and_a_torn_line_is_not_counted(tmp_path: Path) -> None:
    with purse(tmp_path, calls=3) as first:
        first.count("endpoint", "m", CALL)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"calls": 7, "ca')
    with purse(tmp_path, calls=3) as second:
        assert second.spent.calls == 1
        assert [second.reserve() for _ in range(3)] == [True, True, False]


def test_wall_time_is_counted_between_lines_and_not_between_commands(tmp_path: Path) -> None:
    clock = Clock()
    with purse(tmp_path, clock) as first:
        clock.now += 30
        first.count("local", "m", CALL)
        clock.now += 60
    clock.now += 3600
    with purse(tmp_path, clock) as second:
        clock.now += 30
        second.stop_clock()
        clock.now += 500
        second.count("local", "m", CALL)
    assert second.spent.minutes == pytest.approx(2.0)
    assert read_spent(tmp_path / FILE, PRICES).minutes == pytest.approx(2.0)


def test_a_killed_command_has_counted_all_but_the_time_since_its_last_call(tmp_path: Path) -> None:
    clock = Clock()
    killed = purse(tmp_path, clock)
    clock.now += 120
    killed.count("local", "m", CALL)
    clock.now += 5
    assert read_spent(tmp_path / FILE, PRICES).minutes == pytest.approx(2.0)


def test_minutes_end_a_run_while_it_waits_too(tmp_path: Path) -> None:
    clock = Clock()
    with purse(tmp_path, clock, minutes=1) as mine:
        mine.check()
        clock.now += 61
        with pytest.raises(BudgetError, match=r"budget.minutes is spent \(1 minutes\): raise it"):
            mine.check()
        assert not mine.reserve()


def test_a_call_on_its_way_counts_against_the_calls_at_once(tmp_path: Path) -> None:
    with purse(tmp_path, calls=2) as mine:
        assert [mine.reserve() for _ in range(3)] == [True, True, False]
        assert "budget.calls is spent (2 calls)" in str(mine.over)
        mine.pay("endpoint", "m", CALL)
        assert not mine.reserve()  # once refused, always


def test_dollars_that_the_next_call_may_pass_are_not_spent(tmp_path: Path) -> None:
    with purse(tmp_path, usd=3 * COST) as mine:
        for _ in range(2):
            assert mine.reserve(2 * COST)
            mine.pay("endpoint", "m", CALL, 2 * COST)
        assert not mine.reserve(2 * COST)
        assert "0.0004 of 0.0006 USD, and the next call may cost 0.0004" in str(mine.over)


def test_a_call_waits_for_what_those_on_their_way_may_leave(tmp_path: Path) -> None:
    """Two calls at their longest pass the budget; one that turned out short leaves room for another."""
    with purse(tmp_path, usd=10 * COST) as mine, ThreadPoolExecutor() as threads:
        assert mine.reserve(9 * COST)
        waiting = threads.submit(mine.reserve, 9 * COST)
        assert not waiting.done()
        mine.pay("endpoint", "m", CALL, 9 * COST)
        assert waiting.result(timeout=PATIENCE)
        mine.pay("endpoint", "m", CALL, 9 * COST)
        assert not mine.reserve(9 * COST)
    assert mine.spent.calls == 2


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 1000), st.booleans())
def test_however_many_threads_ask_the_budget_is_never_passed(
    allowed: int, lanes: int, seed: int, dollars: bool
) -> None:
    draw = random.Random(seed)
    costs = [draw.randint(1, 5) for _ in range(60)]
    mine = Purse(None, {"usd": allowed / 1e6} if dollars else {"calls": allowed}, Prices(1.0, 0.0))

    def ask(cost: int) -> bool:
        if not mine.reserve(5e-6):
            return False
        mine.pay("endpoint", "m", Usage(tokens_in=cost, calls=1), 5e-6)
        return True

    with ThreadPoolExecutor(lanes) as threads:
        asked = list(threads.map(ask, costs))
    spent = mine.spent
    assert spent.calls == sum(asked)
    if dollars:
        assert (spent.usd or 0) <= allowed / 1e6 + 1e-12
        assert (spent.usd or 0) > (allowed - 5) / 1e6 - 1e-12 or spent.calls == 60
    else:
        assert spent.calls == min(allowed, 60)


@pytest.mark.parametrize("line", ['{"calls": 1}', '{"calls": "x"}', "[]"])
def test_a_damaged_file_is_named(line: str, tmp_path: Path) -> None:
    good = {"provider": "", "model": "", "calls": 0, "cached": 0, "in": 0, "out": 0, "seconds": 0, "wall": 1}
    (tmp_path / FILE).write_text(f"{line}\n{json.dumps(good)}\n")
    with pytest.raises(RunError, match=f"{FILE}.*is damaged"):
        purse(tmp_path)


def test_nothing_was_spent_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_spent(tmp_path / FILE, PRICES) == Spent()
