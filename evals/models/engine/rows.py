"""One request in the making: its tokens, its end, its stop strings, its own random numbers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from evals.models.chat import Ids
from evals.types import Completion, Finish, Request, Usage


class Row:
    """A request while it is answered. `prompt` are its token ids, of which the first `shared` are
    computed with others; `cached` of them count as not computed again."""

    def __init__(self, request: Request, prompt: Ids, tokenizer: Any, ends: frozenset[int]) -> None:
        self.request, self.prompt, self.tokenizer, self.ends = request, prompt, tokenizer, ends
        self.shared = self.cached = 0
        self.stops = tuple(s for s in request.stop if s)
        # Each stop character may be a token of its own; the margin is for tokens that print nothing.
        self._reach = max((len(s.encode()) for s in self.stops), default=0) + 8
        self.seconds = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin again, as if nothing had been generated."""
        self.tokens: list[int] = []
        self.finish: Finish | None = None
        seed = hashlib.sha256(f"{self.request.seed}\0{self.request.id}".encode()).digest()
        self._random = random.Random(int.from_bytes(seed[:8], "big"))

    def push(self, token: int) -> bool:
        """Take the next token; whether the request is finished with it."""
        self.tokens.append(token)
        if token in self.ends or (self.stops and self._stopped()):
            self.finish = "stop"
        elif len(self.tokens) >= self.request.max_tokens:
            self.finish = "length"
        return self.finish is not None

    def chance(self) -> float:
        """The next random number in [0, 1): a function of seed, id and how many were drawn."""
        return self._random.random()

    def completion(self) -> Completion:
        """What was generated, cut before the first stop string."""
        tokens = self.tokens[:-1] if self.tokens and self.tokens[-1] in self.ends else self.tokens
        text = self._decode(tokens)
        cut = min((at for s in self.stops if (at := text.find(s)) >= 0), default=len(text))
        usage = Usage(len(self.prompt), self.cached, len(self.tokens), 1, self.seconds)
        return Completion(self.request.id, text[:cut], self.finish or "length", usage)

    def _stopped(self) -> bool:
        # Only the end of the text can hold a stop string that was not there a token ago.
        text = self._decode(self.tokens[-self._reach :])
        return any(s in text for s in self.stops)

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(
            self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )


def pick(logits: Tensor, rows: Sequence[Row]) -> list[int]:
    """The next token of each row from logits [rows, vocabulary]: the best one, or one drawn at the
    row's temperature (from all tokens, by inverting their cumulative probability)."""
    chosen: list[int] = logits.float().argmax(-1).tolist()
    for i, row in enumerate(rows):
        if row.request.temperature > 0 and row.finish is None:
            weights = torch.softmax(logits[i].double() / row.request.temperature, -1).cumsum(-1)
            at = torch.searchsorted(weights, row.chance() * weights[-1], right=True)
            chosen[i] = min(int(at), len(weights) - 1)
    return chosen
