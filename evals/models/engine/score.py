"""Log-likelihoods of continuations of one prompt: the prompt is computed once, then each
continuation on top of its keys and values, in batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evals.models.chat import Ids
from evals.models.engine.core import Core
from evals.models.engine.slab import Slab

LOGITS = 1 << 24
"""At most so many logits at once (64 MiB in fp32)."""


def score_tails(core: Core, prompt: Ids, tails: Sequence[Ids], begins: Sequence[int]) -> list[float]:
    """For each tail (token ids that follow `prompt`, which has at least one), the summed log-likelihood
    of its tokens from index `begins[i]` on."""
    prefix = core.root()
    if len(prompt) > 1:
        prefix = core.prefix(torch.from_numpy(prompt[:-1]).long().to(core.device), prefix)
    fed = [np.concatenate([prompt[-1:], tail]) for tail in tails]
    order = sorted(range(len(tails)), key=lambda i: -len(fed[i]))
    found = [0.0] * len(tails)
    while order:
        width = len(fed[order[0]])
        size = max(1, LOGITS // (width * core.config.vocab_size))
        batch, order = order[:size], order[size:]
        likelihoods = _batch(core, prefix, [fed[i] for i in batch], width)
        for i, row in zip(batch, likelihoods, strict=True):
            found[i] = float(row[begins[i] : len(tails[i])].sum())
    return found


def _batch(core: Core, prefix: Slab | None, rows: Sequence[Ids], width: int) -> torch.Tensor:
    """float64 [rows, width - 1]: the log-likelihood of each row's next token at each place."""
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.from_numpy(row)
    ids = ids.to(core.device)
    slab = Slab(len(rows), width, prefix)
    every = torch.arange(width, device=core.device).expand(len(rows), -1)
    slab.span(0, len(rows), 0, width)
    logits = core.forward(ids, every + slab.start, slab, every)[:, :-1]
    nexts = logits.float().log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    return nexts.double().cpu()
