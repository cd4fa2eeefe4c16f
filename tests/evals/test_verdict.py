"""Standings, and the verdict in the best and the worst case of missing rows."""

from __future__ import annotations

from evals.types import Requirement
from evals.verdict import Standing, closest, has_missed, stand, verdict_of
from tests.evals.measurements import Asked, approach, hashes, looks_at, quality, share

TASK = Asked((quality(0.8),))
ROWS = hashes(100)
CLIMB = {"action": "climb"}


def _stand(
    name: str, dev: list[float | None], test: list[float | None] | None = None, looks: str = ""
) -> Standing:
    return stand(TASK, approach(name, dev, test), looks_at(TASK, ROWS, *looks.split()), ROWS)


def test_test_decides_where_there_is_a_look_and_dev_elsewhere() -> None:
    assert _stand("a", [1.0] * 60, [1.0] * 100, "a").split == "test"
    assert _stand("a", [1.0] * 60, [1.0] * 100).split == "dev"
    assert _stand("a", [1.0] * 60, None, "a").split == "dev"


def test_what_was_not_run_has_no_standing() -> None:
    gone = stand(TASK, approach("a", [], state="not applicable", expected={}), [], ROWS)
    assert gone.split is None
    assert not gone.judgements
    assert verdict_of(TASK, [gone], CLIMB) == ("stop", None)


def test_climbing_is_escalating() -> None:
    assert verdict_of(TASK, [_stand("a", [*share(2, 60)])], CLIMB)[0] == "escalate"


def test_one_with_quality_missed_is_enough_to_escalate() -> None:
    task = Asked((quality(0.8), Requirement("p50_seconds", "latency", at_most=1.0)))
    slow = stand(task, approach("slow", [1.0] * 60, latency=(2.0,) * 9), [], ROWS)
    weak = stand(task, approach("weak", [0.0] * 60, latency=(0.1,) * 9), [], ROWS)
    assert verdict_of(task, [slow], CLIMB)[0] == "stop"
    assert verdict_of(task, [slow, weak], CLIMB)[0] == "escalate"


def test_missing_dev_rows_of_a_cheaper_approach_that_could_ship_make_it_incomplete() -> None:
    shipping = _stand("b", [1.0] * 60, [1.0] * 100, "b")
    lacking = _stand("a", [*[1.0] * 40, *[None] * 20])
    hopeless = _stand("a", [*[0.0] * 40, *[None] * 20])
    assert verdict_of(TASK, [lacking, shipping], None)[0] == "incomplete"
    assert verdict_of(TASK, [shipping, lacking], None) == ("ship", shipping)
    assert verdict_of(TASK, [hopeless, shipping], None) == ("ship", shipping)


def test_the_closest_has_missed_nothing_then_was_tested_then_has_the_best_margin() -> None:
    missed = _stand("a", [*share(58, 60)], [*share(20, 100)], "a")
    untested = _stand("b", [*share(55, 60)])
    tested = _stand("c", [*share(55, 60)], [*share(82, 100)], "c")
    assert closest(TASK, [missed, untested, tested]) is tested
    assert closest(TASK, [missed, untested]) is untested
    assert closest(TASK, []) is None
    assert has_missed(TASK, missed)
    assert not has_missed(TASK, tested)
