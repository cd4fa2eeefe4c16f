"""The command line's frame: its commands, errors as lines, exit codes.

Exit codes: 0 met or done, 1 bad input, 2 wrong usage, 3 not met, 4 evidence insufficient,
5 incomplete and resumable, 130 interrupted.
"""

from __future__ import annotations

import errno
import io
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click

from evals.errors import ResumableError, WorkbenchError
from workbench.cli.commands import Commands, common_options
from workbench.cli.console import Console
from workbench.cli.interrupts import acknowledged

log = logging.getLogger(__name__)

COMMANDS = {
    "init": "Write a commented task folder to start from.",
    "check": "Validate a task and its data; estimate calls, tokens and minutes; generate nothing.",
    "plan": "Say what would be run and what the eval rows could show.",
    "assess": "Run the baselines, decide, write the report.",
    "escalate": "Act on the verdict of the newest binding run.",
    "distill": "Label inputs with the best approach, for a smaller model to learn from.",
    "compare": "Compare two runs row by row.",
    "gate": "Hold a run against a baseline, for CI.",
    "report": "Decide and render again from a run folder.",
    "export": "Write a task or a run in the form that another tool reads.",
    "import": "Read another tool's task or results.",
    "models": "List the models that can be used here.",
    "schema": "Print the JSON Schema of task.yaml, of decision.json or of a gate's policy.",
    "doctor": "Say what is missing on this machine.",
}
"""In the order in which a person meets them; each is a module of this package, but for those of EXCHANGE."""
EXCHANGE = ("export", "import")
"""The two that have commands of their own, in exchange.py."""

INTERRUPTED = 130


def _version() -> str:
    try:
        return version("tuning-workbench")
    except PackageNotFoundError:
        return "not installed"


def _table() -> dict[str, tuple[str, str]]:
    def where(name: str) -> str:
        return f"exchange:{name}_command" if name in EXCHANGE else f"{name}:command"

    return {name: (f"workbench.cli.{where(name)}", said) for name, said in COMMANDS.items()}


@click.group(cls=Commands, table=_table(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="wb")
def wb() -> None:
    """Decide by evidence whether an LLM task needs a better prompt or tuning.

    Start with `wb init`, then `wb check task.yaml` and `wb assess task.yaml`.
    """


wb.params.extend(common_options())


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit. A user's mistake is one or two lines on stderr."""
    sys.exit(run(args))


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        words = list(args) if args is not None else None
        with acknowledged():
            code = int(wb.main(args=words, prog_name="wb", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except WorkbenchError as error:
        for one in (error, *error.others):
            Console.error(str(one))
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
