"""An endpoint that fails in every way, at every moment of `wb assess`: the exit code, a report that
says so where the run can go on, and the same command ending where an undisturbed one does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evals.models.openai_server import Body, OpenAIServer, Say, nobody_listening
from tests.workbench.conftest import Calm
from tests.workbench.small_task import DownAfter, SmallTask, able, contents, hurried
from workbench.cli.main import run

SHOWN = ("decision.json", "report.html", "summary.md", "junit.xml")
ANSWERS = 36
"""What the task takes: two rungs on 12 rows of dev, one of them on 12 rows of test."""
STRICT: Any = [{"metric": "label", "at_least": 0.8, "kind": "quality"}]
"""10 of 12 rows are right: one of them missing can change the verdict."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried(monkeypatch)


def stopped(task: SmallTask, capsys: pytest.CaptureFixture[str], code: int, says: str) -> None:
    """`wb assess` ends with this code and two lines, and leaves nothing half-written."""
    assert task.assess("-q") == code
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == 2, said.err
    assert lines[0].startswith("error: ")
    for part in says.split("|"):
        assert part in said.err
    assert not [name for name in contents(task.folder) if name.endswith(".tmp")]
    (folder,) = task.runs()
    shown = [name for name in SHOWN if (folder / name).is_file()]
    if code == 5:
        assert shown == [*SHOWN]
        assert json.loads((folder / "decision.json").read_text())["verdict"] == "incomplete"
        assert "ncomplete" in said.out
        assert f"wb assess {task.path} --out {task.out}" in lines[1]
    else:
        assert shown == []
        assert said.out == ""


TROUBLES = {
    "401": (Say(401, "who are you"), 1, "denies access (401: who are you)|api_key_env"),
    "404": (Say(404, "no toy"), 1, "does not take this kind of request (404: no toy)|/chat/completions"),
    "429": (Say(429, "slow down"), 5, "8 requests in a row got no answer (429: slow down)"),
    "500": (Say(500, "oops"), 5, "8 requests in a row got no answer (500: oops)"),
    "no answer in time": (Say(act="hang"), 5, "8 requests in a row got no answer (no answer in time)"),
    "a broken connection": (Say(act="drop"), 5, "8 requests in a row got no answer"),
    "an empty account": (Say(402, "no credit"), 5, "for want of payment or quota (402: no credit)"),
    "another service": (Say(raw="<h1>Router</h1>"), 1, "does not speak the OpenAI API|ends in /v1"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_the_endpoint_does_is_told_and_the_same_command_goes_on_after_it(
    trouble: str,
    calm: Calm,
    server: OpenAIServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say, code, message = TROUBLES[trouble]
    task = SmallTask(tmp_path / "task", server.url)
    server.rule = lambda path, body: say
    with monkeypatch.context() as briefly:
        if say.act == "hang":
            hurried(briefly, read_seconds=0.1)
        stopped(task, capsys, code, f"{server.url}: |{message}")
    server.rule = able
    assert task.assess("-q") == 0
    assert task.decision() == calm()


def test_an_endpoint_that_refuses_connections_is_an_outage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nobody_listening() as port:
        task = SmallTask(tmp_path / "task", f"http://127.0.0.1:{port}/v1")
        stopped(task, capsys, 5, "8 requests in a row got no answer|refused")
    with OpenAIServer(rule=able, port=port):
        assert task.assess("-q") == 0
        assert task.decision()["verdict"] == "ship"


@pytest.mark.parametrize("answered", [5, 12, 17, 24, 27, 35])
def test_an_outage_at_any_moment_leaves_an_incomplete_report_and_is_continued(
    answered: int, calm: Calm, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """5 and 12 fall into the first rung and to its end, 17 and 24 into and after the second, the
    others into the test split."""
    task = SmallTask(tmp_path / "task", server.url, requirements=STRICT)
    server.rule = DownAfter(answered, Say(503, "down"))
    stopped(task, capsys, 5, "ended in an error" if answered == 35 else "(503: down)")
    (folder,) = task.runs()
    kept = set(_answered(folder))
    assert len(kept) == answered
    server.rule, asked = able, len(server.seen)
    assert task.assess("-q") == 0
    assert len(server.seen) - asked == ANSWERS - answered
    assert kept <= set(_answered(folder))
    assert task.decision() == calm(requirements=STRICT)


def _answered(folder: Path) -> list[tuple[str, str]]:
    """(approach, row) of every answer on disk."""
    return [
        (path.parent.name, prediction["id"])
        for path in folder.glob("approaches/*/predictions.jsonl")
        for prediction in map(json.loads, path.read_text().splitlines())
        if prediction["error"] is None
    ]


def test_after_an_outage_on_test_nothing_more_is_asked(server: OpenAIServer, tmp_path: Path) -> None:
    """Both approaches are to be judged on test; the second is not tried at a model that is away."""

    def rule(path: str, body: Body) -> Say:
        asked = str(body["messages"])
        if "test number" in asked:
            return Say(503, "down")
        wrong = "dev number 0" in asked and body["messages"][0]["role"] == "user"
        return Say(message="purple") if wrong else able(path, body)

    task = SmallTask(tmp_path / "task", server.url)
    server.rule = rule
    assert task.assess("-q") == 5
    (folder,) = task.runs()
    decision = json.loads((folder / "decision.json").read_text())
    assert [a["state"] for a in decision["approaches"]] == ["incomplete", "incomplete"]
    assert "not asked on test" in decision["approaches"][1]["why"]
    assert {body["messages"][0]["role"] for body in _test_requests(server)} == {"user"}


def _test_requests(server: OpenAIServer) -> list[Body]:
    return [seen.body for seen in server.seen if "test number" in str(seen.body["messages"])]


def test_an_outage_while_latency_is_measured_is_continued(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = {"metric": "p50_seconds", "at_most": 60, "kind": "latency"}
    task = SmallTask(tmp_path / "task", server.url, requirements=[*STRICT, quick])
    server.rule = DownAfter(ANSWERS + 4, Say(503, "down"))
    stopped(task, capsys, 5, "(503: down)")
    server.rule = able
    assert task.assess("-q") == 0
    approach = task.decision()["approaches"][0]
    assert (approach["state"], approach["p50_seconds"] > 0) == ("scored", True)


def test_rows_that_ended_in_an_error_are_asked_again_and_only_they(
    calm: Calm, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def unlucky(path: str, body: Body) -> Say:
        asked = str(body["messages"])
        return Say(400, "bad luck") if "test number 0 " in asked else able(path, body)

    task = SmallTask(tmp_path / "task", server.url, requirements=STRICT)
    server.rule = unlucky
    stopped(task, capsys, 5, "1 of 12 test rows ended in an error")
    server.rule, asked = able, len(server.seen)
    assert task.assess("-q") == 0
    (again,) = server.prompts[asked:]
    assert "test number 0 " in again
    assert task.decision() == calm(requirements=STRICT)


def test_a_storm_of_pauses_is_one_warning(
    server: OpenAIServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = SmallTask(tmp_path / "task", server.url)
    server.rule = lambda path, body: Say(429, "slow", retry_after="20")
    assert run(["assess", str(task.path), "--out", str(task.out)]) == 5
    assert caplog.text.count("again in") == 1


@pytest.mark.parametrize("make", [lambda: Say(503, "down"), lambda: Say(act="drop")])
def test_check_does_without_an_endpoint_that_is_away(
    make: Callable[[], Say], server: OpenAIServer, tmp_path: Path
) -> None:
    task = SmallTask(tmp_path, server.url)
    server.models = make()
    assert run(["check", str(task.path)]) == 0
    assert server.seen == []
