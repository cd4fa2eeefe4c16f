"""The page on graders names every grader, every option and every value that an option takes."""

import inspect
import re
from pathlib import Path

import pytest

from evals.graders import GRADERS, build
from evals.graders.general import GENERAL
from evals.output import OutputSpec
from evals.task import GraderSpec
from tests.evals.graders.needed import NEEDED

PAGE = (Path(__file__).parents[3] / "docs" / "graders.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/graders.md has no section on {name}"
    return found[1]


@pytest.mark.parametrize("name", GRADERS)
def test_a_grader_has_a_section_with_exactly_its_options(name: str) -> None:
    parameters = inspect.signature(GRADERS.load(name)).parameters
    options = [p.rstrip("_") for p in parameters if p not in ("output", "folder", "task")]
    assert re.findall(r"^\| `(\w+)` \|", section(name), re.M) == options


def test_the_options_of_every_grader_stand_in_a_section_of_their_own() -> None:
    assert re.findall(r"^\| `(\w+)` \|", section("Options of every grader"), re.M) == list(GENERAL)


def test_the_table_lists_the_graders_in_their_order_with_their_metrics() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE.split("\n## ")[0], re.M)
    assert [name for name, _ in rows] == list(GRADERS)
    output = OutputSpec("json", schema={"type": "object"}, labels=("a", "b"))
    for name, cell in rows:
        (grader,) = build([GraderSpec(name, NEEDED.get(name, {}))], output)
        assert re.findall(r"`([\w.]+)`", cell) == list(grader.metrics)
