"""Commands from a table: each is imported when it is called or its own help is asked for, and takes the
options that stand before any command or behind it."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import warnings
from collections.abc import Mapping

import click

from workbench.cli.console import Console


class Commands(click.Group):
    """A group whose commands are `table`: a name to (where it lives, as "module:attribute", what it does)."""

    def __init__(self, table: Mapping[str, tuple[str, str]], **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        if not any(param.name == "quiet" for param in command.params):
            command.params = [*command.params, *common_options()]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.table:
            with formatter.section("Commands"):
                formatter.write_dl([(name, said) for name, (_, said) in self.table.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from evals.table import nearest

        if args and args[0] not in self.table and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}.{nearest(args[0], self.table)}")
        return super().resolve_command(ctx, args)


def common_options() -> list[click.Option]:
    """What may stand before the command and behind it."""
    said = {
        ("-q", "--quiet"): "No progress, only the result and errors.",
        ("-v", "--verbose"): "Log what happens, with the libraries' own messages.",
        ("--no-color",): "Plain text; so does the environment variable NO_COLOR.",
    }
    return [
        click.Option(names, is_flag=True, expose_value=False, callback=_adjust, help=text)
        for names, text in said.items()
    ]


NOISY = ("transformers", "sentence_transformers", "httpx", "datasets", "faiss", "bitsandbytes")
"""Libraries that say more than a user wants to know."""


def _adjust(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Take an option of `common_options` into the console and the log."""
    if ctx.obj is None:
        ctx.obj = Console(color=not os.environ.get("NO_COLOR"))
    console: Console = ctx.obj
    if value:
        console.adjust(**{str(param.name): True})
    level = logging.INFO if console.verbose else logging.ERROR if console.quiet else logging.WARNING
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger().setLevel(level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(level if console.verbose else logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("default" if console.verbose else "ignore")
