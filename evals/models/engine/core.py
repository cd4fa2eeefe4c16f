"""One forward pass of a transformers model through a slab, and the check that it is right.

The model is not changed: its attention function and training mode are switched for the length of a
pass and put back, so that a model in training, or one that two generators share, stays as it was.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from evals.models.engine.attention import FUNCTION, Unserved, current
from evals.models.engine.slab import Slab

CHUNK = 2048
"""Prompt tokens in one pass: enough to keep the cores busy, few enough to keep activations small."""
_TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-3}


class Core:
    """A model and how to run it. `context` bounds the positions it is given."""

    def __init__(self, model: Any, context: int) -> None:
        self.model, self.context = model, context
        self.config = model.config.get_text_config(decoder=True)
        self.device, self.dtype = model.device, model.dtype
        self._lock = threading.RLock()

    def forward(self, ids: Tensor, start: Tensor | int, slab: Slab, keep: Tensor) -> Tensor:
        """Logits [rows, kept, vocabulary] of new tokens `ids` [rows, new].

        `start` is the position of the first new token, one for all or one a row; `keep` [rows, kept]
        says of which new tokens the logits are wanted.
        """
        steps = torch.arange(ids.shape[1], device=self.device)
        first = start[:, None] if isinstance(start, Tensor) else start
        positions = (steps[None, :] + first).clamp_(max=self.context - 1)
        with self._switched(), torch.inference_mode():
            token = current.set(slab)
            try:
                out = self.model(
                    input_ids=ids,
                    position_ids=positions.expand(ids.shape[0], -1),
                    past_key_values=slab,
                    use_cache=True,
                    logits_to_keep=keep,
                )
                logits: Tensor = out.logits
                return logits
            finally:
                current.reset(token)

    def prefill(self, ids: Tensor, slab: Slab, last: Tensor, first_row: int = 0) -> Tensor:
        """Logits [rows, vocabulary] after each prompt; `ids` [rows, tokens] padded on the right,
        `last` [rows] the index of each row's last token. More than CHUNK tokens go in several passes,
        for which there must be one row."""
        before = slab.start
        logits: Tensor | None = None
        for column in range(0, ids.shape[1], CHUNK if len(ids) == 1 else ids.shape[1]):
            part = ids[:, column : column + CHUNK] if len(ids) == 1 else ids
            slab.select(first_row, first_row + len(ids), column)
            here = (last - column).clamp(0, part.shape[1] - 1)
            logits = self.forward(part, before + column, slab, here[:, None])[:, 0]
        if logits is None:
            raise ValueError("a prompt without tokens")
        return logits

    def prefix(self, ids: Tensor) -> Slab:
        """The keys and values of a prefix [tokens] that requests share."""
        slab = Slab(1, len(ids))
        self.prefill(ids[None], slab, torch.tensor([len(ids) - 1], device=self.device))
        return slab

    def unfit(self) -> str | None:
        """Why the model cannot be run through a slab, or None: by its config, then by comparing a
        prefix, two rows and a decode step with the model's own way."""
        rope = getattr(self.config, "rope_parameters", None) or {}
        if self.model.config.is_encoder_decoder:
            return "it has an encoder"
        if rope.get("rope_type") in ("dynamic", "longrope"):
            return "its positions depend on the length of the text"
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
        """The largest difference of logits between the slab's way and the model's, relative."""
        size = int(self.config.vocab_size)
        texts = [[(7 * i + j * j) % size for i in range(n)] for j, n in ((1, 19), (1, 14))]
        texts[1][8:] = [(t + 3) % size for t in texts[1][8:]]
        with self._evaluating(), torch.inference_mode():
            rows = [
                self.model(torch.tensor([t], device=self.device), use_cache=False).logits[0] for t in texts
            ]
        prefix = self.prefix(torch.tensor(texts[0][:8], device=self.device))
        own = [len(t) - 9 for t in texts]
        ids = torch.zeros(2, max(own), dtype=torch.long, device=self.device)
        for i, t in enumerate(texts):
            ids[i, : own[i]] = torch.tensor(t[8:-1])
        slab, lengths = Slab(2, ids.shape[1] + 1, prefix), torch.tensor(own, device=self.device)
        first = self.prefill(ids, slab, lengths - 1)
        slab.select(0, 2, ids.shape[1], gaps(own, ids.shape[1], slab.columns, self.device))
        ends = torch.tensor([[t[-1]] for t in texts], device=self.device)
        second = self.forward(ends, lengths + 8, slab, torch.zeros_like(ends))[:, 0]
        worst = 0.0
        for i, wanted in enumerate(rows):
            scale = wanted.float().abs().max().item() or 1.0
            for got, place in ((first[i], -2), (second[i], -1)):
                difference = (got.float() - wanted[place].float()).abs().max().item() / scale
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
            training = self.model.training
            if training:
                self.model.eval()
            try:
                yield
            finally:
                if training:
                    self.model.train()


def gaps(own: list[int], prompt: int, columns: int, device: Any) -> Tensor | None:
    """The mask [rows, 1, 1, columns] that hides columns `own[i]` to `prompt` of row i; None when every
    row fills its columns."""
    if all(n == prompt for n in own):
        return None
    column = torch.arange(columns, device=device)
    hidden = (column >= torch.tensor(own, device=device)[:, None]) & (column < prompt)
    mask = torch.zeros(len(own), columns, device=device).masked_fill_(hidden, float("-inf"))
    return mask[:, None, None, :]
