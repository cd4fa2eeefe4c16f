"""A small task on disk, a loopback endpoint that can do it, and the command line run in this process.

12 rows of dev and 12 of test; the right answer is the last word of the input, and the endpoint says
it except for every fifth row.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from tests.evals.models.openai_server import Body, OpenAIServer, Say
from workbench.cli.main import run

COLOURS = ("red", "green", "blue")
SHOWN = ("report.html", "summary.md", "junit.xml", "decision.json")


def rows(split: str, count: int) -> list[dict[str, Any]]:
    colours = [COLOURS[n % 3] for n in range(count)]
    return [
        {"id": f"{split}{n}", "input": f"{split} number {n} is {colour}", "output": colour}
        for n, colour in enumerate(colours)
    ]


def last_word(path: str, body: Body) -> Say:
    """The endpoint's answer: right except for rows 4 and 9 of a split."""
    _, _, number, _, colour = str(body["messages"][-1]["content"]).split()[-5:]
    return Say(message="purple" if number in ("4", "9") else colour)


def able(**more: Any) -> OpenAIServer:
    """An endpoint that does the task."""
    return OpenAIServer(**{"rule": last_word, **more})


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


class SmallTask:
    """Writes the files; change `keys`, `text` or `files` before `write`."""

    def __init__(self, folder: Path, url: str = "http://127.0.0.1:9/v1") -> None:
        self.folder = folder
        self.path = folder / "task.yaml"
        self.out = folder / "runs"
        self.files = {split: rows(split, 12) for split in ("dev", "test")}
        self.keys: dict[str, Any] = {
            "name": "colours",
            "model": {"endpoint": url, "name": "toy"},
            "data": {"dev": "dev.jsonl", "test": "test.jsonl"},
            "prompt": {"instruction": "Name the colour."},
            "output": {"labels": list(COLOURS)},
            "policy": "point",
            "requirements": [{"metric": "label", "at_least": 0.7, "kind": "quality"}],
            "ladder": [{"name": "zero_shot"}, {"name": "system_prompt"}],
        }
        self.write()

    def write(self) -> SmallTask:
        self.folder.mkdir(parents=True, exist_ok=True)
        for split, content in self.files.items():
            self.lines(split, *map(json.dumps, content))
        self.path.write_text(json.dumps(self.keys, indent=1))
        return self

    def lines(self, split: str, *lines: str) -> None:
        (self.folder / f"{split}.jsonl").write_text("".join(line + "\n" for line in lines))

    def at(self, url: str) -> SmallTask:
        """The same task at another address: what a server that comes back elsewhere is to a test."""
        self.keys["model"]["endpoint"] = url
        return self.write()

    def run(self, command: str = "assess", *options: str) -> int:
        """`wb COMMAND task.yaml OPTIONS`, in this process."""
        out = ["--out", str(self.out)] if command in ("assess", "escalate") else []
        return run([command, str(self.path), *out, *options])

    def decision(self) -> dict[str, Any]:
        """The newest run's decision without what differs from time to time."""
        return comparable(self.newest() / "decision.json")

    def newest(self) -> Path:
        home = self.out / "colours"
        return home / (home / "latest").read_text().strip()


def comparable(path: Path) -> dict[str, Any]:
    """A decision without its provenance and its seconds."""
    decision: dict[str, Any] = json.loads(path.read_text())
    del decision["provenance"]
    for approach in decision["approaches"]:
        del approach["fit_seconds"]
    return decision


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; locks, which stay empty-handed, left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }
