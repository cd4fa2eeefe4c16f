"""The loop survives: kills, little memory, a torn checkpoint, a full disk, a loss that is no number."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from evals.errors import ModelError, ResumableError
from evals.types import Progress
from tests.tuning.school import rows, save_model, start, work
from tuning.checkpoint import newest
from tuning.loop import Course, Outcome, Trainer
from tuning.lora import Lora
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.sft import Sft

ROOT = Path(__file__).parents[2]


@dataclass
class Line:
    """Fitting y = w x by least squares: a lesson without a model. `memory` rows fit at once."""

    weight_: Tensor = field(default_factory=lambda: torch.nn.Parameter(torch.zeros(3)))
    memory: int = 99
    broken: int = -1
    calls: int = 0
    lengths: Sequence[int] = tuple(1 + n % 7 for n in range(24))

    def begin(self, step: int, parts: Sequence[Sequence[int]]) -> None:
        assert len(parts) >= 1

    def loss(self, rows: Sequence[int]) -> Tensor:
        self.calls += 1
        if len(rows) > self.memory:
            raise torch.OutOfMemoryError("out of memory")
        x = torch.tensor([[1.0, i % 3, (i % 5) / 2] for i in rows])
        missed = (x @ self.weight_ - x @ torch.tensor([1.0, -2.0, 0.5])) ** 2
        return missed.sum() * (float("nan") if self.calls == self.broken else 1.0)

    def weight(self, rows: Sequence[int]) -> float:
        return float(len(rows))


def train(folder: Path, line: Line, look: Any = None, **settings: Any) -> Outcome:
    def seen() -> tuple[float, float]:
        with torch.no_grad():
            loss = float(line.loss(range(3))) / 3
        return loss, -loss

    plan = Settings(**{"epochs": 4, "batch": 6, "patience": 9, **settings})
    return Trainer({"w": line.weight_}, line, Course(folder, plan, 0.1, 0, look or seen)).run()


def curve(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "curves.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def test_little_memory_computes_fewer_rows_at_once_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    roomy, tight = Line(), Line(memory=2)
    train(tmp_path / "roomy", roomy)
    looked = iter(range(99))
    outcome = train(tmp_path / "tight", tight, look=lambda: (1.0, float(next(looked))))
    assert outcome.rows in (1, 2)
    assert torch.allclose(roomy.weight_, tight.weight_, atol=1e-5)


def test_one_row_that_does_not_fit_is_an_error_of_the_library(tmp_path: Path) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        train(tmp_path, Line(memory=0), look=lambda: (1.0, 0.0))


def test_a_loss_that_is_no_number_ends_at_the_best_checkpoint_and_says_why(tmp_path: Path) -> None:
    line = Line(broken=9)
    outcome = train(tmp_path, line)
    assert "the loss is nan" in outcome.why
    assert outcome.best > 0
    assert torch.isfinite(line.weight_).all()
    assert curve(tmp_path)[-1]["why"] == outcome.why


def test_a_loss_that_is_no_number_at_once_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="before it brought anything.*\nTry a lower rate"):
        train(tmp_path, Line(broken=2))


def test_training_ends_when_nothing_better_is_seen_and_keeps_the_best(tmp_path: Path) -> None:
    scores = iter([0.1, 0.5, 0.9, 0.4, 0.8, 1.0])
    line, kept = Line(), []

    def look() -> tuple[float, float]:
        kept.append(line.weight_.detach().clone())
        return 1.0, next(scores)

    outcome = train(tmp_path, line, look=look, patience=2, epochs=9)
    assert (outcome.best, outcome.steps, outcome.why) == (8, 16, "nothing better was seen")
    assert torch.equal(line.weight_, kept[2])
    left = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert left == ["step-000008", "step-000012", "step-000016"]


def test_of_equal_scores_the_lower_dev_loss_is_chosen(tmp_path: Path) -> None:
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0])
    assert train(tmp_path, Line(), look=lambda: (next(losses), 0.5)).best == 4


def test_a_torn_checkpoint_is_noticed_and_the_one_before_it_taken(tmp_path: Path) -> None:
    whole, torn = Line(), Line()
    train(tmp_path / "whole", whole)
    train(tmp_path / "torn", torn)
    last = newest(tmp_path / "torn" / "checkpoints")
    assert last is not None and last.name == "step-000016"
    data = (last / "optimizer.safetensors").read_bytes()
    (last / "optimizer.safetensors").write_bytes(data[:-7])
    assert newest(tmp_path / "torn" / "checkpoints") == last.with_name("step-000012")
    again = Line()
    train(tmp_path / "torn", again)
    assert torch.equal(again.weight_, whole.weight_)
    assert [line["step"] for line in curve(tmp_path / "torn") if line["kind"] == "dev"] == [0, 4, 8, 12, 16]


def test_where_the_best_checkpoint_is_lost_training_begins_anew_and_ends_the_same(tmp_path: Path) -> None:
    whole, lost = Line(), Line()
    train(tmp_path / "whole", whole)
    train(tmp_path / "lost", lost)
    home, path = tmp_path / "lost" / "checkpoints", tmp_path / "lost" / "curves.jsonl"
    ends = next(line for line in curve(tmp_path / "lost") if line["kind"] == "end")
    cut = [line for line in curve(tmp_path / "lost") if line["kind"] != "end"]
    last = newest(home)
    assert last is not None
    for line in cut:  # as if an earlier look had been the best
        line["score"] = 1.0 if line["kind"] == "dev" and line["step"] == 12 else line.get("score", 0.0)
    path.write_text("".join(json.dumps(line) + "\n" for line in cut))
    assert (ends["best"], last.name) == (16, "step-000016")
    (home / "step-000012" / "trainable.safetensors").write_bytes(b"torn")
    again = Line()
    train(tmp_path / "lost", again)
    assert torch.equal(again.weight_, whole.weight_)
    assert [line["step"] for line in curve(tmp_path / "lost") if line["kind"] == "dev"] == [0, 4, 8, 12, 16]


def test_a_full_disk_can_be_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    calm, line = Line(), Line()
    train(tmp_path / "calm", calm)
    true, left = os.fsync, iter(range(7))

    def full(handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        true(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResumableError, match="the disk is full"):
        train(tmp_path / "full", line)
    monkeypatch.undo()
    assert not list((tmp_path / "full").rglob("*.tmp"))
    again = Line()
    train(tmp_path / "full", again)
    assert torch.equal(again.weight_, calm.weight_)
    assert curve(tmp_path / "full") == curve(tmp_path / "calm")


def lesson(folder: Path, base: Path, progress: Progress = lambda step, done, total: None) -> None:
    """A training of some steps, with dropout, that looks often."""
    plan = Settings(epochs=2, patience=9, looks=4, learning_rate=1e-2, dev_rows=6)
    given = work(folder, start(base), progress=progress)
    Recipe(Lora(rank=4, dropout=0.1), Sft(), plan).fit(rows("t", 64), rows("d", 6), given)


def killed_lesson(folder: Path, base: Path) -> None:
    """The same, which ends its process half way."""

    def progress(step: str, done: int, total: int) -> None:
        if written(folder) >= 9:
            os.kill(os.getpid(), signal.SIGKILL)

    lesson(folder, base, progress)


def written(folder: Path) -> int:
    path = folder / "sft" / "curves.jsonl"
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def test_killed_and_started_again_it_ends_with_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    base = save_model(tmp_path / "base")
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    lesson(calm, base)
    call = f"from tests.tuning.test_loop import *; killed_lesson(Path({str(killed)!r}), Path({str(base)!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", call], env=environment, cwd=ROOT, capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert 9 <= written(killed) < written(calm)
    assert not (killed / "training.json").exists()
    said: list[str] = []
    lesson(killed, base, lambda step, done, total: said.append(f"{step} {done}/{total}"))
    assert "lora: sft | continues from step 4 4/16" in said
    weights = "adapter/adapter_model.safetensors"
    assert (killed / weights).read_bytes() == (calm / weights).read_bytes()
    assert curve(killed / "sft") == curve(calm / "sft")
