"""LoRA (Hu et al. 2021) with its variants rsLoRA and DoRA, and QLoRA: small matrices beside frozen weights.

All linear layers get them, but not the output head (Schulman et al., "LoRA Without Regret": attention
alone is worse). Rank 16 with alpha 32; rsLoRA divides by the root of the rank, so that higher ranks keep
their rate (Kalajdzievski 2023); DoRA learns the length of each row apart (Liu et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from evals.errors import ModelError
from evals.models.sources import Saved
from tuning.method import Head, scaled


@dataclass(frozen=True)
class Lora:
    """`targets` are the names of the layers that are adapted, or "all-linear"."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    rslora: bool = False
    dora: bool = False
    targets: str | Sequence[str] = "all-linear"

    name: ClassVar[str] = "lora"
    title: ClassVar[str] = "LoRA"
    fewest_rows: ClassVar[int] = 100
    expect: ClassVar[str] = "learns format and content from hundreds of rows, without the shots in the prompt"
    soft: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if min(self.rank, self.alpha) < 1:
            raise ValueError("rank and alpha must be at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout is a share, from 0 to below 1")
        if not self.targets:
            raise ValueError("targets must name a layer")

    def rate(self, parameters: int) -> float:
        """1e-3 for 135 million parameters, 2e-4 for billions."""
        return scaled(1e-3, parameters, 2e-4)

    def load(self, source: Saved, dtype: Any) -> Any:
        """The base weights in `dtype`; they do not move."""
        return replace(source, dtype=dtype).weights()

    def wrap(self, model: Any, head: Head, seed: int) -> Any:
        """The model with fp32 matrices of rank `rank`, of which the second starts at zero."""
        import torch
        from peft import LoraConfig, get_peft_model

        targets = self.targets if isinstance(self.targets, str) else list(self.targets)
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            use_rslora=self.rslora,
            use_dora=self.dora,
            target_modules=targets,
            task_type="CAUSAL_LM",
        )
        torch.manual_seed(seed)
        try:
            return get_peft_model(model, config)
        except ValueError as error:
            why = str(error).strip().splitlines()[0]
            raise ModelError(f"{self.title} does not go onto this model ({why})") from error


@dataclass(frozen=True)
class Qlora(Lora):
    """LoRA on weights held in four bits (NF4 with double quantisation, Dettmers et al. 2023): a quarter
    of the memory. What is trained is served on the unquantised weights, and scored as served."""

    name: ClassVar[str] = "qlora"
    title: ClassVar[str] = "QLoRA"
    expect: ClassVar[str] = "learns what LoRA learns where the weights do not fit the memory"

    def rate(self, parameters: int) -> float:
        """As LoRA's."""
        return scaled(1e-3, parameters, 2e-4)

    def load(self, source: Saved, dtype: Any) -> Any:
        """The base weights in NF4. Raises ModelError without bitsandbytes."""
        import torch
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig

        try:
            import bitsandbytes  # noqa: F401
        except ImportError as error:
            raise ModelError(
                f"QLoRA needs bitsandbytes ({error})",
                hint="pip install 'tuning-workbench[qlora]', or use lora.",
            ) from error
        bits = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )
        model = source.read(
            AutoModelForCausalLM,
            use_safetensors=True,
            dtype=getattr(torch, dtype),
            quantization_config=bits,
            device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
        )
        for module in model.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):  # would repack the weights in the middle of it
                module.support_avx512bf16_for_cpu = False
        return model
