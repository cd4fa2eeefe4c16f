"""What the folder of a tuned approach says of its training, as decision.json carries it.

`training.json` as it stands, and `curves.jsonl` in as many points as a picture shows: steps in a row are
drawn together as their mean, and every look at dev is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.store import read_json, read_lines, reading, write_lines
from tuning.reload import TRAINING
from workbench.escalation.forecast import learning_curve

CURVES = "curves.jsonl"
POINTS = 60
"""Points of the training loss that are kept of a stage."""


def curves_of(fit: Path) -> list[tuple[str, list[dict[str, Any]]]]:
    """The name and the curves of each stage of a training, in the order in which its record has them: that
    in which they were trained, whatever copying did to the files. Raises RunError without a whole record."""
    with reading(fit / TRAINING):
        names = [str(stage["name"]) for stage in read_json(fit / TRAINING)["stages"]]
    return [(name, read_lines(fit / name / CURVES)) for name in names]


def write_curves(fit: Path, home: Path) -> None:
    """Put the curves of a training's stages, in their order, into an approach's folder."""
    write_lines(home / CURVES, ({"stage": name, **line} for name, lines in curves_of(fit) for line in lines))


def training_record(home: Path, level: float) -> dict[str, Any] | None:
    """The record of the training behind the approach in `home`, with its learning curve at this level where
    one was drawn; None where there was no training."""
    if not (home / TRAINING).is_file():
        return None
    with reading(home / TRAINING):
        record = dict(read_json(home / TRAINING))
    with reading(home / CURVES):
        curves = _stages(read_lines(home / CURVES))
    learning = learning_curve(home, level)
    return {
        **record,
        **({"curves": curves} if curves else {}),
        **({"learning_curve": learning} if learning is not None else {}),
    }


def _stages(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per stage [step, loss] of training, [step, loss, score] of dev, the step chosen, and why it ended."""
    names = dict.fromkeys(str(line.get("stage", "")) for line in lines)
    return [_stage(name, [line for line in lines if line.get("stage", "") == name]) for name in names]


def _stage(name: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    train = [(line["step"], line["loss"]) for line in lines if line["kind"] == "train"]
    dev = [(line["step"], line["loss"], line["score"]) for line in lines if line["kind"] == "dev"]
    end = next((line for line in lines if line["kind"] == "end"), {})
    return {
        "stage": name,
        "train": [[step, round(loss, 4)] for step, loss in thinned(train)],
        "dev": [[step, round(loss, 4), round(score, 4)] for step, loss, score in dev],
        "best": end.get("best"),
        "why": end.get("why", ""),
    }


def thinned(points: Sequence[tuple[int, float]], most: int = POINTS) -> list[tuple[int, float]]:
    """At most `most` points: those in a row as the mean of their values, at the last of their steps."""
    size = -(-len(points) // most)
    runs = [points[at : at + size] for at in range(0, len(points), max(size, 1))]
    return [(run[-1][0], sum(value for _, value in run) / len(run)) for run in runs]
