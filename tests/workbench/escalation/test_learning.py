"""`wb escalate --curve` and `--search`: parts of the rows, and rates; what was done is not done again."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from evals.store import read_json, write_lines
from evals.task import Prices
from evals.types import Example
from tests.tuning.school import save_model
from tests.workbench.escalation.lab import Lab, quick
from tuning.recipe import Recipe
from workbench.escalation import fitting, training
from workbench.escalation.fitting import PACES, Tried
from workbench.escalation.learning import PARTS, parts
from workbench.evidence import conclude
from workbench.session import Session


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"), save_model(tmp_path_factory.mktemp("model"))).write()
    assert lab.assess()[1].verdict == "escalate"
    return lab


@pytest.fixture
def lab(assessed: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(training, "recipe_of", quick)
    shutil.copytree(assessed.folder, tmp_path / "lab")
    return Lab(tmp_path / "lab", assessed.model, models=assessed.models)


def test_parts_of_one_size_share_no_row_and_groups_stay_together() -> None:
    rows = [Example(f"r{n}", "in", "out", group=f"g{n // 4}") for n in range(80)]
    found = parts(rows)
    assert [(part.of, len(part.rows)) for part in found] == [(of, 80 // of) for of in PARTS]
    for size in (4, 2):
        ids = [e.id for part in found if part.of == size for e in part.rows]
        assert len(ids) == len(set(ids))
    assert all(len({e.group for e in part.rows}) == len(part.rows) // 4 for part in found)
    assert [p.rows for p in parts(rows[::-1])] == [p.rows for p in found]


def test_a_dry_run_counts_what_is_trained_more(lab: Lab) -> None:
    acted = lab.escalate(search=True, curve=True, dry_run=True)
    assert acted.preflight is not None
    assert "with --search and --curve up to 4.75 times the" in acted.preflight.notes[-1]


def test_a_curve_that_was_killed_goes_on_and_says_whether_more_rows_help(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, trained = Recipe.fit, []

    def counted(self: Recipe, train: Any, dev: Any, work: Any) -> Any:
        if len(trained) == 3:
            trained.append(0)
            raise KeyboardInterrupt
        trained.append(len(train))
        return true(self, train, dev, work)

    monkeypatch.setattr(Recipe, "fit", counted)
    with pytest.raises(KeyboardInterrupt):
        lab.escalate(curve=True)
    acted = lab.escalate(curve=True, run=sorted((lab.folder / "runs" / "partners").glob("*-*"))[0])
    assert trained == [140, 35, 35, 0, 35, 70, 70]
    tuned = next(a for a in acted.decision["approaches"] if a["name"] == "lora")
    curve = tuned["training"]["learning_curve"]
    assert [rows for rows, _ in curve["points"]] == [35, 35, 35, 70, 70, 140]
    assert curve["gain"]["rows"] == 280
    assert curve["n"] == 24
    assert curve["sentence"] in (acted.run.folder / "summary.md").read_text().replace("\\", "")
    home = acted.run.approach("lora", next(acted.run.folder.glob("approaches/lora-*")).name[5:])
    kept = read_json(home / "learning.json")
    assert [part["rows"] for part in kept["parts"]] == [140, 35, 35, 35, 70, 70]
    assert all(len(part["scores"]) == 24 for part in kept["parts"])
    assert not list(acted.run.folder.glob("fits/lora-part-*/adapter"))
    before = (acted.run.folder / "decision.json").read_bytes()
    conclude(acted.run, lab.models)
    assert (acted.run.folder / "decision.json").read_bytes() == before


def test_a_search_takes_the_rate_that_is_best_on_dev_and_tells_them_all(lab: Lab) -> None:
    acted = lab.escalate(search=True)
    tuned = next(a for a in acted.decision["approaches"] if a["name"] == "lora")
    tried = tuned["training"]["search"]
    assert [one["pace"] for one in tried] == list(PACES)
    assert [one["rate"] for one in tried] == pytest.approx([1e-2 * pace for pace in PACES])
    (chosen,) = [one for one in tried if one["chosen"]]
    assert chosen["score"] == max(one["score"] for one in tried)
    assert tuned["training"]["settings"]["pace"] == chosen["pace"]
    assert tuned["fit_seconds"] == pytest.approx(sum(one["seconds"] for one in tried), abs=0.01)
    assert "dev score by rate: 0.0033: " in (acted.run.folder / "summary.md").read_text()
    assert len(lab.looks()) == 1


def test_a_rate_that_the_budget_leaves_no_time_for_is_left_out_with_the_reason(tmp_path: Path) -> None:
    spent = {"provider": "", "model": "", "calls": 0, "cached": 0, "in": 0, "out": 0, "seconds": 0}
    write_lines(tmp_path / "spending.jsonl", [{**spent, "wall": 480.0}])

    def session(minutes: float) -> Session:
        task = SimpleNamespace(budget={"minutes": minutes}, prices=Prices())
        return cast(Session, SimpleNamespace(task=task, run=SimpleNamespace(folder=tmp_path)))

    done = [Tried(1.0, "k", 1e-3, 0.5, 150.0)]
    assert fitting._too_long(session(20), done) == ""
    assert fitting._too_long(session(10), done) == "2.5 minutes are more than the 2.0 the budget leaves"
