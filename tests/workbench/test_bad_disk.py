"""A run folder that is full, foreign, damaged, in use or interrupted."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clocks import PATIENCE
from tests.evals.models.openai_server import OpenAIServer, Say
from tests.workbench.conftest import Calm
from tests.workbench.small_task import DownAfter, SmallTask, able, contents
from workbench.cli.main import run

ROOT = Path(__file__).parents[2]
HANGS: Say = Say(act="hang")


def told(capsys: pytest.CaptureFixture[str], *says: str) -> None:
    """One or two lines on stderr for each mistake, nothing on stdout."""
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == ""
    mistakes = sum(line.startswith("error: ") for line in lines)
    assert 1 <= mistakes <= len(lines) <= 2 * mistakes, said.err
    assert lines[0].startswith("error: ")
    for part in says:
        assert part in said.err


# A full disk


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A file system of this size at `folder`; skips where this user may not make one."""
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if not made or made.returncode:
        pytest.skip("a small file system can only be made by root on Linux")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Writing past `size` bytes fails for this process, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _stopped_by_the_disk(task: SmallTask, capsys: pytest.CaptureFixture[str]) -> None:
    assert task.assess("-q") == 5
    told(capsys, "the disk is full", "run the same command again: it continues")
    assert not list(task.folder.rglob("*.tmp"))
    assert not [path for path in task.runs() if (path / "decision.json").exists()]


@pytest.mark.parametrize("room", [0, 4, 8, 16, 28, 44, 64, 80])
def test_a_full_disk_can_be_freed_and_the_same_command_goes_on(
    room: int, calm: Calm, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = calm()
    capsys.readouterr()
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, 1024):
        task = SmallTask(disk / "task", server.url)
        free = os.statvfs(disk)
        (disk / "filler").write_bytes(b"x" * (free.f_bavail * free.f_frsize - room * 1024))
        _stopped_by_the_disk(task, capsys)
        (disk / "filler").unlink()
        assert task.assess("-q") == 0
        assert task.decision() == wanted


@pytest.mark.parametrize("size", [10, 200, 1500, 4000, 20_000])
def test_whichever_file_does_not_fit_the_same_command_goes_on(
    size: int, calm: Calm, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = calm()
    capsys.readouterr()
    task = SmallTask(tmp_path / "task", server.url)
    with no_file_above(size):
        _stopped_by_the_disk(task, capsys)
    assert task.assess("-q") == 0
    assert task.decision() == wanted


def test_taking_over_earlier_answers_onto_a_full_disk_is_told(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path / "task", server.url)
    assert task.assess("-q") == 0
    capsys.readouterr()
    for path in task.runs()[0].glob("approaches/*/predictions.jsonl"):
        path.write_bytes(path.read_bytes() * 5)
    largest = max(p.stat().st_size for p in task.runs()[0].glob("approaches/*/predictions.jsonl"))
    with no_file_above(largest - 1):
        assert task.assess("-q") == 5
    told(capsys, "the disk is full")
    assert not list(task.folder.rglob("*.tmp"))


# A run folder of another version, or damaged


def test_a_run_of_another_version_is_neither_read_nor_continued_nor_taken_over(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert task.assess("-q") == 0
    (old,) = task.runs()
    provenance = json.loads((old / "provenance.json").read_text())
    (old / "provenance.json").write_text(json.dumps({**provenance, "format": 99}))
    before = contents(old)
    capsys.readouterr()
    assert run(["report", str(old)]) == 1
    told(capsys, str(old), "another version (format 99", "Run `wb assess` again")
    asked = len(server.seen)
    assert task.assess("-q") == 0
    assert len(server.seen) == 2 * asked
    assert contents(old) == before
    assert len(task.runs()) == 2


DAMAGE = {
    "provenance.json": ["{", "[]", '{"format": 1}'],
    "ladder.json": ["", "[]", "{}", '{"task_hash": "x", "binding": true, "entries": [1]}'],
    "examples.jsonl": ["x\n", "[1]\n", "{}\n", '{"split": "dev"}\n'],
    "looks.jsonl": ["x\n", '{"approach": 1}\n'],
    "task.yaml": ["", "name: [", "name: x"],
    "approaches/*/predictions.jsonl": ["x\n{}\n", "{}\n", '{"split": "dev", "id": 1, "usage": 3}\n'],
    "approaches/*/scores.jsonl": ["\xff\n", "{}\n", '{"hash": 1, "score": 2}\n'],
    "approaches/*/latency.jsonl": ["{}\n", '{"seconds": null}\n'],
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with OpenAIServer(rule=able) as server:
        task = SmallTask(tmp_path_factory.mktemp("finished"), server.url)
        assert task.assess("-q") == 0
        return task.runs()[0]


@pytest.mark.parametrize(("name", "content"), [(n, c) for n, cs in DAMAGE.items() for c in cs])
def test_a_damaged_run_folder_is_told_with_its_file_and_left_as_it_is(
    name: str, content: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / finished.name
    shutil.copytree(finished, folder)
    place = next(folder.glob(name), None) or next(folder.glob("approaches/*")) / Path(name).name
    place.write_bytes(content.encode("latin-1"))
    before = contents(folder)
    assert run(["report", str(folder)]) == 1
    told(capsys, str(place))
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["provenance.json", "examples.jsonl", "task.yaml", "approaches/*/spec.json"])
def test_a_missing_file_is_no_reason_for_a_traceback(
    name: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / finished.name
    shutil.copytree(finished, folder)
    next(folder.glob(name)).unlink()
    code = run(["report", str(folder)])
    if "spec" in name:
        assert code == 0  # nothing is asked, so nothing needs to know how
    else:
        assert code == 1
        told(capsys, str(folder / name))


# A second writer, and Ctrl-C


@contextmanager
def hanging(task: SmallTask, server: OpenAIServer, after: int) -> Iterator[subprocess.Popen[str]]:
    """`wb assess` in a process of its own, waiting for an endpoint that fell silent after some answers."""
    server.rule = DownAfter(after, HANGS)
    words = ["-q", "assess", str(task.path), "--out", str(task.out), "-j", "1"]
    # Whatever is started in the background ignores the interrupt; a command at a terminal does not.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code += "; from workbench.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "WB_CACHE": str(task.folder.parent / "cache"),
        },
    )
    try:
        end = time.monotonic() + PATIENCE
        while len(server.seen) <= after and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("after", [5, 27])
def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(
    after: int, calm: Calm, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """5: on dev; 27: on test."""
    task = SmallTask(tmp_path / "task", server.url)
    with hanging(task, server, after) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "error: interrupted; what was finished is kept: the same command continues"
    assert not list(task.folder.rglob("*.tmp"))
    (folder,) = task.runs()
    assert not (folder / "decision.json").exists()

    assert run(["report", str(folder)]) == 5
    told(capsys, str(folder), "has not come to its end", f"wb assess {task.path} --out {task.out}")

    server.rule = able
    assert task.assess("-q") == 0
    assert task.decision() == calm()


def test_a_second_writer_is_told_who_is_first(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    with hanging(task, server, 5) as process:
        before = contents(tmp_path)
        assert task.assess("-q") == 1
        told(capsys, f"is being written by process {process.pid}", "Wait for it")
        assert run(["report", str(task.runs()[0])]) == 1
        told(capsys, f"is being written by process {process.pid}")
        assert contents(tmp_path) == before
        assert process.poll() is None


def test_a_run_killed_before_it_was_started_is_started_in_its_place(
    calm: Calm, server: OpenAIServer, tmp_path: Path
) -> None:
    """Killed between making the folder and saying what it is of."""
    task = SmallTask(tmp_path / "task", server.url)
    assert task.assess("-q") == 0
    (folder,) = task.runs()
    for name in ("provenance.json", "decision.json", "ladder.json", "examples.jsonl"):
        (folder / name).unlink()
    (folder / ".examples.jsonl.1.tmp").write_text("half")
    (folder.parent / "latest").unlink()
    assert task.assess("-q") == 0
    assert task.runs() == [folder]
    assert not list(folder.rglob("*.tmp"))
    assert (folder.parent / "latest").read_text() == folder.name + "\n"
    assert task.decision() == calm()
