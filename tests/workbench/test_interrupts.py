"""Ctrl-C is acknowledged while something that hears no interrupt computes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workbench.cli import interrupts
from workbench.cli.interrupts import STOPPING, acknowledged

ROOT = Path(__file__).parents[2]
DEAF = """
import ctypes, os, signal, sys, threading
from workbench.cli.interrupts import acknowledged

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.siginterrupt(signal.SIGINT, False)
sys.setswitchinterval(1000)  # the other thread runs once this one waits in the library
begun = threading.Event()
interrupt = threading.Thread(target=lambda: begun.wait() and os.kill(os.getpid(), signal.SIGINT))
interrupt.start()
libc = ctypes.CDLL(None)
try:
    with acknowledged():
        begun.set()
        libc.read(0, ctypes.create_string_buffer(1), 1)  # hears no interrupt, as a backward pass does not
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_it_is_said_before_what_computes_lets_go() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None and process.stderr is not None
    with process:
        assert process.stderr.readline() == f"{STOPPING}\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait() == 130


def test_what_ends_at_once_says_nothing_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "PATIENCE", 60.0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), acknowledged():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == ""


def test_outside_the_main_thread_nothing_is_changed() -> None:
    found = []

    def ask() -> None:
        with acknowledged():
            found.append(threading.active_count())

    threads = threading.active_count()
    other = threading.Thread(target=ask)
    other.start()
    other.join()
    assert found == [threads + 1]
