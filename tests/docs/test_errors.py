"""docs/errors.md names every error that the code can raise, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals import errors
from workbench.cli.main import INTERRUPTED
from workbench.cli.verdict import EXIT_CODES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
CLASSES = {
    name: thing
    for name, thing in vars(errors).items()
    if isinstance(thing, type) and issubclass(thing, errors.WorkbenchError)
}
RAISING = {*CLASSES, "fail", "error", "_error", "_fail"}
"""What the code calls with a message for a person."""


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}.*?\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/errors.md has no section on {title}"
    return found[1]


def messages() -> Iterator[tuple[str, str]]:
    """(place, the longest part of the message that is always the same) of every error in the code."""
    for folder in ("evals", "baselines", "tuning", "reports", "workbench"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _called(node.func) in RAISING and node.args:
                    for text in _texts(node.args[0]):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _texts(message: ast.expr) -> Iterator[str]:
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    constant = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
    longest = max((text.strip(" \n.,:;()'") for text in constant), key=len, default="")
    if len(longest) > 3:
        yield longest


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_errors_has_its_exit_code(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (\d) \|", PAGE, re.M)
    assert int(row) == CLASSES[name].exit_code


def test_every_message_of_the_code_stands_in_the_page() -> None:
    words = " ".join(PAGE.replace("…", " … ").split())
    missing = {f"{place}: {text}" for place, text in messages() if " ".join(text.split()) not in words}
    assert not missing


def test_every_message_of_the_page_stands_in_the_code() -> None:
    code = "\n".join(
        str(node.value)
        for folder in ("evals", "baselines", "tuning", "workbench")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    )
    told = re.findall(r"^\| `([^`]+)` \|", section("1: ") + section("5: "), re.M)
    assert len(told) > 50
    for message in told:
        for part in filter(None, (part.strip() for part in message.split("…"))):
            assert part in code, message


def test_every_exit_code_has_a_section() -> None:
    codes = {0, 1, 2, INTERRUPTED, *EXIT_CODES.values()}
    assert {int(code) for code in re.findall(r"^## (\d+): ", PAGE, re.M)} == codes - {0}
    assert all(f"`{verdict}`" in PAGE for verdict in EXIT_CODES)
