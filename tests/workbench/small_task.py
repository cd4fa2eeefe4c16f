"""A small task on disk, a loopback endpoint that can do it, and the command line run in this process.

12 rows of dev and 12 of test; the right answer is the last word of the input, and the endpoint says
it except for rows 4 and 9 of each split.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evals.models
from evals.models import Loader
from tests.evals.models.openai_server import Body, Say
from workbench.cli.main import run

COLOURS = ("red", "green", "blue")


def rows(split: str, count: int = 12) -> list[dict[str, Any]]:
    colours = [COLOURS[n % 3] for n in range(count)]
    return [
        {"id": f"{split}{n}", "input": f"{split} number {n} is {colour}", "output": colour}
        for n, colour in enumerate(colours)
    ]


def able(path: str, body: Body) -> Say:
    """The endpoint's rule that does the task."""
    *_, number, _, colour = str(body["messages"][-1]["content"]).split()
    return Say(message="purple" if number in ("4", "9") else colour)


class DownAfter:
    """A rule: able for so many requests, then something else."""

    def __init__(self, requests: int, then: Say) -> None:
        self.left, self.then = requests, then

    def __call__(self, path: str, body: Body) -> Say:
        self.left -= 1
        return able(path, body) if self.left >= 0 else self.then


def hurried(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Let the commands open endpoints that do not pause between attempts, with these options."""
    loader: Callable[..., Loader] = functools.partial(Loader, sleep=lambda seconds: None, **options)
    monkeypatch.setattr(evals.models, "Loader", loader)


class SmallTask:
    """Writes the files of the task; after a change of `keys`, `write` does so again."""

    def __init__(self, folder: Path, url: str = "http://127.0.0.1:9/v1", **keys: Any) -> None:
        self.folder, self.path, self.out = folder, folder / "task.yaml", folder / "runs"
        self.keys: dict[str, Any] = {
            "name": "colours",
            "model": {"endpoint": url, "name": "toy"},
            "data": {"dev": "dev.jsonl", "test": "test.jsonl"},
            "prompt": {"instruction": "Name the colour."},
            "output": {"labels": list(COLOURS)},
            "policy": "point",
            "requirements": [{"metric": "label", "at_least": 0.7, "kind": "quality"}],
            "ladder": [{"name": "zero_shot"}, {"name": "system_prompt"}],
            **keys,
        }
        folder.mkdir(parents=True, exist_ok=True)
        for split in ("dev", "test"):
            text = "".join(json.dumps(row) + "\n" for row in rows(split))
            (folder / f"{split}.jsonl").write_text(text)
        self.write()

    def write(self, **keys: Any) -> None:
        self.path.write_text(json.dumps({**self.keys, **keys}, indent=1))

    def replace_line(self, line: int, text: bytes | str) -> None:
        """Put another text in place of a line (from 1) of test.jsonl."""
        path = self.folder / "test.jsonl"
        lines = path.read_bytes().split(b"\n")
        lines[line - 1] = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(b"\n".join(lines))

    def assess(self, *options: str) -> int:
        """`wb assess` in this process; one request at a time unless -j says otherwise."""
        return run(["assess", str(self.path), "--out", str(self.out), "-j", "1", *options])

    def runs(self) -> list[Path]:
        """The run folders, oldest first."""
        home = self.out / "colours"
        return sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []

    def decision(self) -> dict[str, Any]:
        """The only run's decision without what differs from place to place and time to time."""
        (folder,) = self.runs()
        text = (folder / "decision.json").read_text().replace(str(self.folder), "")
        decision: dict[str, Any] = json.loads(text)
        del decision["provenance"], decision["spent"]
        for approach in decision["approaches"]:
            del approach["fit_seconds"], approach["why"]
        return decision


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, locks left out: they hold nothing but their owner."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }
