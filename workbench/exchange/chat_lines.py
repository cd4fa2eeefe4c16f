"""An approach's rows as OpenAI chat lines: {"messages": [system, user, …, assistant]}.

What the model was asked stands there as it was asked, shots and passages too; the last message is what
it answered or, with `gold`, the gold answer. It is the form in which hosted models are fine-tuned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.graders import answer_text
from evals.store import plain, write_lines
from evals.types import Message, Models, Row, Split
from workbench.exchange.chosen import Chosen, choose, refuse_file
from workbench.exchange.omitted import Omitted


@dataclass(frozen=True)
class Wanted:
    """Which rows, and which answer: the model's, or the gold one; `right` leaves out what failed."""

    approach: str | None = None
    split: Split = "dev"
    gold: bool = False
    right: bool = False


@dataclass(frozen=True)
class Written:
    """The file, its rows, what they are of, and what was left out."""

    file: Path
    rows: int
    approach: str
    omitted: tuple[Omitted, ...]


def export_chat(source: Path, file: Path, wanted: Wanted, models: Models, *, force: bool = False) -> Written:
    """Write the lines of the run at `source`. Raises RunError when no row is left or `file` is there."""
    refuse_file(file, force)
    chosen = choose(source, wanted.approach, wanted.split, models)
    kept: list[Row] = []
    why: Counter[str] = Counter()
    for row in chosen.rows:
        reason = _reason(row, wanted)
        if reason:
            why[reason] += 1
        else:
            kept.append(row)
    where = str(chosen.evidence.run.folder)
    omitted = [Omitted(where, chosen.entry.name, f"{count} rows {reason}") for reason, count in why.items()]
    if not kept:
        said = "; ".join(one.why for one in omitted)
        raise RunError("has no row to export", where=chosen.evidence.run.folder, hint=said or None)
    write_lines(file, lines(chosen, kept, wanted.gold, models))
    if any(row.prediction.reasoning for row in kept):
        omitted.append(Omitted(where, chosen.entry.name, "the reasoning before the answers is not exported"))
    return Written(file, len(kept), chosen.entry.name, tuple(omitted))


def _reason(row: Row, wanted: Wanted) -> str:
    """Why a row is left out, "" when it is not."""
    if wanted.gold:
        empty = not answer_text(row.example.target).strip()
        return "are repeats" if row.prediction.repeat else "have no gold answer" if empty else ""
    if row.prediction.finish != "stop":
        return "have no whole answer"
    return "were not answered right" if wanted.right and row.failure is not None else ""


def lines(chosen: Chosen, rows: list[Row], gold: bool, models: Models) -> list[Mapping[str, Any]]:
    """One line for each row."""
    examples = {row.example.id: row.example for row in rows}
    asked = chosen.approach.prompts([example.query() for example in examples.values()], models)
    return [chat_line(asked[row.example.id], _answer(row, gold)) for row in rows]


def chat_line(asked: Sequence[Message], answer: str) -> dict[str, Any]:
    """What was asked with its answer, as one line of the file."""
    return {"messages": plain([*asked, Message("assistant", answer)])}


def _answer(row: Row, gold: bool) -> str:
    return answer_text(row.example.target) if gold else row.prediction.text
