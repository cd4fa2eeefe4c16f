"""The page: complete, calm, accessible, small, and deaf to what models write."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import pytest

from evals.decide import Given, decide
from evals.store import plain
from evals.types import Requirement
from reports import Report, ReportAnswer, ReportRow
from reports.html import MAX_BYTES, TEMPLATES, render
from tests.evals import measurements
from tests.reports.attacks import hostile
from tests.reports.decisions import (
    TASK,
    VERDICTS,
    decision,
    dev_rows,
    long_names,
    report,
    requirement,
    trained,
)
from tests.reports.gold import assert_gold
from tests.reports.page import Element, read

MADE = {name: report(name) for name in VERDICTS} | {
    "hostile": hostile(),
    "long names": long_names(),
    "trained": Report(trained(), dev_rows(12), TASK, 12),
}
PAGES = {name: render(made) for name, made in MADE.items()}
every_page = pytest.mark.parametrize("name", PAGES)


def page(name: str) -> Element:
    return read(PAGES[name])


@pytest.mark.parametrize("name", ["escalate", "ship"])
def test_a_page_is_the_gold_page(name: str) -> None:
    assert_gold(f"{name}.html", render(report(name, 3)))


@every_page
def test_the_same_decision_gives_the_same_bytes(name: str) -> None:
    assert render(MADE[name]) == PAGES[name]


@every_page
def test_the_page_is_well_formed_with_one_heading_and_landmarks(name: str) -> None:
    found = page(name)
    assert [len(found.all(tag)) for tag in ("h1", "main", "nav", "style", "script")] == [1] * 5
    assert len(found.all("head")[0].all("title")) == 1
    assert found.all("html")[0].attributes["lang"] == "en"
    ids = [element.attributes["id"] for element in found.walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    links = [a.attributes["href"] for a in found.all("a")]
    assert links[0] == "#main"
    assert {link.removeprefix("#") for link in links} <= set(ids)


@every_page
def test_nothing_can_be_loaded_and_only_the_page_s_own_style_and_script_run(name: str) -> None:
    found = page(name)
    (policy,) = [m.attributes["content"] for m in found.all("meta") if "http-equiv" in m.attributes]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (element,) = found.all(tag)
        source = "".join(map(str, element.children))
        hashed = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{directive} 'sha256-{hashed}'" in policy
    for element in found.walk():
        assert not any(name.startswith("on") for name in element.attributes)
        assert not {"style", "src", "srcset", "action", "background"} & element.attributes.keys()
        assert element.attributes.get("href", "#").startswith("#")


@every_page
def test_tables_controls_and_pictures_can_be_read_aloud(name: str) -> None:
    found = page(name)
    for table in found.all("table"):
        assert len(table.all("caption")) == 1
        assert all(th.attributes.get("scope") in ("col", "row") for th in table.all("th"))
        width = len(table.all("thead")[0].all("th"))
        for row in table.all("tbody")[0].all("tr"):
            assert sum(int(c.attributes.get("colspan", 1)) for c in row.all("th", "td")) == width
    labelled = {label.attributes["for"] for label in found.all("label")}
    assert {control.attributes["id"] for control in found.all("input")} <= labelled
    assert all(button.attributes["type"] == "button" and button.text for button in found.all("button"))
    for picture in found.all("svg"):
        assert picture.attributes["role"] == "img"
        assert picture.attributes["aria-label"]


def test_hostile_text_stays_text() -> None:
    source, found = PAGES["hostile"], page("hostile")
    assert not found.all("img", "iframe", "object")
    assert {element.text for element in found.all("b")} == {"0.61", "0.99"}
    assert "{{ 7 * 7 }}" in source
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ufffe\ud800-\udfff]", source
    )
    assert "⟨U+202E⟩" in source
    source.encode("utf-8")
    assert "</script><script>alert(1)</script>" in found.all("h1")[0].text


def test_the_first_screen_holds_verdict_next_step_requirements_and_approaches() -> None:
    found = page("escalate")
    assert found.all("title")[0].text == found.all("h1")[0].text.replace("✗", "✗ ")
    assert found.by_id("command").text == "wb escalate task.yaml"
    statuses = [cell.text for cell in found.by_id("requirements").with_class("state")]
    assert statuses == ["✗ not met", "? insufficient evidence"]
    approaches = found.by_id("approaches")
    assert [th.text for th in approaches.all("tbody")[0].all("th")] == [
        "zero_shot",
        "system_prompt",
        "few_shot",
        "knn_few_shot best so far",
    ]
    assert "Not applicable: rag (the task names no documents)." in approaches.text


def test_dev_and_test_scores_stand_in_separate_named_columns() -> None:
    heads = [th.text for th in page("ship").by_id("approaches").all("thead")[0].all("th")]
    assert heads[1:3] == ["json_fields, devn = 80", "json_fields, testn = 240"]


@pytest.mark.parametrize("name", VERDICTS)
def test_no_mean_stands_without_its_n(name: str) -> None:
    for table in page(name).with_class("sortable"):
        heads = table.all("thead")[0].all("th")
        for row in table.all("tbody")[0].all("tr"):
            for head, cell in zip(heads, row.all("th", "td"), strict=False):
                if "[" in cell.text:
                    assert "n = " in head.text + cell.text


def test_only_a_binding_ship_looks_good() -> None:
    def tones(made: Report) -> set[str]:
        return read(render(made)).with_class("verdict")[0].classes

    assert "tone-good" in tones(report("ship"))
    partial = replace(report("ship"), decision={**report("ship").decision, "binding": False})
    assert "tone-unsure" in tones(partial)
    found = read(render(partial))
    assert "Not binding" in found.all("h1")[0].text
    assert found.all("title")[0].text.startswith("○ Not binding: ")
    assert all("tone-good" not in tones(report(name)) for name in VERDICTS if name != "ship")


def test_a_part_with_nothing_to_show_is_left_out() -> None:
    unjudged = requirement("exact", 0.8, "insufficient evidence", (None, None, None), n=0, approach=None)
    nothing = {"looks": {}, "provenance": {}, "requirements": [unjudged]}
    bare = Report(decision("incomplete", "… Incomplete: nothing was scored", **nothing))
    found = read(render(bare))
    assert [section.attributes["id"] for section in found.with_class("part")] == ["provenance"]
    assert {a.attributes["href"] for a in found.all("main")[0].all("a")} == set()


def test_every_dev_row_is_there_without_script_and_the_default_shows_where_approaches_differ() -> None:
    found = page("escalate")
    assert len(found.with_class("row")) == 12
    (checked,) = [
        radio
        for radio in found.all("input")
        if "checked" in radio.attributes and radio.attributes["type"] == "radio"
    ]
    assert checked.attributes["id"] == "f-differs"
    assert found.by_id("shown").text == "All 12 dev rows are here."


def test_a_big_eval_set_stays_small_and_says_what_is_left_out() -> None:
    long = "a long line of a log file, pasted <b>twice</b>\n" * 400
    answers = {
        f"approach_{i}": ReportAnswer(long + str(i), {"text": long + str(i)}, 0.0, "wrong", long)
        for i in range(8)
    }
    rows = tuple(ReportRow(f"d-{i}", long, long, answers) for i in range(1500))
    made = render(Report(VERDICTS["escalate"](), rows, long, 1500))
    assert len(made.encode()) <= MAX_BYTES
    found = read(made)
    shown = len(found.with_class("row"))
    assert 20 < shown <= 200
    assert f"{shown} of 1,500 dev rows are here" in found.by_id("shown").text
    assert "approaches/ in the run folder" in found.by_id("shown").text


def test_two_hundred_rows_are_shown_at_most() -> None:
    found = read(render(Report(VERDICTS["escalate"](), dev_rows(450), "", 450)))
    assert len(found.with_class("row")) == 200


def test_assets_are_small() -> None:
    assert sum(path.stat().st_size for path in TEMPLATES.iterdir()) <= 60_000


def test_a_decision_as_it_is_made_is_shown() -> None:
    task = measurements.Asked(
        (measurements.quality(0.8), Requirement("p95_seconds", "latency", at_most=2.0, tier="advisory"))
    )
    weak = measurements.approach("zero_shot", measurements.share(20, 80))
    best = measurements.approach(
        "few_shot", measurements.share(72, 80), measurements.share(225, 240), latency=(1.0, 1.5)
    )
    ledger = measurements.looks_at(task, measurements.hashes(240), "few_shot")
    made = decide(task, [weak, best], ledger, Given("0123abcd", measurements.hashes(240)))
    found = read(render(Report(plain(made))))
    assert made.verdict == "ship"
    assert found.all("h1")[0].text == made.headline.replace(" ", "", 1)
    (line,) = found.by_id("requirements").with_class("status-met")[:1]
    assert "240 test rows" in line.text
    assert [th.text for th in found.by_id("approaches").all("tbody")[0].all("th")][1].startswith(
        "few_shot chosen"
    )
