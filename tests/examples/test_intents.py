"""The intents example is as varied as its README says, and can show what it asks for."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from evals.task import load_task
from tests.examples.rows import EXAMPLES, every, most_shared, splits
from workbench.cli.main import run

TASK = EXAMPLES / "intents" / "task.yaml"
GUIDE = (TASK.parent / "GUIDE.md").read_text(encoding="utf-8")
README = (TASK.parent / "README.md").read_text(encoding="utf-8")


def test_the_splits_are_as_large_as_the_readme_says() -> None:
    said = dict(re.findall(r"^\| `(\w+)\.jsonl` \| (\d+) \|", README, re.MULTILINE))
    assert {split: str(len(rows)) for split, rows in splits("intents").items()} == said
    assert sorted(row["id"] for row in every("intents")) == [f"m{n:03d}" for n in range(1, 421)]


def test_every_label_of_the_guide_has_60_messages_spread_over_the_splits() -> None:
    labels = re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)
    assert list(load_task(TASK).output.labels) == labels
    assert Counter(row["output"] for row in every("intents")) == dict.fromkeys(labels, 60)
    for rows in splits("intents").values():
        counts = Counter(row["output"] for row in rows)
        assert max(counts.values()) - min(counts[label] for label in labels) <= 2


def test_messages_run_from_two_words_to_a_hundred() -> None:
    lengths = [len(row["input"].split()) for row in every("intents")]
    assert min(lengths) == 2
    assert max(lengths) > 100
    assert sum(n < 8 for n in lengths) >= 30


def test_no_two_messages_share_a_seventh_of_their_word_3_grams() -> None:
    assert most_shared([row["input"] for row in every("intents")]) <= 1 / 7


def test_a_constant_answer_is_far_from_the_requirement() -> None:
    rows = splits("intents")["test"]
    most = Counter(row["output"] for row in rows).most_common(1)[0][1]
    assert most / len(rows) < 0.16


def test_the_check_finds_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(TASK)]) == 0
    assert "ready: 0 errors, 0 warnings, 0 notes" in capsys.readouterr().out
