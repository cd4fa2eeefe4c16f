"""The arm with longer answers: is it the token limit that fails, or the answer?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from evals.types import Completion, Decision, Request
from tests.scripted import Scripted
from tests.workbench.diagnosis.desk import Desk, arms, line, right, truth

NEEDED = 40


class Wordy(Scripted):
    """Needs so many tokens before it comes to its answer."""

    needed = NEEDED

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        limits = {request.id: request.max_tokens for request in requests}
        for said in super().generate(requests, done):
            short = limits[said.id] < self.needed
            yield replace(said, text="Well,", finish="length") if short else said


def wordy(tmp_path: Path, share: float, needed: int = NEEDED) -> Decision:
    desk = Desk(tmp_path, lambda r: "", ladder=["zero_shot"])
    lines = "".join(f'{{"input": "more {n}", "output": "{truth(n)}"}}\n' for n in range(200))
    (tmp_path / "train.jsonl").write_text(lines)
    desk.models.weak = weak = Wordy(lambda r: right(r, share))
    weak.needed = needed
    return desk.assess()[1]


def test_a_limit_that_cuts_answers_off_stops_training(tmp_path: Path) -> None:
    decision = wordy(tmp_path, 0.97)
    (arm,) = arms(decision, "room")
    assert arm["change"].startswith("room for ") and arm["effects"][0]["found"] == "helps"
    told = line(decision, "answers of zero_shot are cut off")
    assert told.startswith("60 of 60 answers of zero_shot are cut off") and " 0 are, and label rises" in told
    assert "raise generation.max_tokens before tuning" in told
    assert decision.verdict == "stop"
    assert decision.recommendation["cure"] == "give answers more room (generation.max_tokens)"


def test_longer_answers_that_are_wrong_leave_training(tmp_path: Path) -> None:
    decision = wordy(tmp_path, 0.4)
    assert "the limit costs part of what fails" in line(decision, "answers of zero_shot are cut off")
    assert (decision.verdict, decision.recommendation["action"]) == ("escalate", "tune")


def test_answers_that_are_cut_off_still_do_not_clear_the_limit(tmp_path: Path) -> None:
    told = line(wordy(tmp_path, 0.97, needed=10_000), "answers of zero_shot are cut off")
    assert "with room for 256 tokens 60 are" in told
    assert told.endswith("most are cut off still, so the limit is not ruled out.")


def test_whole_answers_are_not_asked_again(tmp_path: Path) -> None:
    _, decision = Desk(tmp_path, lambda r: right(r, 0.5)).assess()
    assert not arms(decision, "room")
