"""A difference on the same rows: a cause only where its interval excludes 0, ruled out only where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from evals.task import Prices
from evals.types import Example, ModelRef, Prediction, Requirement, Row, Score
from workbench.diagnosis.effects import asked, effect, effects, told

LEVEL = 0.95
REQUIREMENT = Requirement("g", "quality", at_least=0.9)


@dataclass(frozen=True)
class Terms:
    requirements: Sequence[Requirement]
    name: str = "t"
    confidence: float = LEVEL
    policy: Literal["confident", "point"] = "confident"
    looks: int = 4
    prices: Prices = field(default_factory=Prices)
    model: ModelRef = field(default_factory=lambda: ModelRef("m"))


def rows(values: Sequence[float], **more: Any) -> list[Row]:
    return [
        Row(
            Example(str(n), "?", "x", **more),
            Prediction(str(n), "y", "stop"),
            {"g": Score(str(n), "g", value, counts={"micro": (2 * value, 2.0)})},
            None if value == 1 else "wrong",
        )
        for n, value in enumerate(values)
    ]


def found(before: Sequence[float], after: Sequence[float], requirement: Requirement = REQUIREMENT) -> Any:
    return effect(requirement, rows(before), rows(after), LEVEL)


def test_a_gain_beyond_chance_helps_and_a_loss_hurts() -> None:
    low, high = [0.0] * 30 + [1.0] * 30, [1.0] * 58 + [0.0] * 2
    assert found(low, high).found == "helps" and found(high, low).found == "hurts"
    assert found(low, high).reaches and not found(high, low).reaches


def test_five_rows_won_cannot_tell_and_six_can() -> None:
    def won(rows_won: int) -> Any:
        return found([0.0] * 40, [1.0] * rows_won + [0.0] * (40 - rows_won))

    assert [won(5).difference.low > 0, won(6).difference.low > 0] == [False, True]


def test_an_interval_that_ends_below_what_is_missing_rules_the_change_out() -> None:
    half = [0.0, 1.0] * 40
    assert found(half, half).found == "not the cause"
    near = [1.0] * 70 + [0.0] * 10
    assert found(near, near).lacking == pytest.approx(0.025)
    assert found(near, near).found == "cannot tell"  # 80 rows cannot rule out so little


def test_only_rows_that_both_answered_count() -> None:
    after = rows([1.0] * 20)
    before = rows([0.0] * 30)
    before[0] = Row(before[0].example, Prediction("0", "", "error", error="away"), {}, "error")
    both = effect(REQUIREMENT, before, after, LEVEL)
    assert both is not None and both.difference.n == 19
    assert effect(REQUIREMENT, before[:1], after, LEVEL) is None


def test_rows_of_a_group_are_one_unit() -> None:
    alone = found([0.0] * 40, [1.0] * 20 + [0.0] * 20)
    grouped = effect(
        REQUIREMENT, rows([0.0] * 40, group="one"), rows([1.0] * 20 + [0.0] * 20, group="one"), LEVEL
    )
    assert alone.found == "helps" and grouped is not None and grouped.found == "cannot tell"


def test_a_pooled_part_is_compared_as_a_pool() -> None:
    pooled = found([0.25] * 60, [0.75, 1.0] * 30, Requirement("g.micro", "quality", at_least=0.8))
    assert (pooled.before, pooled.after) == (0.25, 0.875) and pooled.found == "helps"


def test_only_what_the_text_decides_and_what_gates_is_compared_quality_first() -> None:
    wanted = [
        Requirement("valid", "format", at_least=0.9),
        Requirement("g", "quality", at_least=0.9),
        Requirement("g", "quality", at_least=0.99, tier="advisory"),
        Requirement("recall@1", "quality", at_least=0.9),
        Requirement("error_rate", "quality", at_most=0.1),
        Requirement("p95_seconds", "latency", at_most=2),
    ]
    assert [r.metric for r in asked(Terms(wanted))] == ["g", "valid"]
    assert [e.requirement.metric for e in effects(Terms(wanted[1:2]), rows([0.0]), rows([1.0]))] == ["g"]


def test_an_effect_in_words_has_both_values_and_its_interval() -> None:
    assert told(found([0.0] * 30 + [1.0] * 10, [1.0] * 40)) == "g rises from 0.25 to 1.00 [+0.54, +0.87]"
    assert told(found([1.0] * 20, [1.0] * 20)).startswith("g goes from 1.00 to 1.00 [−0.1")
