"""A run whose answers a judge grades: what it may decide, what it costs, how it goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.evals.models.openai_server import Body, OpenAIServer, Say
from tests.workbench.small_task import SmallTask, able, contents, hurried
from workbench.cli.main import run

RUBRIC = {"name": "judge", "criteria": "The answer is a colour of the input."}
SHARE = [{"metric": "judge", "at_least": 0.7, "kind": "quality"}]
BOTH = [*SHARE, {"metric": "label", "at_least": 0.7, "kind": "quality"}]


class Court:
    """The endpoint's rule: the toy does the task, the judge passes what stands in the input."""

    def __init__(self, odd: str = "nothing", patience: int = 10_000) -> None:
        self.odd, self.patience, self.asked = odd, patience, 0

    def __call__(self, path: str, body: Body) -> Say:
        if body["model"] != "court":
            return able(path, body)
        self.asked += 1
        if self.asked > self.patience:
            return Say(status=500)
        prompt = str(body["messages"][-1]["content"])
        parts = dict(re.findall(r"\[(input|answer) \w+\]\n(.*?)\n\[end of", prompt, re.S))
        if self.odd in parts["input"]:
            return Say(message="A fine answer, all in all.")
        verdict = "pass" if parts["answer"].split(".")[0] in parts["input"] else "fail"
        return Say(message=json.dumps({"reason": "seen", "verdict": verdict}))


def judged(folder: Path, server: OpenAIServer, requirements: list[dict[str, Any]]) -> SmallTask:
    court = {"model": {"endpoint": server.url, "name": "court"}, "labels": "labels.jsonl", "at_least": 0.5}
    court["prices"] = {"input_per_million": 1, "output_per_million": 2}
    labels = [
        {"input": f"n {n} is red", "output": "red", "answer": word, "label": word == "red"}
        for n in range(30)
        for word in ("red", "mauve")
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    return SmallTask(
        folder,
        server.url,
        judge=court,
        graders=["label", RUBRIC],
        requirements=requirements,
        ladder=["zero_shot"],
    )


def test_a_judge_that_was_not_tried_advises_beside_what_decides(tmp_path: Path, server: OpenAIServer) -> None:
    server.rule = court = Court()
    task = judged(tmp_path, server, BOTH)
    assert task.assess("-q") == 0
    decision = task.decision()
    assert [(r["metric"], r["tier"]) for r in decision["requirements"]] == [
        ("judge", "advisory"),
        ("label", "critical"),
    ]
    assert any("advises only: the judge 'judge' is not admitted" in note for note in decision["notes"])
    figures = decision["economics"]["judges"]["judge"]
    assert (figures["verdicts"], figures["unread"], figures["calls"]) == (24, 0, court.asked)
    assert figures["usd"] > 0
    assert decision["approaches"][0]["dev"]["judge"]["value"] == pytest.approx(10 / 12, abs=1e-5)


def test_with_nothing_else_to_decide_by_it_is_refused_before_anything_is_asked(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.rule = court = Court()
    task = judged(tmp_path, server, SHARE)
    assert task.assess("-q") == 1
    assert "no requirement is left to decide by" in capsys.readouterr().err
    assert court.asked == 0
    assert task.assess("-q", "--dev-only") == 4


def test_once_admitted_it_decides_without_being_asked_again(tmp_path: Path, server: OpenAIServer) -> None:
    server.rule = court = Court()
    task = judged(tmp_path, server, SHARE)
    assert run(["check", str(task.path), "--judge", "-q"]) == 0
    assert task.assess("-q") == 0
    decision = task.decision()
    assert [(r["metric"], r["tier"], r["status"]) for r in decision["requirements"]] == [
        ("judge", "critical", "met")
    ]
    (folder,) = task.runs()
    asked, before = court.asked, contents(folder)
    (tmp_path / "judges.json").unlink()
    assert run(["report", str(folder), "-q"]) == 0
    assert (court.asked, contents(folder)) == (asked, before)


def test_verdicts_that_cannot_be_read_are_counted_apart(tmp_path: Path, server: OpenAIServer) -> None:
    server.rule = Court(odd="number 2 ")
    task = judged(tmp_path, server, BOTH)
    assert task.assess("-q") == 0
    decision = task.decision()
    figures = decision["economics"]["judges"]["judge"]
    assert (figures["verdicts"], figures["unread"], figures["calls"]) == (24, 2, 22 + 2 * 3)
    approach = decision["approaches"][0]
    assert (approach["dev"]["judge"]["n"], approach["failures"]["unjudged"]) == (11, 1)
    assert sum(approach["failures"].values()) + approach["correct"] == 12
    assert any("2 could not be read" in note for note in decision["notes"])


def test_an_outage_of_the_judge_is_continued_with_what_it_has_not_said(
    tmp_path: Path, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.run.KEPT_AT_ONCE", 5)
    hurried(monkeypatch)
    server.rule = Court(patience=7)
    task = judged(tmp_path, server, BOTH)
    assert task.assess("-q") == 5
    server.rule = court = Court()
    assert task.assess("-q") == 0
    assert 24 - 5 <= court.asked < 24
