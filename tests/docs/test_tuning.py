"""docs/tuning.md has every method and objective with its defaults, and what goes with what."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from pathlib import Path

import pytest

from tuning import METHODS, OBJECTIVES
from tuning.matrix import matrix
from tuning.method import REFERENCE
from tuning.preference import FEWEST_PAIRS
from tuning.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/tuning.md has no section {title!r}"
    return found[1]


def cells(title: str) -> dict[str, list[str]]:
    """The cells of each line of a section's table that begins with a name."""
    lines = re.findall(r"^\| `(\w+)` \| (.*) \|$", section(title), re.M)
    return {name: rest.split(" | ") for name, rest in lines}


def test_every_method_stands_there_with_its_rows_and_rate() -> None:
    told = cells("Methods")
    assert list(told) == list(METHODS)
    for name, (_, rows, rate, _) in told.items():
        method = METHODS.load(name)()
        assert (int(rows), float(rate)) == (method.fewest_rows, method.rate(int(REFERENCE)))


def test_every_objective_stands_there_with_its_share_and_options() -> None:
    lines = re.findall(r"^\| `(\w+)` \|.*\| ([\d/]+) \|(.*)\|$", section("Objectives"), re.M)
    assert [name for name, _, _ in lines] == list(OBJECTIVES)
    for name, share, options in lines:
        made = OBJECTIVES.load(name)
        assert float(Fraction(share)) == made.share
        told = {key: float(value) for key, value in re.findall(r"`(\w+)` ([\d.]+)", options)}
        assert told == {key: option.default for key, option in inspect.signature(made).parameters.items()}


def test_what_goes_with_what_is_that_of_the_code() -> None:
    named = re.findall(r"`(\w+)`", section("What goes with what").split("\n|---")[0])
    assert named == list(OBJECTIVES)
    told = {
        (method, objective): answer
        for method, answers in cells("What goes with what").items()
        for objective, answer in zip(named, answers, strict=True)
    }
    assert told == {(m, o): "no" if why else "yes" for m, o, why in matrix()}


@pytest.mark.parametrize("why", sorted({why for _, _, why in matrix() if why}))
def test_every_reason_stands_there(why: str) -> None:
    said = section("What goes with what")
    assert all(word in said for word in re.findall(r"[a-zA-Z-]{5,}", why.replace("it is measured", "")))


def test_the_numbers_of_a_training_are_those_of_the_settings() -> None:
    plan, said = Settings(), section("How a training goes")
    assert f"at most {plan.epochs:g} epochs in batches of {plan.batch} rows" in said
    assert (plan.patience, plan.warmup, plan.clip) == (2, 0.1, 1.0)
    assert f"At least {FEWEST_PAIRS} are asked for" in section("Objectives")
