"""What is said while documents are worked on: warnings once in a process, progress or none."""

from __future__ import annotations

import logging
from functools import cache


@cache
def notice(log: logging.Logger, message: str) -> None:
    """Warn, unless this was said before."""
    log.warning("%s", message)


def silent(step: str, done: int, total: int) -> None:
    """A Progress that says nothing."""
