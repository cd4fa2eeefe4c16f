"""docs/diagnosis.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from evals.decide import decision_schema
from workbench.diagnosis import arms, ask, cure, failing, oracle, wordings
from workbench.diagnosis.arms import Kind
from workbench.diagnosis.effects import Found

PAGE = (Path(__file__).parents[2] / "docs" / "diagnosis.md").read_text(encoding="utf-8")
FLAT = " ".join(PAGE.split())


def table(title: str) -> list[list[str]]:
    """The cells of the rows of the first table under a heading."""
    rows = re.findall(r"^\| (.*) \|$", PAGE.split(f"## {title}\n")[1].split("\n## ")[0], re.M)
    return [row.split(" | ") for row in rows[1:]]


def test_every_arm_is_explained_with_the_rows_it_is_asked() -> None:
    rows = {cells[0].strip("`"): cells[3] for cells in table("Arms")}
    assert set(rows) == {*get_args(Kind), "lenient"}
    for kind in ("oracle", "room", "grammar", "stronger"):
        assert rows[kind] == str(arms.MOST_ROWS)
    for kind in ("order", "wording"):
        assert rows[kind] == f"{arms.SPREAD_ROWS} each"
    most = 4 * arms.MOST_ROWS + 2 * wordings.MOST * arms.SPREAD_ROWS
    assert f"at most {arms.MOST_ROWS} calls and all of them at most {most}" in FLAT
    kinds = decision_schema()["$defs"]["arm"]["properties"]["kind"]["enum"]
    assert set(kinds) == set(rows)


def test_every_finding_and_every_cure_is_explained() -> None:
    assert [cells[0].strip("`") for cells in table("What is called a cause")] == list(get_args(Found))
    assert len(table("What it changes")) == 5


def test_the_edits_and_the_figures_are_those_of_the_code() -> None:
    assert all(f'"{name}"' in PAGE for name in wordings.EDITS)
    assert f"at least {ask.FEWEST_TO_WIN} of the asked rows" in FLAT and ask.FEWEST_TO_WIN == 6
    assert (ask.ROOM, ask.LEAST_ROOM, ask.MOST_ROOM) == (8, 256, 512)
    assert "eight times as many tokens, between 256 and 512" in FLAT
    assert oracle.SHOWN == 3 and "three are shown" in FLAT
    assert failing.FEWEST_ANSWERS == 3 and failing.AGREEING == 2 / 3 and "two thirds of them" in FLAT
    assert cure.SAME_ROWS == 0.5 and "more than half of the failures" in FLAT
    assert f"`{ask.SKIPPED}`" in PAGE
