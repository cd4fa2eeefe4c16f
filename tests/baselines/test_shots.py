"""Which shots are drawn, how a race is run and when showing is not possible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from baselines import RUNGS
from baselines.approach import Decoder, Prompt, Prompted
from baselines.shots import FewShot, KnnFewShot, draw_shots, race
from evals.errors import NotApplicable, TaskError
from evals.types import Example, ModelRef, Prediction, Request, Work
from tests.baselines.test_prompts import task
from tests.scripted import Scripted, ScriptedModels

ROWS = [Example(f"r{n}", f"input {n}", "good", fields={"channel": "mail"}) for n in range(40)]


def right(pairs: list[tuple[Example, Prediction]]) -> float:
    return sum(p.text == e.target for e, p in pairs) / len(pairs)


def work(folder: Path, scripted: Scripted) -> Work:
    return Work(folder / "fit", task(folder), ScriptedModels(scripted), grade=right)


def settings(count: int) -> list[Prompted]:
    base = Prompted("race", ModelRef("m"), Prompt("{{ input }}"), Decoder(8))
    return [replace(base, prompt=replace(base.prompt, system=str(n))) for n in range(count)]


def answers(system_to_share: dict[str, float]) -> Scripted:
    """A model that is right on the stated share of rows, by the system message it is given."""

    def answer(request: Request) -> str:
        system = request.prompt[0].content  # type: ignore[union-attr]
        return "good" if int(request.id[1:]) % 20 < 20 * system_to_share[system] else "bad"  # type: ignore[union-attr]

    return Scripted(answer)


def test_a_draw_does_not_depend_on_the_order_of_the_file() -> None:
    assert draw_shots(ROWS, 4, 0) == draw_shots(ROWS[::-1], 4, 0)
    assert draw_shots(ROWS, 4, 0) != draw_shots(ROWS, 4, 1)
    assert draw_shots(ROWS, 4, 0) == draw_shots(ROWS, 8, 0)[:4]


def test_the_best_setting_wins_and_the_worse_half_leaves_each_round(tmp_path: Path) -> None:
    scripted = answers({"0": 0.2, "1": 0.9, "2": 0.5, "3": 0.7})
    assert race(settings(4), ROWS, work(tmp_path, scripted)).prompt.system == "1"
    asked = [request.prompt[0].content for request in scripted.asked]  # type: ignore[union-attr]
    assert {s: asked.count(s) for s in "0123"} == {"0": 12, "1": 24, "2": 12, "3": 24}


def test_of_equal_settings_the_first_and_cheapest_wins(tmp_path: Path) -> None:
    scripted = answers({"0": 0.5, "1": 0.5, "2": 0.5})
    assert race(settings(3), ROWS, work(tmp_path, scripted)).prompt.system == "0"


def test_a_race_that_was_cut_short_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    scripted = answers({"0": 0.2, "1": 0.9})
    broken = Scripted(
        lambda r: scripted.answer(r) if len(broken.asked) < 17 else (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        race(settings(2), ROWS, work(tmp_path, broken))
    assert race(settings(2), ROWS, work(tmp_path, scripted)).prompt.system == "1"
    assert len(scripted.asked) == 24 - 16


def test_at_most_four_settings_are_raced(tmp_path: Path) -> None:
    found = FewShot(k=(1, 2, 4, 8), draws=3).settings(ROWS, work(tmp_path, answers({})))
    assert len(found) == 4
    assert len({setting.hash for setting in found}) == 4


def test_the_default_settings_vary_count_draw_and_description(tmp_path: Path) -> None:
    found = FewShot().settings(ROWS, work(tmp_path, answers({})))
    assert [len(s.prompt.shots.examples) for s in found if s.prompt.shots] == [4, 8, 8, 8]
    assert ["exactly one of these labels" in s.prompt.system for s in found] == [False, False, False, True]


@pytest.mark.parametrize("rung", [FewShot(), KnnFewShot()])
def test_without_training_rows_showing_is_not_applicable(rung: FewShot | KnnFewShot, tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="no|none"):
        rung.fit((), ROWS, work(tmp_path, answers({})))


def test_shots_that_do_not_fit_the_context_are_left_out(tmp_path: Path) -> None:
    roomy = Scripted(lambda request: "good", context=150)
    fitted = FewShot(k=8, draws=1).fit(ROWS, ROWS, work(tmp_path, roomy))
    assert fitted.prompt.shots is not None
    assert 0 < len(fitted.prompt.shots.examples) < 8
    assert max(roomy.count(request.prompt) for request in roomy.asked) + 5 <= 150


def test_where_not_one_shot_fits_the_rung_is_not_applicable(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="fits the context of 30 tokens"):
        FewShot().fit(ROWS, ROWS, work(tmp_path, Scripted(lambda request: "good", context=30)))


def test_a_wrong_option_of_a_rung_is_answered_with_the_right_ones() -> None:
    with pytest.raises(TaskError, match=r"no option 'shots'.*\n.*k, draws"):
        RUNGS.build("few_shot", {"shots": 3})
