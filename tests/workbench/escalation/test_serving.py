"""Which prompt a tuned model is served with."""

from __future__ import annotations

import pytest

from evals.types import Example, Prediction, Row, Score
from tests.evals.measurements import Asked, quality
from workbench.escalation.training import _does_better


def rows(right: int, of: int = 60) -> list[Row]:
    return [
        Row(
            Example(str(n), "?", "x"),
            Prediction(str(n), "", "stop"),
            {"exact": Score(str(n), "exact", float(n < right))},
            None if n < right else "wrong",
        )
        for n in range(of)
    ]


@pytest.mark.parametrize(
    ("own", "other", "better"), [(40, 41, False), (40, 44, False), (40, 50, True), (50, 40, False)]
)
def test_the_longer_prompt_is_paid_for_only_where_it_does_better_by_more_than_chance(
    own: int, other: int, better: bool
) -> None:
    assert _does_better(Asked((quality(0.9),)), rows(own), rows(other)) is better


def test_equal_answers_take_the_short_prompt() -> None:
    assert not _does_better(Asked((quality(0.9),)), rows(40), rows(40))
