"""Economics of a training: costs of the same rows, break-even, and what the calendar says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from evals.prices import Rates
from evals.spending import NoPrices
from evals.task import Task
from evals.types import Example, Failure, Measured, ModelRef, Prediction, Row, Split, Usage
from workbench.escalation.economics import economics


@dataclass
class Terms:
    """The part of a task that economics ask for."""

    prices: Rates = field(default_factory=lambda: NoPrices(gpu_hour=3.6))
    calls_per_month: float | None = None
    model: ModelRef = field(default_factory=lambda: ModelRef("small"))
    confidence: float = 0.95
    looks: int = 4


def rows(seconds: float, tokens: int, wrong: int = 0, count: int = 40) -> list[Row]:
    found = []
    for n in range(count):
        usage = Usage(tokens_in=tokens + n % 2, tokens_out=5, calls=1, seconds=seconds * (1 + (n % 5) / 10))
        failure: Failure | None = "wrong" if n < wrong else None
        prediction = Prediction(f"r{n}", "yes", "stop", usage)
        found.append(Row(Example(f"r{n}", "in", "yes"), prediction, {}, failure))
    return found


def told(
    task: Terms, before: list[Row], after: list[Row], split: Split = "test", **more: Any
) -> dict[str, Any]:
    baseline = Measured("few_shot", "a", "baseline", "scored", rows={split: before}, **more)
    tuned = Measured(
        *("lora", "b", "tuned", "scored"),
        rows={split: after},
        fit_seconds=3600.0,
        provider="local",
        training={"begun_from": "few_shot"},
    )
    (found,) = economics(cast(Task, task), [baseline, tuned])
    return found


def test_a_quicker_call_pays_for_the_training_after_so_many_of_them() -> None:
    found = told(Terms(), rows(2.0, 800), rows(0.5, 100))
    assert (found["unit"], found["training"]) == ("usd", 3.6)
    assert found["a_call"]["saved"] == pytest.approx(1.5 * 1.2 / 1000)
    assert found["break_even"]["calls"] == pytest.approx(2000)
    assert found["break_even"]["low"] < 2000 < found["break_even"]["high"]
    assert found["prompt_tokens"]["saved"] == 700
    assert "paid back after 2,000 calls [" in found["sentences"][1]
    assert found["break_even"] == found["break_even_accepted"] or len(found["sentences"]) == 3


def test_without_a_price_seconds_give_the_same_number() -> None:
    priced, bare = (
        told(Terms(prices), rows(2.0, 9), rows(0.5, 9)) for prices in (NoPrices(gpu_hour=7), NoPrices())
    )
    assert bare["unit"] == "seconds"
    assert bare["break_even"]["calls"] == pytest.approx(priced["break_even"]["calls"], rel=1e-4)


def test_the_task_s_calls_a_month_make_months_of_it() -> None:
    found = told(Terms(calls_per_month=100), rows(2.0, 9), rows(0.5, 9))
    assert found["months"]["value"] == pytest.approx(20)
    assert "at 100 calls a month that is 20.0 months [" in found["sentences"][1]
    assert found["sentences"][1].endswith(", more than a year")
    soon = told(Terms(calls_per_month=1e6), rows(2.0, 9), rows(0.5, 9))
    assert soon["sentences"][1].endswith("that is less than a day")


def test_a_slower_call_never_pays_and_accepted_answers_may() -> None:
    found = told(Terms(), rows(0.5, 9, wrong=38), rows(0.6, 9, wrong=2))
    assert found["break_even"]["never"]
    assert "never paid back" in found["sentences"][1]
    assert found["break_even_accepted"]["calls"] > 0
    assert found["sentences"][2].startswith("counted by accepted answers, the training is paid back after")


def test_where_the_baseline_is_right_nowhere_its_accepted_answer_is_endlessly_dear() -> None:
    found = told(Terms(), rows(0.5, 9, wrong=40), rows(0.5, 9))
    assert found["an_accepted"]["before"] is None
    even = found["break_even_accepted"]
    assert 0 < even["low"] < even["calls"] < even["high"]
    assert "against none was accepted" in found["sentences"][0]


def test_a_hosted_baseline_needs_prices_on_both_sides() -> None:
    hosted = ModelRef("big", "endpoint")
    found = told(Terms(NoPrices(1.0, 2.0), model=hosted), rows(2.0, 800), rows(0.5, 100))
    assert found["unit"] is None
    assert "once prices are given" in found["sentences"][0]
    both = told(Terms(NoPrices(1.0, 2.0, 3.6), model=hosted), rows(2.0, 800), rows(0.5, 100))
    assert both["a_call"]["before"] == pytest.approx((800.5 + 10) / 1e6)
    assert both["a_call"]["after"] == pytest.approx(0.5 * 1.2 / 1000)


def test_only_rows_that_both_answered_count_and_dev_where_test_was_not_asked() -> None:
    found = told(Terms(), rows(2.0, 9, count=30), rows(0.5, 9), split="dev")
    assert (found["split"], found["n"]) == ("dev", 30)


def test_without_a_training_there_is_nothing_to_tell() -> None:
    alone = Measured("few_shot", "a", "baseline", "scored", rows={"dev": rows(1.0, 9)})
    assert economics(cast(Task, Terms()), [alone]) == []
