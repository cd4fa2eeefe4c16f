"""Warnings that hold for many calls alike, and are said once in a process."""

from __future__ import annotations

import logging
from functools import cache


@cache
def notice(log: logging.Logger, message: str) -> None:
    """Warn, unless this was said before."""
    log.warning("%s", message)
