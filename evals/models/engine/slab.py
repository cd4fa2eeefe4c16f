"""The keys and values of a wave, in tensors made once and written in place.

A row's own tokens stand in its columns from 0 on, without gaps. While the prompts are computed every
row of a pass writes the same columns (`span`); short prompts are padded on the right, where causality
hides the padding, and their answers overwrite it. While answers are computed every row writes behind
its own last token (`scatter`), and a mask hides what is not its own.

transformers' own cache concatenates at every step, which took half of the decode time.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from evals.models.engine.attention import Part, attend, flash


class Slab:
    """What a model takes for its cache: room for `rows` rows of `columns` own tokens, after an optional
    shared prefix (a slab of one row, all of whose columns are real).

    Tensors [rows, kv heads, columns, dim] a layer appear when the layer first writes; they start as
    zeros, because a hidden column must not hold a NaN. `start` is the position of a row's first own
    token."""

    def __init__(self, rows: int, columns: int, prefix: Slab | None = None) -> None:
        self.rows, self.columns = rows, columns
        self.prefix = prefix if prefix is not None and prefix.columns else None
        self.start = 0 if prefix is None else prefix.columns
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        self.span(0, rows, 0, columns)

    def span(self, first: int, last: int, column: int, new: int) -> None:
        """The next pass is causal: rows `first` to `last` (not included) write columns `column` to
        `column + new` and see those up to their own."""
        self._rows: slice | Tensor = slice(first, last)
        self._columns: slice | Tensor = slice(column, column + new)
        self.some: Tensor | None = None
        self._mask: Tensor | None = None
        self._end = column + new

    def scatter(self, columns: Tensor, some: Tensor | None, mask: Tensor) -> None:
        """The next pass writes `columns` [rows, new] of every row, those where `some` [rows, new] is
        true (None: all), and sees what `mask` [rows, 1, new, seen] (0 or -inf) leaves of the first
        `seen` columns."""
        rows = torch.arange(self.rows, device=columns.device)[:, None].expand_as(columns)
        self.some = some
        self._rows, self._columns = (rows, columns) if some is None else (rows[some], columns[some])
        self._mask, self._end = mask, mask.shape[3]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[Tensor, Tensor]:
        """What a transformers model calls with the new tokens' keys and values [rows, kv heads, new, dim];
        they are given back."""
        new = key_states.transpose(1, 2), value_states.transpose(1, 2)
        some = self.some
        self.write(layer_idx, *(new if some is None else (t[some] for t in new)))
        return key_states, value_states

    def write(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Write the new tokens' keys and values [rows, new, kv heads, dim], or [tokens, kv heads, dim]
        when only some of them are written."""
        if layer not in self.keys:
            self._make(layer, key, value)
        self.keys[layer].transpose(1, 2)[self._rows, self._columns] = key
        self.values[layer].transpose(1, 2)[self._rows, self._columns] = value

    def _make(self, layer: int, key: Tensor, value: Tensor) -> None:
        heads, dim = key.shape[-2:]
        self.values[layer] = value.new_zeros(self.rows, heads, self.columns, value.shape[-1])
        if flash(key.device.type, key.dtype):
            self.keys[layer] = key.new_zeros(self.rows, heads, self.columns, dim)
        else:
            # Products of queries and keys read them transposed: stored so, they take half the time.
            self.keys[layer] = key.new_zeros(self.rows, heads, dim, self.columns).transpose(2, 3)

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens came before the pass (models ask; positions are given to them)."""
        return self.start

    def attend(self, layer: int, query: Tensor, scale: float) -> Tensor:
        """Attention of the new tokens to themselves, their row's earlier ones and the prefix."""
        rows = self._rows if isinstance(self._rows, slice) else slice(None)
        keys, values = self.keys[layer][rows, :, : self._end], self.values[layer][rows, :, : self._end]
        parts = [Part(keys, values, self._mask, causal=self._mask is None)]
        if self.prefix is not None:
            parts.insert(0, Part(self.prefix.keys[layer], self.prefix.values[layer]))
        return attend(query, parts, scale)

    def keep(self, rows: Tensor) -> None:
        """Leave only these rows (indices), in this order."""
        self.rows = len(rows)
        for layer, keys in self.keys.items():
            stored = keys if keys.stride(3) == 1 else keys.transpose(2, 3)
            kept = stored.index_select(0, rows)
            self.keys[layer] = kept if stored is keys else kept.transpose(2, 3)
            self.values[layer] = self.values[layer].index_select(0, rows)

    def joined(self) -> Slab:
        """The prefix and this slab's one row as one slab without a prefix, to be shared in its turn."""
        before = self.prefix
        if before is None:
            return self
        whole = Slab(1, self.start + self.columns)
        for layer, keys in self.keys.items():
            values = self.values[layer]
            for begin, part in ((0, (before.keys[layer], before.values[layer])), (self.start, (keys, values))):
                whole.span(0, 1, begin, part[0].shape[2])
                whole.write(layer, part[0].transpose(1, 2), part[1].transpose(1, 2))
        return whole
