"""How a race is run, and what is kept of how far its settings lie apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from baselines.race import SPREAD, keep_spread, race, race_calls
from evals.store import read_json
from evals.types import ModelRef, Request
from tests.baselines.rungs import ROWS, work
from tests.scripted import Scripted


def settings(count: int) -> list[Prompted]:
    base = Prompted("race", ModelRef("m"), Prompt("{{ input }}"), Decoder(8))
    return [replace(base, prompt=replace(base.prompt, system=str(n))) for n in range(count)]


def answers(system_to_share: dict[str, float]) -> Scripted:
    """A model that is right on the stated share of rows, by the system message it is given."""

    def answer(request: Request) -> str:
        system = request.prompt[0].content  # type: ignore[union-attr]
        return "good" if int(request.id[1:]) % 20 < 20 * system_to_share[system] else "bad"

    return Scripted(answer)


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


def test_what_two_races_share_is_asked_once(tmp_path: Path) -> None:
    scripted = answers({str(n): 0.5 for n in range(3)})
    race(settings(2), ROWS, work(tmp_path, scripted))
    race(settings(3), ROWS, work(tmp_path, scripted))
    assert len(scripted.asked) == race_calls(3, len(ROWS))


def test_a_spread_says_how_far_settings_lie_apart_and_which_rows_change(tmp_path: Path) -> None:
    scripted, place = answers({"0": 0.0, "1": 1.0, "2": 1.0}), work(tmp_path, answers({}))
    place = work(tmp_path, scripted)
    race(settings(3), ROWS, place)
    before = len(scripted.asked)
    keep_spread("wording", dict(zip("abc", settings(3), strict=True)), ROWS, place)
    (kept,) = read_json(place.dir / SPREAD)["spreads"]
    assert len(scripted.asked) == before
    assert (kept["of"], kept["rung"], kept["rows"], kept["changed"]) == ("wording", "race", 12, 12)
    assert (kept["low"], kept["high"]) == (0.0, 1.0)
    assert [(s["name"], s["figure"]) for s in kept["settings"]] == [("a", 0.0), ("b", 1.0), ("c", 1.0)]
    assert all((place.dir / f"{s['hash']}.jsonl").is_file() for s in kept["settings"])


def test_spreads_of_several_things_stand_side_by_side_and_one_setting_has_none(tmp_path: Path) -> None:
    place = work(tmp_path, answers({"0": 0.5, "1": 0.7}))
    two = dict(zip("ab", settings(2), strict=True))
    for of in ("wording", "shot order", "wording"):
        keep_spread(of, two, ROWS, place)
    keep_spread("nothing", {"a": two["a"]}, ROWS, place)
    assert [s["of"] for s in read_json(place.dir / SPREAD)["spreads"]] == ["shot order", "wording"]
