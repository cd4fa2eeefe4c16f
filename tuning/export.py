"""What training leaves behind: a folder that is loaded again as `ModelRef.adapter`.

An adapter as peft saves it, or the whole model where every weight moved; safetensors only, under its
final name only when whole. `head.json` says which tokens of a prompt a soft prompt stands for, `base.json` on
which weights an adapter was trained.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from evals.errors import ResumableError
from evals.models.adapter import BASE, HEAD
from evals.models.fingerprint import weights_fingerprint
from evals.store import disk_errors, write_json
from tuning.method import Head


def export(model: Any, tokenizer: Any, folder: Path, head: Head, base: Path | None = None) -> Path:
    """Write the adapter, or the whole model, to `folder`; `base` is where the weights lie that an adapter was
    trained on. Raises ResumableError on a full disk."""
    from safetensors import SafetensorError

    staging = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with disk_errors(folder):
            staging.mkdir(parents=True)
            if hasattr(model, "peft_config"):
                model.save_pretrained(str(staging), safe_serialization=True)
                (staging / "README.md").unlink(missing_ok=True)
                if base is not None:
                    write_json(staging / BASE, {"weights": weights_fingerprint(base)})
            else:
                model.save_pretrained(str(staging))
                tokenizer.save_pretrained(str(staging))
            if head.tokens:
                write_json(staging / HEAD, {"tokens": list(head.tokens)})
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
    except SafetensorError as error:
        raise ResumableError(
            f"the weights cannot be written ({error})",
            where=folder,
            hint="Free some space and run the same command again: it continues from here.",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder
