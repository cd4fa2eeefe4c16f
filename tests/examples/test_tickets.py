"""The tickets example is as varied as its README says, and its labels follow its guide."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import jsonschema

from tests.examples.rows import EXAMPLES, every, lines, most_shared, splits

ROOT = EXAMPLES / "tickets"
QUEUES = dict(re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", (ROOT / "GUIDE.md").read_text(), re.MULTILINE))


def test_there_are_enough_rows_in_each_split() -> None:
    assert {split: len(found) for split, found in splits("tickets").items()} == {
        "train": 200,
        "dev": 80,
        "test": 272,
    }
    assert len({row["id"] for row in every("tickets")}) == 552


def test_messages_run_from_8_to_250_words_with_a_quarter_above_80() -> None:
    lengths = [len(row["input"].split()) for row in every("tickets")]
    assert min(lengths) >= 8
    assert max(lengths) <= 250
    assert sum(n > 80 for n in lengths) / len(lengths) > 0.25


def test_no_two_messages_share_half_of_their_word_3_grams() -> None:
    assert most_shared([row["input"] for row in every("tickets")]) <= 0.5


def test_each_enumerated_value_occurs_at_least_40_times() -> None:
    schema = json.loads((ROOT / "schema.json").read_text())["properties"]
    for field in ("queue", "product", "urgency"):
        counts = Counter(row["output"][field] for row in every("tickets"))
        assert min(counts[value] for value in schema[field]["enum"]) >= 40
    tags = Counter(tag for row in every("tickets") for tag in row["output"]["problems"])
    assert min(tags[value] for value in schema["problems"]["items"]["enum"]) >= 40


def test_every_record_fits_the_schema_and_the_rules_of_the_guide() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "schema.json").read_text()))
    for row in every("tickets"):
        record = row["output"]
        validator.validate(record)
        assert record["queue"] == QUEUES[record["problems"][0]], row["id"]
        assert record["reference"] in row["input"], row["id"]


def test_the_agreement_in_the_readme_is_that_of_the_relabelled_rows() -> None:
    gold = {row["id"]: row["output"] for row in every("tickets")}
    second = lines(ROOT / "relabelled.jsonl")
    assert len(second) == 40

    def same(a: Any, b: Any) -> bool:
        return sorted(a) == sorted(b) if isinstance(a, list) else a == b

    readme = (ROOT / "README.md").read_text()
    for name in ("queue", "product", "urgency", "reference", "problems"):
        agreed = sum(same(row["output"][name], gold[row["id"]][name]) for row in second)
        assert re.search(rf"^\| {name}.*\| {agreed} of 40 \|$", readme, re.MULTILINE), (name, agreed)
