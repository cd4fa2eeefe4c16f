"""Models that peft wraps: the transformers model inside, and what soft prompts put before the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, slots=True)
class SoftPrompt:
    """`tokens` virtual tokens: embeddings [1, tokens, size] to be read like a text (prompt tuning,
    P-tuning), or the keys and values [1, kv heads, tokens, dim] of every layer (prefix tuning)."""

    tokens: int
    embeddings: Tensor | None = None
    layers: Sequence[tuple[Tensor, Tensor]] = ()


def inner(model: Any) -> Any:
    """The transformers model inside a peft model (with its LoRA layers, where it has some)."""
    return (
        model.get_base_model()
        if hasattr(model, "peft_config") and hasattr(model, "get_base_model")
        else model
    )


def virtual_tokens(model: Any) -> int:
    """How many positions of the context a model's soft prompt takes."""
    config = _config(model)
    return 0 if config is None else int(config.num_virtual_tokens)


def soft_prompt(model: Any) -> SoftPrompt | None:
    """The soft prompt of a peft model as it is now; None for any other model.

    Raises ValueError for kinds that stand elsewhere than before the text.
    """
    config = _config(model)
    if config is None:
        return None
    kind = str(getattr(config.peft_type, "value", config.peft_type))
    if kind not in ("PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING"):
        raise ValueError(f"soft prompts of the kind {kind}")
    found = model.get_prompt(batch_size=1)
    if kind != "PREFIX_TUNING":
        return SoftPrompt(int(config.num_virtual_tokens), embeddings=found)
    layers = [(layer.keys, layer.values) for layer in found.layers]
    return SoftPrompt(int(config.num_virtual_tokens), layers=layers)


def _config(model: Any) -> Any:
    """The active adapter's config when it is a soft prompt."""
    configs = getattr(model, "peft_config", None)
    if not configs:
        return None
    config = configs[model.active_adapter]
    return config if config.is_prompt_learning else None
