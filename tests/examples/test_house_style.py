"""The house_style example: every gold message keeps every rule, and the pairs are pairs."""

from __future__ import annotations

import re

import pytest

from evals.data import Data, load_data
from evals.graders import build, gold_prediction
from evals.models import Loader
from evals.task import load_task
from evals.types import Example, Grader, Prediction
from tests.examples.rows import EXAMPLES, every, lines, most_shared, splits

FOLDER = EXAMPLES / "house_style"
TASK = load_task(FOLDER / "task.yaml")
README = (FOLDER / "README.md").read_text(encoding="utf-8")
PAIRS = lines(FOLDER / "preferences.jsonl")


@pytest.fixture(scope="module")
def data() -> Data:
    return load_data(TASK)


@pytest.fixture(scope="module")
def rules() -> Grader:
    return build(TASK.graders, TASK.output, TASK.path)[0]


def test_the_files_are_as_large_as_the_readme_says() -> None:
    said = dict(re.findall(r"^\| `(\w+)\.jsonl` \| (\d+) \|", README, re.MULTILINE))
    counts = {split: str(len(rows)) for split, rows in splits("house_style").items()}
    assert {**counts, "preferences": str(len(PAIRS))} == said
    assert sorted(row["id"] for row in every("house_style")) == [f"h{n:03d}" for n in range(1, 359)]


def test_every_gold_message_keeps_every_rule_that_a_grader_checks(
    data: Data, rules: Grader, models: Loader
) -> None:
    checked = len(TASK.graders[0].options["graders"])
    assert checked == 11
    assert len(re.findall(r"^\d+\. ", (FOLDER / "STYLE.md").read_text(), re.MULTILINE)) == checked + 1
    rows = [(row, gold_prediction(rules, row)) for row in (*data.train, *data.dev, *data.test)]
    assert [score.why for score in rules.grade(rows, models) if score.value < 1] == []


def test_no_rejected_message_keeps_the_rules_and_each_stands_beside_a_gold_one(
    data: Data, rules: Grader, models: Loader
) -> None:
    train = {row.input: row for row in data.train}
    assert len({pair["input"] for pair in PAIRS}) == len(PAIRS)
    pairs: list[tuple[Example, Prediction]] = []
    for pair in PAIRS:
        row = train[pair["input"]]
        assert (pair["chosen"], pair["recipient"]) == (row.target, row.fields["recipient"])
        assert pair["rejected"] != pair["chosen"]
        pairs.append((row, Prediction(row.id, pair["rejected"], "stop")))
    assert max(score.value for score in rules.grade(pairs, models)) < 0.9


def test_each_rule_is_broken_by_some_answer(data: Data, rules: Grader, models: Loader) -> None:
    row = data.train[0]
    gold = str(row.target)
    broken = {
        "Hello": "Dear",
        "Next step:": "So:",
        "Kind regards": "Cheers",
        "09:00": "09:00!",
        "An adult needs": "We're sure an adult needs",
        "The heating": "Unfortunately the heating",
        "11:00": "11 am",
        "6 March": "6/3",
        "visit": "visit for £40",
        "adult": "ADULT",
        "at home": "at home " + "or nearby " * 40,
    }
    for old, new in broken.items():
        assert old in gold
        answer = Prediction(row.id, gold.replace(old, new, 1), "stop")
        (score,) = rules.grade([(row, answer)], models)
        assert score.value == pytest.approx(10 / 11, abs=1e-4), (old, score.why)


def test_no_two_notes_or_messages_are_alike() -> None:
    rows = every("house_style")
    assert most_shared([row["input"] for row in rows]) < 1 / 3
    assert most_shared([row["output"].split("\n\n")[1] for row in rows]) < 1 / 3
