"""Ctrl-C is acknowledged at once, whatever computes at that moment.

Python raises KeyboardInterrupt between two of its own instructions, and a backward pass over long rows is one
instruction for many seconds. What the C signal handler writes to a pipe is read by a thread meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

STOPPING = "stopping, which may take some seconds: what is done is kept"
PATIENCE = 0.3
"""Seconds in which most commands have ended, with a line of their own: nothing is said before."""


@contextmanager
def acknowledged() -> Iterator[None]:
    """Say on stderr that an interrupt was heard where the block does not end within `PATIENCE` of it. Does
    nothing outside the main thread, which alone is interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    ended = threading.Event()
    listener = threading.Thread(target=_listen, args=(heard, ended), daemon=True)
    listener.start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        os.write(told, b"\0")
        listener.join()
        os.close(told)
        os.close(heard)


def _listen(heard: int, ended: threading.Event) -> None:
    """Wait for the first interrupt, or for a byte that says it has ended."""
    while not ended.is_set():
        if os.read(heard, 1)[0] == signal.SIGINT and not ended.wait(PATIENCE):
            start = "\n" if sys.stderr.isatty() else ""
            click.echo(f"{start}{STOPPING}", err=True)
            return
