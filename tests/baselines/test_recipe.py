"""What a recipe's parts come to, and how a format is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.recipe import MARK, Recipe, form_of, typical
from evals.output import OutputSpec
from evals.types import Example, Json, Message
from tests.baselines.rungs import LABELLED, ROWS
from tests.baselines.test_prompts import task

FULL = Recipe("Do it.", "above", "One word.", LABELLED[0])
BLOCK = "Do it.\n\nOne word.\n\nAn example:\n<question number 0> post\n\nThe answer:\nbad"
ROW = "<input 0> mail"


@pytest.mark.parametrize(
    ("placement", "turns"),
    [
        ("above", [("system", "You are kind."), ("user", f"{BLOCK}\n\n{ROW}")]),
        ("system", [("system", f"You are kind.\n\n{BLOCK}"), ("user", ROW)]),
        ("below", [("system", "You are kind."), ("user", f"{ROW}\n\n{BLOCK}")]),
    ],
)
def test_the_block_stands_in_its_place(placement: str, turns: list[tuple[str, str]], tmp_path: Path) -> None:
    recipe = Recipe("Do it.", placement, "One word.", LABELLED[0])  # type: ignore[arg-type]
    prompt = recipe.approach("r", task(tmp_path), 0).prompt
    assert prompt.render(ROWS[0].query()) == tuple(Message(role, text) for role, text in turns)  # type: ignore[arg-type]


def test_a_recipe_that_reasons_shows_the_mark_and_leaves_room(tmp_path: Path) -> None:
    found = Recipe("Do it.", example=LABELLED[0], reasoning=90).approach("r", task(tmp_path), 0)
    assert found.decoder.max_tokens == 95
    assert f"post\n\n{MARK}\nbad\n\nFirst think step by step" in found.prompt.instruction


def test_shots_keep_their_order(tmp_path: Path) -> None:
    found = Recipe("Do it.", "system", shots=tuple(LABELLED[:2])).approach("r", task(tmp_path), 0)
    assert found.prompt.shots is not None
    assert found.prompt.shots.examples == tuple(LABELLED[:2])


def rows(*targets: Json) -> list[Example]:
    return [Example(str(n), "x" * n, target) for n, target in enumerate(targets)]


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (["12", "-3.5", "$1,000"], "Answer with the number alone and nothing else."),
        (["Paris", "New York"], "Answer with at most 2 words and nothing else: no explanation."),
        (["Paris", "word " * 13], ""),
        ([], ""),
    ],
)
def test_the_form_of_text_is_told_from_the_gold_answers(targets: list[Json], told: str) -> None:
    assert form_of(OutputSpec("text"), rows(*targets)) == told


def test_the_typical_row_is_of_middling_length_whatever_the_order() -> None:
    some = rows(*["a"] * 5)
    assert typical(some) == typical(some[::-1]) == some[2]
    assert typical([]) is None
