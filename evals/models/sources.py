"""Where a local model's config, tokenizer and weights come from: a folder, or memory.

Code that a folder brings along is run where the command allows it and transformers does not know the
family by itself, so that the permission never changes what another model answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from evals.errors import ModelError
from evals.models.cache import quiet
from evals.models.files import find_folder
from evals.models.fingerprint import folder_fingerprint
from evals.store import read_json
from evals.types import ModelRef, Models

FOREIGN = (
    "Read it, then type the command again with --trust-remote-code to have it run, as you; or take a "
    "model of a family that transformers knows."
)


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
    """A model folder on disk; `trusted` says that code which it brings along may be run."""

    folder: Path
    dtype: str = "auto"
    trusted: bool = False
    frozen = True

    @classmethod
    def of(cls, ref: ModelRef, dtype: str, models: Models) -> Saved:
        """The folder of a local model, trusted as `models` are. Raises ModelError when it is not there."""
        return cls(find_folder(ref.name, "model", ref.revision), dtype, trusts_code(models))

    def fingerprint(self) -> str:
        return folder_fingerprint(self.folder, str(pick_dtype(self.dtype)))

    def config(self) -> Any:
        from transformers import AutoConfig

        return self.read(AutoConfig)

    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return self.read(AutoTokenizer)

    def reserved(self) -> int:
        return 0

    def head(self) -> tuple[int, ...]:
        return ()

    def weights(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        kind = AutoModelForSeq2SeqLM if self.config().is_encoder_decoder else AutoModelForCausalLM
        model = self.read(kind, dtype=pick_dtype(self.dtype), use_safetensors=True)
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def bare(self) -> Any:
        """The model without memory for its weights."""
        import torch
        from transformers import AutoModelForCausalLM

        with torch.device("meta"):
            return self._made(AutoModelForCausalLM.from_config, self.config())

    def read(self, kind: Any, **options: Any) -> Any:
        """What one of transformers' classes `kind` makes of the folder. Raises ModelError when it cannot."""
        return self._made(kind.from_pretrained, self.folder, local_files_only=True, **options)

    def _made(self, make: Callable[..., Any], *given: Any, **options: Any) -> Any:
        try:
            with loading(self.folder, FOREIGN):
                return make(*given, trust_remote_code=False, **options)
        except ModelError as error:
            if not (self.trusted and _asks(error.__cause__)):
                raise
        try:
            with quiet():
                return make(*given, trust_remote_code=True, **options)
        except Exception as error:
            why = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            raise ModelError(f"cannot be loaded by its own code ({why})", where=self.folder) from error


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


def trusts_code(models: Models) -> bool:
    """Whether the command that opened these models allows code that a model brings along to be run."""
    return bool(getattr(models, "trusts_code", False))


@contextmanager
def loading(folder: Path, hint: str) -> Iterator[None]:
    """Loading by a library that runs no code of the folder's. Raises ModelError for what it cannot load, with
    `hint` where that is for want of such code."""
    from safetensors import SafetensorError

    try:
        with quiet():
            yield
    except (OSError, ValueError, KeyError, ImportError, SafetensorError) as error:
        if _asks(error):
            raise ModelError(
                f"needs code of its own to be run ({_code(folder)})", where=folder, hint=hint
            ) from error
        why = str(error).strip().splitlines()[0]
        raise ModelError(f"cannot be loaded ({why})", where=folder) from error


def _asks(error: BaseException | None) -> bool:
    """Whether a library would have run code that a folder brings along, and was not allowed to."""
    return "trust_remote_code" in str(error)


def _code(folder: Path) -> str:
    """The modules that a folder's config and tokenizer name as their code, for people."""
    named: set[str] = set()
    for file in ("config.json", "tokenizer_config.json"):
        found = read_json(folder / file).get("auto_map", {}) if (folder / file).is_file() else {}
        for value in found.values() if isinstance(found, dict) else [found]:
            entries = value if isinstance(value, list) else [value]
            named |= {f"{entry.rpartition('.')[0]}.py" for entry in entries if entry}
    return ", ".join(sorted(named)) or "auto_map"


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
