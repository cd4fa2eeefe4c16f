"""What counts as copying a row, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from baselines.search.copies import copied, refuse_copies, written
from evals.errors import NotApplicable
from evals.types import Example, ModelRef
from tests.baselines.rungs import worded

LONG = "My parcel with the blue lamp was left in the rain by your driver on Monday"
ROWS = [Example("a", LONG, "delivery"), Example("b", "where is my new card", "card"), Example("c", "hi", "x")]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (f"Sort it. For instance: {LONG}", "a"),
        ("As in: PARCEL, with the blue lamp was left -- in the rain", "a"),
        ("Someone who asks 'Where is my new card?' means card.", "b"),
        ("My parcel with the blue lamp was lost", None),
        ("hi is said by all who are friendly", None),
        ("delivery", None),
    ],
)
def test_eight_words_in_a_row_or_all_of_a_shorter_row_are_a_copy(text: str, row: str | None) -> None:
    found = copied(text, ROWS)
    assert (found and found.id) == row


def test_a_gold_answer_is_text_of_its_row_too() -> None:
    answer = "the driver of the van pays for what was spoiled by rain"
    found = copied(f"Note that {answer}.", [Example("q", "who pays", answer)])
    assert found is not None and found.words == "the driver of the van pays for what"


def test_what_the_user_wrote_is_no_copy(tmp_path: Path) -> None:
    task = worded(tmp_path, LONG)
    assert copied(f"{LONG}!", ROWS, written(task)) is None
    assert copied(f"{LONG}!", ROWS) is not None


def test_a_prompt_with_text_of_a_test_row_is_refused_without_repeating_it(tmp_path: Path) -> None:
    approach = Prompted("prompt_search", ModelRef("m"), Prompt("{{ input }}", system=LONG), Decoder(5))
    with pytest.raises(NotApplicable, match="its prompt copies test row 'a'") as refused:
        refuse_copies(approach, worded(tmp_path), [], ROWS)
    assert "parcel" not in str(refused.value)
    refuse_copies(approach, worded(tmp_path), ROWS[:1], ROWS)
