"""One request in the making: its tokens, its end, its stop strings, its grammar, its own random numbers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from evals.models.chat import Ids
from evals.models.engine.lookup import Lookup
from evals.types import Completion, Finish, Request, Usage

if TYPE_CHECKING:
    from evals.models.grammar import Matcher

JUMP = True
"""Whether tokens that a grammar forces are written together rather than asked for one by one."""


class Row:
    """A request while it is answered. `prompt` are its token ids, of which the first `shared` are
    computed with others; `cached` of them count as not computed again. `pending` are the tokens of the
    answer that the model has not read: the last one, with those its grammar left no choice about."""

    def __init__(
        self,
        request: Request,
        prompt: Ids,
        tokenizer: Any,
        ends: frozenset[int],
        matcher: Matcher | None = None,
    ) -> None:
        self.request, self.prompt, self.tokenizer, self.ends = request, prompt, tokenizer, ends
        self.matcher = matcher
        self.shared = self.cached = 0
        self.stops = tuple(s for s in request.stop if s)
        # Each stop character may be a token of its own; the margin is for tokens that print nothing.
        self._reach = max((len(s.encode()) for s in self.stops), default=0) + 8
        self.seconds = 0.0
        self.reset()

    def reset(self) -> None:
        """Begin again, as if nothing had been generated."""
        self._clear()
        if self.matcher is not None:
            self._forced()

    def _clear(self) -> None:
        self.tokens: list[int] = []
        self.pending: list[int] = []
        self.finish: Finish | None = None
        seed = hashlib.sha256(f"{self.request.seed}\0{self.request.id}".encode()).digest()
        self._random = random.Random(int.from_bytes(seed[:8], "big"))
        self._lookup: Lookup | None = None
        if self.matcher is not None:
            self.matcher.reset()

    def push(self, token: int) -> bool:
        """Take the next token, and those that its grammar forces after it; whether the request is
        finished with them."""
        self.pending = []
        self._take(token)
        if self.matcher is not None and self.finish is None:
            self._forced()
        return self.finish is not None

    def say(self, tokens: Sequence[int]) -> None:
        """Take a whole answer, up to where it ends."""
        self._clear()
        for token in tokens:
            self._take(token)
            if self.finish is not None:
                return

    def _take(self, token: int) -> None:
        if self.matcher is not None:
            self.matcher.accept(token)
        self.tokens.append(token)
        self.pending.append(token)
        if self._lookup is not None:
            self._lookup.add(token)
        if token in self.ends or (self.stops and self._stopped()):
            self.finish = "stop"
        elif len(self.tokens) >= self.request.max_tokens:
            self.finish = "length"

    def _forced(self) -> None:
        """Write what the grammar leaves no choice about; an answer that can only end has ended."""
        assert self.matcher is not None
        for token in self.matcher.forced() if JUMP else ():
            self._take(token)
            if self.finish is not None:
                return
        if self.matcher.finished:
            self.finish = "stop"

    def draft(self, most: int) -> list[int]:
        """Tokens that may come next, for an answer that takes the likeliest token of all."""
        if self.finish is not None or self.matcher is not None or self.request.temperature > 0:
            return []
        if self._lookup is None:
            self._lookup = Lookup([*self.prompt.tolist(), *self.tokens])
        return self._lookup.draft(min(most, self.request.max_tokens - len(self.tokens) - 1))

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
    """The next token of each row from logits [rows, vocabulary], which are changed: the best one that its
    grammar allows, or one drawn at the row's temperature (from all tokens, by inverting their cumulative
    probability)."""
    constrained = [row.matcher if row.finish is None else None for row in rows]
    if any(matcher is not None for matcher in constrained):
        from evals.models.grammar import apply, fill, masks

        bitmask = masks(len(rows), logits.shape[1])
        fill(bitmask, constrained)
        apply(logits, bitmask)
    chosen: list[int] = logits.float().argmax(-1).tolist()
    for i, row in enumerate(rows):
        if row.request.temperature > 0 and row.finish is None:
            weights = torch.softmax(logits[i].double() / row.request.temperature, -1).cumsum(-1)
            at = torch.searchsorted(weights, row.chance() * weights[-1], right=True)
            chosen[i] = min(int(at), len(weights) - 1)
    return chosen
