"""Which models can be used here: the known names, and what any other takes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.models import PROVIDERS
from evals.models.cache import cache_root, whole
from evals.models.known import KNOWN, Known

ENDPOINT = "model: {endpoint: https://…/v1, name: …, api_key_env: …}"
OTHERS = (
    ("a folder", "a path with config.json, a tokenizer and safetensors weights"),
    ("a hub id", "owner/name, with revision: … to pin it; fetched once, and said"),
    ("an endpoint", f"any OpenAI-compatible URL: {ENDPOINT}"),
)
"""What a task file may name besides the known names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A known name. `bytes` on disk and `context` in tokens are None where they are not known yet;
    `get` is how to get it when it is not present."""

    name: str
    kind: str
    licence: str
    sources: tuple[str, ...]
    present: bool
    in_package: bool
    where: str | None
    bytes: int | None
    context: int | None
    get: str


def list_models() -> list[Entry]:
    """The known names, in the table's order. Nothing is loaded, converted or fetched."""
    return [_entry(known) for known in KNOWN.values()]


def _entry(known: Known) -> Entry:
    places = _places(known)
    sources = [f"package {known.package.distribution} {known.package.version}"] if known.package else []
    ways = [known.package.install] if known.package else []
    ways.append("fetched from the hub at the first use, where there is a network")
    contexts = [c for place in places if (c := _context(place)) is not None]
    return Entry(
        name=known.name,
        kind=known.kind,
        licence=known.licence,
        sources=(*sources, f"hub {known.hub.id}"),
        present=bool(places),
        in_package=known.package is not None,
        where=str(places[-1]) if places else None,
        bytes=sum(map(_size, places)) if places else None,
        context=contexts[-1] if contexts else None,
        get="" if places else ", or ".join(ways),
    )


def _places(known: Known) -> list[Path]:
    """Where it lies on this machine: a package's file or folder, what was made of it, the hub's cache."""
    packed = known.package.find() if known.package else None
    if packed is not None:
        made = sorted((cache_root() / "models").glob(f"{known.name}-*/"))
        return [packed, *(folder for folder in made if packed.is_file() and whole(folder))]
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(known.hub.id, "config.json", revision=known.hub.revision)
    return [Path(config).parent] if isinstance(config, str) else []


def _size(place: Path) -> int:
    """Bytes of a file, or of the files below a folder."""
    if place.is_file():
        return place.stat().st_size
    return sum((Path(folder) / name).stat().st_size for folder, _, names in os.walk(place) for name in names)


def _context(folder: Path) -> int | None:
    """Tokens the model takes, as its configuration says."""
    for file, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("config.json", "max_position_embeddings"),
    ):
        try:
            value = json.loads((folder / file).read_text(encoding="utf-8"))[key]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(value, int):
            return value
    return None


def as_text(entries: Sequence[Entry]) -> str:
    """A block for each name, then what else may be named."""
    lines = []
    for entry in entries:
        facts = [entry.kind, entry.licence]
        facts += [f"{entry.context:,} tokens"] if entry.context else []
        facts += [f"{entry.bytes / 1e6:,.0f} MB on disk"] if entry.bytes is not None else []
        lines.append(f"{entry.name}: {'here' if entry.present else 'not here'} ({', '.join(facts)})")
        lines.append(f"    from  {'; '.join(entry.sources)}")
        lines += [f"    at    {entry.where}"] if entry.where else []
        lines += [f"    get   {entry.get}"] if entry.get else []
    lines += ["", "Besides these a task file may name"]
    lines += [f"    {what}: {how}" for what, how in OTHERS]
    lines.append("    For an endpoint the key is read from the environment variable that api_key_env names;")
    lines.append("    leave api_key_env out where no key is needed.")
    return "\n".join(lines)


def as_json(entries: Sequence[Entry]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "known": [asdict(entry) for entry in entries],
        "others": [{"what": what, "how": how} for what, how in OTHERS],
        "providers": list(PROVIDERS),
    }
