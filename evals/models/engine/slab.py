"""The keys and values of a wave, in tensors made once and written in place.

Columns of a slab are a row's own tokens: first the prompt, from column 0, padded on the right to the
longest of the wave; then the answer, every row's next token in the same column. The columns between
a short row's prompt and the answers are hidden by a mask while decoding; while the prompts are
computed they come after every real token, so causality hides them. Positions are the model's own
affair (it is given them), so a gap in the columns is none in the text.

transformers' own cache concatenates at every step, which took half of the decode time.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from evals.models.engine.attention import attend, attend_causal, attend_shared, merge


class Slab:
    """What a model takes for its cache: room for `rows` rows of `columns` own tokens, after an optional
    shared prefix (a slab of one row, all of whose columns are real).

    Tensors [rows, kv heads, columns, dim] a layer appear when the layer first writes; they start as
    zeros, because a hidden column must not hold a NaN. `start` is the position of a row's first own
    token."""

    def __init__(self, rows: int, columns: int, prefix: Slab | None = None) -> None:
        self.rows, self.columns, self.prefix = rows, columns, prefix
        self.start = 0 if prefix is None else prefix.columns
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        self.select(0, rows, 0)

    def select(self, first: int, last: int, column: int, mask: Tensor | None = None) -> None:
        """The next pass writes rows `first` to `last` (not included) from `column` on. A mask
        [rows, 1, 1, columns] (0 or -inf) makes it a decode step; without one, a step has no gaps."""
        self.first, self.last, self.column = first, last, column
        self.mask = mask

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[Tensor, Tensor]:
        """Write the new tokens' keys and values [rows, kv heads, new, dim]; they are given back."""
        if layer_idx not in self.keys:
            heads, dim = key_states.shape[1], key_states.shape[3]
            shape = (self.rows, heads, self.columns)
            self.keys[layer_idx] = key_states.new_zeros(*shape, dim)
            self.values[layer_idx] = value_states.new_zeros(*shape, value_states.shape[3])
        new = slice(self.column, self.column + key_states.shape[2])
        self.keys[layer_idx][self.first : self.last, :, new] = key_states
        self.values[layer_idx][self.first : self.last, :, new] = value_states
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens came before the pass (models ask; positions are given to them)."""
        return self.start + self.column

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """Attention of the new tokens to themselves, their row's earlier ones and the prefix."""
        if query.shape[2] == 1:
            part = self._own(layer, query, self.column + 1, scale)
        else:
            part = attend_causal(query, key, value, scale)
            if self.column:
                part = merge(self._own(layer, query, self.column, scale), part)
        if self.prefix is not None:
            shared = attend_shared(query, self.prefix.keys[layer], self.prefix.values[layer], scale)
            part = merge(shared, part)
        return part[0]

    def _own(self, layer: int, query: Tensor, columns: int, scale: float) -> tuple[Tensor, Tensor]:
        keys = self.keys[layer][self.first : self.last, :, :columns]
        values = self.values[layer][self.first : self.last, :, :columns]
        mask = None if self.mask is None else self.mask[..., :columns]
        return attend(query, keys, values, scale, mask)

    def keep(self, rows: Tensor) -> None:
        """Leave only these rows (indices), in this order."""
        self.rows = len(rows)
        for layer in self.keys:
            self.keys[layer] = self.keys[layer].index_select(0, rows)
            self.values[layer] = self.values[layer].index_select(0, rows)
