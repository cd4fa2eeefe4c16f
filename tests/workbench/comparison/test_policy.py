"""A gate's policy: what it holds to what, and mistakes answered with file, line and key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from evals.errors import TaskError
from evals.task import Task, load_task
from tests.workbench.mood import Mood
from workbench.comparison.policy import Policy, default_policy, policy_schema, read_policy

KNOWN = ("label", "error_rate", "tokens_in", "p95_seconds")


@pytest.fixture
def task(tmp_path: Path) -> Task:
    asked = [
        {"metric": "label", "at_least": 0.5, "kind": "quality"},
        {"metric": "label", "at_least": 0.4, "kind": "quality", "where": {"lang": "de"}, "tier": "advisory"},
        {"metric": "error_rate", "at_most": 0.1, "kind": "format"},
        {"metric": "p95_seconds", "at_most": 2, "kind": "latency"},
    ]
    mood = Mood(tmp_path, keys={"requirements": asked})
    mood.write()
    return load_task(mood.path)


def read(task: Task, text: str, **more: float) -> Policy:
    path = task.path.parent / "policy.yaml"
    path.write_text(text)
    return read_policy(path, task, KNOWN, **more)


def test_without_one_the_tasks_shares_are_held_to_five_points(task: Task) -> None:
    found = default_policy(task).rules
    assert [(r.label, r.margin, r.tier, r.higher) for r in found] == [
        ("label", 0.05, "critical", True),
        ("label where lang=de", 0.05, "advisory", True),
        ("error_rate", 0.05, "critical", False),
    ]


def test_a_task_without_shares_has_no_policy_of_its_own(task: Task, tmp_path: Path) -> None:
    asked = [{"metric": "p95_seconds", "at_most": 2, "kind": "latency"}]
    mood = Mood(tmp_path / "other", keys={"requirements": asked})
    mood.write()
    with pytest.raises(TaskError, match="has no format or quality requirement to hold a run to"):
        default_policy(load_task(mood.path))


def test_margins_tiers_and_slices_are_read(task: Task) -> None:
    found = read(
        task,
        """
margin: 0.03
inconclusive: pass
metrics:
  - {metric: label, margin: 0.1, tier: advisory, where: {lang: de}}
  - {metric: label}
  - {metric: tokens_in, margin: 12.5%}
  - {metric: p95_seconds, margin: 0.4}
""",
    )
    assert found.inconclusive == "pass"
    assert [(r.label, r.margin, r.relative, r.tier, r.higher) for r in found.rules] == [
        ("label where lang=de", 0.1, False, "advisory", True),
        ("label", 0.03, False, "critical", True),
        ("tokens_in", 0.125, True, "critical", False),
        ("p95_seconds", 0.4, False, "critical", False),
    ]
    assert [r.margin_text for r in found.rules] == ["0.1", "0.03", "12.5%", "0.4"]


def test_a_file_without_metrics_holds_the_tasks_to_its_margin(task: Task) -> None:
    assert {r.margin for r in read(task, "margin: 0.02\n").rules} == {0.02}


def test_the_command_lines_margin_stands_above_the_files(task: Task) -> None:
    text = "margin: 0.02\nmetrics: [{metric: label}, {metric: error_rate, margin: 0.01}]\n"
    assert [r.margin for r in read(task, text, margin=0.07).rules] == [0.07, 0.01]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics:\n  - {metric: labels}\n",
         r"yaml:2: metrics\[0\].metric: there is no metric 'labels' in these runs. Did you mean 'label'"
         r"\?\nThey have: label, error_rate"),
        ("metrics:\n  - {metric: label}\n  - {metric: label}\n",
         r"policy.yaml:3: metrics\[1\]: label is named twice"),
        ("margn: 0.1\n", r"policy.yaml:1: margn: unknown key 'margn'. Did you mean 'margin'"),
        ("margin: 5\n", r"policy.yaml:1: margin: a margin of a share lies below 1: 5"),
        ("margin: -0.1\n", r"policy.yaml:1: margin: must be at least 0, not -0.1"),
        ("margin: 5%\n", r"policy.yaml:1: margin: a share has no margin in percent"),
        ("metrics: [{metric: label, margin: lots}]\n", r"margin: must be .*a percentage such as 10%"),
        ("metrics: [{metric: tokens_in}]\n", r"tokens_in needs a margin of its own"),
        ("metrics: [{metric: label, tier: important}]\n", r"must be critical or advisory, not \"important\""),
        ("inconclusive: skip\n", r"inconclusive: must be pass or fail"),
        ("metrics: []\n", r"metrics: must be a list of at least 1"),
        ("- label\n", r"must be a mapping of keys"),
        ("", r"is empty"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_line(task: Task, text: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        read(task, text)


def test_a_policy_that_is_not_there_is_told(task: Task) -> None:
    with pytest.raises(TaskError, match="there is no such file"):
        read_policy(task.path.parent / "none.yaml", task, KNOWN)


def test_the_schema_is_one(task: Task) -> None:
    Draft202012Validator.check_schema(policy_schema())
    json.dumps(policy_schema())
