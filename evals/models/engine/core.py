"""One forward pass of a transformers model through a slab, and the check that it is right.

The model is not changed: its attention function and training mode are switched for the length of a
pass and put back, so that a model in training, or one that two generators share, stays as it was.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evals.models.engine.attention import FUNCTION, Unserved, current
from evals.models.engine.packed import Packed
from evals.models.engine.packed import unfit as unpackable
from evals.models.engine.slab import Slab
from evals.models.engine.soft import SoftPrompt, inner, soft_prompt

log = logging.getLogger(__name__)

CHUNK = 2048
"""Prompt tokens in one pass: enough to keep the cores busy, few enough to keep activations small."""
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}


class Core:
    """A model and how to run it. `context` bounds the positions it is given; `pack` allows a copy of its
    weights (packed.py), which is right only when nobody changes them.

    `whole` is the model as it was given, `model` the transformers model in it: they differ when peft
    wraps it.
    """

    def __init__(self, model: Any, context: int, pack: bool = False) -> None:
        self.whole, self.model, self.context = model, inner(model), context
        self.config = self.model.config.get_text_config(decoder=True)
        self.device, self.dtype = self.model.device, self.model.dtype
        self._lock = threading.RLock()
        self._packed = Packed(self.model) if pack and unpackable(self.model) is None else None

    def forward(self, ids: Tensor, positions: Tensor, slab: Slab, keep: Tensor) -> Tensor:
        """Logits [rows, kept, vocabulary] of new tokens `ids` [rows, new] at `positions` [rows, new];
        `keep` [rows, kept] says of which new tokens the logits are wanted."""
        positions = positions.clamp(max=self.context - 1)
        if self._packed is not None:
            with torch.inference_mode():
                return self._packed.forward(ids, positions, slab, keep)
        return self._through(slab, input_ids=ids, position_ids=positions, logits_to_keep=keep)

    def prefill(self, ids: Tensor, slab: Slab, last: Tensor, first_row: int = 0) -> Tensor:
        """Logits [rows, vocabulary] after each prompt; `ids` [rows, tokens] padded on the right,
        `last` [rows] the index of each row's last token. More than CHUNK tokens go in several passes,
        for which there must be one row."""
        logits: Tensor | None = None
        for column in range(0, ids.shape[1], CHUNK if len(ids) == 1 else ids.shape[1]):
            part = ids[:, column : column + CHUNK] if len(ids) == 1 else ids
            slab.span(first_row, first_row + len(ids), column, part.shape[1])
            positions = torch.arange(part.shape[1], device=self.device) + (slab.start + column)
            here = (last - column).clamp(0, part.shape[1] - 1)
            logits = self.forward(part, positions.expand_as(part), slab, here[:, None])[:, 0]
        if logits is None:
            raise ValueError("a prompt without tokens")
        return logits

    def step(
        self,
        new: Sequence[Sequence[int]],
        drafts: Sequence[Sequence[int]],
        lengths: Sequence[int],
        slab: Slab,
    ) -> Tensor:
        """Logits [rows, 1 + longest draft, vocabulary] after the new tokens of each row (at least one),
        which follow its `lengths` tokens in the slab and end with its draft: those after the last token
        before the draft, then after each token of it; padded with the last."""
        ids, some, columns = self._behind(new, lengths)
        seen = slab.reach(max(n + len(tokens) for n, tokens in zip(lengths, new, strict=True)))
        hidden = torch.arange(seen, device=self.device) > columns[:, None, :, None]
        slab.scatter(columns, some, _mask(hidden))
        longest = max(len(draft) for draft in drafts)
        keep = [
            [min(len(tokens) - len(draft) - 1 + n, len(tokens) - 1) for n in range(longest + 1)]
            for tokens, draft in zip(new, drafts, strict=True)
        ]
        return self.forward(ids, columns + slab.start, slab, torch.tensor(keep, device=self.device))

    def tree(
        self,
        new: Sequence[Sequence[int]],
        depths: Sequence[Sequence[int]],
        sees: Sequence[NDArray[np.bool_]],
        lengths: Sequence[int],
        slab: Slab,
    ) -> Tensor:
        """Logits [rows, nodes, vocabulary] of a tree of new tokens behind each row's `lengths` tokens: node
        n stands `depths[n]` places behind them and sees the nodes `sees[n]` besides them."""
        ids, some, columns = self._behind(new, lengths)
        rows, width = ids.shape
        before = torch.tensor(lengths, device=self.device)[:, None]
        seen = slab.reach(max(lengths) + width)
        visible = torch.zeros(rows, width, seen, dtype=torch.bool, device=self.device)
        positions = torch.zeros(rows, width, dtype=torch.long, device=self.device)
        for i, (n, view) in enumerate(zip(lengths, sees, strict=True)):
            visible[i, : len(view), n : n + len(view)] = torch.from_numpy(view).to(self.device)
            positions[i, : len(view)] = torch.tensor(depths[i], device=self.device)
        visible |= torch.arange(seen, device=self.device) < before[:, :, None]
        visible[..., 0] |= ~visible.any(-1)  # what pads a row must see something
        slab.scatter(columns, some, _mask(~visible[:, None]))
        every = torch.arange(width, device=self.device).expand(rows, -1)
        return self.forward(ids, positions + before + slab.start, slab, every)

    def _behind(
        self, new: Sequence[Sequence[int]], lengths: Sequence[int]
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """New tokens as ids [rows, new] padded on the right, which of them are real (None: all), and the
        columns behind `lengths` where they go."""
        counts = [len(tokens) for tokens in new]
        width = max(counts)
        ids = torch.tensor([[*tokens, *[0] * (width - len(tokens))] for tokens in new], device=self.device)
        offsets = torch.arange(width, device=self.device)
        columns = torch.tensor(lengths, device=self.device)[:, None] + offsets
        if min(counts) == width:
            return ids, None, columns
        return ids, offsets < torch.tensor(counts, device=self.device)[:, None], columns

    def prefix(self, ids: Tensor, before: Slab | None = None) -> Slab:
        """The keys and values of a prefix [tokens] that requests share, with those `before` it."""
        slab = Slab(1, len(ids), before)
        self.prefill(ids[None], slab, torch.tensor([len(ids) - 1], device=self.device))
        return slab.joined()

    def root(self) -> Slab | None:
        """What stands before every prompt: a soft prompt's keys and values, as they are now."""
        with self._evaluating(), torch.inference_mode():
            soft = soft_prompt(self.whole)
            if soft is None:
                return None
            slab = Slab(1, soft.tokens)
            slab.span(0, 1, 0, soft.tokens)
            self._fill(slab, soft)
        return slab

    def _fill(self, slab: Slab, soft: SoftPrompt) -> None:
        if soft.layers:
            for number, (key, value) in enumerate(soft.layers):
                slab.update(key.to(self.dtype), value.to(self.dtype), number)
            return
        assert soft.embeddings is not None
        positions = torch.arange(soft.tokens, device=self.device)[None]
        embeddings = soft.embeddings.to(self.dtype)
        self._through(slab, inputs_embeds=embeddings, position_ids=positions, logits_to_keep=1)

    def _through(self, slab: Slab, **inputs: Any) -> Tensor:
        """Logits by the transformers model."""
        with self._switched(), torch.inference_mode():
            token = current.set(slab)
            try:
                logits: Tensor = self.model(past_key_values=slab, use_cache=True, **inputs).logits
                return logits
            finally:
                current.reset(token)

    def unfit(self) -> str | None:
        """Why the model cannot be run through a slab, or None: by its config, then by comparing a
        prefix, two rows and a decode step with the model's own way."""
        rope = getattr(self.config, "rope_parameters", None) or {}
        if self.model.config.is_encoder_decoder:
            return "it has an encoder"
        if rope.get("rope_type") in ("dynamic", "longrope"):
            return "its positions depend on the length of the text"
        why = self._wrong()
        if why is not None and self._packed is not None:
            log.info("weights are not packed: %s", why)
            self._packed = None
            why = self._wrong()
        return why

    def _wrong(self) -> str | None:
        try:
            worst = self._compare()
        except (Unserved, RuntimeError, TypeError, ValueError, AttributeError, LookupError) as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        limit = _TOLERANCE.get(self.dtype, 0.05)
        return None if worst <= limit else f"its logits differ by {worst:.2g} of their size"

    def window(self) -> int | None:
        """The longest text for which every layer sees everything, None when there is no limit."""
        found = [getattr(self.config, "attention_chunk_size", None)]
        if getattr(self.config, "use_sliding_window", True):
            found.append(getattr(self.config, "sliding_window", None))
        kinds = getattr(self.config, "layer_types", None)
        if kinds and set(kinds) == {"full_attention"}:
            return None
        return min((int(n) for n in found if n), default=None)

    def _compare(self) -> float:
        """The largest difference of logits between the slab's way and the model's, relative: after a
        prefix and prompts of two lengths, and after one new token and two."""
        size = int(self.config.vocab_size)
        texts = [[(7 * i + j * j) % size for i in range(n)] for j, n in ((1, 19), (1, 14))]
        texts[1][8:] = [(t + 3) % size for t in texts[1][8:]]
        with self._evaluating(), torch.inference_mode():
            wanted = [
                self.whole(input_ids=torch.tensor([t], device=self.device), use_cache=False).logits[0]
                for t in texts
            ]
        prefix = self.prefix(torch.tensor(texts[0][:8], device=self.device), self.root())
        news = [texts[0][-1:], texts[1][-2:]]
        own = [len(t) - 8 - len(new) for t, new in zip(texts, news, strict=True)]
        ids = torch.zeros(2, max(own), dtype=torch.long, device=self.device)
        for i, t in enumerate(texts):
            ids[i, : own[i]] = torch.tensor(t[8 : 8 + own[i]])
        slab = Slab(2, ids.shape[1] + 2, prefix)
        first = self.prefill(ids, slab, torch.tensor(own, device=self.device) - 1)
        second = self.step(news, [[], []], own, slab)[:, 0]
        worst = 0.0
        for i, rows in enumerate(wanted):
            scale = rows.float().abs().max().item() or 1.0
            for got, place in ((first[i], -1 - len(news[i])), (second[i], -1)):
                difference = (got.float() - rows[place].float()).abs().max().item() / scale
                worst = max(worst, float("inf") if math.isnan(difference) else difference)
        return worst

    @contextmanager
    def _switched(self) -> Iterator[None]:
        with self._evaluating():
            before = self.config._attn_implementation
            self.config._attn_implementation = FUNCTION
            try:
                yield
            finally:
                self.config._attn_implementation = before

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        with self._lock:
            training = [m for m in self.whole.modules() if m.training]
            for module in training:
                module.training = False
            try:
                yield
            finally:
                for module in training:
                    module.training = True


def _mask(hidden: Tensor) -> Tensor:
    """0 where a key is seen, -inf where it is hidden."""
    return torch.zeros(hidden.shape, device=hidden.device).masked_fill_(hidden, float("-inf"))
