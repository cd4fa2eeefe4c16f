"""Arms that change what should not matter: the wording of the instruction, the order of the shots.

Wordings are made without a model, by typed edits that keep what is asked: other words from a short list,
the sentences as a list, a heading, a courtesy. How far a score moves under them is the noise floor of the
prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Literal

from baselines.approach import Prompted, Shots

OTHER_WORDS = {
    "answer": "reply to",
    "give": "provide",
    "return": "provide",
    "say": "state",
    "classify": "sort",
    "extract": "take",
    "choose": "select",
    "pick": "select",
    "turn": "convert",
    "only": "just",
    "exactly": "precisely",
    "otherwise": "in all other cases",
    "every": "each",
    "when": "whenever",
    "write": "put down",
    "name": "state",
}
AT_THE_START = ("answer", "name", "turn", "extract", "classify", "choose", "pick")
"""Words that are a verb for sure only where a sentence begins with them."""
MOST = 2
"""Variants of each kind, beside the approach as it is."""

_WORD = re.compile(r"""`[^`]*`|"[^"]*"|[A-Za-z]+""")
"""A word, or what is quoted, which stays as it is."""
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+")


def other_words(text: str) -> str:
    """Words replaced from the list, each with the case of its first letter."""

    def swap(match: re.Match[str]) -> str:
        word = match.group()
        other = OTHER_WORDS.get(word.lower())
        begins = not text[: match.start()].rstrip() or text[: match.start()].rstrip()[-1] in ".!?:-*"
        if other is None or (word.lower() in AT_THE_START and not begins):
            return word
        if other == "reply to" and text[match.end() :].lstrip().startswith(("with", "in ", "from", "by")):
            other = "reply"
        return other[0].upper() + other[1:] if word[0].isupper() else other

    return _WORD.sub(swap, text)


def as_list(text: str) -> str:
    """One line a sentence; a text that has a layout of its own, or a single sentence, is left alone."""
    if re.search(r"(?m)^\s*([-*#|]|\d+[.)])", text) or "\n\n" in text:
        return text
    parts = _SENTENCE.split(" ".join(text.split()))
    return "\n".join(f"- {part}" for part in parts) if len(parts) > 1 else text


def under_heading(text: str) -> str:
    """The text under a heading."""
    return f"Your task:\n{text}"


def politely(text: str) -> str:
    """The text after a courtesy."""
    return f"Please do the following.\n{text}"


EDITS: dict[str, Callable[[str], str]] = {
    "in other words": other_words,
    "as a list": as_list,
    "under a heading": under_heading,
    "with a courtesy": politely,
}
"""What a wording is called, and how it is made; the first that change the text are asked."""


def reworded(approach: Prompted, instruction: str) -> Iterator[tuple[str, Prompted]]:
    """The approach with other wordings of the instruction, each with what was done; none where the
    instruction does not stand in its prompt."""
    prompt = approach.prompt
    made = 0
    for change, edit in EDITS.items():
        new = edit(instruction)
        other = replace(
            prompt,
            system=prompt.system.replace(instruction.strip(), new.strip()),
            instruction=prompt.instruction.replace(instruction.strip(), new.strip()),
        )
        if other != prompt and made < MOST:
            made += 1
            yield change, replace(approach, prompt=other)


def reordered(approach: Prompted) -> Iterator[tuple[str, Prompted]]:
    """The approach with its shots in other orders; none where there are too few. Where each query has its
    own, they are turned round."""
    shots = approach.prompt.shots
    if shots is None or shots.k < 2:
        return
    if shots.retrieve is not None:
        turned: Literal["last", "first"] = "first" if shots.nearest == "last" else "last"
        yield "the other way round", _with_shots(approach, replace(shots, nearest=turned))
        return
    drawn = sorted(shots.examples, key=lambda e: sha256(f"order:{e.id}".encode()).digest())
    orders = {"the other way round": shots.examples[::-1], "in a drawn order": tuple(drawn)}
    for change, examples in orders.items():
        if examples != shots.examples:
            yield change, _with_shots(approach, replace(shots, examples=examples))


def _with_shots(approach: Prompted, shots: Shots) -> Prompted:
    return replace(approach, prompt=replace(approach.prompt, shots=shots))
