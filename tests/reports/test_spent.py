"""What a run spent, wherever a decision is shown."""

from __future__ import annotations

import pytest

from reports import Report
from reports.html import render as html
from reports.markdown import render as markdown
from reports.spent import spent_sentence
from tests.reports.decisions import report

SPENT = {"calls": 1234, "cached": 0, "tokens_in": 81234, "tokens_out": 1, "usd": None, "minutes": 0.5}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "1,234 calls, 81,234 tokens in, 1 out, 30 s"),
        ({"calls": 1, "usd": 0.314159}, "1 call, 81,234 tokens in, 1 out, $0.314, 30 s"),
        ({"cached": 7}, "1,234 calls, 7 answers known from before, 81,234 tokens in, 1 out, 30 s"),
        (
            {"minutes": 90, "budget": {"calls": 2000, "usd": 1.5, "minutes": 60}},
            "1,234 calls, 81,234 tokens in, 1 out, 1.5 h; the budget: 2,000 calls, $1.50, 60 min",
        ),
    ],
)
def test_the_sentence_has_what_was_counted_and_what_is_allowed(more: dict[str, object], says: str) -> None:
    assert spent_sentence({"spent": {**SPENT, **more}}) == says


def test_nothing_is_said_where_nothing_was_counted() -> None:
    assert spent_sentence({}) == spent_sentence({"spent": {}}) == ""
    assert "Spent" not in markdown(report("ship"))


def test_summary_and_page_show_it() -> None:
    made = report("ship")
    spent = Report({**made.decision, "spent": SPENT}, made.rows, made.task_text, made.rows_total)
    assert "Spent: 1,234 calls, 81,234 tokens in" in markdown(spent)
    assert '<section id="spent"' in html(spent)
    assert "1,234 calls, 81,234 tokens in" in html(spent)
