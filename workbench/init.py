"""`wb init`: a task folder to start from, written whole or not at all.

The files lie in `workbench/starter/` as they are written: a small task that works, with every key
of task.yaml explained.
"""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

from evals.errors import RunError
from evals.store import disk_errors

FILES = ("schema.json", "train.jsonl", "dev.jsonl", "test.jsonl", "README.md", "task.yaml")
"""The task file is the last, so that a folder that has one has them all."""


def write_starter(folder: Path) -> list[Path]:
    """Write the starter's files into `folder` (made if need be); returns their paths.

    A new folder is filled beside its place and renamed; into one that exists the files are created,
    never replaced, and taken back if one of them cannot be. Raises RunError when one of them is
    there already, when `folder` is a file, or when it cannot be written.
    """
    _refuse_to_overwrite(folder)
    with disk_errors(folder):
        if folder.exists():
            _fill(folder)
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".wb-init-") as beside:
                staged = Path(beside) / "task"
                staged.mkdir()
                _fill(staged)
                staged.rename(folder)
    return [folder / name for name in FILES]


def _fill(folder: Path) -> None:
    """Create the files; all of them or none."""
    written: list[Path] = []
    try:
        for name in FILES:
            content = (files("workbench") / "starter" / name).read_bytes()
            with (folder / name).open("xb") as file:
                written.append(folder / name)
                file.write(content)
    except BaseException:
        for path in written:
            path.unlink()
        raise


def _refuse_to_overwrite(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError("is a file", where=folder, hint="Name another folder: wb init FOLDER.")
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise RunError(
            f"has {', '.join(there)} already; nothing was written",
            where=folder,
            hint="Name another folder: wb init FOLDER.",
        )
