"""Soft prompts: what stands before the text is learned, and the weights stay.

Prompt tuning (Lester et al. 2021) learns embeddings, prefix tuning (Li and Liang 2021) the keys and
values of every layer, P-tuning (Liu et al. 2021) embeddings through a small network. The first two start
from the tokens that they replace, so that training begins at the score of that prompt: from random values
a prefix reaches less than half of it (PEFT's comparison of methods: 18.6 % against 41.6 %).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from evals.models.sources import Saved
from tuning.method import Head, frozen, scaled


@dataclass(frozen=True)
class _Soft:
    """`tokens` is the length where there is nothing to start from; `most` bounds it where there is."""

    tokens: int = 20
    most: int = 256

    fewest_rows: ClassVar[int] = 20
    soft: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if min(self.tokens, self.most) < 1:
            raise ValueError("tokens and most must be at least 1")

    def load(self, source: Saved, dtype: Any) -> Any:
        """The base weights in `dtype`; they do not move."""
        return replace(source, dtype=dtype).weights()

    def length(self, head: Head) -> int:
        """How many virtual tokens."""
        return len(head.start) or self.tokens


@dataclass(frozen=True)
class PromptTuning(_Soft):
    """Learned embeddings in place of the prompt's leading tokens."""

    name: ClassVar[str] = "prompt_tuning"
    title: ClassVar[str] = "prompt tuning"
    expect: ClassVar[str] = "holds a format with tens of rows; the weights stay"

    def rate(self, parameters: int) -> float:
        """1e-2, whatever the size."""
        return 1e-2

    def wrap(self, model: Any, head: Head, seed: int) -> Any:
        """The model behind `length` embeddings, those of the head's tokens where there is one."""
        import torch
        from peft import PromptTuningConfig, get_peft_model

        torch.manual_seed(seed)
        config = PromptTuningConfig(num_virtual_tokens=self.length(head), task_type="CAUSAL_LM")
        wrapped = get_peft_model(frozen(model), config)
        _in_fp32(wrapped)
        if head.start:
            table = model.get_input_embeddings().weight
            with torch.no_grad():
                found = table[torch.tensor(head.start, device=table.device)].float()
                wrapped.prompt_encoder[wrapped.active_adapter].embedding.weight.copy_(found)
        return wrapped


@dataclass(frozen=True)
class PrefixTuning(_Soft):
    """Learned keys and values in place of those of the prompt's leading tokens."""

    name: ClassVar[str] = "prefix_tuning"
    title: ClassVar[str] = "prefix tuning"
    expect: ClassVar[str] = "holds a format or a style with tens of rows; the weights stay"

    def rate(self, parameters: int) -> float:
        """5e-3, whatever the size."""
        return 5e-3

    def wrap(self, model: Any, head: Head, seed: int) -> Any:
        """The model behind `length` keys and values a layer, those of the head where there is one."""
        import torch
        from peft import PrefixTuningConfig, get_peft_model
        from peft.tuners.cartridge.utils import initialize_kv_prefix_from_past_key_values

        torch.manual_seed(seed)
        config = PrefixTuningConfig(num_virtual_tokens=self.length(head), task_type="CAUSAL_LM")
        known = None
        if head.start:
            with torch.no_grad():
                ids = torch.tensor([head.start], device=model.device)
                known = model(input_ids=ids, use_cache=True).past_key_values
        wrapped = get_peft_model(frozen(model), config)
        _in_fp32(wrapped)
        if known is not None:
            initialize_kv_prefix_from_past_key_values(wrapped, past_key_values=known)
        return wrapped


@dataclass(frozen=True)
class PTuning(_Soft):
    """Embeddings that a small network makes; it has no text to start from, so it stands before the
    whole prompt."""

    name: ClassVar[str] = "p_tuning"
    title: ClassVar[str] = "P-tuning"
    expect: ClassVar[str] = "holds a format with tens of rows; the weights stay"

    def rate(self, parameters: int) -> float:
        """1e-3 for 135 million parameters."""
        return scaled(1e-3, parameters, 1e-4)

    def wrap(self, model: Any, head: Head, seed: int) -> Any:
        """The model behind `tokens` embeddings."""
        import torch
        from peft import PromptEncoderConfig, get_peft_model

        torch.manual_seed(seed)
        size = int(model.config.get_text_config(decoder=True).hidden_size)
        config = PromptEncoderConfig(
            num_virtual_tokens=self.tokens, encoder_hidden_size=size, task_type="CAUSAL_LM"
        )
        wrapped = get_peft_model(frozen(model), config)
        _in_fp32(wrapped)
        return wrapped


def _in_fp32(wrapped: Any) -> None:
    """What learns is held in fp32, whatever the weights are in."""
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
