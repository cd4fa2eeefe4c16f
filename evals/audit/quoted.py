"""Rows of dev and test that stand in what approaches read: in a prompt, or in a document with the answer.

A prompt that holds an eval row was written, or searched for, with that row in sight: what it scores
there says nothing. Documents may well hold the questions people ask; with the gold answer beside the
question they are the answer key. Both make a verdict worthless and block it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evals.graders import answer_text
from evals.types import Example

FEWEST_WORDS = 5
FEWEST_CHARACTERS = 20
"""Shorter inputs stand in many texts by chance and are not sought."""
WHOLE_QUESTION = 8
"""Words from which an input in a document is a question that was put there and not a turn of speech: a manual
may well say "the difference between next and step"."""
LONG_ANSWER = 4
"""Words from which an answer is sought in the NEARBY words before and after the question; a shorter one, a
label say, must begin within the first few words behind it."""
NEARBY = 80
TELLING = 8
"""Words from which an answer alone, without its question, gives a prompt away."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")

Words = list[str]


@dataclass(frozen=True)
class Quote:
    """Where a row stands: `where` names the prompt or the document; `answered` when its gold answer
    stands with it."""

    where: str
    split: str
    id: str
    answered: bool
    is_prompt: bool = False


def words(text: str) -> Words:
    """The words of a text in lower case; a Chinese, Japanese or Korean character is one."""
    return _WORD.findall(text.casefold())


class Sought:
    """Rows to look for in texts: [(split, example)] by the first words of their input."""

    def __init__(self, rows: Iterable[tuple[str, Example]]) -> None:
        self._inputs: dict[tuple[str, ...], list[tuple[Words, str, Example]]] = {}
        self._answers: dict[tuple[str, ...], list[tuple[Words, str, Example]]] = {}
        for split, row in rows:
            said = words(row.input)
            if len(said) >= FEWEST_WORDS and len(row.input) >= FEWEST_CHARACTERS:
                self._inputs.setdefault(tuple(said[:FEWEST_WORDS]), []).append((said, split, row))
            told = words(answer_text(row.target)) if isinstance(row.target, str) else []
            if len(told) >= TELLING:
                self._answers.setdefault(tuple(told[:FEWEST_WORDS]), []).append((told, split, row))

    def in_document(self, where: str, text: str) -> Iterator[Quote]:
        """The rows whose input stands in a document, each once."""
        there = words(text)
        found: dict[tuple[str, str], bool] = {}
        for place, said, split, row in _places(self._inputs, there):
            if len(said) < WHOLE_QUESTION:
                continue
            answered = _answer_beside(row, there, place, place + len(said))
            found[split, row.id] = found.get((split, row.id), False) or answered
        for (split, id), answered in found.items():
            yield Quote(where, split, id, answered)

    def in_prompt(self, where: str, text: str) -> Iterator[Quote]:
        """The rows whose input, or whose long answer, stands in a prompt, each once."""
        there = words(text)
        found = {(split, row.id): False for _, _, split, row in _places(self._inputs, there)}
        found |= {(split, row.id): True for _, _, split, row in _places(self._answers, there)}
        for (split, id), answered in found.items():
            yield Quote(where, split, id, answered, is_prompt=True)


def _places(
    sought: dict[tuple[str, ...], list[tuple[Words, str, Example]]], there: Sequence[str]
) -> Iterator[tuple[int, Words, str, Example]]:
    if not sought:
        return
    for place in range(len(there) - FEWEST_WORDS + 1):
        for said, split, row in sought.get(tuple(there[place : place + FEWEST_WORDS]), ()):
            if there[place : place + len(said)] == said:
                yield place, said, split, row


def _answer_beside(row: Example, there: Words, start: int, end: int) -> bool:
    for target in (row.target, *row.references):
        told = words(answer_text(target))
        if not told:
            continue
        if len(told) >= LONG_ANSWER:
            parts = (there[max(0, start - NEARBY) : start], there[end : end + NEARBY])
        else:
            parts = ([], there[end : end + LONG_ANSWER - 1 + len(told)])
        if any(part[i : i + len(told)] == told for part in parts for i in range(len(part) - len(told) + 1)):
            return True
    return False
