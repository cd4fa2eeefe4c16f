"""The command line's frame: options every command has, errors as lines, exit codes.

Exit codes: 0 met or done, 1 bad input, 2 wrong usage, 3 not met, 4 evidence insufficient,
5 incomplete and resumable, 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click

from evals.errors import ResumableError, WorkbenchError
from workbench.cli.console import Console

log = logging.getLogger(__name__)

COMMANDS = {
    "init": "Write a commented task folder to start from.",
    "check": "Validate a task and its data; estimate calls, tokens and minutes; generate nothing.",
    "plan": "Say what would be run and what the eval rows could show.",
    "assess": "Run the baselines, decide, write the report.",
    "escalate": "Act on the verdict of the newest binding run.",
    "compare": "Compare two runs row by row.",
    "gate": "Hold a run against a baseline, for CI.",
    "report": "Decide and render again from a run folder.",
    "models": "List the models that can be used here.",
    "schema": "Print the JSON Schema of task.yaml, of decision.json or of a gate's policy.",
    "doctor": "Say what is missing on this machine.",
}
"""In the order in which a person meets them; each is a module of this package."""

INTERRUPTED = 130


class Commands(click.Group):
    """The commands of the table, each imported when it is called or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"workbench.cli.{cmd_name}")
        command: click.Command = module.command
        if not any(param.name == "quiet" for param in command.params):
            command.params = [*command.params, *_common_options()]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from evals.table import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}.{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


def _version() -> str:
    try:
        return version("tuning-workbench")
    except PackageNotFoundError:
        return "not installed"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="wb")
def wb() -> None:
    """Decide by evidence whether an LLM task needs a better prompt or tuning.

    Start with `wb init`, then `wb check task.yaml` and `wb assess task.yaml`.
    """


def _common_options() -> list[click.Option]:
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


def _adjust(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Take an option of `_common_options` into the console and the log."""
    if ctx.obj is None:
        ctx.obj = Console(color=not os.environ.get("NO_COLOR"))
    console: Console = ctx.obj
    if value:
        console.adjust(**{str(param.name): True})
    level = logging.INFO if console.verbose else logging.ERROR if console.quiet else logging.WARNING
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger().setLevel(level)
    for noisy in ("transformers", "sentence_transformers", "httpx", "datasets", "faiss", "bitsandbytes"):
        logging.getLogger(noisy).setLevel(level if console.verbose else logging.ERROR)


wb.params.extend(_common_options())


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit. A user's mistake is one or two lines on stderr."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        words = list(args) if args is not None else None
        code = int(wb.main(args=words, prog_name="wb", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except WorkbenchError as error:
        Console.error(str(error))
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        Console.error("interrupted; what was finished is kept: the same command continues")
        code = INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        code = 0
    except OSError as error:
        _drop_output()
        code = _refused(error)
    return code


def _refused(error: OSError) -> int:
    """Say what the system did not allow; -v logs where."""
    log.info("refused by the system", exc_info=error)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    hint = "Free some space and run the same command again." if full else "-v shows where it happened."
    Console.error(f"{error.filename or 'output'}: {error.strerror or error}\n{hint}")
    return ResumableError.exit_code if full else 1


def _drop_output() -> None:
    """Nobody takes what is still to be said."""
    sys.stdout = io.StringIO()
