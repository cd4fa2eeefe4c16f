"""Rows laid one behind the other instead of padded (packing): the layers compute tokens and nothing else.

Only attention is asked row by row, and tokens keep the places that they have in their rows, so that no row
sees another and the results are those of the padded batch. This holds where a layer mixes tokens by
attention alone; soft prompts, which stand before every row, and rows longer than the window of a layer are
left to padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface

FUNCTION = "workbench_rows"

_HARMLESS = {"position_ids", "is_causal", "sliding_window", "cache_position", "use_cache", "dropout"}
"""Arguments of an attention function that change nothing here: `window` sees to the length of rows."""


@dataclass(frozen=True)
class Rows:
    """Where tokens stand: `place` [tokens], counted through all `count` rows of `width`."""

    place: Tensor
    count: int
    width: int

    def spread(self, packed: Tensor) -> Tensor:
        """[1, heads, tokens, dim] -> [rows, heads, width, dim], zero where nothing stands."""
        heads, dim = packed.shape[1], packed.shape[3]
        wide = packed.new_zeros(self.count * self.width, heads, dim)
        wide = wide.index_copy(0, self.place, packed[0].transpose(0, 1))
        return wide.view(self.count, self.width, heads, dim).transpose(1, 2)

    def gather(self, wide: Tensor) -> Tensor:
        """[rows, heads, width, dim] -> [1, tokens, heads, dim]."""
        return wide.transpose(1, 2).reshape(-1, wide.shape[1], wide.shape[3])[self.place][None]


class Unpackable(Exception):
    """The model's attention is of a kind that is not computed here."""


_current: ContextVar[Rows] = ContextVar("the rows of the current pass")


def _row_by_row(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """transformers' attention function: query [1, heads, tokens, dim] -> [1, tokens, heads, dim]."""
    scale = options.pop("scaling", None)
    odd = {k for k, v in options.items() if k not in _HARMLESS and v is not None and v is not False}
    if odd or mask is not None or options.get("dropout") or not getattr(module, "is_causal", True):
        raise Unpackable(f"attention with {', '.join(sorted(odd)) or 'a mask or dropout'}")
    rows = _current.get()
    queries, keys, values = (rows.spread(t) for t in (query, key, value))
    shared = queries.shape[1] != keys.shape[1]
    found = functional.scaled_dot_product_attention(
        queries, keys, values, is_causal=True, scale=scale, enable_gqa=shared
    )
    return rows.gather(found), None


AttentionInterface.register(FUNCTION, _row_by_row)


def window(config: Any) -> int | None:
    """The most tokens of a row of which each sees all before it in every layer; None without such a limit."""
    text = config.get_text_config(decoder=True)
    limits = [getattr(text, name, None) for name in ("sliding_window", "attention_chunk_size")]
    return min((int(limit) for limit in limits if limit), default=None)


def states(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """The last hidden states [tokens, size] of the rows `ids` [rows, width] where `mask` is true, in their
    order. Raises Unpackable."""
    count, width = ids.shape
    place = mask.reshape(-1).nonzero()[:, 0]
    with _attending(model, Rows(place, count, width)):
        found = model.base_model(
            input_ids=ids.reshape(-1)[place][None], position_ids=(place % width)[None], use_cache=False
        )
    hidden: Tensor = found.last_hidden_state[0]
    return hidden


@contextmanager
def _attending(model: Any, rows: Rows) -> Iterator[None]:
    config = model.config.get_text_config(decoder=True)
    before, token = config._attn_implementation, _current.set(rows)
    config._attn_implementation = FUNCTION
    try:
        yield
    finally:
        config._attn_implementation = before
        _current.reset(token)
