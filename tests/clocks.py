"""Bounds on time that hold on a busy machine: what counts is what this process itself computes."""

from __future__ import annotations

import faulthandler
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 240.0
"""Seconds of any time that a test waits for another process, or for what should have ended by itself."""


@contextmanager
def computes_within(seconds: float) -> Iterator[None]:
    """What stands inside takes fewer than so many seconds of processor time, all threads together. What
    does not come back at all ends the process, which a bound looked at afterwards could not."""
    faulthandler.dump_traceback_later(PATIENCE + 20 * seconds, exit=True)
    started = time.process_time()
    try:
        yield
    finally:
        spent = time.process_time() - started
        faulthandler.cancel_dump_traceback_later()
    assert spent < seconds, f"{spent:.1f} s of processor time are more than {seconds:g}"
