"""What a `wb escalate` was asked for, and how that is typed again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.types import Progress
from tuning.launch import Launch

DEFAULTS: Mapping[str, Any] = {
    "method": None,
    "objective": None,
    "run": None,
    "distilled": None,
    "out": Path("runs"),
    "seed": 0,
}


@dataclass(frozen=True)
class Order:
    """What one `wb escalate` was asked for. `method` and `objective` None are those recommended; `force`
    trains whatever the verdict is; `climb` goes on with the next method until one meets everything; `search`
    tries several learning rates, `curve` trains on parts of the rows too, `launch` lets several processes
    train. `distilled` is a file of labelled inputs to train on beside the training rows, or in their place
    (`distilled_only`). `options` are those of the training, each KEY=VALUE."""

    task_path: Path
    out: Path = Path("runs")
    run: Path | None = None
    method: str | None = None
    objective: str | None = None
    force: bool = False
    climb: bool = False
    dry_run: bool = False
    seed: int = 0
    progress: Progress = lambda step, done, total: None
    allow_code: bool = False
    trusts_code: bool = False
    search: bool = False
    curve: bool = False
    distilled: Path | None = None
    distilled_only: bool = False
    launch: Launch | None = None
    options: tuple[str, ...] = ()

    def command(self) -> str:
        """The command as it is typed again to continue."""
        words = ["wb", "escalate", str(self.task_path)]
        for option in ("method", "objective", "run", "distilled", "out", "seed"):
            value = getattr(self, option)
            if value not in (None, DEFAULTS[option]):
                words += [f"--{option}", str(value)]
        words += [word for text in self.options for word in ("--set", text)]
        if self.launch is not None:
            words += ["--launch", "accelerate"]
            words += [] if self.launch.config is None else ["--launch-config", str(self.launch.config)]
            words += [] if self.launch.processes is None else ["--processes", str(self.launch.processes)]
        flags = {
            "--force": self.force,
            "--climb": self.climb,
            "--search": self.search,
            "--curve": self.curve,
            "--distilled-only": self.distilled_only,
            "--allow-code": self.allow_code,
            "--trust-remote-code": self.trusts_code,
        }
        return shlex.join([*words, *(flag for flag, given in flags.items() if given)])
