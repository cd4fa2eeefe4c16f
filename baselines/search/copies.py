"""Prompts that copy rows: an optimised prompt with a row's text in it answers that row, not the task.

A text copies a row when it shares `WORDS` words in a row with the row's input or gold answer (case and
signs aside), or holds all of one that is shorter but has at least `FEWEST`. Words that stand in the
user's own text (instruction, template, schema) copy nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baselines.prompts import describe
from evals.graders import answer_text
from evals.task import Task
from evals.types import Example

WORDS = 8
"""As in common checks for contamination (8 to 13 words); the shorter, the stricter."""
FEWEST = 5


@dataclass(frozen=True)
class Copied:
    """The row whose text stands in a prompt, and the words."""

    id: str
    words: str


def copied(text: str, rows: Iterable[Example], own: Sequence[str] = ()) -> Copied | None:
    """The first row that `text` copies; what it shares with the texts in `own` does not count."""
    held = {length: set(_grams(text, length)) for length in range(FEWEST, WORDS + 1)}
    for theirs in own:
        for length, grams in held.items():
            grams.difference_update(_grams(theirs, length))
        if not any(held.values()):
            return None
    for row in rows:
        for theirs in (row.input, answer_text(row.target)):
            length = min(WORDS, len(_words(theirs)))
            if length >= FEWEST:
                found = next((gram for gram in _grams(theirs, length) if gram in held[length]), None)
                if found:
                    return Copied(row.id, " ".join(found))
    return None


def written(task: Task) -> tuple[str, ...]:
    """What the user wrote: copying it is no leak."""
    prompt = task.prompt
    own = (prompt.instruction, prompt.template, prompt.system or "", *prompt.variants)
    return (*own, describe(task.output), task.description)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _grams(text: str, length: int) -> Iterator[tuple[str, ...]]:
    words = _words(text)
    return zip(*(words[start:] for start in range(length)), strict=False)
