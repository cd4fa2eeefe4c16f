"""A budget ends `wb assess` cleanly; raised, the same command goes on where it stopped and ends where an
undisturbed run does."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from evals.models import answers
from evals.spending import FILE
from evals.task import Task
from tests.evals.models.openai_server import OpenAIServer, Say
from tests.workbench.conftest import Calm
from tests.workbench.small_task import SmallTask, able, hurried
from tests.workbench.test_assess import Desk, rung_of
from workbench.budget import of_training
from workbench.cli.main import run

ANSWERS = 36
"""What the task takes: two rungs on 12 rows of dev, one of them on 12 rows of test."""
STRICT: Any = [{"metric": "label", "at_least": 0.8, "kind": "quality"}]
PRICES = {"input_per_million": 1000, "output_per_million": 1000}
"""A thousandth of a dollar a token."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried(monkeypatch)


def lines(task: SmallTask) -> list[dict[str, Any]]:
    (folder,) = task.runs()
    return [json.loads(line) for line in (folder / FILE).read_text().splitlines()]


def spent(task: SmallTask) -> dict[str, Any]:
    (folder,) = task.runs()
    found: dict[str, Any] = json.loads((folder / "decision.json").read_text())["spent"]
    return found


@pytest.mark.parametrize("allowed", [1, 5, 12, 17, 24, 27, 35])
def test_a_budget_in_calls_is_kept_and_after_raising_it_nothing_is_asked_twice(
    allowed: int, calm: Calm, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """5 and 12 fall into the first rung and to its end, 17 and 24 into and after the second, the others
    into the test split."""
    task = SmallTask(tmp_path / "task", server.url, requirements=STRICT, budget={"calls": allowed})
    for _ in range(2):  # as often as it is typed, nothing more is spent
        assert task.assess("-q") == 5
        said = capsys.readouterr()
        assert f"budget.calls is spent ({allowed} calls): raise it in the task file to go on" in said.err
        assert len(said.err.splitlines()) == 2
        assert f"The same command continues: wb assess {task.path}" in said.err
        assert f"spent    {allowed} call" in said.out
        assert f"the budget: {allowed} call" in said.out
        assert len(server.seen) == allowed
    (folder,) = task.runs()
    assert json.loads((folder / "decision.json").read_text())["verdict"] == "incomplete"
    assert f"{allowed} call" in (folder / "summary.md").read_text()
    assert "What this run spent" in (folder / "report.html").read_text()

    task.write(budget={"calls": ANSWERS})
    assert task.assess("-q") == 0
    assert len(server.seen) == ANSWERS
    assert set(Counter(map(json.dumps, (seen.body for seen in server.seen))).values()) == {1}
    assert task.decision() == calm(requirements=STRICT)
    assert (spent(task)["calls"], spent(task)["budget"]) == (ANSWERS, {"calls": ANSWERS})


def test_a_budget_in_dollars_is_never_passed(server: OpenAIServer, tmp_path: Path) -> None:
    task = SmallTask(tmp_path / "task", server.url, budget={"usd": 0.15}, prices=PRICES)
    assert task.assess("-q") == 5
    first = spent(task)["usd"]
    assert 0.1 < first <= 0.15
    assert first == pytest.approx(sum(line["in"] + line["out"] for line in lines(task)) / 1000)
    task.write(budget={"usd": 50}, prices=PRICES)
    assert task.assess("-q") == 0
    assert len(server.seen) == ANSWERS


def test_other_prices_are_other_dollars_for_what_was_spent(server: OpenAIServer, tmp_path: Path) -> None:
    task = SmallTask(tmp_path / "task", server.url, prices=PRICES)
    assert task.assess("-q") == 0
    before = spent(task)["usd"]
    (folder,) = task.runs()
    text = (folder / "task.yaml").read_text().replace("1000", "2000")
    (folder / "task.yaml").write_text(text)
    assert run(["report", str(folder), "-q"]) == 0
    assert spent(task)["usd"] == pytest.approx(2 * before)


def test_minutes_count_over_all_commands_of_a_run(server: OpenAIServer, tmp_path: Path) -> None:
    task = SmallTask(tmp_path / "task", server.url, requirements=STRICT, budget={"calls": 5})
    assert task.assess("-q") == 5
    (folder,) = task.runs()
    with (folder / FILE).open("a") as file:
        file.write(json.dumps({**lines(task)[-1], "calls": 0, "wall": 600}) + "\n")
    task.write(requirements=STRICT, budget={"minutes": 10})
    assert task.assess("-q") == 5
    assert len(server.seen) == 5
    assert 10 <= spent(task)["minutes"] < 15
    task.write(requirements=STRICT, budget={"minutes": 20})
    assert task.assess("-q") == 0
    assert len(server.seen) == ANSWERS


def test_deciding_again_says_the_same_of_what_was_spent(server: OpenAIServer, tmp_path: Path) -> None:
    task = SmallTask(tmp_path / "task", server.url, prices=PRICES)
    assert task.assess("-q") == 0
    (folder,) = task.runs()
    before = {name: (folder / name).read_bytes() for name in ("decision.json", "summary.md", FILE)}
    assert run(["report", str(folder), "-q"]) == 0
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_latency_counts_and_is_continued_where_it_stopped(server: OpenAIServer, tmp_path: Path) -> None:
    """12 dev rows are timed after 3 to warm up: 36 answers, then 15 calls, of which 8 are allowed."""
    fast = {"metric": "p50_seconds", "at_most": 60, "kind": "latency"}
    keys: dict[str, Any] = {"requirements": [*STRICT, fast]}
    task = SmallTask(tmp_path / "task", server.url, budget={"calls": ANSWERS + 8}, **keys)
    assert task.assess("-q") == 5
    task.write(budget={"calls": 1000}, **keys)
    assert task.assess("-q") == 0
    assert len(server.seen) == ANSWERS + 8 + 3 + (12 - 5)
    (folder,) = task.runs()
    (timed,) = folder.glob("approaches/*/latency.jsonl")
    assert len(timed.read_text().splitlines()) == 12
    assert not list(folder.glob("approaches/*/latency.begun.jsonl"))


def test_a_budget_spent_beyond_what_the_verdict_hangs_on_does_not_stop_it(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cheapest approach ships; the other of the shortlist was not asked on test any more."""
    wrong = Say(message="purple")

    def rule(path: str, body: Any) -> Say:
        asked = str(body["messages"])
        return (
            wrong if "dev number 0 " in asked and body["messages"][0]["role"] == "user" else able(path, body)
        )

    server.rule = rule
    task = SmallTask(tmp_path / "task", server.url, budget={"calls": ANSWERS})
    assert task.assess("-q") == 0
    assert "zero_shot" in capsys.readouterr().out.splitlines()[-1]
    assert len(server.seen) == ANSWERS


def test_answers_of_another_run_folder_are_not_paid_for_again(
    server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(answers, "answers_file", lambda: tmp_path / "answers" / "answers.sqlite")
    task = SmallTask(tmp_path / "task", server.url, prices=PRICES, budget={"calls": ANSWERS})
    assert task.assess("-q") == 0
    cost = task.decision()["approaches"][0]["usd_per_1k"]
    other = SmallTask(tmp_path / "other", server.url, prices=PRICES, budget={"calls": 1})
    assert other.assess("-q") == 0
    assert len(server.seen) == ANSWERS
    assert (spent(other)["calls"], spent(other)["cached"]) == (0, ANSWERS)
    assert "36 answers known from before" in capsys.readouterr().out
    assert other.decision()["approaches"][0]["usd_per_1k"] == cost
    third = SmallTask(tmp_path / "third", server.url)
    assert third.assess("-q", "--no-cache") == 0
    assert len(server.seen) == 2 * ANSWERS


def test_the_command_to_continue_says_no_cache_where_it_was_said(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path / "task", server.url, requirements=STRICT, budget={"calls": 3})
    assert task.assess("-q", "--no-cache") == 5
    assert "--no-cache" in capsys.readouterr().err


# Local models


@pytest.mark.parametrize("stops", [(7,), (40, 55, 90), (130,)])
def test_a_local_model_is_asked_no_more_than_the_budget_and_nothing_twice(
    stops: tuple[int, ...], tmp_path: Path
) -> None:
    """55 and 90 fall into the race of few_shot and to its rows."""
    whole = Desk(tmp_path / "whole", share=lambda rung: {"few_shot": 0.95}.get(rung, 0.3))
    cut = replace(whole, folder=tmp_path / "cut", asked=[])
    for desk in (whole, cut):
        desk.folder.mkdir()
    _, wanted = whole.assess()
    for calls in stops:
        cut.keys = {"budget": {"calls": calls}}
        run, decision = cut.assess()
        assert (decision.verdict, len(cut.asked)) == ("incomplete", calls)
        assert decision.spent["calls"] == calls
        assert "budget.calls is spent" in decision.headline + str(decision.recommendation["why"])
    cut.keys = {}
    again, decision = cut.assess()
    assert again == run
    assert (decision.verdict, decision.approach) == (wanted.verdict, wanted.approach)
    assert decision.requirements == wanted.requirements
    asked = [(rung_of(r), r.id) for r in cut.asked]
    assert sorted(asked) == sorted((rung_of(r), r.id) for r in whole.asked)


# Said before the first call


def test_a_budget_too_small_for_one_rung_is_said_by_check_and_before_the_first_call(
    server: OpenAIServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = SmallTask(tmp_path / "task", server.url, requirements=STRICT, budget={"calls": 10})
    assert run(["check", str(task.path)]) == 0
    said = "the first rung, zero_shot, takes about 12, the budget 10"
    out = capsys.readouterr().out
    assert f"! warning: budget.calls: {said}" in out
    assert "exit code 5" in out
    assert server.seen == []
    task.assess()
    assert said in caplog.text


@pytest.mark.parametrize("command", ["check", "assess"])
def test_a_budget_that_pays_for_no_call_is_an_error(
    command: str, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path / "task", server.url, budget={"usd": 0.001}, prices=PRICES)
    assert run([command, str(task.path)]) == 1
    said = capsys.readouterr()
    assert "the budget 0.001 pays for none" in said.out + said.err
    assert server.seen == []


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        ({"calls": 0}, "budget.calls: must be at least 1, not 0"),
        ({"calls": 1.5}, "budget.calls: must be a whole number"),
        ({"minutes": 0.01}, "budget.minutes: must be at least 0.1, not 0.01"),
        ({"usd": 0}, "budget.usd: must be above 0, not 0"),
        ({"usd": 5}, "budget.usd: a budget in USD needs prices"),
        ({"euro": 5}, "unknown key 'euro'"),
    ],
)
@pytest.mark.parametrize("command", ["check", "assess"])
def test_a_budget_that_means_nothing_is_an_error_with_its_line(
    command: str,
    budget: dict[str, float],
    says: str,
    server: OpenAIServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = SmallTask(tmp_path / "task", server.url, budget=budget)
    assert run([command, str(task.path)]) == 1
    error = capsys.readouterr().err
    assert says.split(": ")[-1] in error
    assert "task.yaml:" in error
    assert len(error.splitlines()) <= 2


def test_a_training_is_told_with_its_price_and_the_budget_that_it_passes() -> None:
    task = SimpleNamespace(prices=SimpleNamespace(gpu_hour=2.0), budget={"minutes": 60, "usd": 2.5})
    assert list(of_training(cast(Task, task), 30)) == [
        "that is about $1.00 at $2.00 an hour of this machine",
    ]
    said = list(of_training(cast(Task, task), 90))
    assert [line.partition(".")[0] for line in said] == ["that is about $3", "budget", "budget"]
    assert said[1].startswith("budget.minutes allows 60. The run stops there with exit code 5")
    free = SimpleNamespace(prices=SimpleNamespace(gpu_hour=None), budget={})
    assert list(of_training(cast(Task, free), 90)) == []
