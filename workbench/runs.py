"""Run folders: where they lie, which one a command continues, what it takes from earlier ones.

    runs/<task>/latest                          the name of the newest run
    runs/<task>/<UTC time>-<task hash>/         one run; ARCHITECTURE.md lists what is in it

A run is identified by its task hash and its scope. The same command on an unfinished run continues
it; on a finished one it starts a new run, which takes over every approach whose spec, data and
model are unchanged. Files that are only ever replaced whole are hard-linked from the earlier run;
append-only ones are copied (of a rung's search all are), so that no run writes into another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from baselines.notes import read_notes
from evals.errors import RunError
from evals.run import LATENCY_BEGUN
from evals.store import disk_errors, plain, read_json, reading, write_json, write_text
from evals.task import Task

FORMAT = 1
"""The version of the run folder's layout; a folder of another one is neither continued, nor decided,
nor taken over."""

APPEND_ONLY = ("predictions", LATENCY_BEGUN)
"""How the names of files that only grow begin."""
UNFINISHED = ".tmp"
"""How the hidden name of what is not yet whole ends."""


@dataclass(frozen=True)
class Scope:
    """What a command asked to leave out. A run is binding only when it left out nothing."""

    only: tuple[str, ...] = ()
    limit: int | None = None
    dev_only: bool = False
    seed: int = 0
    train: str = ""
    """The recipe of a run that trains, which `wb escalate` continues and `wb assess` does not."""

    def options(self) -> list[str]:
        """The scope as it is typed."""
        words = ["--dev-only"] if self.dev_only else []
        words += [word for name in self.only for word in ("--only", name)]
        words += ["--limit", str(self.limit)] if self.limit is not None else []
        return words + (["--seed", str(self.seed)] if self.seed else [])

    @property
    def touches_test(self) -> bool:
        """Whether test rows are judged: trying something out on a few rows must not spend a look."""
        return not self.dev_only and self.limit is None

    def notes(self) -> tuple[str, ...]:
        """Why a run of this scope is not binding, one sentence a reason."""
        reasons = []
        if self.only:
            reasons.append(f"only {', '.join(self.only)} was run (--only)")
        if self.limit is not None:
            reasons.append(f"at most {self.limit} dev rows were used and no test row was touched (--limit)")
        elif self.dev_only:
            reasons.append("no test row was touched (--dev-only)")
        return tuple(reasons)


@dataclass(frozen=True)
class Run:
    """One run folder."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    def approach(self, name: str, key: str) -> Path:
        """Where an approach's files are."""
        return self.folder / "approaches" / f"{name}-{key}"

    def fit(self, name: str, key: str) -> Path:
        """Where a rung may write while it looks for its approach."""
        return self.folder / "fits" / f"{name}-{key}"


def fit_notes(run: Run, rung: str) -> tuple[str, ...]:
    """What a rung had to say of its fits in this run, each sentence once."""
    folders = sorted((run.folder / "fits").glob(f"{rung}-*"))
    return tuple(dict.fromkeys(note for folder in folders for note in read_notes(folder)))


def open_run(out: Path, task: Task, task_hash: str, scope: Scope) -> tuple[Run, bool]:
    """The unfinished run of this task and scope, or a new one; and whether it has been started."""
    home = out / task.name
    for folder in run_folders(home):
        if folder.name.endswith(f"-{task_hash}"):
            if not (folder / "provenance.json").is_file():
                return Run(folder), False
            if _unfinished(folder, scope):
                return Run(folder), True
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        for copy in range(1000):
            folder = home / f"{stamp}{f'.{copy}' if copy else ''}-{task_hash}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            break
    return Run(folder), False


def start(run: Run, task: Task, scope: Scope, provenance: Mapping[str, Any]) -> None:
    """Write what a run knows from its start: the task as used, then where it came from, which marks
    it as started."""
    write_text(run.folder / "task.yaml", task.as_used())
    write_json(run.folder / "provenance.json", {"format": FORMAT, "scope": plain(scope), **provenance})


def enter(run: Run) -> None:
    """Make the run the newest of its task, and remove what a killed process left half-written. Only
    for who holds the lock."""
    for path in list(run.folder.rglob(f".*{UNFINISHED}")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    write_text(run.folder.parent / "latest", run.id + "\n")


def run_folders(home: Path) -> Iterator[Path]:
    """The run folders of a task, newest first."""
    if home.is_dir():
        yield from sorted((f for f in home.iterdir() if f.is_dir()), key=lambda f: f.name, reverse=True)


def find_run(path: Path) -> Run:
    """The run at `path`: a run folder, or a task's folder of runs (then the newest).

    Raises RunError when there is none, or when it is of another version.
    """
    folder = path
    if (path / "latest").is_file():
        folder = path / (path / "latest").read_text(encoding="utf-8").strip()
    if not folder.is_dir():
        raise RunError(
            "is no run folder", where=path, hint="Give a folder under runs/, or run `wb assess` first."
        )
    found = _format(folder)
    if found != FORMAT:
        raise RunError(
            f"was written by another version (format {found}, this one reads {FORMAT})",
            where=folder,
            hint="Run `wb assess` again on its task: it makes a new run folder.",
        )
    return Run(folder)


def take_over(run: Run, part: str, name: str) -> bool:
    """Bring `part/name` of the newest earlier run that has it into this one; says whether it is there."""
    target = run.folder / part / name
    if target.is_dir():
        return True
    for folder in run_folders(run.folder.parent):
        source = folder / part / name
        if folder != run.folder and source.is_dir() and _format(folder) == FORMAT:
            _copy(source, target)
            return True
    return False


def carry(run: Run, parent: Run, part: str, name: str) -> None:
    """Bring `part/name` of `parent`, wherever that run lies, into this one."""
    if not (run.folder / part / name).is_dir():
        _copy(parent.folder / part / name, run.folder / part / name)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder of files: whole, or not at all."""
    staging = target.with_name(f".{target.name}.{os.getpid()}{UNFINISHED}")
    with disk_errors(target):
        try:
            staging.mkdir(parents=True)
            for path in sorted(source.rglob("*")):
                copy = staging / path.relative_to(source)
                if path.is_dir():
                    copy.mkdir()
                elif path.name.endswith(UNFINISHED):
                    continue
                elif target.parent.name == "fits" or path.name.startswith(APPEND_ONLY):
                    shutil.copy2(path, copy)
                else:
                    _link_or_copy(path, copy)
            staging.rename(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _format(folder: Path) -> Any:
    """The version of a run folder."""
    with reading(folder / "provenance.json"):
        return read_json(folder / "provenance.json")["format"]


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _unfinished(folder: Path, scope: Scope) -> bool:
    started = read_json(folder / "provenance.json")
    with reading(folder / "provenance.json"):
        if started["format"] != FORMAT or started["scope"] != plain(scope):
            return False
    decision = folder / "decision.json"
    if not decision.is_file():
        return True
    with reading(decision):
        return bool(read_json(decision)["verdict"] == "incomplete")
