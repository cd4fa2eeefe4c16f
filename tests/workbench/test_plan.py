"""`wb plan`: what the rows could show, before and after an earlier run, and the noise floor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.errors import OutageError, ResumableError
from evals.stats.effects import chance_share, detectable_share, rows_for_share
from evals.stats.sample import Sample
from evals.types import Example, Prediction, Request, Row
from tests.scripted import Scripted, ScriptedModels
from tests.workbench.mood import LABELS, Mood, share
from workbench.cli.planned import cost_line, plan_text
from workbench.noise import Bench, measure_noise, prepare
from workbench.plan import Planned, _power, plan

TRAIN = {"train": 20, "dev": 60, "test": 120}


def planned(mood: Mood, **more: Any) -> Planned:
    mood.write()
    return plan(mood.path, mood.folder / "runs", None, ScriptedModels(Scripted(lambda r: "calm")), **more)


def asking(bound: float, **more: Any) -> dict[str, Any]:
    return {"requirements": [{"metric": "label", "at_least": bound, "kind": "quality", **more}]}


def test_a_requirement_is_planned_by_the_law_of_its_bound(tmp_path: Path) -> None:
    (found,) = planned(Mood(tmp_path, TRAIN, keys=asking(0.8))).requirements
    assert found.met_from == detectable_share(120, 0.8, 0.0125)
    assert found.truth == pytest.approx(0.85)
    assert found.chance == chance_share(found.truth, 120, 0.8, 0.0125)
    assert found.rows == rows_for_share(found.truth, 0.8, 0.0125)
    missed = detectable_share(60, 1 - 0.8, 0.05)
    assert missed is not None and found.missed_up_to == pytest.approx(1 - missed)


@pytest.mark.parametrize(
    ("keys", "code", "why"),
    [
        (asking(0.8), 0, ""),
        (asking(0.98), 4, "even a perfect score takes 217 test rows, and there are 120"),
        (asking(0.98, tier="advisory"), 0, "even a perfect score takes 217 test rows, and there are 120"),
        (asking(1.0), 4, "no number of rows shows perfection: ask for a little less than everything"),
        (asking(0.5, where={"lang": "fr"}), 4, "there is no test row for it; a perfect score takes 7"),
        ({**asking(0.98), "policy": "point"}, 0, ""),
    ],
)
def test_what_cannot_be_shown_says_why_and_ends_with_4(
    tmp_path: Path, keys: dict[str, Any], code: int, why: str
) -> None:
    found = planned(Mood(tmp_path, TRAIN, keys=keys))
    assert (found.exit_code, found.requirements[0].cannot) == (code, why)
    assert ("CANNOT BE SHOWN" in plan_text(found)) == bool(why)


def test_lines_are_folded_between_words_on_a_narrow_terminal(tmp_path: Path) -> None:
    found = planned(Mood(tmp_path, TRAIN, keys=asking(0.8)))
    assert "scores are taken for right or wrong" in plan_text(found)
    narrow = plan_text(found, 50)
    assert max(len(line) for line in narrow.splitlines()) <= 50
    assert narrow.split() == plan_text(found).split()


def test_at_most_is_the_mirror(tmp_path: Path) -> None:
    most = {"requirements": [{"metric": "label", "at_most": 0.2, "kind": "quality"}]}
    (least,), (mirror,) = (
        planned(Mood(tmp_path / name, TRAIN, keys=keys)).requirements
        for name, keys in (("a", asking(0.8)), ("b", most))
    )
    assert least.met_from is not None and least.missed_up_to is not None
    assert mirror.met_from == pytest.approx(1 - least.met_from)
    assert mirror.missed_up_to == pytest.approx(1 - least.missed_up_to)
    assert (mirror.rows, mirror.chance) == (least.rows, pytest.approx(least.chance))


def test_rows_in_groups_are_worth_less_and_too_few_groups_nothing(tmp_path: Path) -> None:
    (alone,) = planned(Mood(tmp_path / "a", TRAIN, keys=asking(0.8))).requirements
    (grouped,) = planned(Mood(tmp_path / "b", TRAIN, keys=asking(0.8), groups=4)).requirements
    assert grouped.groups == 30
    assert grouped.chance < alone.chance
    assert grouped.met_from is not None and alone.met_from is not None and grouped.met_from > alone.met_from
    (few,) = planned(Mood(tmp_path / "c", TRAIN, keys=asking(0.8), groups=12)).requirements
    assert few.cannot == "nothing is met on fewer than 20 groups, and there are 10"


def test_a_spent_test_set_can_show_nothing(tmp_path: Path) -> None:
    mood = Mood(tmp_path, keys={"looks": 1})
    mood.run(share(0.9))
    found = plan(mood.path, mood.folder / "runs", None, ScriptedModels(Scripted(lambda r: "calm")))
    assert found.looks == {"planned": 1, "used": 1, "left": 0}
    assert found.requirements[0].cannot == "the looks at these test rows are used up: add fresh rows"


def test_the_ladder_is_listed_with_calls_and_what_does_not_apply(tmp_path: Path) -> None:
    keys = {"ladder": [{"name": "zero_shot"}, {"name": "few_shot", "k": 2}]}
    found = planned(Mood(tmp_path, keys=keys))
    assert [(step.name, step.calls, step.why) for step in found.steps] == [
        ("zero_shot", 100, ""),
        ("few_shot", None, "needs training rows and the task has none"),
    ]
    assert planned(Mood(tmp_path / "b", TRAIN, keys=keys)).steps[1].options["k"] == 2


def test_a_ladder_that_may_end_early_says_so(tmp_path: Path) -> None:
    whole, short = (
        planned(Mood(tmp_path / name, TRAIN, keys={"ladder": ladder}))
        for name, ladder in (("whole", "default"), ("short", {"stop": "first"}))
    )
    assert (whole.stop_first, short.stop_first) == (False, True)
    assert "it ends at the first that meets everything on dev" not in plan_text(whole)
    said = "in the order that counts as that of cost; it ends at the first that meets everything on dev"
    assert said in plan_text(short)


def test_an_earlier_run_says_how_alike_grouped_rows_are(tmp_path: Path) -> None:
    mood = Mood(tmp_path, {"dev": 120, "test": 120}, groups=4, keys=asking(0.6))
    guess = planned(mood).requirements[0]
    mood.run(share(0.8), dev_only=True)
    found = planned(mood)
    assert found.requirements[0].assumed == "as in the earlier run"
    assert (found.requirements[0].rows or 0) < (guess.rows or 0)
    assert found.like.startswith(str(mood.folder / "runs"))
    assert "as good as its rows are many" in plan_text(found)


def test_scores_seen_before_are_turned_round_where_less_is_better() -> None:
    rows = [Row(Example(str(i), "", ""), Prediction(str(i), "", "stop"), {}, None) for i in range(80)]
    scores = np.random.default_rng(0).beta(2, 8, 100).round(2)
    least, most = (
        _power(0.7, 0.05, rows, Sample(num, np.ones(100), 100), up)
        for num, up in ((1 - scores, True), (scores, False))
    )
    assert least.chance(0.8, 80) == most.chance(0.8, 80) > 0.5
    assert least.chance(0.8, 0) == 0


def test_the_plan_is_json_and_the_command_ends_as_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from workbench.cli.main import run

    mood = Mood(tmp_path, TRAIN, keys={**asking(0.98), "model": str(tmp_path / "nowhere")})
    mood.write()
    assert run(["plan", str(mood.path), "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 4
    assert found["estimate"] is None
    assert run(["plan", str(mood.path), "-q"]) == 4
    assert "✗ cannot be shown with these rows: label ≥ 0.98" in capsys.readouterr().out


# The noise floor


class Moody(Scripted):
    """Answers right where the last character of the prompt's text and the row's number say so."""

    def __init__(self, fails_after: int | None = None) -> None:
        super().__init__(self.say)
        self.left = fails_after

    def say(self, request: Request) -> str:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise OutageError("the model is away")
        number = int(request.id.rsplit("-", 1)[1])
        text = "".join(message.content for message in request.prompt)  # type: ignore[union-attr]
        return LABELS[(number + (number % 5 == len(text) % 7)) % 3]


def bench(mood: Mood, model: Scripted, rows: int = 20) -> tuple[Bench, ScriptedModels]:
    mood.write()
    models = ScriptedModels(model)
    return prepare(mood.path, mood.folder / "runs", rows, None, models), models


def test_shots_words_and_batches_are_changed_and_greedy_seeds_are_not(tmp_path: Path) -> None:
    made, _ = bench(Mood(tmp_path, TRAIN), Moody())
    sources = [setting.source for setting in made.settings]
    assert sources == ["as it is", *["shot order"] * 3, *["wording"] * 3, "batches"]
    assert made.left_out == ("seed: at temperature 0 no seed changes anything",)
    assert made.calls == 8 * 20


def test_where_answers_are_drawn_seeds_are_changed(tmp_path: Path) -> None:
    made, _ = bench(Mood(tmp_path, keys={"generation": {"temperature": 0.7}}), Moody())
    assert {setting.source for setting in made.settings} == {"as it is", "wording", "seed", "batches"}
    assert made.left_out == ("shot order: there are no shots",)


def test_the_tasks_own_wordings_come_first(tmp_path: Path) -> None:
    prompt = {"instruction": "Name the mood.", "variants": ["Which mood is it?"]}
    made, _ = bench(Mood(tmp_path, keys={"prompt": prompt}), Moody())
    assert next(s.name for s in made.settings if s.source == "wording") == "Which mood is it?"


def test_noise_is_set_beside_the_sampling_error(tmp_path: Path) -> None:
    made, models = bench(Mood(tmp_path, TRAIN), Moody())
    (floor,) = measure_noise(made, models, lambda step, done, total: None)
    assert (floor.metric, floor.n) == ("label", 20)
    assert [source.source for source in floor.sources] == ["shot order", "wording", "batches"]
    by_name = {source.source: source for source in floor.sources}
    assert by_name["shot order"].deviation == 0 == by_name["batches"].deviation
    assert by_name["wording"].deviation == floor.deviation > 0
    assert floor.error_test == pytest.approx(floor.error * (20 / 120) ** 0.5)


def test_an_outage_is_resumed_where_it_was(tmp_path: Path) -> None:
    mood = Mood(tmp_path, TRAIN)
    made, models = bench(mood, Moody(fails_after=50))
    with pytest.raises(ResumableError, match="the noise floor was not measured to its end"):
        measure_noise(made, models, lambda step, done, total: None)
    again = Moody()
    made, models = bench(mood, again)
    assert made.answered() == 50
    assert "50 answered before" in cost_line(made, models)
    measure_noise(made, models, lambda step, done, total: None)
    assert len(again.asked) == made.calls - 50


def test_no_test_row_is_asked(tmp_path: Path) -> None:
    model = Moody()
    made, models = bench(Mood(tmp_path, TRAIN), model, rows=500)
    measure_noise(made, models, lambda step, done, total: None)
    assert {request.id.split("-")[0] for request in model.asked} == {"dev"}
