"""Training rows as token ids: the prompt exactly as it will be served, and the answer with its end.

Prompt and answer are tokenised apart, because that is how answers are generated. The answer ends with
the token that ends an assistant's turn in the model's own chat template; loss is taken on the answer
alone. Rows that do not fit the context are left out and counted, never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.models.chat import Ids, Renderer

MARK = "ANSWER-STANDS-HERE"


@dataclass(frozen=True)
class Piece:
    """One text to learn from: token ids of the prompt, of which the loss knows nothing, and of the
    answer, end token included."""

    id: str
    prompt: Ids
    answer: Ids

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, of which people wanted the first."""

    chosen: Piece
    rejected: Piece

    def __len__(self) -> int:
        return max(len(self.chosen), len(self.rejected))


@dataclass(frozen=True)
class Asked:
    """A rendered prompt and the answer wanted: what a piece is made from."""

    id: str
    prompt: Any
    answer: str


def pieces(asked: Sequence[Asked], renderer: Renderer, room: int) -> tuple[list[Piece], list[str]]:
    """The pieces of at most `room` tokens, in order, and the ids of the rows that are longer."""
    end = end_token(renderer)
    prompts = renderer.ids([one.prompt for one in asked])
    lead = "" if renderer.tokenizer.chat_template else " "
    answers = renderer.text_ids([lead + one.answer for one in asked], special=False)
    found, long = [], []
    for one, prompt, answer in zip(asked, prompts, answers, strict=True):
        piece = Piece(one.id, prompt, np.append(answer, np.int32(end)))
        if len(piece) <= room:
            found.append(piece)
        else:
            long.append(one.id)
    return found, long


def pairs(
    asked: Sequence[tuple[Asked, Asked]], renderer: Renderer, room: int
) -> tuple[list[Pair], list[str]]:
    """The pairs of (chosen, rejected) of which both have at most `room` tokens, in order, and the ids of
    the others."""
    sides = [pieces([both[side] for both in asked], renderer, room)[0] for side in (0, 1)]
    chosen, rejected = ({piece.id: piece for piece in side} for side in sides)
    ids = [one.id for one, _ in asked]
    found = [Pair(chosen[id], rejected[id]) for id in ids if id in chosen and id in rejected]
    return found, [id for id in ids if not (id in chosen and id in rejected)]


def end_token(renderer: Renderer) -> int:
    """The token that the chat template puts behind an assistant's answer, where it is a special one;
    else the tokenizer's end of text."""
    tokenizer = renderer.tokenizer
    default = renderer.start() if tokenizer.eos_token_id is None else int(tokenizer.eos_token_id)
    if not tokenizer.chat_template:
        return default
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": MARK}]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    behind = text.partition(MARK)[2].strip()
    ids = [int(token) for token in renderer.text_ids([behind], special=False)[0]] if behind else []
    return ids[0] if ids and ids[0] in set(tokenizer.all_special_ids) else default
