"""`wb export` and `wb import`: other tools' files. One module of this package a tool, one line a command."""

from __future__ import annotations

from workbench.cli.commands import Commands

EXPORTS: dict[str, tuple[str, str]] = {}
IMPORTS: dict[str, tuple[str, str]] = {
    "promptfoo": ("workbench.cli.from_promptfoo:command", "A promptfoo configuration as a task folder."),
}

export_command = Commands(
    EXPORTS, name="export", help="Write a task or a run in the form that another tool reads."
)
import_command = Commands(IMPORTS, name="import", help="Read another tool's task or results.")
