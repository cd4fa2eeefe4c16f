"""Passages in a prompt: numbered, told what for, no more than fit."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from baselines.rag.grounding import Shown, fit, instruct, numbered, say_left_out
from baselines.rag.notices import notice
from evals.types import Document, Message

LONG = [Document(f"d{n}", f"p{n} " + "word " * 99) for n in range(3)]


def render(passages: Sequence[Document]) -> tuple[Message, ...]:
    return (Message("user", f"{numbered(passages)} question"),)


def count(prompt: tuple[Message, ...]) -> int:
    return len(prompt[0].content.split())


def test_passages_are_numbered_by_rank() -> None:
    assert numbered([Document("a", "one"), Document("b", "two")]) == "[1] one\n\n[2] two"
    assert numbered([]) == ""


def test_a_text_answer_may_cite_and_may_say_that_it_is_not_there() -> None:
    said = instruct(text=True, cite=True, absent="Not known.")
    assert "[1]" in said and "write exactly: Not known." in said
    assert "[1]" not in instruct(text=True, cite=False, absent="Not known.")
    assert "exactly" not in instruct(text=True, cite=True, absent=None)


def test_nothing_is_to_be_added_to_a_label_or_json() -> None:
    assert instruct(text=False, cite=True, absent="Not known.") == "Use the numbered passages below."


def test_all_passages_stand_there_where_they_fit() -> None:
    shown = fit(render, LONG, count, 400)
    assert (shown.shown, shown.left_out) == (3, 0)
    assert "[3] p2" in shown.prompt[0].content


def test_the_worst_are_left_out_first() -> None:
    shown = fit(render, LONG, count, 250)
    assert (shown.shown, shown.left_out) == (2, 1)
    assert "p1" in shown.prompt[0].content and "p2" not in shown.prompt[0].content


def test_where_not_one_fits_its_beginning_does() -> None:
    shown = fit(render, LONG, count, 50)
    assert (shown.shown, shown.left_out) == (1, 3)
    assert count(shown.prompt) == 50
    assert shown.prompt[0].content.startswith("[1] p0 word") and "…" in shown.prompt[0].content


def test_without_room_the_question_stands_alone() -> None:
    shown = fit(render, LONG, count, 3)
    assert (shown.shown, shown.left_out) == (0, 3)
    assert shown.prompt == render(())
    assert fit(render, [], count, 0) == Shown(render(()), 0, 0)


def test_a_prompt_that_surely_fits_is_not_counted() -> None:
    def never(prompt: tuple[Message, ...]) -> int:
        raise AssertionError(prompt)

    assert fit(render, LONG, never, 10_000).shown == 3


def test_what_is_left_out_is_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    notice.cache_clear()
    with caplog.at_level(logging.WARNING):
        say_left_out("rag", [fit(render, LONG, count, room) for room in (50, 250, 400)])
        say_left_out("rag", [fit(render, LONG, count, 400)])
    (record,) = caplog.records
    assert record.getMessage().startswith("rag: 4 passages of 2 rows do not fit the context")
