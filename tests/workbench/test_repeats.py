"""Rows answered several times: each with a seed of its own, all answers to a row one unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import OutageError, TaskError
from evals.models import Loader
from evals.task import load_task
from evals.types import Decision, Request
from tests.scripted import Scripted, ScriptedModels
from tests.workbench.mood import LABELS, Mood
from workbench.assess import assess
from workbench.comparison.compare import compare_runs
from workbench.evidence import read_looks
from workbench.runs import Run, Scope
from workbench.session import Plan


def mood(folder: Path, repeats: int = 3, **rows: int) -> Mood:
    drawn = {"temperature": 0.7, "repeats": repeats}
    return Mood(folder, {"dev": 40, "test": 120, **rows}, keys={"generation": drawn})


class Drawing(Scripted):
    """Right on most rows, and by the seed on every seventh."""

    def __init__(self, fails_after: int | None = None) -> None:
        super().__init__(self.draw)
        self.left = fails_after

    def draw(self, request: Request) -> str:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise OutageError("the model is away")
        number = int(request.id.rsplit("-", 1)[1])
        return LABELS[(number + (number % 7 == 0 and request.seed % 2)) % 3]


def run(at: Mood, model: Scripted | None = None, out: str = "runs", **scope: Any) -> tuple[Run, Decision]:
    at.write()
    plan = Plan(at.path, at.folder / out, Scope(**scope), diagnosis=False)
    return assess(plan, ScriptedModels(model or Drawing()))


def test_every_row_is_answered_so_often_with_a_seed_of_its_own(tmp_path: Path) -> None:
    model = Drawing()
    run(mood(tmp_path), model)
    seeds: dict[str, list[int]] = {}
    for request in model.asked:
        seeds.setdefault(request.id, []).append(request.seed)
    assert len(seeds) == 160
    assert all(len(set(mine)) == len(mine) == 3 for mine in seeds.values())


def test_all_answers_to_a_row_are_one_unit(tmp_path: Path) -> None:
    found, decision = run(mood(tmp_path))
    figures: Any = decision.approaches[0]
    assert (figures["dev"]["label"]["n"], figures["dev"]["label"]["clusters"]) == (120, 40)
    assert (figures["test"]["label"]["n"], figures["test"]["label"]["clusters"]) == (360, 120)
    assert "360 rows in 120 groups" in str(decision.requirements[0]["why"])
    assert (
        decision.headline
        == "✓ Ship zero_shot, do not tune: it meets label ≥ 0.5 on 120 test rows (not binding)"
    )
    folder = next((found.folder / "approaches").iterdir())
    assert {path.name for path in folder.iterdir()} >= {
        "predictions.jsonl",
        "predictions-2.jsonl",
        "scores-1.jsonl",
    }
    assert (found.folder / "report.html").read_text().count('class="row') <= 200


def test_repeats_never_stand_in_for_rows(tmp_path: Path) -> None:
    _, decision = run(mood(tmp_path, repeats=10, test=19))
    assert decision.verdict == "collect"
    assert "fewer than 20 groups" in str(decision.requirements[0]["why"])


def test_an_interrupted_repeat_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = run(mood(tmp_path / "whole"))[1]
    at = mood(tmp_path / "cut")
    _, cut = run(at, Drawing(fails_after=50))
    assert cut.verdict == "incomplete"
    again = Drawing()
    _, found = run(at, again)
    assert found.verdict == whole.verdict
    assert found.approaches[0]["dev"] == whole.approaches[0]["dev"]
    assert len(again.asked) == 3 * 160 - 50


def test_asking_more_often_is_another_look(tmp_path: Path) -> None:
    run(mood(tmp_path, repeats=2))
    run(mood(tmp_path, repeats=2), out="again")
    ledger = tmp_path / "looks.jsonl"
    assert len(read_looks(ledger)) == 1
    run(mood(tmp_path, repeats=3))
    assert len(read_looks(ledger)) == 2


def test_rows_to_collect_are_rows_and_not_answers(tmp_path: Path) -> None:
    at = mood(tmp_path)
    at = at.with_(
        keys={**at.keys, "requirements": [{"metric": "label", "at_least": 0.94, "kind": "quality"}]}
    )
    _, decision = run(at)
    assert decision.verdict == "collect"
    needed = decision.requirements[0]["needed_n"]
    assert isinstance(needed, int)
    assert decision.recommendation["rows"] == -(-(needed - 360) // 3)


def test_repeats_are_compared_pair_by_pair(tmp_path: Path) -> None:
    first, _ = run(mood(tmp_path), dev_only=True)
    found = compare_runs(first.folder, first.folder, None, Loader())
    metric = next(m for m in found.splits[0].metrics if m.metric == "label")
    assert (metric.difference.n, metric.difference.clusters, metric.difference.value) == (120, 40, 0.0)
    assert found.identical


def test_at_temperature_0_there_is_nothing_to_repeat(tmp_path: Path) -> None:
    at = Mood(tmp_path, keys={"generation": {"repeats": 3}})
    at.write()
    with pytest.raises(TaskError, match="generation.repeats: at temperature 0 every repeat gives the same"):
        load_task(at.path)


def test_the_number_of_repeats_changes_no_task_hash(tmp_path: Path) -> None:
    once, often = mood(tmp_path / "a", repeats=1), mood(tmp_path / "b", repeats=4)
    for at in (once, often):
        at.write()
    assert json.dumps(load_task(once.path).identity()) == json.dumps(load_task(often.path).identity())
