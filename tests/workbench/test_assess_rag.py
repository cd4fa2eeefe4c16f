"""`wb assess` on a task with documents: the rung, its figures, and what a change of documents leads to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evals.types import Decision, Request
from tests.scripted import Scripted, ScriptedModels
from workbench.assess import assess
from workbench.evidence import conclude
from workbench.runs import Run, Scope
from workbench.session import Plan

CITIES = "Paris Rome Oslo Lima Cairo Quito Delhi Seoul Tunis Accra Dakar Hanoi".split()


class Desk:
    """A task about cities' codes that stand in documents; the model answers with the first it is shown."""

    def __init__(self, folder: Path, **keys: Any) -> None:
        self.folder = folder
        self.asked: list[Request] = []
        self.documents(0)
        for split in ("dev", "test"):
            lines = [
                {"id": f"{split}-{n}", "input": f"{split}: code of {city}?", "output": f"{city[:2]}{n}00"}
                | {"gold_doc_ids": [f"{city}.md"]}
                for n, city in enumerate(CITIES)
            ]
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        task = {
            "name": "codes",
            "model": "smollm2-135m",
            "data": {"dev": "dev.jsonl", "test": "test.jsonl", "documents": "docs"},
            "prompt": {"instruction": "Give the code."},
            "output": "text",
            "policy": "point",
            "requirements": [
                {"metric": "exact", "at_least": 0.9, "kind": "quality"},
                {"metric": "recall@1", "at_least": 0.9, "kind": "quality"},
            ],
            "ladder": [{"name": "zero_shot"}, {"name": "rag", "retrievers": "bm25", "k": 1}],
            **keys,
        }
        (folder / "task.yaml").write_text(json.dumps(task))

    def documents(self, offset: int) -> None:
        (self.folder / "docs").mkdir(exist_ok=True)
        for n, city in enumerate(CITIES):
            text = f"# {city}\n\nThe code of {city} is {city[:2]}{n + offset}00.\n"
            (self.folder / "docs" / f"{city}.md").write_text(text)

    def answer(self, request: Request) -> str:
        self.asked.append(request)
        found = re.search(r"\[1\].*?([A-Z][a-z]\d+00)", str(request.prompt))
        return found[1] if found else "unknown"

    def assess(self) -> tuple[Run, Decision]:
        plan = Plan(self.folder / "task.yaml", self.folder / "runs", Scope())
        return assess(plan, ScriptedModels(Scripted(self.answer)))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    return Desk(tmp_path)


def entry(decision: Decision, name: str) -> Any:
    return next(a for a in decision.approaches if a["name"] == name)


def test_what_stands_in_the_documents_is_answered_and_retrieval_is_judged(desk: Desk) -> None:
    run, decision = desk.assess()
    assert (decision.verdict, decision.approach) == ("ship", "rag")
    rag, blind = entry(decision, "rag"), entry(decision, "zero_shot")
    assert rag["test"]["recall@1"]["value"] == 1.0 and rag["test"]["ndcg@10"]["n"] == 12
    assert blind["dev"]["recall@1"]["value"] == 0.0
    assert rag["delta"]["recall@1"]["value"] == 1.0
    before = (run.folder / "decision.json").read_bytes()
    conclude(run, ScriptedModels(Scripted(desk.answer)))
    assert (run.folder / "decision.json").read_bytes() == before


def test_a_run_folder_holds_the_chunks(desk: Desk) -> None:
    run, _ = desk.assess()
    (chunks,) = run.folder.glob("approaches/rag-*/chunks.jsonl")
    assert len(chunks.read_text().splitlines()) == len(CITIES)


def test_the_same_again_asks_nothing_and_other_documents_ask_anew(desk: Desk) -> None:
    desk.assess()
    desk.asked.clear()
    desk.assess()
    assert desk.asked == []
    desk.documents(1)
    _, decision = desk.assess()
    assert any("unknown" not in str(request.prompt) for request in desk.asked)
    assert entry(decision, "rag")["dev"]["exact"]["value"] == 0.0


def test_documents_that_no_rung_reads_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    quality = [{"metric": "exact", "at_least": 0.9, "kind": "quality"}]
    _, decision = Desk(tmp_path, ladder=["zero_shot"], requirements=quality).assess()
    assert not decision.binding
    assert any("leaves out" in note and "rag" in note for note in decision.notes)
