"""Which prompt a tuned model is served with, and how it is asked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from evals.types import Example, ModelRef, Prediction, Row, Score
from tests.evals.measurements import Asked, quality
from workbench.escalation.training import _does_better, asked_once


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


def test_no_vote_over_samples_is_carried_into_training() -> None:
    voting = Prompted("v", ModelRef("m"), Prompt("{{ input }}"), Decoder(9, 0.7, samples=5, repairs=2))
    task = SimpleNamespace(generation=SimpleNamespace(temperature=0.0))
    single = asked_once(voting, task)  # type: ignore[arg-type]
    assert single.decoder == Decoder(9, 0.0, samples=1, repairs=2)
    assert asked_once(single, task) is single  # type: ignore[arg-type]


def test_equal_answers_take_the_short_prompt() -> None:
    assert not _does_better(Asked((quality(0.9),)), rows(40), rows(40))
