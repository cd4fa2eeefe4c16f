"""Whether a training pays, as a table."""

from __future__ import annotations

from reports import Report, html
from reports.economics import others, paid
from tests.reports.decisions import payback, ship, trained
from tests.reports.page import read


def test_costs_stand_beside_each_other_with_what_is_saved() -> None:
    (found,) = paid(trained())
    assert found.basis == "240 test rows that both answered. In brackets: 90 % intervals"
    assert found.lines == (
        ("A call", "$0.00093", "$0.00021", "$0.00072", "[$0.00066, $0.00078]"),
        ("An accepted answer", "$0.0049", "$0.00031", "$0.0046", "[$0.0037, $0.0060]"),
        ("Prompt tokens a call", "874", "121", "753", "[741, 765]"),
        ("Paid back after calls", "", "", "389", "[359, 424]"),
        ("or accepted answers", "", "", "61", "[47, never]"),
    )


def test_what_costs_more_is_negative_and_never_pays() -> None:
    found = trained()
    loses = {"before": 0.5, "after": 2.0, "saved": -1.5, "low": -2.0, "high": -1.0}
    never = {"calls": None, "low": None, "high": None, "never": True}
    found["economics"]["tuned"] = [{**payback(), "unit": "seconds", "a_call": loses, "break_even": never}]
    lines = paid(found)[0].lines
    assert lines[0] == ("A call", "0.50 s", "2.00 s", "−1.50 s", "[−2.00 s, −1.00 s]")
    assert lines[3] == ("Paid back after calls", "", "", "never", "")
    same = {"before": 37.3, "after": 37.4, "saved": -0.1, "low": -0.2, "high": 0.0}
    found["economics"]["tuned"] = [{**payback(), "prompt_tokens": same}]
    assert paid(found)[0].lines[2][3:] == ("0", "[0, 0]")


def test_without_prices_the_prompt_tokens_are_still_told() -> None:
    found = trained()
    bare = {
        key: value
        for key, value in payback().items()
        if key not in ("training", "a_call", "an_accepted", "break_even", "break_even_accepted", "months")
    }
    found["economics"]["tuned"] = [{**bare, "unit": None}]
    assert [line[0] for line in paid(found)[0].lines] == ["Prompt tokens a call"]


def test_the_page_shows_the_table_its_sentences_and_what_else_is_known() -> None:
    found = trained()
    found["economics"]["judges"] = {"judge": {"calls": 12}}
    part = read(html.render(Report(found))).by_id("economics")
    assert "That is" not in part.text
    assert "paid back after 389 calls [359, 424]" in part.text
    assert len(part.all("table")) == 1
    assert part.all("dl")[0].text.startswith("judges")
    assert others(ship()) == ship()["economics"]
