"""Which dev rows are shown, and how one is read."""

from __future__ import annotations

from dataclasses import replace

from reports import Report, ReportAnswer, ReportRow
from reports.rows import causes, choose, outcomes, traits, word_diff
from tests.reports.decisions import escalate, report, ship

RIGHT = ReportAnswer("a", "a", 1.0)
WRONG = ReportAnswer("b", "b", 0.0, "wrong")
BROKEN = ReportAnswer("?", None, 0.0, "format", "no JSON object at line 7")


def row(id: str, **answers: ReportAnswer) -> ReportRow:
    return ReportRow(id, "in", "a", answers)


def test_a_row_has_the_traits_the_filters_ask_for() -> None:
    flip = traits(row("1", few_shot=WRONG, knn_few_shot=RIGHT), "knn_few_shot", "few_shot")
    assert flip.names.split() == ["differs", "better", "failed"]
    back = traits(row("1", few_shot=RIGHT, knn_few_shot=BROKEN), "knn_few_shot", "few_shot")
    assert back.names.split() == ["differs", "worse", "failed", "format"]
    assert traits(row("1", few_shot=RIGHT, knn_few_shot=RIGHT), "knn_few_shot", "few_shot").names == ""


def test_failures_behind_an_unmet_requirement_come_first_then_flips() -> None:
    rows = (
        row("right", few_shot=RIGHT, knn_few_shot=RIGHT),
        row("flip", few_shot=WRONG, knn_few_shot=RIGHT),
        row("wrong", few_shot=RIGHT, knn_few_shot=WRONG),
        row("broken", few_shot=RIGHT, knn_few_shot=BROKEN),
    )
    chosen = choose(Report(escalate(), rows))
    assert [r.id for r in chosen] == ["wrong", "broken", "flip", "right"]


def test_no_failure_gives_way_to_a_row_of_the_sample() -> None:
    rows = tuple(
        row(f"r{i}", few_shot=RIGHT, knn_few_shot=WRONG if i % 10 == 0 else RIGHT) for i in range(500)
    )
    chosen = choose(Report(escalate(), rows))
    assert len(chosen) == 200
    assert [r.id for r in chosen[:50]] == [f"r{i}" for i in range(0, 500, 10)]
    assert all(r.answers["knn_few_shot"] is RIGHT for r in chosen[50:])


def test_the_sample_depends_on_the_task_and_not_on_the_order_of_rows() -> None:
    made = report("ship", 300)
    shown = {r.id for r in choose(made)}
    assert shown == {r.id for r in choose(replace(made, rows=made.rows[::-1]))}
    other = {**ship(), "task": {"name": "ticket-triage", "hash": "another"}}
    assert shown != {r.id for r in choose(replace(made, decision=other))}


def test_outcomes_name_the_right_ones_first() -> None:
    assert outcomes(row("1", a=BROKEN, b=WRONG, c=RIGHT)) == [
        ("right", ["c"]),
        ("wrong", ["b"]),
        ("format", ["a"]),
    ]


def test_a_diff_strikes_what_is_wrong_and_inserts_what_is_missing() -> None:
    diff = word_diff('{"queue": "billing", "urgency": "low"}', '{"queue": "billing", "urgency": "high"}')
    assert "<del>low</del><ins>high</ins>" in diff
    assert word_diff("same <b>", "same <b>") == "same &lt;b&gt;"
    assert "<ins>" not in word_diff("Sure! I can help you with that.", '{"queue": "billing"}')


def test_a_diff_of_long_hostile_texts_is_quick_and_short() -> None:
    assert len(word_diff("<b>" * 30_000, "<i>" * 30_000)) < 20_000


def test_failures_are_grouped_by_cause_with_verbatim_examples() -> None:
    other = replace(BROKEN, why="no JSON object at line 9", text="!!")
    cut = ReportAnswer("{", None, 0.0, "truncated", "stopped", "length")
    first, second = causes([row("1", a=BROKEN, b=WRONG), row("2", a=other, b=cut), row("3", a=BROKEN)])
    assert (first.failure, first.count, first.why) == ("truncated", 1, "stopped")
    assert (second.failure, second.count, second.why) == ("format", 3, "no JSON object at line #")
    assert second.examples == (("1", "a", "?"), ("2", "a", "!!"))
