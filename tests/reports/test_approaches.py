"""The table of approaches: named columns, n beside every mean, nothing empty."""

from __future__ import annotations

from reports import REPORTERS, Report
from reports.approaches import Cell, approach_table
from tests.reports.decisions import collect, escalate, incomplete, ship


def test_columns_that_nobody_fills_are_left_out() -> None:
    labels = [column.label for column in approach_table(escalate()).columns]
    assert labels == [
        "json_fields, dev",
        "Paired difference",
        "No usable answer",
        "Prompt tokens",
        "Output tokens",
        "Time to fit",
    ]


def test_prices_take_the_place_of_output_tokens() -> None:
    labels = [column.label for column in approach_table(ship()).columns]
    assert "$ per 1,000 accepted" in labels
    assert "Output tokens" not in labels
    assert "p95 latency" in labels


def test_what_most_cells_share_stands_in_the_head_and_the_rest_in_the_cell() -> None:
    column = approach_table(escalate()).columns[1]
    assert column.note == "to knn_few_shot, dev, n = 80"
    assert [cell.note for cell in column.cells] == ["", "", "", "to few_shot, dev, n = 80"]
    assert column.cells[0] == Cell("−0.57", "[−0.64, −0.49]", "", -0.57)


def test_the_chosen_row_is_marked_in_text() -> None:
    assert [line.mark for line in approach_table(ship()).lines] == ["", "", "", "chosen"]
    assert [line.mark for line in approach_table(collect()).lines] == ["", "", "", "best so far"]


def test_an_approach_without_all_its_rows_says_why() -> None:
    line = approach_table(incomplete()).lines[3]
    assert line.state.startswith("incomplete: 31 of 80 dev rows have no answer")


def test_what_a_rung_chose_stands_with_its_approach() -> None:
    decision = ship()
    decision["approaches"][2]["chosen"] = "8 shots, balanced, reversed"
    assert [line.chosen for line in approach_table(decision).lines] == [
        "",
        "",
        "8 shots, balanced, reversed",
        "",
    ]
    report = Report(decision)
    for name in ("report.html", "summary.md"):
        assert "8 shots, balanced, reversed" in REPORTERS.load(name)(report)


def test_the_levels_of_the_intervals_are_said_by_split() -> None:
    assert approach_table(escalate()).levels == "intervals, 90 % on dev"
    assert approach_table(ship()).levels == (
        "intervals with both ends alike, 90 % on dev, 97.5 % on test; "
        "a requirement was tested by the bounds that stand with it"
    )
