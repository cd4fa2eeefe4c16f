"""Training in several processes, which `accelerate launch` starts: the side that has ordered it.

The launcher is a process of its own, and its children are `tuning.member`. Each calls here, over a socket
that only this user can open, and is handed the job; the main one says how far it is and has answers graded
here, where graders, judges and the budget are. Whoever loses this connection ends: nothing trains on that
nobody waits for. What the processes print stands in `launch.log` of the fit.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import ResumableError, RunError, WorkbenchError
from evals.models.sources import trusts_code
from evals.types import Example, Rung, Work

if TYPE_CHECKING:
    from baselines.approach import Prompted

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]
LOG = "launch.log"
SHARDING = ("fsdp_config", "deepspeed_config", "megatron_lm_config")
COUNTS = ("num_machines", "num_processes")
"""Of the configuration file, what is read here."""
PATIENCE = 20
"""Seconds that a launcher is given to end its children when it is told to."""


@dataclass(frozen=True)
class Launch:
    """Several processes on this machine: as many as `processes` says, else as accelerate's configuration file
    does, else one a GPU, and two where there is none."""

    config: Path | None = None
    processes: int | None = None

    def settings(self) -> Mapping[str, Any]:
        """What the configuration file says. Raises RunError when it cannot be read or asks for more than one
        machine."""
        import yaml

        if self.config is None:
            return {}
        try:
            found = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            first = str(error).splitlines()[0]
            raise RunError(
                f"cannot be read as a configuration of accelerate ({first})", where=self.config
            ) from error
        if not isinstance(found, dict):
            raise RunError(
                "is no configuration of accelerate", where=self.config, hint="`accelerate config` writes one."
            )
        for key in COUNTS:
            if not isinstance(found.get(key), int | None):
                raise RunError(
                    f"{key} is {found[key]!r} and must be a whole number",
                    where=self.config,
                    hint="`accelerate config` writes such a file.",
                )
        if (found.get("num_machines") or 1) > 1:
            raise RunError(
                f"asks for {found['num_machines']} machines, and training runs on one",
                where=self.config,
                hint="Set num_machines to 1.",
            )
        return found

    def count(self) -> int:
        """How many processes."""
        import torch

        named = self.processes or self.settings().get("num_processes")
        return max(1, int(named or torch.cuda.device_count() or 2))

    def command(self, door: Path) -> list[str]:
        """accelerate's own launcher. On a CPU, too, it starts its processes as those of several GPUs: as
        those of several CPUs it would need MPI."""
        import torch

        words = [sys.executable, "-m", "accelerate.commands.launch"]
        if self.config is not None:
            words += ["--config_file", str(self.config)]
        else:
            words += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
            words += ["--main_process_port", "0"]
        if self.processes or self.config is None:
            words += ["--num_processes", str(self.count())]
        if self.count() > 1 and (self.config is None or not torch.cuda.is_available()):
            words.append("--multi_gpu")
        return [*words, "-m", "tuning.member", str(door)]

    def environment(self) -> dict[str, str]:
        """Ours, so that the children find this package and share the cores."""
        known = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        threads = max(1, len(os.sched_getaffinity(0)) // self.count())
        return {"OMP_NUM_THREADS": str(threads), **os.environ, "PYTHONPATH": known, "PYTHONSAFEPATH": "1"}


@dataclass(frozen=True)
class Job:
    """What every process is handed: what to fit, and the arguments of that but what only this side has."""

    rung: Rung
    train: Sequence[Example]
    dev: Sequence[Example]
    work: Mapping[str, Any]
    trusts_code: bool = False


def launched(
    launch: Launch, rung: Rung, train: Sequence[Example], dev: Sequence[Example], work: Work
) -> Prompted:
    """`rung.fit` in several processes. Raises what it raises there, and ResumableError when one of them
    ended."""
    for key in SHARDING:
        if launch.settings().get(key):
            log.warning("%s: %s shards nothing: each process holds the whole model", launch.config, key)
    kept = ("dir", "task", "seed", "budget", "start")
    job = Job(rung, train, dev, {name: getattr(work, name) for name in kept}, trusts_code(work.models))
    work.dir.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as room,
        socket.socket(socket.AF_UNIX) as door,
        (work.dir / LOG).open("ab") as told,
    ):
        door.bind(str(Path(room) / "door"))
        door.listen()
        process = subprocess.Popen(
            launch.command(Path(room) / "door"),
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            env=launch.environment(),
            start_new_session=True,  # Ctrl-C is for us to pass on
        )
        with _ended(process), contextlib.closing(Desk(door, process, job, work)) as desk:
            return desk.serve()


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Any:
    """See that the launcher ends, whatever becomes of us."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Desk:
    """Where the processes call: `lines` are those that did, with their places once they have said them."""

    door: socket.socket
    process: subprocess.Popen[bytes]
    job: Job
    work: Work
    lines: dict[Connection[Any, Any], int] = field(default_factory=dict)
    finished: set[int] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    found: Prompted | None = None

    def serve(self) -> Prompted:
        """Hear the processes until the launcher is gone and everything was heard."""
        while True:
            over = self.process.poll() is not None
            heard = wait([self.door, *self.lines], timeout=0 if over else 0.5)
            for one in heard:
                if one is self.door:
                    self._take_in()
                else:
                    self._hear(one)  # type: ignore[arg-type]
            if over and not heard:
                break
        if self.process.returncode == 0 and self.found is not None:
            return self.found
        why = "; ".join(self.ended[:2]) or f"the launcher ended with {self.process.returncode}"
        raise ResumableError(
            f"a process of the training ended ({why})",
            where=self.work.dir / LOG,
            hint="The same command goes on from the last checkpoint; the log has what was printed.",
        )

    def close(self) -> None:
        """Hang up: whoever still trains then ends."""
        for line in self.lines:
            line.close()

    def _take_in(self) -> None:
        line: Connection[Any, Any] = Connection(self.door.accept()[0].detach())
        self.lines[line] = -1
        line.send(self.job)

    def _hear(self, line: Connection[Any, Any]) -> None:
        """One message of a process."""
        try:
            kind, *said = line.recv()
        except (EOFError, OSError):
            place = self.lines.pop(line)
            line.close()
            if place not in self.finished:
                self.ended.append(f"process {place} is gone")
            return
        if kind == "here":
            self.lines[line] = said[0]
        elif kind == "progress":
            self.work.progress(*said)
        elif kind == "grade":
            line.send(self.work.grade(said[0]))
        elif kind == "log":
            logging.getLogger(said[0]).log(said[1], "%s", said[2])
        elif kind == "error":
            raised: WorkbenchError = said[0]
            raise raised
        elif kind == "died":
            self.finished.add(self.lines[line])
            self.ended.append(f"process {self.lines[line]}: {said[0]}")
        elif kind == "done":
            self.finished.add(self.lines[line])
            self.found = self.found or said[0]
