"""Typed edits keep what is asked; orders keep which shots are shown."""

from __future__ import annotations

from typing import Literal

import pytest

from baselines.approach import Decoder, Prompt, Prompted, Shots
from evals.types import Example, ModelRef
from workbench.diagnosis.wordings import EDITS, MOST, as_list, other_words, reordered, reworded

SHOTS = tuple(Example(f"s{n}", f"in {n}", f"out {n}") for n in range(4))


def prompted(**parts: object) -> Prompted:
    return Prompted("few_shot", ModelRef("any"), Prompt("{{ input }}", **parts), Decoder(10))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Answer the question.", "Reply to the question."),
        ("Answer with one word.", "Reply with one word."),
        ("Give only the answer.", "Provide just the answer."),
        ('Say "only this" and `return`.', 'State "only this" and `return`.'),
        ("The name in the answer.", "The name in the answer."),
        ("Extract it. Name the mood.", "Take it. State the mood."),
    ],
)
def test_other_words_say_the_same(text: str, other: str) -> None:
    assert other_words(text) == other


def test_sentences_become_a_list_unless_the_text_has_a_layout() -> None:
    assert as_list("Do this.\nThen do\nthat, e.g. now.") == "- Do this.\n- Then do that, e.g. now."
    for kept in ("One sentence only", "- a list. - already", "1. first. Then", "Two.\n\nParagraphs."):
        assert as_list(kept) == kept


def test_a_reworded_approach_differs_in_the_instruction_alone() -> None:
    instruction = "Say it. Be short."
    start = prompted(system=f"You are kind.\n\n{instruction}\n\nAnswer with a label.", shots=Shots(SHOTS, 4))
    made = list(reworded(start, instruction))
    assert [change for change, _ in made] == list(EDITS)[:MOST]
    for _, other in made:
        assert other.hash != start.hash
        assert other.prompt.system.startswith("You are kind.\n\n")
        assert other.prompt.system.endswith("\n\nAnswer with a label.")
        assert other.prompt.shots == start.prompt.shots and other.decoder == start.decoder


def test_an_instruction_that_stands_nowhere_has_no_other_wordings() -> None:
    assert list(reworded(prompted(system="Something else."), "Say it.")) == []


def test_other_orders_show_the_same_shots() -> None:
    made = dict(reordered(prompted(shots=Shots(SHOTS, 4))))
    assert len(made) == 2
    for other in made.values():
        assert other.prompt.shots is not None
        assert sorted(e.id for e in other.prompt.shots.examples) == sorted(e.id for e in SHOTS)
        assert other.prompt.shots.examples != SHOTS


@pytest.mark.parametrize(("nearest", "turned"), [("last", "first"), ("first", "last")])
def test_retrieved_shots_are_turned_round(
    nearest: Literal["last", "first"], turned: Literal["last", "first"]
) -> None:
    ((change, other),) = reordered(prompted(shots=Shots(SHOTS, 2, "minilm", nearest)))
    assert change == "the other way round"
    assert other.prompt.shots == Shots(SHOTS, 2, "minilm", turned)


@pytest.mark.parametrize("shots", [None, Shots(SHOTS, 1, "minilm"), Shots(SHOTS[:1], 1)])
def test_there_is_no_order_to_change_without_two_shots(shots: Shots | None) -> None:
    assert list(reordered(prompted(shots=shots))) == []
