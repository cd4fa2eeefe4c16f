"""Run by a bare interpreter, outside of the project: builds the jail and starts the script in it.

Reads {"jail": limits, script, trees, root, "order": for the script} from stdin; `root` is an empty
folder. What goes wrong before the script runs, and how it ended, is one line on stderr; the script's
stdout is this one's. Three processes: this one waits; the first of the new namespaces builds the file
tree, keeps the time and takes everything with it when it ends; its child gives up its rights and
becomes the script.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from typing import Any

NEW_MOUNTS, NEW_UTS, NEW_IPC = 0x20000, 0x4000000, 0x8000000
NEW_USER, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SETUID, NO_DEVICES, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
DETACH = 2
DIE_WITH_PARENT, NO_NEW_PRIVILEGES, PIVOT_ROOT = 1, 38, {"x86_64": 155, "aarch64": 41}
FREE_USERS = 60_000
"""User and group ids from here on that no account has by custom; one is taken by process id, so that
limits per user are not shared with another run."""
MB = 1 << 20
REFUSED = 70

libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """The machine does not allow a part of the containment."""


def main() -> int:
    """Build, run, wait; 0 when the script ended well, 70 when there is no jail to run it in."""
    given = json.load(sys.stdin)
    jail, order = given["jail"], json.dumps(given["order"])
    try:
        user = _separate()
        first = os.fork()
        if not first:
            _first(jail, order, user)
        _, status = os.waitpid(first, 0)
        return os.waitstatus_to_exitcode(status)
    except (Refused, OSError) as error:
        return _say(str(error), REFUSED)


def _say(text: str, code: int = 1) -> int:
    print(text, file=sys.stderr, flush=True)
    return code


def _call(what: str, name: str, *arguments: Any) -> None:
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise Refused(f"{what} is not allowed ({os.strerror(number)})")


def _separate() -> int:
    """New namespaces. The id of the user to become: a free one for root, else one's own, which is
    mapped to nobody."""
    kinds = NEW_MOUNTS | NEW_UTS | NEW_IPC | NEW_PIDS | NEW_NETWORK
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        _call("unshare (namespaces for root)", "unshare", kinds)
        return FREE_USERS + os.getpid() % 5000
    _call("unshare (namespaces of a user)", "unshare", kinds | NEW_USER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"65534 {uid} 1"), ("gid_map", f"65534 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    return 65534


def _first(jail: dict[str, Any], order: str, user: int) -> None:
    """The first process of the namespaces: everything in them ends when it does."""
    code = 1
    try:
        libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        _build(jail, jail["root"])
        given, giving = os.pipe()
        child = os.fork()
        if not child:
            os.close(giving)
            os.dup2(given, 0)
            _become(jail, user)
        os.close(given)
        code = _wait(child, giving, order.encode(), jail["seconds"])
    except (Refused, OSError) as error:
        code = _say(str(error), REFUSED)
    finally:
        os._exit(code)


def _wait(child: int, pipe: int, order: bytes, seconds: float) -> int:
    """Hand the script its order and wait for it, to the deadline."""
    end = time.monotonic() + seconds
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.set_blocking(pipe, False)
    while time.monotonic() < end:
        try:
            if order:
                order = order[os.write(pipe, order) :]
            if not order and pipe >= 0:
                os.close(pipe)
                pipe = -1
        except BlockingIOError:
            pass
        except OSError:
            order = b""
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            if -code in (signal.SIGXCPU, signal.SIGKILL):
                return _say("it used up its time")
            if code < 0:
                return _say(f"it died of {signal.Signals(-code).name}")
            return code if code == REFUSED else 0
        if not ended:
            time.sleep(0.002)
    return _say(f"it took more than {seconds:g} s")


def _build(jail: dict[str, Any], root: str) -> None:
    """A tree of the libraries, read-only, four devices and an empty /tmp, in place of the machine's."""
    _mount("private mounts", None, "/", None, RECURSIVE | PRIVATE)
    _mount("a file tree in memory", "tmpfs", root, "tmpfs", NO_SETUID | NO_DEVICES, "size=1m,mode=755")
    os.mkdir(root + "/tmp")
    size = f"size={jail['files_mb']}m,nr_inodes=2000,mode=1777"
    _mount("a small /tmp", "tmpfs", root + "/tmp", "tmpfs", NO_SETUID | NO_DEVICES, size)
    for tree in jail["trees"]:
        place = root + tree
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.islink(tree):
            os.symlink(os.readlink(tree), place)
            continue
        _bind(tree, place, os.path.isdir(tree), READ_ONLY | NO_SETUID | NO_DEVICES)
    os.mkdir(root + "/dev")
    for device in ("null", "zero", "random", "urandom"):
        _bind(f"/dev/{device}", f"{root}/dev/{device}", False, NO_SETUID)
    os.mkdir(root + "/before")
    number = PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise Refused(f"no way to change the root is known for {os.uname().machine}")
    _call("pivot_root", "syscall", number, root.encode(), (root + "/before").encode())
    os.chdir("/")
    _call("leaving the machine's tree", "umount2", b"/before", DETACH)
    _mount("a read-only tree", None, "/", None, REMOUNT | BIND | READ_ONLY | NO_SETUID | NO_DEVICES)
    os.chdir("/tmp")


def _bind(source: str, place: str, folder: bool, flags: int) -> None:
    if folder:
        os.makedirs(place, exist_ok=True)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(f"showing {source}", source, place, None, BIND | RECURSIVE)
    _mount(f"protecting {source}", None, place, None, REMOUNT | BIND | flags)


def _mount(what: str, source: str | None, place: str, kind: str | None, flags: int, data: str = "") -> None:
    arguments = [None if text is None else text.encode() for text in (source, place, kind)]
    _call(what, "mount", *arguments, ctypes.c_ulong(flags), data.encode() if data else None)


def _become(jail: dict[str, Any], user: int) -> None:
    """Give up every right, take on the limits, and become the script."""
    try:
        os.setsid()
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        limits = {
            resource.RLIMIT_CPU: int(jail["seconds"]) + 1,
            resource.RLIMIT_AS: jail["memory_mb"] * MB,
            resource.RLIMIT_NPROC: jail["processes"],
            resource.RLIMIT_FSIZE: jail["files_mb"] * MB,
            resource.RLIMIT_NOFILE: 128,
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in limits.items():
            resource.setrlimit(kind, (most, most))
        surroundings = {
            "HOME": "/tmp",
            "TMPDIR": "/tmp",
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        os.execve(jail["python"], [jail["python"], "-I", "-B", "-c", jail["script"]], surroundings)
    except OSError as error:
        _say(str(error))
    finally:
        os._exit(REFUSED)


if __name__ == "__main__":
    sys.exit(main())
