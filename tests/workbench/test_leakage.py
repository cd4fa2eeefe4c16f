"""What leakage does: approaches refused, verdicts compared without near copies, training blocked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from evals.data import Data
from evals.errors import RunError
from evals.types import Example, ModelRef
from tests.baselines.rungs import worded
from tests.workbench.conftest import OpenAIServer
from tests.workbench.small_task import SmallTask
from workbench.leakage import copied_rows, refuse_leakage

FILES = {split: f"{split}.jsonl" for split in ("train", "dev", "test")}
DATA = Data(
    (), (Example("d1", "please tell me which colour the door is", "red"),), (Example("t1", "x", "y"),)
)


def approach(**prompt: str) -> Prompted:
    return Prompted("found", ModelRef("m"), Prompt("{{ input }}", **prompt), Decoder(8))


def test_an_approach_whose_prompt_holds_an_eval_row_is_named(tmp_path: Path) -> None:
    task = worded(tmp_path)
    held = approach(system="Be brief. Please tell me which colour the door is: red")
    assert copied_rows(held, task, DATA) == "its system prompt holds dev row d1"
    assert copied_rows(approach(instruction="Name the colour."), task, DATA) == ""


def test_a_run_of_words_of_a_test_row_is_a_copy_unless_train_or_the_user_has_it(tmp_path: Path) -> None:
    said = "my parcel with the blue lamp was left in the rain by your driver"
    row, part = Example("t", said, "delivery"), "Say, with the blue lamp was left in the rain."
    told = copied_rows(approach(system=part), worded(tmp_path), Data((), (), (row,)))
    assert told == "its prompt shares 8 words in a row with test row t"
    assert copied_rows(approach(system=part), worded(tmp_path), Data((row,), (), (row,))) == ""
    assert copied_rows(approach(system=part), worded(tmp_path, said), Data((), (), (row,))) == ""


def test_a_blocked_decision_is_refused_with_its_reason() -> None:
    refuse_leakage({"audit": {}}, "runs/x", "Run it.")
    with pytest.raises(RunError, match="leakage blocks what it decides: the prompt holds"):
        refuse_leakage({"audit": {"blocked": ["the prompt holds rows"]}}, "runs/x", "Run it.")


def near_task(tmp_path: Path, server: OpenAIServer, more: int) -> SmallTask:
    """The small task with `more` test rows that the endpoint fails and that nearly repeat train rows."""
    task = SmallTask(tmp_path, server.url, data=FILES)
    text = "a rather long story about the {} painted houses along the old harbour road, number {} is {}"
    words = ("seven", "eleven", "thirty", "hidden", "crooked", "oldest")
    train = [
        {"id": f"tr{n}", "input": text.format(w, n, "red"), "output": "red"} for n, w in enumerate(words)
    ]
    (task.folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in train))
    with (task.folder / "test.jsonl").open("a") as file:
        for n, word in enumerate(words[:more]):
            row = {"id": f"near{n}", "input": text.format(word, n, "red")[2:], "output": "blue"}
            file.write(json.dumps(row) + "\n")
    return task


def run(task: SmallTask) -> dict[str, Any]:
    task.assess()
    (folder,) = task.runs()
    decision: dict[str, Any] = json.loads((folder / "decision.json").read_text())
    return decision


def test_scores_are_shown_with_and_without_near_copies(tmp_path: Path, server: OpenAIServer) -> None:
    decision = run(near_task(tmp_path, server, 1))
    audit = decision["audit"]
    assert audit["near_duplicates"]["counts"] == {"test": 1}
    (row,) = audit["near_duplicates"]["rows"]
    assert (row["id"], row["of_id"], row["place"]) == ("near0", "tr0", "test.jsonl:13")
    compared = audit["without_near_duplicates"]
    assert compared["same"] is (decision["verdict"] == compared["verdict"])
    (score,) = [s for s in compared["scores"] if s["split"] == "test" and s["approach"] == "zero_shot"]
    assert (score["n"], score["n_without"]) == (13, 12)
    assert score["without"] == pytest.approx(10 / 12, abs=1e-4)


def test_a_verdict_that_hangs_on_near_copies_is_blocked(tmp_path: Path, server: OpenAIServer) -> None:
    task = near_task(tmp_path, server, 6)
    decision = run(task)
    assert decision["verdict"] != "ship"
    assert decision["audit"]["without_near_duplicates"]["verdict"] == "ship"
    assert any(note.startswith("Leakage: without the rows") for note in decision["notes"])
    with pytest.raises(RunError, match="leakage blocks"):
        refuse_leakage(decision, task.out, "")


def test_an_eval_row_in_the_instruction_makes_a_run_not_binding(tmp_path: Path, server: OpenAIServer) -> None:
    held = "Name the colour. Example: test number 3 is red"
    decision = run(SmallTask(tmp_path, server.url, prompt={"instruction": held}))
    assert decision["binding"] is False
    assert decision["audit"]["blocked"] == ["prompt.instruction holds test row test3"]


def test_personal_data_is_said_before_it_is_sent(
    tmp_path: Path, server: OpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    task = SmallTask(tmp_path, server.url)
    row = {"id": "mail", "input": "write to jane@acme.org that it is red", "output": "red"}
    with (task.folder / "dev.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    decision = run(task)
    assert decision["audit"]["blocked"] == []
    assert any("e-mail in 1" in note and server.url in note for note in decision["notes"])
    assert "`wb check` names the rows" in caplog.text
    assert "jane" not in json.dumps(decision["audit"])
