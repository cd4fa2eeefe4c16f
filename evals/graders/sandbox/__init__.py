"""Code of unknown origin, run where it can do no harm and comes to an end.

`run` starts a bare interpreter (`jail.py`) that gives itself new namespaces: a network without an
interface, processes of its own, and a file tree of nothing but the system's and Python's libraries,
read-only, and a small empty /tmp in memory. In it `harness.py` runs the code and its tests as a user
without rights, under limits of time, memory, processes and files. Whatever it starts ends with the
first process of its namespace, at the deadline at the latest.

All of it or nothing: `refusal` lets a program try what must not work (`attempt.py`) and says which part
of the containment cannot be had on this machine.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
LONGEST_REPORT = 200_000
"""Bytes that are read of what a run reports; one that writes more is ended."""
REFUSED = 70
"""How the jail ends when it could not be built."""
GRACE = 10.0
"""Seconds beyond the deadline for starting and ending; then the whole process group is killed."""


@dataclass(frozen=True)
class Limits:
    """What one run may take: seconds of wall time (and of processor time, per process), MB of address
    space per process, processes and threads at once, MB of files in all."""

    seconds: float = 10.0
    memory_mb: int = 1024
    processes: int = 8
    files_mb: int = 32


@dataclass(frozen=True)
class Outcome:
    """What came of one run: `passed` has one entry a test that came to its end; `fault` says in what
    the first thing that went wrong consisted, "" for nothing; `compiled` is False when the code is no
    Python."""

    passed: tuple[bool, ...]
    fault: str = ""
    compiled: bool = True


class NoJail(Exception):
    """The jail could not be built; the text says what was not allowed."""


def run(code: str, tests: Sequence[str], limits: Limits) -> Outcome:
    """Run the code, then each test in its names, in order. Raises NoJail, never on account of the code.

    A line of the report counts only with a secret that the code is not given, so leaving early with
    a good exit status passes no test.
    """
    secret = secrets.token_hex(16)
    order = {"secret": secret, "code": code, "tests": list(tests)}
    report, status = _jailed("harness.py", order, limits)
    passed: list[bool] = []
    fault, compiled = "", True
    for line in report.splitlines():
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(said, dict) or said.get("secret") != secret:
            continue
        fault = fault or str(said.get("fault", ""))
        compiled = compiled and said.get("step") != "compile"
        if said.get("step") == "test":
            passed.append(said.get("fault", "") == "")
    if len(passed) < len(tests) and not fault:
        fault = status or "it ended before its tests did"
    return Outcome(tuple(passed[: len(tests)]), fault, compiled)


@cache
def refusal() -> str:
    """Why code cannot be contained on this machine, "" when it can. Tried once a process."""
    if sys.platform != "linux":
        return f"code is contained by means of Linux, and this is {sys.platform}"
    limits = Limits(seconds=20, memory_mb=512, processes=8, files_mb=4)
    try:
        ways = sorted({str(way) for tree in _trees() for way in (Path(tree), *Path(tree).parents)})
        order = {"home": str(Path.home()), "ways": ways, **asdict(limits)}
        report, status = _jailed("attempt.py", order, limits)
        faults = json.loads(report)
    except NoJail as error:
        return str(error)
    except ValueError:
        return status or "the containment could not be tried"
    return "; ".join(map(str, faults))


def _jailed(script: str, order: object, limits: Limits) -> tuple[str, str]:
    """What a script of this folder reports from inside, and how it ended ("" for well)."""
    with tempfile.TemporaryDirectory(prefix="wb-jail-") as root:
        return _in_folder(root, script, order, limits)


def _in_folder(root: str, script: str, order: object, limits: Limits) -> tuple[str, str]:
    words = {
        "root": root,
        "script": (HERE / script).read_text(encoding="utf-8"),
        "python": sys.executable,
        "trees": _trees(),
        **asdict(limits),
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(HERE / "jail.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
        start_new_session=True,
    )
    try:
        text = json.dumps({"jail": words, "order": order})
        report, said = _talk(process, text.encode(), limits.seconds + GRACE)
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    status = said.strip().splitlines()[-1][:300] if said.strip() else ""
    if process.returncode == REFUSED:
        raise NoJail(status or "the jail could not be built")
    return report, status


def _talk(process: subprocess.Popen[bytes], order: bytes, seconds: float) -> tuple[str, str]:
    """Hand over the order and read report and complaints, until both end, are too long, or it is late."""
    end = time.monotonic() + seconds
    assert process.stdin and process.stdout  # noqa: PT018
    assert process.stderr
    said: dict[int, bytes] = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
    with selectors.DefaultSelector() as waiting:
        os.set_blocking(process.stdin.fileno(), False)
        waiting.register(process.stdin.fileno(), selectors.EVENT_WRITE)
        for pipe in said:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                if key.fd in said:
                    data = os.read(key.fd, 65536)
                    said[key.fd] += data
                    if not data or len(said[key.fd]) > LONGEST_REPORT:
                        waiting.unregister(key.fd)
                        if data:
                            return _texts(said)
                    continue
                with suppress(BlockingIOError, BrokenPipeError):
                    order = order[os.write(key.fd, order[:65536]) :]
                if not order or process.poll() is not None:
                    waiting.unregister(key.fd)
                    process.stdin.close()
    return _texts(said)


def _texts(said: dict[int, bytes]) -> tuple[str, str]:
    report, complaint = (data[:LONGEST_REPORT].decode("utf-8", "replace") for data in said.values())
    return report, complaint


def _trees() -> list[str]:
    """The folders and files that a Python program reads: the system's libraries and this interpreter's."""
    system = ["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives"]
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parents[1])}
    wanted = system + sorted(str(Path(prefix).resolve()) for prefix in prefixes) + sorted(prefixes)
    kept: list[str] = []
    for tree in wanted:
        inside = any(tree == other or tree.startswith(other + "/") for other in kept)
        if not inside and tree != "/" and os.path.lexists(tree):
            kept.append(tree)
    return kept
