"""What is installed here, against what the project asks for.

`pins` reads the project's own requirements (from pyproject.toml in a checkout, else from the
installed distribution); `shadows` looks for other things that go by the name of one of the
project's packages. Standard library and `packaging` only, so that it works where the rest does not.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

FLOORS = ("workbench", "reports", "tuning", "baselines", "evals")
"""The project's top-level packages."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One requirement; `extra` is the optional group it belongs to, None for what is always needed."""

    requirement: Requirement
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class Pins:
    """The project's requirements and where they were read."""

    source: str
    python: str
    packages: tuple[Pin, ...]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A requirement that is not fulfilled: `found` is the installed version, None when there is none."""

    pin: Pin
    found: str | None


@dataclass(frozen=True, slots=True)
class Shadow:
    """Another `name` at `place`; `wins` when Python imports it in place of the project's own."""

    name: str
    place: Path
    owners: tuple[str, ...]
    wins: bool


def pins(root: Path) -> Pins | None:
    """The requirements of the project whose packages lie in `root`, None when they stand nowhere."""
    file = root / "pyproject.toml"
    if file.is_file():
        return _from_checkout(file)
    for name in metadata.packages_distributions().get("workbench", []):
        return _from_distribution(name)
    return None


def _from_checkout(file: Path) -> Pins:
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    needed = [Pin(Requirement(text)) for text in project.get("dependencies", [])]
    optional = [
        Pin(Requirement(text), extra)
        for extra, texts in project.get("optional-dependencies", {}).items()
        for text in texts
    ]
    kept = [pin for pin in (*needed, *optional) if pin.requirement.name != project["name"] and _applies(pin)]
    return Pins("pyproject.toml", project.get("requires-python", ""), tuple(kept))


def _from_distribution(name: str) -> Pins:
    found = metadata.distribution(name)
    groups = (None, *(found.metadata.get_all("Provides-Extra") or []))
    packages = []
    for text in found.requires or []:
        requirement = Requirement(text)
        # The first group in which its marker holds; an unconditional one holds in the group of all.
        pin = next((p for g in groups if _applies(p := Pin(requirement, g))), None)
        if pin is not None and requirement.name != name:
            packages.append(pin)
    return Pins(
        f"{name} {found.version}", str(found.metadata.json.get("requires_python", "")), tuple(packages)
    )


def _applies(pin: Pin) -> bool:
    """Whether the requirement's marker, if any, holds on this machine."""
    marker = pin.requirement.marker
    return marker is None or marker.evaluate({"extra": pin.extra or ""})


def mismatches(packages: Iterable[Pin]) -> list[Mismatch]:
    """Those that are missing or of another version."""
    found = []
    for pin in packages:
        version = installed(pin.requirement.name)
        if version is None or not pin.requirement.specifier.contains(version, prereleases=True):
            found.append(Mismatch(pin, version))
    return found


def python_fits(wanted: str) -> bool:
    """Whether this Python is one of those wanted (">=3.11"); an empty text wants none."""
    return SpecifierSet(wanted).contains(".".join(map(str, sys.version_info[:3])), prereleases=True)


def installed(name: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def shadows(
    root: Path, used: Mapping[str, Path | None], search: Iterable[str], owners: Mapping[str, Sequence[str]]
) -> list[Shadow]:
    """Other packages or modules by one of the project's names.

    `used` is the file Python imports for each name, `search` the import path, `owners` the
    distributions that claim a top-level name. A folder without `__init__.py` is none: Python prefers
    a whole package wherever it stands.
    """
    found: dict[tuple[str, Path], Shadow] = {}
    for name, file in used.items():
        places = [Path(entry).resolve() / name for entry in search]
        others = [p for p in places if p.parent != root and _is_module(p)]
        if file is not None and not file.is_relative_to(root / name):
            others.append(file.parent if file.name == "__init__.py" else file.with_suffix(""))
        for place in others:
            wins = file is not None and (file.is_relative_to(place) or file == place.with_suffix(".py"))
            found[name, place] = Shadow(name, place, tuple(owners.get(name, ())), wins)
    return list(found.values())


def _is_module(place: Path) -> bool:
    return (place / "__init__.py").is_file() or place.with_suffix(".py").is_file()
