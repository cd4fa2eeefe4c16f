"""What counts as copying a row, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.search.copies import copied, written
from evals.types import Example
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
