"""Where a run came from: written once, when it starts. The only place that holds a clock."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evals.data import Data

PACKAGES = ("tuning-workbench", "torch", "transformers", "sentence-transformers", "faiss-cpu", "scipy")


def provenance(task_path: Path, data: Data, fingerprint: str, seed: int) -> dict[str, Any]:
    """Time, task file, data hashes, model fingerprint, versions and machine."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "task_file": str(task_path),
        "data": {"hash": data.hash, "files": dict(data.sources)},
        "model": fingerprint,
        "seed": seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {
            "system": platform.platform(terse=True),
            "processor": platform.machine(),
            "cpus": os.cpu_count(),
        },
        "commit": _commit(task_path.parent),
        "command": " ".join(["wb", *sys.argv[1:]]),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _commit(folder: Path) -> str | None:
    """The commit of the task's repository, with "+" when it has uncommitted changes; None without one."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=folder or Path(),
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
