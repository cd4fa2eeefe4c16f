"""Which shots are raced, what fits, and when showing is not possible."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines import RUNGS, shot_sets
from baselines.approach import Prompted, Shots
from baselines.notes import read_chosen, read_notes
from baselines.race import SPREAD
from baselines.shot_sets import orders
from baselines.shots import FewShot, KnnFewShot, _way
from evals.errors import NotApplicable, TaskError
from evals.store import read_json
from evals.types import Example, Request
from tests.baselines.rungs import LABELLED, ROWS, work
from tests.scripted import Scripted


def glad(request: Request) -> str:
    return "good"


def shown(setting: Prompted) -> tuple[Example, ...]:
    assert setting.prompt.shots is not None
    return setting.prompt.shots.examples


def test_the_default_settings_vary_count_choice_and_description(tmp_path: Path) -> None:
    found = FewShot().settings(LABELLED, work(tmp_path, Scripted(glad)))
    assert [len(shown(s)) for s in found] == [4, 8, 8, 8, 8]
    assert len({setting.hash for setting in found}) == 5
    assert ["exactly one of these labels" in s.prompt.system for s in found] == [False] * 4 + [True]
    assert [row.target for row in shown(found[2])] == ["good", "bad"] * 4


def test_further_draws_are_other_rows(tmp_path: Path) -> None:
    found = FewShot(k=4, draws=3, select=()).settings(ROWS, work(tmp_path, Scripted(glad)))
    assert len({frozenset(row.id for row in shown(s)) for s in found[:3]}) == 3


def test_the_order_of_the_best_shots_is_raced_and_its_spread_kept(tmp_path: Path) -> None:
    first: dict[str, str] = {}

    def answer(request: Request) -> str:
        turn = request.prompt[1].content  # type: ignore[union-attr]
        return "good" if turn == first.get("is") else "bad"

    place = work(tmp_path, Scripted(answer))
    rung = FewShot(k=4, select=())
    start = rung.settings(ROWS, place)[0]
    last = orders(shown(start), 3, 0)["reversed"]
    first["is"] = f"<{last[0].input}> mail"
    found = rung.fit(ROWS, ROWS, place)
    assert shown(found) == last
    (spread,) = read_json(place.dir / SPREAD)["spreads"]
    assert (spread["of"], spread["rung"], spread["changed"]) == ("shot order", "few_shot", spread["rows"])
    assert [s["name"] for s in spread["settings"]][:2] == ["as chosen", "reversed"]
    assert read_chosen(place.dir) == "4 shots, drawn, reversed"


def test_how_the_shots_were_chosen_is_kept_in_a_line(tmp_path: Path) -> None:
    def described(request: Request) -> str:
        return "good" if "exactly one of these labels" in request.prompt[0].content else "bad"  # type: ignore[union-attr]

    place = work(tmp_path, Scripted(described))
    FewShot(k=2, orders=1).fit(LABELLED, ROWS, place)
    assert read_chosen(place.dir) == "2 shots, drawn, the format described"
    KnnFewShot(k=1).fit(LABELLED, ROWS, place)
    assert read_chosen(place.dir) == "the nearest shot, the format described"

    sets = shot_sets.drawn(LABELLED, 8), shot_sets.balanced(LABELLED, 8, place.task.output)
    for way, few in zip(("drawn", "balanced"), sets, strict=True):
        kept = Shots(few[:7], 7)
        assert _way(kept, list(zip(("drawn", "balanced"), sets, strict=True))) == way


def test_shots_by_gain_are_those_whose_sets_answer_best(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        helps = any("question number 7>" in turn.content for turn in request.prompt)  # type: ignore[union-attr]
        return "good" if helps else "bad"

    rung = FewShot(k=2, select="gain", orders=1)
    place = work(tmp_path, Scripted(answer))
    sixteen = [LABELLED[7], *(row for row in LABELLED if row.id != "t7")][:16]
    assert LABELLED[7] in shown(rung.fit(sixteen, ROWS, place))
    assert len(place.models.open(None).asked) <= rung.asks(place.task, 16, 40)  # type: ignore[arg-type,attr-defined]


def test_without_an_embedder_the_other_ways_are_raced_and_it_is_said(tmp_path: Path) -> None:
    place = work(tmp_path, Scripted(glad))
    FewShot(k=2, embedder=str(tmp_path)).fit(LABELLED, ROWS, place)
    (note,) = read_notes(place.dir)
    assert note.startswith("few_shot: no diverse shots were tried: ")


def test_counts_of_retrieved_shots_are_raced(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return "good" if len(request.prompt) == 6 else "bad"

    found = KnnFewShot(k=(2, 4)).fit(LABELLED, ROWS, work(tmp_path, Scripted(answer)))
    assert found.prompt.shots is not None
    assert found.prompt.shots.k == 2


def test_the_order_of_retrieved_shots_is_raced_and_its_spread_is_kept(tmp_path: Path) -> None:
    nearest_last: dict[str, tuple[str, ...]] = {}

    def answer(request: Request) -> str:
        inputs = tuple(turn.content for turn in request.prompt[1:-1:2])  # type: ignore[union-attr]
        turned = nearest_last.setdefault(request.id, inputs) == inputs[::-1]
        return "good" if turned else "bad"

    place = work(tmp_path, Scripted(answer))
    found = KnnFewShot(k=2).fit(LABELLED, ROWS, place)
    assert found.prompt.shots is not None and found.prompt.shots.nearest == "first"
    (spread,) = read_json(place.dir / SPREAD)["spreads"]
    assert [s["name"] for s in spread["settings"]] == ["nearest last", "nearest first"]
    assert (spread["rung"], spread["changed"]) == ("knn_few_shot", spread["rows"])


@pytest.mark.parametrize("rung", ["few_shot", "knn_few_shot"])
@pytest.mark.parametrize("options", [{"k": 0}, {"k": []}, {"tokens": 0}])
def test_numbers_that_mean_nothing_are_refused(rung: str, options: dict[str, object]) -> None:
    with pytest.raises(TaskError, match="1 or more"):
        RUNGS.build(rung, options)


def test_an_unknown_way_to_choose_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TaskError, match="balanced, diverse, gain, not best"):
        RUNGS.build("few_shot", {"select": ["best"]})


@pytest.mark.parametrize("rung", [FewShot(), KnnFewShot()])
def test_without_training_rows_showing_is_not_applicable(rung: FewShot | KnnFewShot, tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="no|none"):
        rung.fit((), ROWS, work(tmp_path, Scripted(glad)))


def test_shots_that_do_not_fit_the_context_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    roomy = Scripted(glad, context=150)
    place = work(tmp_path, roomy)
    fitted = FewShot(k=8, select=()).fit(ROWS, ROWS, place)
    assert 0 < len(shown(fitted)) < 8
    assert max(roomy.count(request.prompt) for request in roomy.asked) + 5 <= 150
    (note,) = read_notes(place.dir)
    assert note.endswith("of 8 shots fit the model's context of 150 tokens: the longest are left out")


def test_a_giant_row_costs_the_others_nothing(tmp_path: Path) -> None:
    giant = Example("giant", "word " * 100, "good", fields={"channel": "mail"})
    found = FewShot(k=4, select=()).fit([giant, *ROWS[:3]], ROWS, work(tmp_path, Scripted(glad, context=300)))
    assert {row.id for row in shown(found)} == {"r0", "r1", "r2"}


@pytest.mark.parametrize("rung", [FewShot(tokens=40), KnnFewShot(tokens=40)])
def test_a_token_budget_holds_for_all_shots_together(rung: FewShot | KnnFewShot, tmp_path: Path) -> None:
    place = work(tmp_path, Scripted(glad))
    found = rung.fit(ROWS, ROWS, place)
    assert found.prompt.shots is not None
    assert found.prompt.shots.k == 2
    (note,) = read_notes(place.dir)
    assert "at most 2 of 8 shots fit 40 tokens" in note


def test_where_not_one_shot_fits_the_rung_is_not_applicable(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="fits the model's context of 30 tokens"):
        FewShot().fit(ROWS, ROWS, work(tmp_path, Scripted(lambda request: "good", context=30)))


def test_a_wrong_option_of_a_rung_is_answered_with_the_right_ones() -> None:
    with pytest.raises(TaskError, match=r"no option 'shots'.*\n.*k, draws"):
        RUNGS.build("few_shot", {"shots": 3})
