"""What is raced, that the best of it wins, and that reasoning is stripped before grading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from baselines import RUNGS
from baselines.approach import load, save
from baselines.notes import read_chosen
from baselines.race import SPREAD
from baselines.recipe import MARK
from baselines.variants import PromptVariants
from evals.errors import TaskError
from evals.store import read_json
from evals.types import Message, ModelRef, Request
from tests.baselines.rungs import LABELLED, ROWS, worded, work
from tests.scripted import Scripted


def said(request: Request) -> str:
    return "\n".join(f"{turn.role}: {turn.content}" for turn in request.prompt if isinstance(turn, Message))


def likes(words: str) -> Scripted:
    """A model that is right when its prompt holds these words."""
    return Scripted(lambda request: "good" if words in said(request) else "bad")


@pytest.mark.parametrize("words", ["user: Say the mood", "mail\n\nSay", "kind.\n\nSay"])
def test_instruction_and_format_stand_where_the_winner_puts_them(words: str, tmp_path: Path) -> None:
    place = work(tmp_path, likes(words))
    found = PromptVariants().fit(LABELLED, ROWS, place)
    asked = said(Request("r", found.prompt.render(ROWS[0].query()), 5))
    assert words in asked
    assert "exactly one of these labels" in asked


def test_the_best_of_the_users_wordings_is_found_in_the_best_placement(tmp_path: Path) -> None:
    scripted = likes("user: Tell me how they feel.")
    task = worded(tmp_path, "What mood?", "Tell me how they feel.")
    place = work(tmp_path, scripted, task)
    found = PromptVariants(placements=("above", "system")).fit(LABELLED, ROWS, place)
    assert found.prompt.instruction.startswith("Tell me how they feel.")
    of = {spread["of"]: spread for spread in read_json(place.dir / SPREAD)["spreads"]}
    assert set(of) == {"placement and format", "wording"}
    assert [s["name"] for s in of["wording"]["settings"]] == ["the instruction", "variant 1", "variant 2"]
    assert len(scripted.asked) <= PromptVariants(placements=("above", "system")).asks(task, 24, 40)
    assert read_chosen(place.dir) in ("variant 2 above", "variant 2 above, with an example")


def test_reasoning_is_kept_apart_from_the_answer_that_is_graded(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        thinks = MARK in said(request)
        return f"It sounds glad.\nBut is it?\n{MARK} good\nthe end" if thinks else "bad"

    place = work(tmp_path, Scripted(answer))
    found = PromptVariants(steps=True, reasoning_tokens=50).fit(LABELLED, ROWS, place)
    assert (found.decoder.answer_after, found.decoder.max_tokens) == (MARK, 55)
    save(found, tmp_path / "saved")
    (prediction,) = load(tmp_path / "saved").predict([ROWS[0].query()], place.models)
    assert (prediction.text, prediction.reasoning) == ("good", "It sounds glad.\nBut is it?\n")


def test_a_small_model_is_not_asked_to_reason_unless_it_is_told_to(tmp_path: Path) -> None:
    task = worded(tmp_path)
    assert "above, step by step" not in PromptVariants().recipes(task, LABELLED)
    assert "above, step by step" in PromptVariants(steps=True).recipes(task, LABELLED)
    large = replace(task, model=ModelRef("gpt-x", "endpoint"))
    assert "above, step by step" in PromptVariants().recipes(large, LABELLED)
    assert "above, step by step" not in PromptVariants(steps=False).recipes(large, LABELLED)


def test_without_training_rows_there_is_no_example_and_the_rest_is_raced(tmp_path: Path) -> None:
    place = work(tmp_path, likes("mail\n\nSay"))
    assert PromptVariants().fit((), ROWS, place).prompt.below.startswith("Say the mood.")


def test_the_calls_told_beforehand_are_those_made(tmp_path: Path) -> None:
    scripted = likes("nothing")
    PromptVariants().fit(LABELLED, ROWS, work(tmp_path, scripted))
    told = PromptVariants().asks(worded(tmp_path), len(LABELLED), len(ROWS))
    assert len(scripted.asked) == told == 4 * 12 + 2 * 12


def test_an_example_that_the_template_cannot_render_is_an_error_of_the_task(tmp_path: Path) -> None:
    bare = [replace(row, fields={}) for row in LABELLED]
    with pytest.raises(TaskError, match="has no column 'channel'"):
        PromptVariants().fit(bare, ROWS, work(tmp_path, likes("")))


def test_a_template_that_climbs_out_of_the_sandbox_is_an_error_of_the_task(tmp_path: Path) -> None:
    task = worded(tmp_path, template="{{ input.__class__.__mro__ }}")
    with pytest.raises(TaskError, match="cannot be rendered"):
        PromptVariants().fit(LABELLED, ROWS, work(tmp_path, likes(""), task))


@pytest.mark.parametrize("options", [{"placements": ["middle"]}, {"placements": []}, {"reasoning_tokens": 0}])
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(TaskError, match="placements are above, system, below|reasoning_tokens is 1 or more"):
        RUNGS.build("prompt_variants", options)
