"""Finds a model's files: in an installed package, a folder, the hub's cache, or on the hub.

What is on disk is used. A download is never silent: a line in the log says what is fetched.
Only safetensors weights are taken (a pickle can run code), and fetching code does not run it (sources.py).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from evals.models import known as names
from evals.models.cache import converted
from evals.models.known import ModelKind

log = logging.getLogger(__name__)

_WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.py"]


def find_folder(name: str, kind: ModelKind, revision: str | None = None) -> Path:
    """The folder with config, tokenizer and safetensors of a known name, a hub id or a path.

    Raises ModelError when it is nowhere, with what is available and the nearest spelling.
    """
    known = names.lookup(name, kind)
    if known is not None:
        source = known.package.find() if known.package and revision is None else None
        if source is not None:
            return converted(known.name, source) if source.suffix == ".gguf" else source
        return _from_hub(known.hub.id, revision or known.hub.revision, name, kind)
    path = Path(name).expanduser()
    if path.exists() or name.startswith((".", "/", "~")):
        return _checked(path, name, kind)
    if name.count("/") != 1:
        raise names.missing(name, kind, "is neither a known name nor a folder here")
    return _from_hub(name, revision, name, kind)


def _checked(path: Path, name: str, kind: ModelKind) -> Path:
    if not path.is_dir():
        raise names.missing(name, kind, "is not a folder" if path.exists() else "is not there")
    if not (path / "config.json").is_file():
        raise names.missing(name, kind, "is a folder without a config.json")
    if not any(path.glob("*.safetensors")):
        raise names.missing(name, kind, "has no safetensors weights (other formats are not loaded)")
    return path


def _from_hub(repo: str, revision: str | None, name: str, kind: ModelKind) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
        if any(folder.glob("*.safetensors")):
            return _checked(folder, name, kind)
    except LocalEntryNotFoundError:
        pass
    except HFValidationError as error:
        raise names.missing(name, kind, f"is no hub id ({error})") from error
    if _offline():
        raise names.missing(name, kind, "is not on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    log.warning("downloading %s%s from the hub", repo, f" at {revision}" if revision else "")
    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=_WANTED))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        why = str(error).strip().splitlines()[0]
        raise names.missing(name, kind, f"is not on this machine and cannot be fetched ({why})") from error
    return _checked(folder, name, kind)


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE) or os.environ.get("HF_HUB_OFFLINE", "0").upper() in (
        "1",
        "ON",
        "YES",
        "TRUE",
    )
