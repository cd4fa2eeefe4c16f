"""What a search finds, what it costs, and that it goes on where it was cut short."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines import RUNGS
from baselines.notes import read_chosen, read_notes
from baselines.search import reflect
from baselines.search.rung import PromptSearch
from evals.errors import NotApplicable, OutageError, TaskError
from evals.models import Loader
from evals.models.local import LocalModel
from evals.store import read_json, read_lines
from evals.types import Completion, Model, ModelRef, Request, Work
from tests.baselines.rungs import LABELLED, ROWS, worded, work
from tests.evals.models.openai_server import Body, OpenAIServer, Say
from tests.scripted import Scripted, ScriptedModels

TRAIN = [replace(row, target="good") for row in LABELLED]


def said(request: Request) -> str:
    return "\n".join(turn.content for turn in request.prompt)  # type: ignore[union-attr]


def likes(words: str) -> Scripted:
    """Right on all rows when its prompt holds these words, else on every third."""
    return Scripted(lambda r: "good" if words in said(r) or int(r.id[1:]) % 3 == 0 else "bad")


class Pair(ScriptedModels):
    """The scripted model, and as the stronger one another, or a real one."""

    def __init__(self, model: Scripted, stronger: Model | None) -> None:
        super().__init__(model)
        self.stronger = stronger

    def open(self, ref: ModelRef) -> Model:
        if ref.name == "smollm2-135m":
            return self.model
        return self.stronger if self.stronger is not None else Loader().open(ref)


def place(folder: Path, model: Scripted, stronger: Model | None, ref: ModelRef | None = None) -> Work:
    folder.mkdir(exist_ok=True)
    task = replace(worded(folder), stronger_model=ref or ModelRef("strong"))
    return replace(work(folder, model, task), models=Pair(model, stronger))


def test_typed_edits_find_what_helps_and_say_so(tmp_path: Path) -> None:
    at = work(tmp_path, likes("An example:"))
    found = PromptSearch(budget=700).fit(TRAIN, ROWS, at)
    assert "An example:" in found.prompt.system + found.prompt.instruction + found.prompt.below
    told = read_json(at.dir / "search.json")
    assert (told["proposer"], told["chosen"]) == ("typed edits", found.hash)
    assert told["candidates"][0]["edit"] == "the start"
    (note,) = read_notes(at.dir)
    assert note.startswith("prompt_search: proposed by typed edits; ")
    assert "as a worked example" in read_chosen(at.dir)


@pytest.mark.parametrize("budget", [96, 150, 400])
def test_no_more_is_asked_than_the_budget(budget: int, tmp_path: Path) -> None:
    scripted = likes("An example:")
    PromptSearch(budget=budget).fit(TRAIN, ROWS, work(tmp_path, scripted))
    assert len(scripted.asked) <= budget


def test_a_search_that_was_cut_short_goes_on_and_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    whole = likes("An example:")
    wanted = PromptSearch().fit(TRAIN, ROWS, work(tmp_path / "whole", whole))
    first = Scripted(
        lambda r: whole.answer(r) if len(first.asked) < 130 else (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        PromptSearch().fit(TRAIN, ROWS, work(tmp_path / "cut", first))
    rest = Scripted(whole.answer)
    assert PromptSearch().fit(TRAIN, ROWS, work(tmp_path / "cut", rest)).hash == wanted.hash
    assert len(rest.asked) == len(whole.asked) - 129


def test_a_row_that_stands_in_a_prompt_does_not_speak_for_it(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        mine = f"number {request.id[1:]}>"
        return "good" if said(request).count(mine) > 1 else "bad"

    at = work(tmp_path, Scripted(answer))
    PromptSearch().fit(TRAIN, ROWS, at)
    told = read_json(at.dir / "search.json")
    assert len(told["candidates"]) == 1
    assert told["rejected"]


def test_a_stronger_model_writes_what_the_search_then_chooses(tmp_path: Path) -> None:
    stronger = Scripted(lambda request: "Better:\n```\nSay good whenever in doubt.\n```")
    model = likes("Say good whenever")
    at = place(tmp_path, model, stronger)
    found = PromptSearch().fit(TRAIN, ROWS, at)
    assert found.prompt.system.startswith(
        "You are kind.\n\nSay good whenever in doubt.\n\nAnswer with exactly"
    )
    assert len(model.asked) <= 400
    told = read_json(at.dir / "search.json")
    assert told["proposer"] == "strong"
    assert told["candidates"][1]["parent"] == 0
    (note,) = read_notes(at.dir)
    assert "proposed by strong (" in note and "through gepa" in note


def test_the_stronger_model_reads_failures_of_train_and_never_a_dev_row(tmp_path: Path) -> None:
    stronger = Scripted(lambda request: "```Be brief.```")
    at = place(tmp_path, likes("zebra"), stronger)
    PromptSearch(budget=200).fit(TRAIN, ROWS, at)
    asked = "\n".join(said(request) for request in stronger.asked)
    assert "question number" in asked and "Right answer:\ngood" in asked
    assert re.search(r"Input:\n<question number \d+> (post|mail)\n", asked)
    assert not any(f"<{row.input}>" in asked for row in ROWS)
    assert not any(f"<question number {n}>" in asked for n in range(0, 24, 3))
    told = read_json(at.dir / "search.json")
    assert {r["why"] for r in told["rejected"]} == {"no better on its training rows, or the calls were spent"}


def test_a_proposal_that_copies_a_row_is_asked_for_again_and_then_rejected(tmp_path: Path) -> None:
    long = [replace(row, input=f"{row.input} from the shop with the green door and a bell") for row in TRAIN]
    stronger = Scripted(lambda request: f"```Say good to: {long[1].input}```")
    at = place(tmp_path, likes("Say good to"), stronger)
    found = PromptSearch(budget=200).fit(long, ROWS, at)
    assert "Say good to" not in found.prompt.system
    told = read_json(at.dir / "search.json")
    assert len(told["candidates"]) == 1
    assert told["rejected"][0]["why"].startswith("it copies row 't")
    assert "Your last instruction copied these words" in said(stronger.asked[1])


def test_an_outage_of_the_stronger_model_ends_the_search_and_it_goes_on(tmp_path: Path) -> None:
    class Away(Scripted):
        def generate(self, requests: Any, done: Any = ()) -> Any:
            yield Completion(requests[0].id, "", "error", error="no answer")

    model = likes("Say good whenever")
    with pytest.raises(OutageError, match="gave no proposal: no answer"):
        PromptSearch().fit(TRAIN, ROWS, place(tmp_path, model, Away(lambda request: "")))
    before = len(model.asked)
    back = Scripted(lambda request: "```Say good whenever in doubt.```")
    found = PromptSearch().fit(TRAIN, ROWS, place(tmp_path, model, back))
    assert "whenever" in found.prompt.system
    undisturbed = likes("Say good whenever")
    PromptSearch().fit(TRAIN, ROWS, place(tmp_path / "other", undisturbed, back))
    assert len(model.asked) == len(undisturbed.asked) > before


def test_proposals_are_asked_once(tmp_path: Path) -> None:
    stronger = Scripted(lambda request: f"```Say good whenever {request.id}.```")
    at = place(tmp_path, likes("Say good whenever"), stronger)
    PromptSearch().fit(TRAIN, ROWS, at)
    asked = len(stronger.asked)
    PromptSearch().fit(TRAIN, ROWS, at)
    assert len(stronger.asked) == asked == len(read_lines(at.dir / "proposals.jsonl"))


def test_an_endpoint_may_be_the_proposer(tmp_path: Path) -> None:
    def rule(path: str, body: Body) -> Say | None:
        return Say(message="Here:\n```\nSay good whenever in doubt.\n```") if "messages" in body else None

    with OpenAIServer(rule=rule) as server:
        ref = ModelRef("toy", "endpoint", endpoint=server.url)
        found = PromptSearch(budget=200).fit(TRAIN, ROWS, place(tmp_path, likes("whenever"), None, ref))
        assert any("question number" in str(seen.body) for seen in server.seen)
    assert "whenever" in found.prompt.system


@pytest.mark.full
def test_a_real_model_may_be_the_proposer(
    tmp_path: Path, smollm: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflect, "WRITING", 40)
    at = place(tmp_path, likes("zebra"), smollm)
    PromptSearch(budget=32, rows=12, batch=4).fit(TRAIN, ROWS, at)
    assert read_lines(at.dir / "proposals.jsonl")[0]["text"].strip()
    assert read_json(at.dir / "search.json")["calls"] <= 32


def test_without_gepa_typed_edits_propose_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gepa", None)
    at = place(tmp_path, likes("An example:"), Scripted(lambda request: ""))
    PromptSearch(budget=150).fit(TRAIN, ROWS, at)
    first, second = read_notes(at.dir)
    assert "typed edits propose, as gepa is not installed (pip install" in first
    assert "proposed by typed edits" in second
    with pytest.raises(NotApplicable, match="needs gepa, which is not installed"):
        PromptSearch(proposer="model").fit(TRAIN, ROWS, at)


def test_what_cannot_be_searched_is_not_applicable(tmp_path: Path) -> None:
    at = work(tmp_path, likes(""))
    with pytest.raises(NotApplicable, match="needs training rows"):
        PromptSearch().fit((), ROWS, at)
    with pytest.raises(NotApplicable, match="of 95 calls is too small for one proposal, .* takes 96"):
        PromptSearch(budget=95).fit(TRAIN, ROWS, at)
    with pytest.raises(NotApplicable, match="a budget of 30 calls is too small"):
        PromptSearch().fit(TRAIN, ROWS, replace(at, budget={"calls": 30}))
    with pytest.raises(NotApplicable, match="needs stronger_model in the task"):
        PromptSearch(proposer="model").fit(TRAIN, ROWS, at)


@pytest.mark.parametrize("options", [{"budget": 0}, {"batch": 0}, {"proposer": "me"}])
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(TaskError, match="1 or more|proposer is auto, model or edits"):
        RUNGS.build("prompt_search", options)
