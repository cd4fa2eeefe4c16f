"""The audit's part of the report: sentences with counts and rows, and the scores without near copies."""

from __future__ import annotations

from typing import Any

from reports import Report
from reports.audit import is_audit, lines_of, without
from reports.html import render
from tests.reports.attacks import ATTACKS
from tests.reports.decisions import escalate

TWINS = [
    {"split": "test", "id": f"t{n}", "of_split": "train", "of_id": f"a{n}", "place": f"test.jsonl:{n}"}
    for n in range(12)
]
FOUND: dict[str, Any] = {
    "blocked": ["prompt.system holds dev row d1"],
    "dropped": {"train": 2, "dev": 0},
    "dropped_rows": [
        {"split": "train", "id": "a", "of_split": "test", "of_id": "b", "place": "train.jsonl:3"}
    ],
    "repeated": {"train": 3, "test": 0},
    "contradictions": 1,
    "contradicting_rows": [["train", "x", "y"]],
    "near_duplicates": {"counts": {"test": 12}, "rows": TWINS},
    "outliers": {"counts": {"strange": 1}, "rows": [{"split": "dev", "id": "odd", "place": "dev.jsonl:9"}]},
    "personal_data": {"counts": {"e-mail": 2}, "rows": []},
    "balance": [{"name": "the label", "counts": {}, "shift": 0.25}],
    "without_near_duplicates": {
        "verdict": "collect",
        "approach": None,
        "same": False,
        "scores": [
            {
                "approach": "few_shot",
                "split": "test",
                "metric": "label",
                "value": 0.9,
                "n": 80,
                "without": 0.8,
                "n_without": 68,
            }
        ],
    },
}


def test_every_finding_is_a_sentence_with_its_rows_and_what_blocks_comes_first() -> None:
    lines = lines_of(FOUND)
    assert lines[0].text == "Leakage blocks this verdict: prompt.system holds dev row d1."
    said = {line.text: line for line in lines}
    near = said["Rows that nearly repeat a row of an earlier split: 12 of test."]
    assert near.rows[0] == "t0 (test.jsonl:0), as train a0"
    assert (len(near.rows), near.more) == (8, 4)
    assert said["Copies of rows of a later split were left out: 2 from train."].more == 1
    assert said["Rows unlike the others: 1 written like no other."].rows == ("odd (dev.jsonl:9)",)
    assert "the label is spread otherwise in test than in train: 25 % of rows differ." in said


def test_scores_are_shown_with_and_without_near_copies() -> None:
    sentence, (score,) = without(FOUND)
    assert sentence == "Without them the verdict is collect."
    assert (score.value, score.less) == ("0.90 n=80", "0.80 n=68")
    assert without({}) == ("", [])


def test_a_clean_audit_says_so() -> None:
    assert [line.text for line in lines_of({"near_duplicates": {}})] == ["Nothing was found."]
    assert not is_audit({"exact_duplicates": 0})


def test_what_was_not_looked_for_is_said() -> None:
    audit = {"near_duplicates": {"overlooked": ["those of one meaning (fewer than 100 rows)"]}}
    assert [line.text for line in lines_of(audit)] == [
        "Nothing was found.",
        "Near copies were not looked for among those of one meaning (fewer than 100 rows).",
    ]


def test_the_page_has_the_section_and_hostile_ids_are_harmless() -> None:
    decision = escalate()
    rows = [{"split": "dev", "id": attack, "place": attack} for attack in ATTACKS]
    decision["audit"] = {**FOUND, "blocked": list(ATTACKS), "outliers": {"counts": {"long": 9}, "rows": rows}}
    page = render(Report(decision, (), "", 0))
    assert "<h2" in page
    assert "Rows that nearly repeat a row of an earlier split: 12 of test." in page
    assert "0.80 n=68" in page
    assert "<script>alert" not in page
