"""docs/grammar.md shows the tables of the code and its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from evals.models import keywords
from evals.models.grammar import KINDS
from evals.models.schemas.automata import STATES
from evals.models.schemas.scalars import DIGITS

PAGE = (Path(__file__).parents[2] / "docs" / "grammar.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/grammar.md has no section {title}"
    return found[1]


@pytest.mark.parametrize(
    ("title", "table"),
    [("Enforced", keywords.ENFORCED), ("Ignored", keywords.IGNORED), ("Refused", keywords.REFUSED)],
)
def test_a_table_of_the_page_is_that_of_the_code(title: str, table: Mapping[str, str]) -> None:
    rows = dict(re.findall(r"^\| `?([^|`]+?)`? \| (.*) \|$", section(title), re.M))
    assert {key: rows.get(key) for key in table} == dict(table)


def test_every_kind_of_grammar_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.split("\n## ")[0], re.M) == list(KINDS)


def test_the_figures_are_those_of_the_code_and_of_the_pinned_version() -> None:
    root = Path(__file__).parents[2]
    (version,) = re.findall(r'"xgrammar==([\d.]+)"', (root / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"`xgrammar` ({version})" in PAGE
    assert f"at most {DIGITS} digits on each side" in PAGE
    assert f"more than {STATES:,} states" in PAGE
