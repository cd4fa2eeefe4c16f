"""Attention to keys that stand in several places: a prefix that all rows share, and each row's own.

Two ways, the same result (`attend` takes the faster for device and dtype):

`by_parts`  each part by a flash kernel that gives the log-sum-exp of its scores; the parts are merged by
            it, since a softmax over all keys is a weighted mean of softmaxes over some of them
            (Hydragen, Juravsky et al. 2024). torch's CPU kernel does; it is good with AMX and in fp32.
`at_once`   the scores of all parts beside each other, one softmax, by matrix products in blocks. For
            devices whose kernel gives no log-sum-exp, and for bf16 without AMX, where it was measured
            to take half of the flash kernel's time.

Keys that all rows share are multiplied by all rows' queries in one product, and the query heads that
share a key head are folded into its queries, so nothing is copied per row or per head.

`FUNCTION` is registered with transformers' attention interface: a model whose config names it calls
`_through_slab` in every attention layer, which asks the slab of the current pass (slab.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import AttentionInterface

FUNCTION = "workbench_slab"
BLOCK = 1 << 22
"""Scores computed at a time by `at_once`: smaller blocks were measured to cost more in calls than they
spare in cache (16 rows of 500 tokens, 2 cores: 53 to 65 ms a layer with 1 << 19, 49 with 1 << 22)."""
QUERIES = 64
"""Queries of a row computed at a time: what a causal block computes in vain is half of its square."""


@dataclass(frozen=True, slots=True)
class Part:
    """Keys and values [rows, kv heads, k, dim]; one row where all rows share them. `mask`,
    float32 [rows, 1, q or 1, k] (0 or -inf), is added to the scores; `causal` says that the last keys are the
    queries' own, and that none sees those after it."""

    key: Tensor
    value: Tensor
    mask: Tensor | None = None
    causal: bool = False


class Keeper(Protocol):
    """What holds the keys and values of a pass: a slab."""

    def attend(self, layer: int, query: Tensor, scale: float) -> Tensor: ...


current: ContextVar[Keeper] = ContextVar("the slab of the current pass")

_HARMLESS = {"position_ids", "is_causal", "sliding_window", "cache_position", "use_cache", "dropout"}
"""Arguments a model may hand to its attention function without changing what it computes here (the
engine runs no text longer than a sliding window, and a model in evaluation has no dropout)."""


class Unserved(Exception):
    """The model's attention is of a kind that is not computed here."""


def _through_slab(
    module: Any, query: Tensor, _key: Tensor, _value: Tensor, mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """transformers' attention function: query [rows, heads, new, dim] -> [rows, new, heads, dim]. The
    keys and values were put into the slab before (`Slab.update`)."""
    scale = options.pop("scaling", None)
    odd = {k for k, v in options.items() if k not in _HARMLESS and v is not None and v is not False}
    if odd or mask is not None or not getattr(module, "is_causal", True):
        raise Unserved(f"attention with {', '.join(sorted(odd)) or 'a mask of its own'}")
    scale = query.shape[-1] ** -0.5 if scale is None else float(scale)
    out = current.get().attend(module.layer_idx, query, scale)
    return out.transpose(1, 2).contiguous(), None


AttentionInterface.register(FUNCTION, _through_slab)


@cache
def flash(device: str, dtype: torch.dtype) -> bool:
    """Whether `by_parts` is the way to go."""
    return device == "cpu" and (dtype != torch.bfloat16 or torch.cpu._is_amx_tile_supported())


def attend(query: Tensor, parts: Sequence[Part], scale: float) -> Tensor:
    """query [rows, heads, q, dim] to all keys of the parts -> [rows, heads, q, dim].

    Every query must see at least one key of the last part.
    """
    way = by_parts if flash(query.device.type, query.dtype) else at_once
    return way(query, parts, scale)


def by_parts(query: Tensor, parts: Sequence[Part], scale: float) -> Tensor:
    """`attend` by the CPU's flash kernel and log-sum-exps."""
    found: tuple[Tensor, Tensor] | None = None
    for part in parts:
        for piece in _causal_apart(part, query.shape[2]):
            one = _shared(query, piece, scale) if len(piece.key) < len(query) else _own(query, piece, scale)
            found = one if found is None else _merge(found, one)
    if found is None:
        raise ValueError("attention without keys")
    return found[0]


def _causal_apart(part: Part, q: int) -> list[Part]:
    """A causal part as one in which all is seen and one of as many keys as queries, which is what the
    kernel calls causal. A single query sees all."""
    k = part.key.shape[2]
    if not part.causal or q == k:
        return [part] if q > 1 else [Part(part.key, part.value, part.mask)]
    before = Part(part.key[:, :, : k - q], part.value[:, :, : k - q])
    after = Part(part.key[:, :, k - q :], part.value[:, :, k - q :], causal=q > 1)
    return [before, after] if q > 1 else [Part(part.key, part.value)]


def _kernel(query: Tensor, part: Part, scale: float) -> tuple[Tensor, Tensor]:
    """Output and log-sum-exp [b, heads, q]; the kernel takes fewer key heads than query heads."""
    mask = None if part.mask is None else part.mask.to(query.dtype)
    out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, part.key, part.value, 0.0, part.causal, attn_mask=mask, scale=scale
    )
    return out, lse


def _own(query: Tensor, part: Part, scale: float) -> tuple[Tensor, Tensor]:
    """Each row's queries to its own keys; folded where no query of a row differs from its others."""
    rows, heads, q, dim = query.shape
    kv = part.key.shape[1]
    if part.causal or (part.mask is not None and part.mask.shape[2] > 1):
        return _kernel(query, part, scale)
    out, lse = _kernel(query.reshape(rows, kv, heads // kv * q, dim), part, scale)
    return out.reshape(rows, heads, q, dim), lse.reshape(rows, heads, q)


def _shared(query: Tensor, part: Part, scale: float) -> tuple[Tensor, Tensor]:
    """All rows' queries to the same keys."""
    rows, heads, q, dim = query.shape
    kv = part.key.shape[1]
    folded = query.reshape(rows, kv, heads // kv, q, dim).transpose(0, 1).reshape(1, kv, -1, dim)
    out, lse = _kernel(folded, part, scale)
    out = out.reshape(kv, rows, heads // kv, q, dim).transpose(0, 1).reshape(rows, heads, q, dim)
    return out, lse.reshape(kv, rows, heads // kv, q).transpose(0, 1).reshape(rows, heads, q)


def _merge(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The attention over both parts' keys, from the attention over each."""
    (a, lse_a), (b, lse_b) = one, other
    weight = torch.sigmoid(lse_a - lse_b).unsqueeze(-1).to(a.dtype)
    return torch.lerp(b, a, weight), torch.logaddexp(lse_a, lse_b)


def at_once(query: Tensor, parts: Sequence[Part], scale: float) -> Tensor:
    """`attend` by matrix products, in blocks of rows and queries."""
    rows, heads, q, _ = query.shape
    keys = sum(part.key.shape[2] for part in parts)
    if q <= QUERIES and query.shape[:3].numel() * keys <= BLOCK:
        return _softmaxed(query, parts, scale)
    out = query.new_empty(rows, q, heads, parts[0].value.shape[3]).transpose(1, 2)
    for first in range(0, q, QUERIES):
        some = slice(first, min(first + QUERIES, q))
        step = max(1, BLOCK // (heads * (some.stop - first) * keys))
        for row in range(0, rows, step):
            these = slice(row, min(row + step, rows))
            own = [_block(part, rows, q, these, some) for part in parts]
            out[these, :, some] = _softmaxed(query[these, :, some], own, scale)
    return out


def _block(part: Part, rows: int, q: int, these: slice, some: slice) -> Part:
    """What some queries of some rows see of a part."""
    key, value, mask = part.key, part.value, part.mask
    if len(key) == rows:
        key, value = key[these], value[these]
    if part.causal:
        last = key.shape[2] - (q - some.stop)
        key, value = key[:, :, :last], value[:, :, :last]
    if mask is not None:
        mask = (mask if len(mask) == 1 else mask[these])[:, :, some if mask.shape[2] > 1 else slice(None)]
    return Part(key, value, mask, part.causal)


def _softmaxed(query: Tensor, parts: Sequence[Part], scale: float) -> Tensor:
    """Attention of query [b, heads, q, dim] to parts of b rows or one, all at once. The order inside is
    [kv heads, rows, query heads of one key head x q], in which shared and own keys both multiply what
    lies beside each other."""
    b, heads, q, dim = query.shape
    kv = parts[0].key.shape[1]
    shape = (kv, b, heads // kv, q)
    folded = query.view(b, kv, -1, q, dim).transpose(0, 1).contiguous()
    sizes = [part.key.shape[2] for part in parts]
    scores = torch.empty(*shape, sum(sizes), dtype=torch.float32, device=query.device)
    for part, slot in zip(parts, torch.split(scores, sizes, -1), strict=True):
        key = part.key.transpose(0, 1).flatten(0, 1).transpose(1, 2)
        raw = torch.bmm(folded.view(len(key), -1, dim), key).view(*shape, -1)
        mask = torch.zeros(1, device=query.device) if part.mask is None else part.mask.unsqueeze(0)
        torch.add(mask, raw, alpha=scale, out=slot)
        if part.causal and q > 1:
            slot[..., -q:].add_(_triangle(q, query.device))
    out: Tensor | None = None
    for part, weight in zip(parts, torch.split(scores.softmax(-1), sizes, -1), strict=True):
        value = part.value.transpose(0, 1).flatten(0, 1)
        one = torch.bmm(weight.to(query.dtype).view(len(value), -1, weight.shape[-1]), value).view(*shape, -1)
        out = one if out is None else out.add_(one)
    if out is None:
        raise ValueError("attention without keys")
    return out.permute(1, 3, 0, 2, 4).reshape(b, q, heads, -1).transpose(1, 2)


@cache
def _triangle(q: int, device: torch.device) -> Tensor:
    """The mask [q, q] by which none of q queries sees the keys of those after it."""
    return torch.full((q, q), float("-inf"), device=device).triu_(1)
