"""The log-likelihood of answers under a model in training, computed where it is needed and nowhere else.

The output head is as large as a fifth of a small model, and its logits larger than everything else in
memory: only the hidden states from which answer tokens are predicted go through it. Where a model does
something else between hidden states and logits (caps or scales them), its own logits are taken. Rows are
packed (`packed.py`) where that gives what padding gives. Both are found out by comparing, on a few tokens.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from evals.models.engine.soft import inner, virtual_tokens
from tuning import packed
from tuning.pieces import Piece

log = logging.getLogger(__name__)

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.05}
"""How far logits may differ, as a share of the largest; bf16 rounds at every layer."""
ROUND = 8
"""Widths are multiples of this: each new shape costs the CPU library a plan."""


@dataclass(frozen=True)
class Batch:
    """Rows padded on the right: `ids` and `mask` [rows, width], `answer` [rows, width] true where a token
    of the answer stands."""

    ids: Tensor
    mask: Tensor
    answer: Tensor

    @property
    def rows(self) -> int:
        return len(self.ids)


def collate(pieces: Sequence[Piece], device: Any, width: int = 0) -> Batch:
    """The pieces as one batch, at least `width` wide."""
    width = max(width, -(-max(map(len, pieces)) // ROUND) * ROUND)
    ids = np.zeros((len(pieces), width), np.int64)
    kind = np.zeros((len(pieces), width), np.int8)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece.prompt)] = piece.prompt
        ids[row, len(piece.prompt) : len(piece)] = piece.answer
        kind[row, : len(piece.prompt)] = 1
        kind[row, len(piece.prompt) : len(piece)] = 2
    found = torch.from_numpy(kind).to(device)
    return Batch(torch.from_numpy(ids).to(device), found > 0, found == 2)


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Without dropout for a while; which modules were in training is put back."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


class Reader:
    """Reads batches with a model, wrapped by peft or not. `autocast` computes in bf16 what is held in
    fp32."""

    def __init__(self, model: Any, autocast: bool = False) -> None:
        self.model, self.whole = inner(model), model
        self.autocast = autocast
        self.device = self.model.device
        self.virtual = virtual_tokens(model)
        self._kind = str(getattr(getattr(model, "active_peft_config", None), "peft_type", ""))

    def losses(self, batch: Batch) -> Tensor:
        """The negative log-likelihood [answer tokens] of every answer token (natural log), row by row."""
        logits = self.logits(batch)
        wanted = batch.ids[:, 1:][batch.answer[:, 1:]]
        return functional.cross_entropy(logits.float(), wanted, reduction="none")

    def likelihoods(self, batch: Batch) -> Tensor:
        """The log-likelihood [rows] of every row's answer (natural log), end token included."""
        sizes = batch.answer[:, 1:].sum(dim=1).tolist()
        return -torch.stack([part.sum() for part in torch.split(self.losses(batch), sizes)])

    def logits(self, batch: Batch) -> Tensor:
        """The logits [answer tokens, vocabulary] that predict each answer token."""
        before = batch.answer[:, 1:]
        with self._precision():
            if not self._direct:
                return self._own(batch)[:, :-1][before]
            if self._packs and (self._window is None or batch.ids.shape[1] <= self._window):
                wanted = functional.pad(before, (0, 1))[batch.mask]
                states = packed.states(self.model, batch.ids, batch.mask)[wanted]
            else:
                states = self._hidden(batch)[:, :-1][before]
            found: Tensor = self.model.get_output_embeddings()(states)
            return found

    @cached_property
    def _direct(self) -> bool:
        """Whether the output head alone makes logits of hidden states, found on a few tokens; not where the
        model keeps no part of itself apart that ends in them."""
        if self.model.base_model is self.model or self.model.get_output_embeddings() is None:
            return False
        batch = self._probe()
        with torch.no_grad(), self._precision(), evaluating(self.whole):
            mine = self.model.get_output_embeddings()(self._hidden(batch))
            return self._near(mine, self._own(batch))

    @cached_property
    def _packs(self) -> bool:
        """Whether rows may be packed, found on a few."""
        if self.virtual:
            return False
        batch = self._probe()
        try:
            with torch.no_grad(), self._precision(), evaluating(self.whole):
                mine = packed.states(self.model, batch.ids, batch.mask)
                return self._near(mine, self._hidden(batch)[batch.mask])
        except Exception as error:  # code of any model
            log.debug("rows are padded, not packed: %s", error)
            return False

    @cached_property
    def _window(self) -> int | None:
        return packed.window(self.model.config)

    def _probe(self) -> Batch:
        """Three rows of different lengths."""
        mask = torch.arange(12, device=self.device) < torch.tensor([[5], [12], [9]], device=self.device)
        ids = torch.arange(2, 38, device=self.device).view(3, 12) % int(self.model.config.vocab_size)
        return Batch(ids * mask, mask, mask)

    def _near(self, one: Tensor, other: Tensor) -> bool:
        worst = (one.float() - other.float()).abs().max() / other.float().abs().max().clamp(min=1e-9)
        return bool(worst <= TOLERANCE.get(self.model.dtype, 0.05))

    def _hidden(self, batch: Batch) -> Tensor:
        """Hidden states [rows, width, size] of the text."""
        found: Tensor = self.model.base_model(**self._inputs(batch)).last_hidden_state
        return found[:, found.shape[1] - batch.ids.shape[1] :]

    def _own(self, batch: Batch) -> Tensor:
        """The model's logits [rows, width, vocabulary] of the text."""
        found: Tensor = self.model(**self._inputs(batch)).logits
        return found[:, found.shape[1] - batch.ids.shape[1] :]

    def _inputs(self, batch: Batch) -> dict[str, Any]:
        """What the transformers model is given, a soft prompt in front of every row. Rows are padded on
        the right, where nothing that counts sees the padding; a mask is only needed behind a soft
        prompt, for whose length the model cannot know."""
        if not self.virtual:
            return {"input_ids": batch.ids, "use_cache": False}
        before = batch.mask.new_ones(batch.rows, self.virtual)
        mask = torch.cat([before, batch.mask], dim=1).long()
        prompt = self.whole.get_prompt(batch_size=batch.rows)
        if self._kind.endswith("PREFIX_TUNING"):
            return {"input_ids": batch.ids, "past_key_values": prompt, "attention_mask": mask}
        text = self.model.get_input_embeddings()(batch.ids)
        embeddings = torch.cat([prompt.to(text.dtype), text], dim=1)
        return {"inputs_embeds": embeddings, "use_cache": False}

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if not self.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)
