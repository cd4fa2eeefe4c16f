"""What a value from a task file must be, by the annotation of the option that takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from baselines import RUNGS
from evals.typed import fits, hints_of, in_words

Way = Literal["even", "odd"]


@dataclass(frozen=True)
class Thing:
    k: Sequence[int] | int = 4
    share: float = 0.5
    told: bool | None = None
    ways: Sequence[Way] | Way = ()


@pytest.mark.parametrize(
    ("option", "right", "wrong", "words"),
    [
        (
            "k",
            [4, [1, 2], []],
            ["four", 1.5, True, [1, "2"], None],
            "a whole number, or a list of whole numbers",
        ),
        ("share", [0.5, 1], ["0.5", False, [0.5]], "a number"),
        ("told", [True, None], ["yes", 1], "true or false"),
        ("ways", ["even", ["odd"], "neither"], [3, [3]], "text, or a list of texts"),
    ],
)
def test_values_are_held_against_the_annotation(
    option: str, right: list[Any], wrong: list[Any], words: str
) -> None:
    kind = hints_of(Thing)[option]
    assert [fits(value, kind) for value in right] == [True] * len(right)
    assert [fits(value, kind) for value in wrong] == [False] * len(wrong)
    assert in_words(kind) == words


@pytest.mark.parametrize("name", RUNGS)
def test_every_default_of_every_rung_fits_its_own_annotation(name: str) -> None:
    rung = RUNGS.build(name, {})
    for option, kind in hints_of(type(rung)).items():
        assert fits(getattr(rung, option), kind), option


def test_what_cannot_be_read_is_not_held_against_anything() -> None:
    assert hints_of(len) == {}
    assert fits(3, object) and fits("x", Thing)
