"""What is said about a verdict."""

from __future__ import annotations

from dataclasses import replace

from evals.advice import Case, headline, recommendation, rows_to_add
from evals.metrics import PREFERENCE
from evals.types import Json, Measured, Verdict
from evals.verdict import closest, stand
from tests.evals.measurements import Asked, a_row, approach, hashes, looks_at, quality, share

TASK = Asked((quality(0.8),))
ROWS = hashes(100)


def _case(
    verdict: Verdict, *measured: Measured, task: Asked = TASK, looks: tuple[str, ...] = (), **step: Json
) -> Case:
    standings = [stand(task, m, looks_at(task, ROWS, *looks), ROWS) for m in measured]
    return Case(
        task, verdict, closest(task, standings), standings, step or None, {"collect": "wb assess t"}, 100
    )


def test_at_the_threshold_itself_no_number_of_rows_is_named() -> None:
    case = _case("collect", approach("a", share(48, 60), share(80, 100)), looks=("a",))
    assert case.shown is not None
    assert rows_to_add(case, case.shown) is None
    found = recommendation(case)
    assert found["rows"] is None
    assert found["command"] == "wb assess t"
    assert headline(case).startswith("? Collect eval rows, do not tune yet: whether a meets exact ≥ 0.8 is ")


def test_rows_to_add_are_asked_for_with_the_file_they_go_to() -> None:
    undecided = approach("a", share(52, 60), share(85, 100))
    case = _case("collect", undecided, looks=("a",))
    assert str(recommendation(case)["why"]).count("more test rows would settle it at the observed value'")
    told = recommendation(replace(case, files={"test": "rows/test.jsonl"}))
    assert "would settle it at the observed value: add them to rows/test.jsonl" in str(told["why"])


def test_pairs_are_asked_for_in_the_file_of_pairs() -> None:
    requirement = replace(quality(0.8), metric=PREFERENCE)
    rows = [a_row(f"{i}", {PREFERENCE: float(i % 20 > 2)}) for i in range(100)]
    case = _case("collect", approach("a", rows[:60], rows), task=Asked((requirement,)), looks=("a",))
    told = recommendation(replace(case, files={"test": "rows/test.jsonl", "preferences": "pairs.jsonl"}))
    assert "add them to pairs.jsonl" in str(told["why"])


def test_untouched_test_rows_come_before_new_ones() -> None:
    case = _case("collect", approach("a", share(18, 20)))
    found = recommendation(case)
    assert found["rows"] == 0
    assert "none of the 100 test rows was touched: judge it on them first" in str(found["why"])


def test_methods_are_called_by_their_names() -> None:
    missed = approach("a", share(2, 60))
    assert "Escalate to QLoRA:" in headline(_case("escalate", missed, action="tune", method="qlora"))
    assert "Escalate to my method:" in headline(_case("escalate", missed, action="tune", method="my_method"))


def test_best_is_only_said_of_the_best() -> None:
    task = Asked((quality(0.8, "a"), quality(0.8, "b")))
    first = approach("first", [a_row(f"{i}", {"a": 0.3, "b": 0.1}) for i in range(80)])
    second = approach("second", [a_row(f"{i}", {"a": 0.2, "b": 0.2}) for i in range(80)])
    text = headline(_case("escalate", first, second, task=task, action="tune", method="lora"))
    assert "no baseline meets a ≥ 0.8; closest to everything is second, 0.20" in text
    passes = approach("passes", [a_row(f"{i}", {"a": 1.0, "b": 0.0}) for i in range(80)])
    other = approach("other", [a_row(f"{i}", {"a": 0.5, "b": 1.0}) for i in range(80)])
    text = headline(_case("escalate", passes, other, task=task, action="tune", method="lora"))
    assert "no baseline meets everything; other comes closest, and misses a ≥ 0.8: 0.50" in text


def test_training_is_not_recommended_by_stop() -> None:
    case = _case("stop", approach("a", share(2, 60)), action="tune", method="lora")
    assert recommendation(case)["action"] == "none"
    assert recommendation(case)["method"] is None


def test_the_headline_says_whether_anything_is_to_be_tuned() -> None:
    enough = approach("few", share(57, 60), share(95, 100))
    tuned = replace(enough, name="lora", kind="tuned")
    shipped = _case("ship", enough, looks=("few",))
    assert headline(shipped).startswith("✓ Ship few, do not tune: it meets")
    both = _case("ship", enough, tuned, looks=("few", "lora"))
    beside = replace(both, shown=both.standings[0])
    assert headline(beside).startswith("✓ Ship few, not what was tuned: it meets")
    assert headline(replace(both, shown=both.standings[1])).startswith("✓ Ship lora: it meets")
    missed = approach("few", share(2, 60))
    assert headline(_case("stop", missed, action="collect_train")).startswith(
        "■ Stop and collect training rows, do not tune yet: no baseline"
    )
    assert "tune" not in headline(_case("stop", missed, replace(missed, name="lora", kind="tuned")))
