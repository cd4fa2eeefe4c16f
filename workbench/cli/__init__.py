"""The `wb` command: a thin skin over the library, one module a command, imported when it is used."""

from workbench.cli.main import main

__all__ = ["main"]
