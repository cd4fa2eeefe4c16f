"""Attention in parts, merged by their log-sum-exp.

A softmax over all keys is a weighted mean of softmaxes over parts of them, the weights given by each
part's log-sum-exp; so the part that all rows share (the prefix) can be attended to once, by all
queries together, and each row's own part by itself (Hydragen, Juravsky et al. 2024).

`FUNCTION` is registered with transformers' attention interface: a model whose config names it calls
`_through_slab` in every attention layer, which asks the slab of the current pass (slab.py).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import AttentionInterface

FUNCTION = "workbench_slab"


class Keeper(Protocol):
    """What holds the keys and values of a pass: a slab."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor: ...


current: ContextVar[Keeper] = ContextVar("the slab of the current pass")

_HARMLESS = {"position_ids", "is_causal", "sliding_window", "cache_position", "use_cache", "dropout"}
"""Arguments a model may hand to its attention function without changing what it computes here (the
engine runs no text longer than a sliding window, and a model in evaluation has no dropout)."""


class Unserved(Exception):
    """The model's attention is of a kind that is not computed here."""


def _through_slab(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """transformers' attention function: query [rows, heads, new, dim] -> [rows, new, heads, dim]."""
    scale = options.pop("scaling", None)
    odd = {k for k, v in options.items() if k not in _HARMLESS and v is not None and v is not False}
    if odd or mask is not None or not getattr(module, "is_causal", True):
        raise Unserved(f"attention with {', '.join(sorted(odd)) or 'a mask of its own'}")
    scale = query.shape[-1] ** -0.5 if scale is None else float(scale)
    out = current.get().attend(module.layer_idx, query, key, value, scale)
    return out.transpose(1, 2).contiguous(), None


AttentionInterface.register(FUNCTION, _through_slab)


def attend(
    query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Every query sees every key that `mask` (0 or -inf, added to the scores) leaves.

    query [b, heads, q, dim], key and value [b, kv heads, k, dim], mask [b, 1, 1, k] or None ->
    output [b, heads, q, dim] and log-sum-exp float32 [b, heads, q]. The heads that share a key head
    are folded into its queries, so that keys are not repeated.
    """
    b, heads, q, dim = query.shape
    kv = key.shape[1]
    out, lse = _kernel(query.reshape(b, kv, heads // kv * q, dim), key, value, scale, mask, False)
    return out.reshape(b, heads, q, dim), lse.reshape(b, heads, q)


def attend_causal(query: Tensor, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Query i sees keys 0 to i; shapes as in `attend`, with as many queries as keys."""
    return _kernel(query, key, value, scale, None, True)


def attend_shared(query: Tensor, key: Tensor, value: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """All rows' queries [b, heads, q, dim] see the same keys [1, kv heads, k, dim]."""
    b, heads, q, dim = query.shape
    kv = key.shape[1]
    folded = query.view(b, kv, heads // kv, q, dim).transpose(0, 1).reshape(1, kv, -1, dim)
    out, lse = _kernel(folded, key, value, scale, None, False)
    out = out.reshape(kv, b, heads // kv, q, dim).transpose(0, 1).reshape(b, heads, q, dim)
    return out, lse.reshape(kv, b, heads // kv, q).transpose(0, 1).reshape(b, heads, q)


def merge(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The attention over both parts' keys, from the attention over each."""
    (a, lse_a), (b, lse_b) = one, other
    weight = torch.sigmoid(lse_a - lse_b).unsqueeze(-1).to(a.dtype)
    return torch.lerp(b, a, weight), torch.logaddexp(lse_a, lse_b)


def _kernel(
    query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None, causal: bool
) -> tuple[Tensor, Tensor]:
    """torch's flash kernel for the CPU gives the log-sum-exp with the output; it takes fewer key heads
    than query heads."""
    if query.device.type == "cpu":
        if mask is not None:
            mask = mask.to(query.dtype)
        out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, causal, attn_mask=mask, scale=scale
        )
        return out, lse
    return by_hand(query, key, value, scale, mask, causal)


def by_hand(
    query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None, causal: bool
) -> tuple[Tensor, Tensor]:
    """The same by plain operators, on any device; holds the scores [b, heads, q, k] in fp32."""
    if (groups := query.shape[1] // key.shape[1]) > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = (query @ key.transpose(-1, -2)).float() * scale
    if mask is not None:
        scores = scores + mask
    if causal:
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(hidden, float("-inf"))
    lse = scores.logsumexp(-1)
    return (scores - lse.unsqueeze(-1)).exp().to(query.dtype) @ value, lse
