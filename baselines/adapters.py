"""Adapters of saved approaches: carried beside `spec.json` in `adapter/`, known by what they hold.

So a run folder can be moved, and an approach taken over by another run is still the same approach.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from evals.models.fingerprint import folder_fingerprint
from evals.store import disk_errors
from evals.types import ModelRef

ADAPTER = "adapter"


def by_content(ref: ModelRef) -> ModelRef:
    """The reference with its adapter's fingerprint in place of its path; an adapter that is not there
    stays a path."""
    if ref.adapter is None or not Path(ref.adapter).is_dir():
        return ref
    return replace(ref, adapter=folder_fingerprint(Path(ref.adapter), ""))


def give_adapter(ref: ModelRef, folder: Path) -> ModelRef:
    """Put the adapter into an approach's folder, linked where the disk allows; the reference to save."""
    if ref.adapter is None:
        return ref
    source, target = Path(ref.adapter), folder / ADAPTER
    if source.resolve() != target.resolve() and not target.is_dir():
        staging = folder / f".{ADAPTER}.{os.getpid()}.tmp"
        with disk_errors(target):
            try:
                staging.mkdir(parents=True)
                for path in sorted(source.iterdir()):
                    if path.is_file():
                        _link(path, staging / path.name)
                staging.rename(target)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return replace(ref, adapter=ADAPTER)


def keep_adapter(ref: ModelRef, folder: Path) -> ModelRef:
    """A saved reference, its adapter where it lies now."""
    return ref if ref.adapter is None else replace(ref, adapter=str(folder / ref.adapter))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
