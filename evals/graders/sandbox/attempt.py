"""Run inside the jail, once a process: tries what must not work, and reports what did.

Reads the limits and the home folder of who runs the workbench; writes a JSON list of complaints.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any


def main() -> None:
    """Try everything; an empty list is what is hoped for."""
    order = json.load(sys.stdin)
    tried = (_user, _home, _writing, _network, _files, _memory, _processes)
    complaints = [text for attempt in tried if (text := attempt(order))]
    print(json.dumps(complaints), flush=True)
    os._exit(0)


def _user(order: dict[str, Any]) -> str:
    return "code would run as root" if 0 in (os.getuid(), os.geteuid(), os.getegid()) else ""


def _home(order: dict[str, Any]) -> str:
    """Of a home folder only an interpreter that lies in it may be seen."""
    with suppress(OSError):
        for name in os.listdir(order["home"]):
            place = os.path.join(order["home"], name)
            if place not in order["ways"]:
                return f"code would see {place}"
    return ""


def _writing(order: dict[str, Any]) -> str:
    for folder in ("/", "/usr", os.path.dirname(sys.executable)):
        with suppress(OSError):
            os.close(os.open(f"{folder}/wb-attempt", os.O_CREAT | os.O_WRONLY))
            return f"code could write to {folder}"
    return ""


def _network(order: dict[str, Any]) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, suppress(OSError):
        udp.connect(("192.0.2.1", 9))
        return "code would reach a network"
    return ""


def _files(order: dict[str, Any]) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    written = 0
    with suppress(OSError):
        for number in range(4):
            handle = os.open(f"/tmp/attempt{number}", os.O_CREAT | os.O_WRONLY)
            for _ in range(order["files_mb"]):
                written += os.write(handle, bytes(1 << 20))
    if not written:
        return "code would have no /tmp to write to"
    return "the size of files is not limited" if written > order["files_mb"] << 20 else ""


def _memory(order: dict[str, Any]) -> str:
    with suppress(MemoryError):
        bytearray(order["memory_mb"] << 20)
        return "memory is not limited"
    return ""


def _processes(order: dict[str, Any]) -> str:
    children: list[int] = []
    complaint = "the number of processes is not limited (RLIMIT_NPROC does not bind)"
    try:
        for _ in range(2 * order["processes"]):
            child = os.fork()
            if not child:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    except OSError:
        complaint = ""
    for child in children:
        os.kill(child, signal.SIGKILL)
    return complaint


if __name__ == "__main__":
    main()
