"""Models with a trained adapter (peft): LoRA and its kin merged into the weights, soft prompts put in front.

Merging is done in fp32 and rounded once, so a merged model costs what the plain one costs and answers
as exactly. A soft prompt takes positions of the context (`reserved`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evals.errors import ModelError
from evals.models.fingerprint import folder_fingerprint, weights_fingerprint
from evals.models.sources import Saved, pick_dtype
from evals.store import digest, read_json, reading

HEAD, BASE = "head.json", "base.json"
"""Beside an adapter: the tokens that a soft prompt stands for, and the weights that it was trained on."""
WEIGHTS = "adapter_model.safetensors"
OTHERS = "An adapter is loaded on the model that it was trained on."


@dataclass(frozen=True)
class Adapted:
    """A model folder with an adapter folder on top."""

    base: Saved
    folder: Path
    frozen = True

    def fingerprint(self) -> str:
        """Of base and adapter."""
        return digest([self.base.fingerprint(), folder_fingerprint(self.folder, "")], 16)

    def config(self) -> Any:
        """The base model's."""
        return self.base.config()

    def tokenizer(self) -> Any:
        """The adapter's own, where one was saved beside it, else the base model's."""
        if (self.folder / "tokenizer_config.json").is_file():
            return replace(self.base, folder=self.folder).tokenizer()
        return self.base.tokenizer()

    def reserved(self) -> int:
        """How many virtual tokens stand before every text."""
        return int(_settings(self.folder).get("num_virtual_tokens") or 0)

    def head(self) -> tuple[int, ...]:
        """The tokens at the beginning of prompts that the virtual ones stand for: `head.json` beside them."""
        if not (self.folder / HEAD).is_file():
            return ()
        with reading(self.folder / HEAD):
            return tuple(int(token) for token in read_json(self.folder / HEAD)["tokens"])

    def weights(self) -> Any:
        """The model with the adapter merged into it, or wrapped by peft when it cannot be merged."""
        from peft import PeftModel
        from safetensors import SafetensorError

        self._check_base()
        dtype = pick_dtype(self.base.dtype)
        base = replace(self.base, dtype="float32").weights()
        try:
            model = PeftModel.from_pretrained(base, str(self.folder), local_files_only=True)
        except SafetensorError as error:
            raise ModelError(f"cannot be loaded ({error})", where=self.folder) from error
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise self._unfit(str(error).strip().splitlines()[0]) from error
        self._check_layers(model)
        if not model.active_peft_config.is_prompt_learning and hasattr(model, "merge_and_unload"):
            model = model.merge_and_unload()
        return rounded(model.eval(), dtype)

    def _check_base(self) -> None:
        """Raises ModelError when the adapter is known to have been trained on other weights."""
        path = self.folder / BASE
        if not path.is_file():
            return
        with reading(path):
            wanted = read_json(path)["weights"]
        if wanted != weights_fingerprint(self.base.folder):
            raise self._unfit("it was trained on other weights")

    def _check_layers(self, model: Any) -> None:
        """Raises ModelError when LoRA's matrices are not those of the model's layers: peft leaves out what it
        finds no place for, and leaves as they were made those that it finds nothing for."""
        from peft import get_peft_model_state_dict
        from safetensors import safe_open

        with safe_open(self.folder / WEIGHTS, framework="pt") as file:
            names = file.keys()
        saved = {name for name in names if "lora_" in name}
        there = get_peft_model_state_dict(model, save_embedding_layers=False)
        odd = saved.symmetric_difference(name for name in there if "lora_" in name)
        if odd:
            raise self._unfit(f"{len(odd)} matrices without a counterpart, as {min(odd)}")

    def _unfit(self, why: str) -> ModelError:
        return ModelError(
            f"does not fit the model {self.base.folder.name} ({why})", where=self.folder, hint=OTHERS
        )


def rounded(model: Any, dtype: Any) -> Any:
    """The model with its parameters in `dtype`. Buffers stay as they are, as when a model is loaded in
    `dtype`: the frequencies of rotary embeddings, rounded to bf16, turn the keys of a text 200 tokens long
    by up to a quarter of a radian."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(dtype)
    return model


def find_adapter(name: str) -> Path:
    """The adapter's folder, or that of a whole model trained in its place. Raises ModelError when it is
    neither, or its weights are a pickle (which can run code)."""
    folder = Path(name).expanduser()
    if not (folder / "adapter_config.json").is_file() and not is_whole(folder):
        raise ModelError(
            f"there is no adapter at {name}",
            key="adapter",
            hint="Name a folder with adapter_config.json and safetensors weights, as peft saves it.",
        )
    weights = "*.safetensors" if is_whole(folder) else WEIGHTS
    if not any(folder.glob(weights)):
        raise ModelError(
            "an adapter without safetensors weights (other formats are not loaded)", where=folder
        )
    if not is_whole(folder):
        _settings(folder)
    return folder


def is_whole(folder: Path) -> bool:
    """Whether the folder holds a whole model, every weight of which was trained."""
    return (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file()


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"adapter_config.json cannot be read ({error})", where=folder) from error
    return found if isinstance(found, dict) else {}
