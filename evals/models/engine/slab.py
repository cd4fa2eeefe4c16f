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

BLOCK = 32
"""Columns by which a slab grows."""


class Slab:
    """What a model takes for its cache: room for `rows` rows of `columns` own tokens, after an optional
    shared prefix (a slab of one row, all of whose columns are real).

    `keys` and `values` hold [rows, kv heads, columns, dim] for each layer, made when the layer first
    writes and grown as columns are needed; they start as zeros, because a hidden column must not hold a
    NaN. In memory the key heads come first, and keys are transposed where attention multiplies them by
    matrix products, which are twice as fast that way. `start` is the position of a row's first own token."""

    def __init__(self, rows: int, columns: int, prefix: Slab | None = None) -> None:
        self.rows, self.columns, self.prefix = rows, columns, prefix
        self.start = 0 if prefix is None else prefix.columns
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        self.some: Tensor | None = None
        self._mask: Tensor | None = None

    def span(self, first: int, last: int, column: int, new: int) -> None:
        """The next pass is causal: rows `first` to `last` (not included) write columns `column` to
        `column + new` and see those up to their own."""
        self._rows: slice | Tensor = slice(first, last)
        self._columns: slice | Tensor = slice(column, column + new)
        self.some, self._mask, self._end = None, None, column + new

    def scatter(self, columns: Tensor, some: Tensor | None, mask: Tensor) -> None:
        """The next pass writes `columns` [rows, new] of every row, those where `some` [rows, new] is
        true (None: all), and sees what `mask` [rows, 1, new, seen] (0 or -inf) leaves of the first
        `seen` columns, a number that `reach` gave."""
        rows = torch.arange(self.rows, device=columns.device)[:, None].expand_as(columns)
        self.some = some
        self._rows, self._columns = (rows, columns) if some is None else (rows[some], columns[some])
        self._mask = mask
        self._end = mask.shape[3]

    def reach(self, columns: int) -> int:
        """How many columns there are when so many are needed."""
        return min(-(-columns // BLOCK) * BLOCK, self.columns)

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
        if layer not in self.keys or self.keys[layer].shape[2] < self._end:
            self._grow(layer, key, value)
        self.keys[layer].transpose(1, 2)[self._rows, self._columns] = key
        self.values[layer].transpose(1, 2)[self._rows, self._columns] = value

    def _grow(self, layer: int, key: Tensor, value: Tensor) -> None:
        columns = self.reach(self._end)
        transposed = not flash(key.device.type, key.dtype)
        for store, states, across in ((self.keys, key, transposed), (self.values, value, False)):
            heads, dim = states.shape[-2:]
            shape = (dim, columns) if across else (columns, dim)
            made = states.new_zeros(heads, self.rows, *shape).transpose(0, 1)
            made = made.transpose(2, 3) if across else made
            if layer in store:
                made[:, :, : store[layer].shape[2]] = store[layer]
            store[layer] = made

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens came before the pass (models ask; positions are given to them)."""
        return self.start

    def attend(self, layer: int, query: Tensor, scale: float) -> Tensor:
        """Attention of the new tokens to themselves, their row's earlier ones and the prefix."""
        keys, values = self.keys[layer], self.values[layer]
        if isinstance(self._rows, slice):
            keys, values = keys[self._rows], values[self._rows]
        if keys.shape[2] > self._end:
            keys, values = keys[:, :, : self._end], values[:, :, : self._end]
        parts = [Part(keys, values, self._mask, causal=self._mask is None)]
        if self.prefix is not None:
            parts.insert(0, Part(self.prefix.keys[layer], self.prefix.values[layer]))
        return attend(query, parts, scale)

    def keep(self, rows: Tensor) -> None:
        """Leave only these rows (indices), in this order."""
        self.rows = len(rows)
        for store in (self.keys, self.values):
            for layer, states in store.items():
                across = states.stride(3) != 1
                stored = (states.transpose(2, 3) if across else states).transpose(0, 1)
                kept = stored.index_select(1, rows).transpose(0, 1)
                store[layer] = kept.transpose(2, 3) if across else kept

    def joined(self) -> Slab:
        """The prefix and this slab's one row as one slab without a prefix, to be shared in its turn."""
        before = self.prefix
        if before is None:
            return self
        whole = Slab(1, self.start + self.columns)
        for layer, keys in self.keys.items():
            for begin, key, value in (
                (0, before.keys[layer], before.values[layer]),
                (self.start, keys, self.values[layer]),
            ):
                whole.span(0, 1, begin, key.shape[2])
                whole.write(layer, key.transpose(1, 2), value.transpose(1, 2))
        return whole
