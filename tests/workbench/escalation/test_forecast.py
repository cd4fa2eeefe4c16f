"""What a learning curve says in words."""

from __future__ import annotations

from pathlib import Path

from evals.stats.curve import Gain
from evals.store import write_json
from workbench.escalation.forecast import judged, learning_curve, sentence


def told(value: float, low: float, high: float) -> str:
    gain = Gain(0.6, value, low, high, 0.9)
    return sentence("exact", gain, judged(gain), 800)


def test_the_three_answers() -> None:
    assert told(0.03, 0.012, 0.06) == "with twice the data (800 rows) expect +3 [+1.2, +6] points of exact"
    assert told(0.001, -0.02, 0.008) == (
        "more data will not help: twice the rows (800) bring +0.1 [−2, +0.8] points of exact"
    )
    assert told(0.03, -0.02, 0.08) == (
        "cannot tell whether more data helps: twice the rows (800) may bring +3 [−2, +8] points of exact"
    )


def test_a_gain_that_is_sure_and_next_to_nothing_is_no_use() -> None:
    assert judged(Gain(0.9, 0.004, 0.001, 0.007, 0.9)) == "no use"
    assert judged(None) == "cannot tell"


def test_parts_that_came_to_nothing_are_said_and_left_out(tmp_path: Path) -> None:
    scores = [[0.0, 1.0, 1.0, 0.0, 1.0, 0.0]] * 5
    parts = [
        {"of": of, "number": n, "rows": 120 // of, "scores": s, "why": ""}
        for (of, n), s in zip([(1, 1), (4, 1), (4, 2), (2, 1), (2, 2)], scores, strict=True)
    ]
    parts.append({"of": 4, "number": 3, "rows": 30, "scores": None, "why": "the loss is nan"})
    units = [f"row {n}" for n in range(6)]
    write_json(tmp_path / "learning.json", {"metric": "exact", "units": units, "parts": parts})
    found = learning_curve(tmp_path, 0.9)
    assert found is not None
    assert found["failed"] == ["the loss is nan"]
    assert found["points"] == [[30, 0.5], [30, 0.5], [60, 0.5], [60, 0.5], [120, 0.5]]
    assert (found["found"], found["gain"]["rows"]) == ("no use", 240)


def test_a_curve_that_could_not_be_drawn_says_why(tmp_path: Path) -> None:
    assert learning_curve(tmp_path, 0.9) is None
    write_json(tmp_path / "learning.json", {"why": "too few rows"})
    found = learning_curve(tmp_path, 0.9)
    assert found == {"points": [], "gain": None, "found": "cannot tell", "sentence": "too few rows"}
