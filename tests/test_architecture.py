"""The house: five floors, each importing only from those below it, and no circle anywhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ["evals", "baselines", "tuning", "reports", "workbench"]
"""From the ground up."""

INSIDE_EVALS = (
    "types errors store prices spending table typed yamlfile validate template output requirements ranking "
    "task asked rows documents examples data preferences "
    "models graders stats audit failures run "
    "metrics differences looks status selection verdict entries advice unread decide"
).split()
"""The order inside the ground floor: each may import only from those before it."""

HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "faiss",
    "bm25s",
    "pypdf",
    "bs4",
    "scipy",
    "statsmodels",
    "datasets",
    "trl",
    "peft",
    "xgrammar",
    "rapidfuzz",
    "rouge_score",
    "sacrebleu",
    "gepa",
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """The project's modules that a file imports, wherever in the file it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & MODULES.keys()) or {node.module}
    return {name for name in found if name in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_its_own_floor_and_those_below(module: str) -> None:
    floor = FLOORS.index(module.split(".")[0])
    upward = {name for name in imports(MODULES[module]) if FLOORS.index(name.split(".")[0]) > floor}
    assert not upward


def test_inside_the_ground_floor_imports_follow_the_order() -> None:
    def rank(module: str) -> int:
        return INSIDE_EVALS.index(module.split(".")[1]) if "." in module else -1

    for module, path in MODULES.items():
        if module.startswith("evals."):
            later = {name for name in imports(path) if name.startswith("evals") and rank(name) > rank(module)}
            assert not later, module


def test_reports_know_nothing_but_the_ground_floor() -> None:
    for module, path in MODULES.items():
        if module.split(".")[0] == "reports":
            assert {name.split(".")[0] for name in imports(path)} <= {"reports", "evals"}, module


def test_there_is_no_import_circle() -> None:
    graph = {module: imports(path) - {module} for module, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = "import sys, workbench.cli.main; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not HEAVY & set(loaded.stdout.split())


def test_every_module_opens_by_saying_what_it_is() -> None:
    silent = [
        m for m, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_tests_are_not_in_the_wheel() -> None:
    import tomllib

    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {p.rstrip("*") for p in found["tool"]["setuptools"]["packages"]["find"]["include"]} == set(FLOORS)
