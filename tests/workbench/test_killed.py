"""A run that is killed at any moment and started again ends as an undisturbed one, on the real model."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import PATIENCE

TASK = {
    "name": "shouting",
    "model": "smollm2-135m",
    "data": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},
    "prompt": {"instruction": "Answer with the one word that is asked for."},
    "output": {"labels": ["yes", "no"]},
    "requirements": [{"metric": "label", "at_least": 0.5, "kind": "quality"}],
    "generation": {"max_tokens": 6},
    "ladder": [
        {"name": "zero_shot"},
        {"name": "few_shot", "k": [2], "draws": 2},
        {"name": "knn_few_shot", "k": 2},
    ],
}
WORDS = "apple river stone cloud paper window garden music bottle candle".split()
LONGEST_RUN = 2 * PATIENCE


def write_task(folder: Path) -> Path:
    folder.mkdir()
    for split, count in (("train", 12), ("dev", 24), ("test", 24)):
        rows = []
        for n in range(count):
            word = f"{WORDS[n % 10]} {split} {n}"
            loud = n % 2 == 0
            text = f"Is this shouted? {(word.upper() if loud else word)}"
            rows.append({"id": f"{split}{n}", "input": text, "output": "yes" if loud else "no"})
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = folder / "task.yaml"
    path.write_text(json.dumps(TASK))
    return path


def start(task: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "-q", "assess", str(task)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [*command, "--out", str(task.parent / "runs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )


def finish(task: Path) -> int:
    process = start(task)
    _, errors = process.communicate(timeout=LONGEST_RUN)
    assert b"Traceback" not in errors, errors.decode()
    return process.returncode


def runs(task: Path) -> list[Path]:
    home = task.parent / "runs" / "shouting"
    return sorted(folder for folder in home.iterdir() if folder.is_dir()) if home.is_dir() else []


def written(task: Path) -> int:
    """How many answers are on disk so far, races included."""
    found = 0
    for path in (task.parent / "runs").rglob("*.jsonl"):
        if path.name == "predictions.jsonl" or path.parent.parent.name == "fits":
            found += path.read_bytes().count(b'"finish"')
    return found


def outcome(run: Path) -> dict[str, Any]:
    """What a run ended with, without what is derived from seconds."""
    decision = json.loads((run / "decision.json").read_text())
    del decision["provenance"], decision["spent"]
    for approach in decision["approaches"]:
        for key in ("fit_seconds", "p50_seconds", "p95_seconds"):
            del approach[key]
    answers, scores = {}, {}
    for folder in sorted((run / "approaches").iterdir()):
        for line in (folder / "predictions.jsonl").read_text().splitlines():
            row = json.loads(line)
            del row["usage"]["seconds"]
            key = f"{folder.name}/{row['split']}/{row['id']}"
            assert key not in answers, f"{key} was answered twice"
            answers[key] = row
        for line in (folder / "scores.jsonl").read_text().splitlines():
            row = json.loads(line)
            scores[f"{folder.name}/{row['split']}/{row['score']['id']}/{row['score']['grader']}"] = row
    return {"decision": decision, "answers": answers, "scores": scores}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """The outcome of a run that nothing disturbed, and how many answers it wrote."""
    task = write_task(tmp_path_factory.mktemp("whole") / "task")
    assert finish(task) in (0, 3, 4)
    return outcome(runs(task)[0]), written(task)


def kill_and_continue(task: Path, moments: list[int], wanted: dict[str, Any]) -> None:
    """Kill the run when that many answers are on disk, start it again, and compare how it ends."""
    for moment in moments:
        process = start(task)
        deadline = time.monotonic() + LONGEST_RUN
        while process.poll() is None and written(task) < moment and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if any((run / "decision.json").is_file() for run in runs(task)):
            break  # it was quicker, and another command would begin a run of its own
    else:
        assert finish(task) in (0, 3, 4)
    assert len(runs(task)) == 1, "a killed run is continued, not begun anew"
    assert outcome(runs(task)[0]) == wanted


def test_killed_twice_it_ends_with_the_same_predictions_scores_and_decision(
    undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    wanted, answers = undisturbed
    moments = sorted(random.Random(3).sample(range(1, 3 * answers // 4), 2))
    kill_and_continue(write_task(tmp_path / "task"), moments, wanted)


@pytest.mark.full
def test_killed_ten_times_it_ends_with_the_same_predictions_scores_and_decision(
    undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    wanted, answers = undisturbed
    moments = sorted(random.Random(10).sample(range(answers), 10))
    kill_and_continue(write_task(tmp_path / "task"), moments, wanted)
