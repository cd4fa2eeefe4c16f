"""How passages stand in a prompt: numbered, told what they are for, and no more than fit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from baselines.rag.notices import notice
from evals.types import Document, Message

log = logging.getLogger(__name__)

USE = "Use the numbered passages below."
GROUND = "Answer from the numbered passages below, and from nothing else."
CITE = "After each statement name the passages it comes from, like [1]."
ABSENT = "If they do not hold the answer, write exactly:"
FRAME = 32
"""Tokens that a chat template may put around one message."""

Render = Callable[[Sequence[Document]], tuple[Message, ...]]


@dataclass(frozen=True)
class Shown:
    """The prompt with the passages that fit: how many of those chosen stand in it, and how many were left
    out or shortened."""

    prompt: tuple[Message, ...]
    shown: int
    left_out: int


def instruct(*, text: bool, cite: bool, absent: str | None) -> str:
    """What is said above the passages. Where the answer is a label or JSON, nothing may be added to it:
    there is no citing, and no saying that the answer is not there."""
    if not text:
        return USE
    parts = [GROUND, CITE if cite else ""]
    if absent:
        parts.append(f"{ABSENT} {absent}")
    return " ".join(part for part in parts if part)


def numbered(passages: Sequence[Document]) -> str:
    """The passages as a prompt shows them: [1], [2], … by rank."""
    return "\n\n".join(f"[{number}] {passage.text}" for number, passage in enumerate(passages, 1))


def fit(
    render: Render, chosen: Sequence[Document], count: Callable[[tuple[Message, ...]], int], room: int
) -> Shown:
    """The prompt with as many of the chosen passages as fit in `room` tokens, the worst left out first;
    where not even the best fits whole, its beginning. Without room for any it is as it is without them."""
    shown = list(chosen)
    while True:
        prompt = render(shown)
        if _surely_fits(prompt, room) or count(prompt) <= room:
            return Shown(prompt, len(shown), len(chosen) - len(shown))
        if len(shown) <= 1:
            break
        shown.pop()
    if not chosen:
        return Shown(prompt, 0, 0)
    return _shortened(render, chosen, count, room)


def _shortened(
    render: Render, chosen: Sequence[Document], count: Callable[[tuple[Message, ...]], int], room: int
) -> Shown:
    """The prompt with the longest beginning of the best passage that fits, found by halving."""
    words = chosen[0].text.split(" ")
    fits, too_many = 0, len(words)
    best = render(())
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        prompt = render([Document(chosen[0].id, " ".join(words[:middle]) + " …")])
        if count(prompt) <= room:
            fits, best = middle, prompt
        else:
            too_many = middle
    return Shown(best, int(fits > 0), len(chosen))


def _surely_fits(prompt: tuple[Message, ...], room: int) -> bool:
    """Whether the prompt fits even if every byte of it is a token, which spares counting."""
    return sum(len(message.content.encode()) + FRAME for message in prompt) <= room


def say_left_out(name: str, all_shown: Sequence[Shown]) -> None:
    """Say how many passages did not fit, if any."""
    if short := [shown for shown in all_shown if shown.left_out]:
        left, rows = sum(shown.left_out for shown in short), len(short)
        notice(
            log,
            f"{name}: {left} passages of {rows} rows do not fit the context and are left out or shortened",
        )
