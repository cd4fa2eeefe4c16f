from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from workbench.machine.installed import Pin, mismatches, pins, python_fits, shadows

PYPROJECT = """
[project]
name = "toy"
requires-python = ">=3.11"
dependencies = ["pytest>=1", "never-made>=2", "older-python-only; python_version < '3'"]
[project.optional-dependencies]
more = ["pytest<1"]
all = ["toy[more]"]
"""

METADATA = """Metadata-Version: 2.4
Name: toy
Version: 1.0
Requires-Python: >=3.10
Provides-Extra: more
Requires-Dist: pytest>=1
Requires-Dist: never-made>=2; extra == "more"
Requires-Dist: older-python-only; python_version < "3"
"""


def package(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    return folder


def test_a_checkout_tells_what_it_needs_and_what_is_optional(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    found = pins(tmp_path)
    assert found is not None
    assert found.python == ">=3.11"
    assert [(str(p.requirement), p.extra) for p in found.packages] == [
        ("pytest>=1", None),
        ("never-made>=2", None),
        ("pytest<1", "more"),
    ]


def test_an_installed_distribution_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "site" / "workbench")
    info = tmp_path / "site" / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "top_level.txt").write_text("workbench\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    found = pins(tmp_path / "site")
    assert found is not None
    assert (found.source, found.python) == ("toy 1.0", ">=3.10")
    assert [(p.requirement.name, p.extra) for p in found.packages] == [
        ("pytest", None),
        ("never-made", "more"),
    ]


def test_what_is_missing_or_of_another_version_is_found() -> None:
    wanted = [Pin(Requirement(text)) for text in ("pytest>=1", "pytest<1", "never-made")]
    assert [(str(m.pin.requirement), m.found) for m in mismatches(wanted)] == [
        ("pytest<1", metadata.version("pytest")),
        ("never-made", None),
    ]


def test_a_local_build_of_the_pinned_version_fits() -> None:
    assert Requirement("torch==2.13.0").specifier.contains("2.13.0+cpu")


@pytest.mark.parametrize(("wanted", "fits"), [(">=3.11", True), ("", True), ("<3", False)])
def test_this_python_is_held_against_the_wanted_one(wanted: str, fits: bool) -> None:
    assert python_fits(wanted) is fits


def test_nothing_shadows_where_there_is_only_the_projects_own(tmp_path: Path) -> None:
    ours = package(tmp_path / "ours" / "evals") / "__init__.py"
    (tmp_path / "elsewhere" / "evals").mkdir(parents=True)
    search = [str(tmp_path / "ours"), str(tmp_path / "elsewhere"), str(tmp_path / "missing")]
    assert shadows(tmp_path / "ours", {"evals": ours}, search, {}) == []


def test_another_package_that_is_imported_instead_wins(tmp_path: Path) -> None:
    package(tmp_path / "ours" / "evals")
    theirs = package(tmp_path / "theirs" / "evals")
    search = [str(tmp_path / "theirs"), str(tmp_path / "ours")]
    (found,) = shadows(
        tmp_path / "ours", {"evals": theirs / "__init__.py"}, search, {"evals": ["openai-evals"]}
    )
    assert (found.place, found.owners, found.wins) == (theirs, ("openai-evals",), True)


def test_another_module_further_down_the_path_does_not_win(tmp_path: Path) -> None:
    ours = package(tmp_path / "ours" / "reports") / "__init__.py"
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "reports.py").touch()
    search = [str(tmp_path / "ours"), str(tmp_path / "theirs")]
    (found,) = shadows(tmp_path / "ours", {"reports": ours}, search, {})
    assert (found.place, found.wins) == (tmp_path / "theirs" / "reports", False)
