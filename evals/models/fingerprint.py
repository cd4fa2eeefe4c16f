"""What tells one set of weights from another, without reading tens of gigabytes.

Small files are hashed whole, large ones by their size and evenly spaced blocks: any training step
changes every block, so that two models with the same fingerprint answer alike.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

WHOLE = 16 << 20
BLOCKS, BLOCK = 64, 64 << 10
SUFFIXES = (".json", ".safetensors", ".jinja", ".model", ".txt", ".py")


def folder_fingerprint(folder: Path, dtype: str) -> str:
    """16 hex digits for a model folder's config, tokenizer, weights and code, computed with in `dtype`."""
    total = hashlib.sha256(dtype.encode())
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.name != "manifest.json":
            total.update(path.name.encode() + _digest(path))
    return total.hexdigest()[:16]


def weights_fingerprint(folder: Path) -> str:
    """16 hex digits for the weights alone, however they are used."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        total.update(path.name.encode() + _digest(path))
    return total.hexdigest()[:16]


def _digest(path: Path) -> bytes:
    size = path.stat().st_size
    found = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= WHOLE:
            found.update(file.read())
        else:
            for n in range(BLOCKS):
                file.seek((size - BLOCK) * n // (BLOCKS - 1))
                found.update(file.read(BLOCK))
    return found.digest()
