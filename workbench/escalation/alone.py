"""SFT alone, beside what learned from pairs of answers after it: the first stage as an approach of its own.

What preferences brought is the difference to the model as it was before them. `sft_then_dpo` leaves that
model in its fit; here it becomes a fit like any other, the one that `--objective sft` would have made, and is
judged on the same rows as a reference: without a look, so that it does not ship.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from baselines.approach import Prompted, save
from evals.store import plain, read_json, write_json, write_text
from tuning.recipe import ALONE, Recipe, served_by
from tuning.reload import ADAPTER, TRAINING
from tuning.settings import Settings
from tuning.sft import Sft
from workbench.escalation.fitting import FIT, fit_key, trained_seconds
from workbench.escalation.record import CURVES
from workbench.evidence import Entry, read_evidence
from workbench.runs import take_over
from workbench.session import Session


def sft_alone(session: Session, recipe: Recipe, fit: Path, begun: Prompted) -> Entry | None:
    """The entry of what SFT made on the way to the fit of `recipe`, with a fit of its own; None where there
    is none, or where the run has judged SFT by this method already."""
    source = fit / ALONE
    if not (source / TRAINING).is_file():
        return None
    alone = Recipe(recipe.method, Sft(), Settings(**read_json(source / TRAINING)["settings"]))
    known = read_evidence(session.run).ladder.entries
    if any(e.name == alone.name and e.state == "scored" and "test" in e.splits for e in known):
        return None
    key = fit_key(session, alone, begun)
    folder = session.run.fit(alone.name, key)
    take_over(session.run, "fits", folder.name)
    if not (folder / FIT).is_file():
        _lay_out(alone, source, folder, begun)
    entry = Entry(alone.name, kind="tuned", key=key)
    return replace(entry, fit_seconds=float(read_json(folder / FIT)["seconds"]))


def _lay_out(alone: Recipe, source: Path, folder: Path, begun: Prompted) -> None:
    """Make a fit of what lies in `source`, which was loaded again and compared there."""
    served = served_by(alone.method, begun, alone.name)
    save(replace(served, model=replace(served.model, adapter=str(source / ADAPTER))), folder)
    stage = alone.objective.name
    curves = (source.parent / stage / CURVES).read_text(encoding="utf-8")
    write_text(folder / stage / CURVES, curves)
    seconds = round(trained_seconds(folder), 3)
    record = {**read_json(source / TRAINING), "actual": {"minutes": round(seconds / 60, 2), "memory": None}}
    write_json(folder / TRAINING, plain(record))
    write_json(folder / FIT, {"seconds": seconds})
