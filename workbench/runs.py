"""Run folders: where they lie, which one a command continues, what it takes from earlier ones.

    runs/<task>/latest                          the name of the newest run
    runs/<task>/<UTC time>-<task hash>/         one run; README.md of the project lists what is in it

A run is identified by its task hash and its scope. The same command on an unfinished run continues
it; on a finished one it starts a new run, which takes over every approach whose spec, data and
model are unchanged. Files that are only ever replaced whole are hard-linked from the earlier run;
append-only ones are copied, so that no run writes into another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.store import disk_errors, plain, read_json, write_json, write_text
from evals.task import Task

FORMAT = 1
"""The version of the run folder's layout; a folder of another one is neither continued nor decided."""

APPEND_ONLY = ("predictions.jsonl",)


@dataclass(frozen=True)
class Scope:
    """What a command asked to leave out. A run is binding only when it left out nothing."""

    only: tuple[str, ...] = ()
    limit: int | None = None
    dev_only: bool = False
    seed: int = 0

    def notes(self) -> tuple[str, ...]:
        """Why a run of this scope is not binding, one sentence a reason."""
        reasons = []
        if self.only:
            reasons.append(f"only {', '.join(self.only)} was run (--only)")
        if self.limit is not None:
            reasons.append(f"at most {self.limit} rows of each eval split were used (--limit)")
        if self.dev_only:
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


def open_run(out: Path, task: Task, task_hash: str, scope: Scope) -> tuple[Run, bool]:
    """The unfinished run of this task and scope, or a new one; and whether it is continued."""
    home = out / task.name
    for folder in run_folders(home):
        if folder.name.endswith(f"-{task_hash}") and _unfinished(folder, scope):
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
    """Write what a run knows from its start: the task as used and where it came from, once."""
    write_text(run.folder / "task.yaml", task.as_used())
    write_json(
        run.folder / "provenance.json", {"format": FORMAT, "scope": plain(scope), **provenance}
    )
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
        raise RunError("is no run folder", where=path, hint="Give a folder under runs/, or run `wb assess` first.")
    provenance = read_json(folder / "provenance.json")
    found = provenance.get("format") if isinstance(provenance, dict) else None
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
        if folder != run.folder and source.is_dir():
            staging = target.with_name(f".{name}.{os.getpid()}")
            with disk_errors(target):
                shutil.rmtree(staging, ignore_errors=True)
                shutil.copytree(source, staging, copy_function=_link_or_copy)
                staging.rename(target)
            return True
    return False


def _link_or_copy(source: str, target: str) -> None:
    if Path(source).name in APPEND_ONLY:
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _unfinished(folder: Path, scope: Scope) -> bool:
    provenance = folder / "provenance.json"
    if not provenance.is_file():
        return False
    started = read_json(provenance)
    if started.get("format") != FORMAT or started.get("scope") != plain(scope):
        return False
    decision = folder / "decision.json"
    return not decision.is_file() or read_json(decision).get("verdict") == "incomplete"
