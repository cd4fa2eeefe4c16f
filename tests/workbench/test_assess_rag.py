"""`wb assess` on a task with documents: the rung, its figures, and what a change of documents leads to."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evals.errors import DataError, ModelError, TaskError
from evals.task import load_task
from evals.types import Decision, Request
from tests.scripted import Scripted, ScriptedModels
from workbench.assess import assess
from workbench.checks.findings import Finding
from workbench.checks.task import check
from workbench.evidence import conclude
from workbench.plan import plan
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
        (folder / "task.yaml").write_text(json.dumps(task, indent=1))

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

    def refused(self, error: type[Exception], says: str) -> None:
        """`wb assess` ends with this error, and neither asked nor wrote anything."""
        with pytest.raises(error, match=says):
            self.assess()
        assert self.asked == [] and not (self.folder / "runs").exists()

    def errors(self) -> list[Finding]:
        """What `wb check` says must be mended."""
        found = check(load_task(self.folder / "task.yaml"), ScriptedModels(Scripted(self.answer)))
        return [finding for finding in found.findings if finding.level == "error"]

    def plan(self) -> None:
        plan(self.folder / "task.yaml", self.folder / "runs", None, ScriptedModels(Scripted(self.answer)))


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
    assert blind["chosen"] == ""
    assert rag["chosen"].startswith("bm25, 1 passage, chunks of 240 tokens")
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


def test_documents_that_cannot_be_read_stop_everything_before_the_first_rung(desk: Desk) -> None:
    for file in (desk.folder / "docs").iterdir():
        file.write_text("")
    (error,) = desk.errors()
    assert error.where == "data.documents" and "docs: holds no document that can be read" in error.message
    desk.refused(DataError, "docs: data.documents: holds no document that can be read")
    with pytest.raises(DataError, match="holds no document"):
        desk.plan()


def test_two_documents_of_one_id_stop_everything_before_the_first_rung(desk: Desk) -> None:
    line = json.dumps({"id": "Rome.md", "text": "Rome again."})
    (desk.folder / "docs" / "more.jsonl").write_text(line + "\n")
    (error,) = desk.errors()
    assert "more.jsonl: the document id 'Rome.md' stands in Rome.md too" in error.message and error.todo
    desk.refused(DataError, "the document id 'Rome.md' stands in Rome.md too")
    with pytest.raises(DataError, match="stands in Rome.md too"):
        desk.plan()


def test_files_that_gave_no_document_are_a_warning(desk: Desk) -> None:
    (desk.folder / "docs" / "empty.md").write_text("")
    (desk.folder / "docs" / "logo.png").write_bytes(b"x")
    assert desk.errors() == []
    found = check(load_task(desk.folder / "task.yaml"), ScriptedModels(Scripted(desk.answer))).findings
    (unread,) = [finding for finding in found if finding.where == "data.documents"]
    assert unread.level == "warning"
    assert unread.message.startswith("2 of 14 files of the documents could not be read: ")
    assert "empty.md is empty" in unread.message


def test_a_retriever_that_there_is_none_of_is_an_error_at_its_line(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ladder=["zero_shot", {"name": "rag", "retrievers": ["bm26"]}])
    says = r"task.yaml:\d+: ladder\[1\]: the rung 'rag': there is no retriever 'bm26'. Did you mean 'bm25'"
    desk.refused(TaskError, says)
    for command in (desk.errors, desk.plan):
        with pytest.raises(TaskError, match=says):
            command()


@pytest.mark.parametrize(
    "options",
    [{"embedder": "nope"}, {"retrievers": "bm25", "reranker": "./nowhere"}],
    ids=["embedder", "reranker"],
)
def test_a_model_that_a_rung_needs_and_is_not_there_stops_before_the_first_rung(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    desk = Desk(tmp_path, ladder=["zero_shot", {"name": "rag", **options}])
    (error,) = desk.errors()
    assert re.search(r"task.yaml:\d+: ladder\[1\]$", error.where)
    assert "the rung 'rag' cannot be tried" in error.message and "ladder.without" in error.todo
    desk.refused(ModelError, "the rung 'rag' cannot be tried")
    desk.plan()


def test_a_model_of_a_rung_that_does_not_apply_is_not_looked_for(tmp_path: Path) -> None:
    quality = [{"metric": "exact", "at_least": 0.9, "kind": "quality"}]
    shots = {"name": "knn_few_shot", "embedder": "nope"}
    assert Desk(tmp_path, ladder=["zero_shot", shots], requirements=quality).errors() == []


def test_what_was_not_read_is_among_the_notes_of_the_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    desk = Desk(tmp_path, ladder=["zero_shot", {"name": "rag", "retrievers": "dense", "k": 1}])
    (tmp_path / "docs" / "empty.md").write_text("")
    for split, longest in (("dev", 2), ("test", 3)):
        rows = [json.loads(line) for line in (tmp_path / f"{split}.jsonl").read_text().splitlines()]
        for row in rows[:longest]:
            row["input"] += " please" * 300
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run, decision = desk.assess()
    assert "1 of 13 files of the documents could not be read: empty.md is empty." in decision.notes
    (said,) = [note for note in decision.notes if "longer than the embedder reads" in note]
    assert said.startswith(
        "rag: 2 of 12 dev and 3 of 12 test queries are longer than the embedder reads (254"
    )
    assert said in (run.folder / "summary.md").read_text()
