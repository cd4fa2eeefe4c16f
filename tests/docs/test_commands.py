"""docs/commands.md has every command with exactly its options, and every exit code."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from evals.table import Table
from tuning.tables import METHODS, OBJECTIVES
from workbench.cli.exchange import EXPORTS, IMPORTS
from workbench.cli.main import COMMANDS, INTERRUPTED, wb
from workbench.cli.verdict import EXIT_CODES

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
LEAVES = [*COMMANDS, *(f"export {form}" for form in EXPORTS), *(f"import {form}" for form in IMPORTS)]
EVERYWHERE = {"quiet", "verbose", "no_color"}


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, f"docs/commands.md has no section {title!r}"
    return found[1]


def command_named(name: str) -> click.Command:
    command: click.Command | None = wb
    for word in name.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    return command


def told(text: str) -> set[frozenset[str]]:
    """The options in a section's table: each with all its spellings."""
    cells = re.findall(r"^\| (`-.*?) \| ", text, re.M)
    return {frozenset(re.findall(r"`(--?[\w-]+)", cell)) for cell in cells}


def taken(command: click.Command, *, common: bool = False) -> set[frozenset[str]]:
    options = [param for param in command.params if isinstance(param, click.Option)]
    return {frozenset(o.opts) for o in options if (o.name in EVERYWHERE) == common}


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_has_a_section_with_exactly_its_options(name: str) -> None:
    assert told(section(f"wb {name}")) == taken(command_named(name))


@pytest.mark.parametrize("name", LEAVES)
def test_a_commands_arguments_are_shown(name: str) -> None:
    arguments = [p for p in command_named(name).params if isinstance(p, click.Argument)]
    words = [
        "|".join(p.type.choices) if isinstance(p.type, click.Choice) else str(p.metavar) for p in arguments
    ]
    typed = [
        f"[{w}]" if isinstance(p.type, click.Choice) else w for p, w in zip(arguments, words, strict=True)
    ]
    assert re.search(re.escape(" ".join([f"`wb {name}", *typed])) + "[ `]", section(f"wb {name}"))


@pytest.mark.parametrize("name", LEAVES)
def test_the_options_of_all_commands_are_told_once_for_all(name: str) -> None:
    assert told(section("Everywhere")) == {
        *taken(command_named(name), common=True),
        frozenset(["-h", "--help"]),
    }


def test_the_list_of_commands_is_that_of_the_help() -> None:
    assert re.findall(r"^\| `wb (\w+)` \|", PAGE.split("\n## ")[0], re.M) == list(COMMANDS)
    assert re.findall(r"^## wb (\w+)$", PAGE, re.M) == list(COMMANDS)
    forms = re.findall(r"^## wb (\w+ \S+)$", PAGE, re.M)
    assert sorted(forms) == sorted(set(LEAVES) - COMMANDS.keys())


def test_every_exit_code_is_explained() -> None:
    codes = sorted({0, 1, 2, INTERRUPTED, *EXIT_CODES.values()})
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", section("Exit codes"), re.M))
    assert [int(code) for code in rows] == codes
    for verdict, code in EXIT_CODES.items():
        assert verdict == "ship" or verdict in rows[str(code)]


def test_the_defaults_are_those_of_the_code() -> None:
    options = {o.name: o.default for o in command_named("assess").params if isinstance(o, click.Option)}
    assert f"(`{options['out']}`)" in section("wb assess")
    assert f"endpoint ({options['jobs']})" in section("wb assess")


@pytest.mark.parametrize(("option", "table"), [("--method", METHODS), ("--objective", OBJECTIVES)])
def test_what_a_training_may_be_asked_for_is_told(option: str, table: Table) -> None:
    (row,) = re.findall(rf"^\| `{option} NAME` \| .*$", section("wb escalate"), re.M)
    assert set(table) <= set(re.findall(r"`(\w+)`", row))
