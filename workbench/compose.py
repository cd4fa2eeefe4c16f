"""What a composed rung begins from: the best approach so far on dev, with what that answered there."""

from __future__ import annotations

from pathlib import Path

from baselines.approach import Prompted, load
from baselines.repair import kept
from evals.decide import figure
from evals.run import read_predictions
from evals.store import plain, write_lines
from evals.types import Models
from workbench.evidence import Entry, Ladder, read_evidence, write_ladder
from workbench.runs import Run, take_over


def best(run: Run, so_far: Ladder, models: Models) -> Entry | None:
    """The approach with the best figure on dev so far, of equal ones the cheapest; None without any."""
    write_ladder(run, so_far)
    evidence = read_evidence(run)
    measured = evidence.measured(models)
    scored = [
        (figure(evidence.task, found.rows["dev"]), entry)
        for entry, found in zip(so_far.entries, measured, strict=True)
        if entry.state == "scored"
    ]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def lay_out(run: Run, start: Entry, folder: Path) -> Prompted:
    """The approach to begin from; its dev answers are laid where a rung looks for them in its folder."""
    source = run.approach(start.name, start.key)
    approach = load(source)
    known = read_predictions(source / "predictions.jsonl", "dev").values()
    write_lines(folder / f"{approach.hash}.jsonl", [{"split": "dev", **plain(p)} for p in known])
    return approach


def keep(run: Run, approach: Prompted, key: str, start: Entry) -> None:
    """Give an approach the dev answers of the one it began from, where they would be the same."""
    folder, source = run.approach(approach.name, key), run.approach(start.name, start.key)
    if take_over(run, "approaches", folder.name) or (folder / "predictions.jsonl").is_file():
        return
    answers = read_predictions(source / "predictions.jsonl", "dev").values()
    if same := kept(approach, load(source), list(answers)):
        write_lines(folder / "predictions.jsonl", [{"split": "dev", **plain(p)} for p in same])
