"""A tokenizer's tokens as the bytes they print, for those who match text token by token."""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cached_property
from typing import Any

import torch
import xgrammar
from torch import Tensor

from evals.errors import ModelError

_PROBE = '{"a b": [1, "né"]}'
_HINT = "Use a model with a byte-level or byte-fallback tokenizer, or ask without a grammar."


class Vocabulary:
    """The tokens of a model. `texts[i]` are the bytes that token i adds to an answer: none for tokens
    that are never printed, and for the columns of the logits that have no token.

    Raises ModelError when the tokenizer's tokens do not simply join to its text.
    """

    def __init__(self, tokenizer: Any, size: int, ends: Collection[int]) -> None:
        """`size` is the width of the logits, `ends` the tokens that end an answer."""
        if not ends or not all(0 <= end < size for end in ends):
            raise ModelError(
                "the model has no token that ends an answer, and constrained decoding needs one",
                hint="Name one in the model's generation_config.json (eos_token_id).",
            )
        self.tokenizer, self.size, self.ends = tokenizer, size, sorted(ends)
        self.texts = _texts(tokenizer, size, self.ends)
        if not self._joins():
            raise ModelError(
                "the tokenizer's tokens do not simply join to text, and constrained decoding needs that",
                hint=_HINT,
            )

    @cached_property
    def closing(self) -> Tensor:
        """A row of a bitmask that allows the ends only."""
        bits = torch.zeros(-(-self.size // 32) * 32, dtype=torch.int64)
        bits[self.ends] = 1
        words = (bits.view(-1, 32) << torch.arange(32)).sum(1)
        return torch.where(words < 1 << 31, words, words - (1 << 32)).to(torch.int32)

    @cached_property
    def compiler(self) -> xgrammar.GrammarCompiler:
        """Compiles grammars for these tokens."""
        info = xgrammar.TokenizerInfo(
            self.texts, xgrammar.VocabType.RAW, vocab_size=self.size, stop_token_ids=self.ends
        )
        return xgrammar.GrammarCompiler(info, max_threads=os.cpu_count() or 1, cache_enabled=False)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """The text's tokens, each with the number of the word it belongs to (a tokenizer joins bytes
        within words only); none when they do not print exactly this text."""
        coded = self.tokenizer(text, add_special_tokens=False)
        ids = list(coded["input_ids"])
        if b"".join(self.texts[i] if i < self.size else b"" for i in ids) != text.encode():
            return []
        return list(zip(ids, (word or 0 for word in coded.word_ids()), strict=True))

    def _joins(self) -> bool:
        ids = self.tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
        if any(i >= self.size for i in ids):
            return False
        return b"".join(self.texts[i] for i in ids).decode(errors="replace").removeprefix(" ") == _PROBE


def _texts(tokenizer: Any, size: int, ends: Collection[int]) -> list[bytes]:
    # A tokenizer without a decoder puts spaces between its tokens when it prints them.
    if getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None) is None:
        return [b""] * size
    try:
        info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=size, stop_token_ids=list(ends))
    except ValueError:
        return [b""] * size
    silent = {*tokenizer.all_special_ids, *ends}
    silent |= {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    return [b"" if i in silent else bytes(text) for i, text in enumerate(info.decoded_vocab)]
