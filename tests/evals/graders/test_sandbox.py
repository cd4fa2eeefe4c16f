"""What is hostile in code stays in the jail, and comes to an end."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from evals.graders.sandbox import Limits, run
from tests.clocks import PATIENCE
from tests.evals.graders.contained import contained

pytestmark = contained
LIMITS = Limits(seconds=60, memory_mb=512, files_mb=4)
SHORT = Limits(seconds=2, memory_mb=512, files_mb=4)
ANY = ["assert True"]


def test_code_that_passes_some_of_its_tests_says_which() -> None:
    tests = ["assert f(1) == 2", "assert f(2) == 4", "def test_it():\n    assert f(3) == 4"]
    found = run("def f(x):\n    return x + 1", tests, LIMITS)
    assert found.passed == (True, False, True)
    assert (found.fault, found.compiled) == ("test 2: AssertionError", True)


def test_code_that_is_no_python_does_not_compile() -> None:
    found = run("def f(", ANY, LIMITS)
    assert (found.passed, found.compiled) == ((), False)
    assert found.fault.startswith("SyntaxError: '(' was never closed")


def test_a_test_function_that_stood_in_the_answer_is_not_called_as_a_test() -> None:
    assert run("def test_mine():\n    raise ValueError", ["x = 1"], LIMITS).passed == (True,)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import os\nos._exit(0)", "it ended before its tests did"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import ctypes\nctypes.string_at(0)", "it died of SIGSEGV"),
        ("def f():\n    return f()\nf()", "RecursionError: maximum recursion depth exceeded"),
        ("x = bytearray(2 << 30)", "MemoryError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "it used up its time"),
        ("class E(Exception):\n    def __str__(self):\n        raise self\nraise E", "E"),
    ],
)
def test_code_that_ends_badly_passes_no_test(code: str, fault: str) -> None:
    found = run(code, ANY, LIMITS)
    assert (found.passed, found.fault) == ((), fault)


def test_a_result_that_the_code_writes_itself_does_not_count() -> None:
    forged = '{"secret": "", "step": "test", "fault": ""}'
    code = (
        f"import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'{forged}\\n')\n    except OSError: pass"
    )
    assert run(code + "\nos._exit(0)", ANY, LIMITS).passed == ()


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time\ntime.sleep(1000)",
        "import signal, time\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except OSError: pass\nwhile True: time.sleep(1)",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "import os, time\nos.fork() or os.setsid()\ntime.sleep(1000)",
    ],
    ids=["loop", "sleep", "deaf", "fork bomb", "leaves its group"],
)
def test_what_does_not_end_is_ended_with_all_its_processes(code: str) -> None:
    started, mark = time.monotonic(), secrets.token_hex(6)
    found = run(_marked(code, mark), ANY, SHORT)
    assert found.passed == ()
    assert found.fault in ("it took more than 2 s", "it used up its time")
    assert time.monotonic() - started < PATIENCE
    assert not _left(mark)


def test_children_left_behind_end_with_the_first_process() -> None:
    code = "import os, time\nif not os.fork():\n    os.setsid()\n    time.sleep(1000)"
    mark = secrets.token_hex(6)
    assert run(_marked(code, mark), ANY, LIMITS).passed == (True,)
    assert not _left(mark)


def test_a_process_that_is_marked_is_found() -> None:
    mark = secrets.token_hex(6)
    code = _marked("import sys; print(flush=True); sys.stdin.read()", mark)
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) as process:
        assert process.stdout and process.stdout.readline()
        assert _left(mark) == [str(process.pid)]
        process.kill()


def _marked(code: str, mark: str) -> str:
    """The code, whose process takes a name that those it starts inherit: others run in jails too."""
    return f"import ctypes\nctypes.CDLL(None).prctl(15, {mark.encode()!r}, 0, 0, 0)\n{code}"


def _left(mark: str) -> list[str]:
    """The processes of that name."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "comm").read_text().strip() == mark:
                found.append(entry.name)
    return found


def test_output_without_end_is_not_kept() -> None:
    found = run("import os\nfor n in range(3000):\n    os.write(1, bytes(1 << 16))", ANY, LIMITS)
    assert found.passed == (True,)
    flood = "import os\nwhile True:\n    for fd in range(3, 10):\n        try: os.write(fd, bytes(1 << 16))\n"
    found = run(flood + "        except OSError: pass", ANY, LIMITS)
    assert (found.passed, found.fault) == ((), "it ended before its tests did")  # long before its deadline


def test_a_folder_of_the_machine_is_neither_seen_nor_written(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("mine")
    places = [str(tmp_path / "secret.txt"), str(Path.home() / ".bashrc"), "/etc/passwd", "/proc/self/environ"]
    code = (
        "seen = []\nfor place in PLACES:\n    try: seen.append(open(place).read())\n    except OSError: pass"
    )
    assert run(f"PLACES = {places!r}\n{code}", ["assert not seen"], LIMITS).passed == (True,)
    written = f"open({str(tmp_path / 'new.txt')!r}, 'w')"
    assert run(written, ANY, LIMITS).fault.startswith("FileNotFoundError")
    for place in ("/usr/lib/new.txt", "/new.txt", str(Path(os.__file__).parent / "new.txt")):
        assert run(f"open({place!r}, 'w')", ANY, LIMITS).fault.startswith(("OSError", "PermissionError"))


def test_files_are_limited_and_gone_with_the_run() -> None:
    code = "with open('/tmp/a', 'wb') as f:\n    for n in range(100): f.write(bytes(1 << 20))"
    assert run(code, ANY, LIMITS).passed == ()
    many = "for n in range(100_000): open(f'/tmp/{n}', 'w').close()"
    assert run(many, ANY, LIMITS).fault.startswith("OSError")
    assert run("open('/tmp/kept', 'w').write('x')", ANY, LIMITS).passed == (True,)
    assert run("import os", ["assert not os.path.exists('/tmp/kept')"], LIMITS).passed == (True,)


def test_a_server_of_the_machine_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=5)"
        assert run(code, ANY, LIMITS).fault.startswith("OSError")


def test_neither_rights_nor_variables_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "sk-123")
    tests = [
        "import os\nassert 0 not in (os.getuid(), os.geteuid(), os.getgid())",
        "assert 'MY_API_KEY' not in os.environ",
        "try: os.setuid(0)\nexcept OSError: pass\nelse: raise AssertionError",
        f"try: os.kill({os.getpid()}, 0)\nexcept OSError: pass\nelse: raise AssertionError",
    ]
    assert run("", tests, LIMITS).passed == (True,) * 4


def test_more_processes_than_allowed_are_not_started() -> None:
    code = (
        "import os, time\nn = 0\ntry:\n    while n < 40:\n        if not os.fork(): time.sleep(60)\n"
        "        n += 1\nexcept OSError: pass"
    )
    assert run(code, ["assert n < 9"], LIMITS).passed == (True,)
