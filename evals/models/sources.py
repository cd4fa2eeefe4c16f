"""Where a local model's config, tokenizer and weights come from: a folder, or memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from evals.errors import ModelError
from evals.models.cache import quiet
from evals.models.fingerprint import folder_fingerprint

FOREIGN = "Code that a model brings along is never run: take a model of a family that transformers knows."


class Source(Protocol):
    """Where config, tokenizer and weights come from. `frozen` when nobody else can change the weights,
    `reserved` is how many positions of the context a soft prompt takes, `head` the tokens at the beginning
    of prompts that it stands for."""

    @property
    def frozen(self) -> bool: ...
    def fingerprint(self) -> str: ...
    def config(self) -> Any: ...
    def tokenizer(self) -> Any: ...
    def reserved(self) -> int: ...
    def head(self) -> tuple[int, ...]: ...
    def weights(self) -> Any: ...


@dataclass(frozen=True)
class Saved:
    """A model folder on disk."""

    folder: Path
    dtype: str = "auto"
    frozen = True

    def fingerprint(self) -> str:
        return folder_fingerprint(self.folder, str(pick_dtype(self.dtype)))

    def config(self) -> Any:
        from transformers import AutoConfig

        return self._read(AutoConfig)

    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return self._read(AutoTokenizer)

    def reserved(self) -> int:
        return 0

    def head(self) -> tuple[int, ...]:
        return ()

    def weights(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        kind = AutoModelForSeq2SeqLM if self.config().is_encoder_decoder else AutoModelForCausalLM
        dtype = pick_dtype(self.dtype)
        model = self._read(kind, dtype=dtype, use_safetensors=True)
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def _read(self, kind: Any, **options: Any) -> Any:
        try:
            with quiet():
                return kind.from_pretrained(
                    self.folder, local_files_only=True, trust_remote_code=False, **options
                )
        except (OSError, ValueError, KeyError, ImportError) as error:
            why = str(error).strip().splitlines()[0]
            hint = FOREIGN if "trust_remote_code" in str(error) else None
            raise ModelError(f"cannot be loaded ({why})", where=self.folder, hint=hint) from error


@dataclass(frozen=True)
class Live:
    """A model in memory; `frozen` when its weights stay as they are."""

    model: Any
    its_tokenizer: Any
    its_head: tuple[int, ...] = ()
    frozen: bool = False

    def fingerprint(self) -> str:
        return f"live-{id(self.model):x}"

    def config(self) -> Any:
        return self.model.config

    def tokenizer(self) -> Any:
        return self.its_tokenizer

    def reserved(self) -> int:
        from evals.models.engine.soft import virtual_tokens

        return virtual_tokens(self.model)

    def head(self) -> tuple[int, ...]:
        return self.its_head

    def weights(self) -> Any:
        return self.model


def pick_dtype(name: str) -> Any:
    """The torch dtype for a name; "auto" is bf16 where the hardware multiplies it, else fp32.

    Without AMX or AVX512_BF16 bf16 is emulated and slower than fp32. With AVX512_BF16 alone it was
    measured to be worth it: prefill of SmolLM2-135M on 2 cores of an AMD EPYC 1,240 tokens a second
    against 638 in fp32, a decode step of 64 rows 99 ms against 155.
    """
    import torch

    if name != "auto":
        return getattr(torch, name)
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    has_bf16 = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if has_bf16 else torch.float32
