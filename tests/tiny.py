"""Small random models that say varied things, with a tokenizer whose text and tokens are one to one.

Token n is the word "w<n>"; the wide initialiser makes the answers vary (with the usual one a random
model repeats itself, and a wrong cache goes unnoticed).
"""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    T5Config,
    T5ForConditionalGeneration,
)

from evals.models.local import LocalModel
from evals.models.sources import Live

WORDS = 400
_SIZES: dict[str, Any] = {
    "vocab_size": WORDS,
    "hidden_size": 96,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "initializer_range": 0.6,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
_CONFIGS = {
    "llama": LlamaConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
    "gemma": GemmaConfig,
    "mistral": MistralConfig,
}


def words(*numbers: int) -> str:
    """The text of these tokens."""
    return " ".join(f"w{n}" for n in numbers)


def tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    vocabulary = {"<s>": 0, "</s>": 1, **{f"w{n}": n for n in range(2, WORDS)}}
    inner = Tokenizer(WordLevel(vocabulary, unk_token="w2"))
    inner.pre_tokenizer = WhitespaceSplit()
    made = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")
    made.chat_template = chat_template
    return made


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Every byte is a token, and so are some pairs that JSON is full of; for grammars, which the word
    tokenizer cannot serve because its tokens do not join to text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("{", '"'), ('"', ":"), ('"', ","), ('"', "}"), ("a", "b"), ("Ġ", '"'), ("t", "h"), ("th", "e")]
    pieces = ["<s>", "</s>", *alphabet, *(a + b for a, b in merges)]
    inner = Tokenizer(BPE({piece: n for n, piece in enumerate(pieces)}, merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>")


def network(family: str = "llama", seed: int = 0, **changes: Any) -> Any:
    """A transformers model with random weights."""
    torch.manual_seed(seed)
    if family == "t5":
        sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
        return T5ForConditionalGeneration(
            T5Config(vocab_size=WORDS, decoder_start_token_id=0, initializer_factor=4.0, **sizes)
        ).eval()
    return AutoModelForCausalLM.from_config(_CONFIGS[family](**{**_SIZES, **changes})).eval()


def tiny(family: str = "llama", seed: int = 0, pack: bool = False, **changes: Any) -> LocalModel:
    """The same behind the door; `pack` as if it were loaded from a folder that nobody changes."""
    source = Live(network(family, seed, **changes), tokenizer())
    return LocalModel(f"tiny {family}", Frozen(*vars(source).values()) if pack else source)


class Frozen(Live):
    """A model in memory that nobody else changes."""

    frozen = True
