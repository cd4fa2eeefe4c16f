"""The rung that retrieves: what it chooses, what it asks, what it writes down."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines import RUNGS
from baselines.approach import Prompted, Shots
from baselines.notes import read_chosen
from baselines.prompts import SystemPrompt
from baselines.rag import trial
from baselines.rag.rung import Rag
from evals.errors import DataError, NotApplicable, TaskError
from evals.task import load_task
from evals.types import Example, Prediction, Request, Work
from tests.baselines.rag.corpora import PETS, write_documents
from tests.baselines.rag.embedders import WithLetters
from tests.scripted import Scripted

QUESTIONS = {
    "cat": "Where does the cat sleep?",
    "dog": "What does the dog run after in the park?",
    "tea": "How many spoons of green tea?",
    "tax": "When is corporate income tax due?",
    "car": "What does the car need?",
}
TASK = """
name: pets
model: smollm2-135m
data: {eval: rows.jsonl, documents: documents.jsonl}
prompt: {instruction: Answer.}
output: OUTPUT
generation: {max_tokens: 8}
requirements: [{metric: METRIC, at_least: 0.5, kind: quality}]
"""


class Models(WithLetters):
    """Every language model is scripted, every embedder counts letters."""

    def __init__(self, model: Scripted) -> None:
        super().__init__()
        self.model = model

    def open(self, ref: object) -> Scripted:
        return self.model


def rows(*, gold: bool) -> list[Example]:
    return [
        Example(f"{id}-{n}", question, id, gold_doc_ids=(id,) if gold else ())
        for n in range(3)
        for id, question in QUESTIONS.items()
    ]


def right(pairs: list[tuple[Example, Prediction]]) -> float:
    return sum(p.text == e.target for e, p in pairs) / len(pairs)


def work(folder: Path, answer: Any = lambda request: "x", output: str = "text", **more: Any) -> Work:
    write_documents(folder)
    metric = "label" if "labels" in output else "exact"
    (folder / "task.yaml").write_text(TASK.replace("OUTPUT", output).replace("METRIC", metric))
    task = load_task(folder / "task.yaml")
    models = Models(Scripted(answer, context=more.pop("context", 4096)))
    return Work(folder / "fit", task, models, grade=right, **more)


def asked(work: Work) -> list[Request]:
    return work.models.model.asked  # type: ignore[attr-defined, no-any-return]


def told(work: Work) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work.dir / "retrieval.json").read_text())
    return found


def test_it_stands_in_the_table_and_refuses_wrong_options() -> None:
    assert RUNGS.build("rag", {"k": 3}).k == 3
    with pytest.raises(TaskError, match="no option 'kk'"):
        RUNGS.build("rag", {"kk": 3})
    with pytest.raises(TaskError, match="a k of 1 or more"):
        RUNGS.build("rag", {"k": [0, 3]})
    with pytest.raises(TaskError, match="chunk_tokens are numbers"):
        RUNGS.build("rag", {"chunk_tokens": -1})


def test_without_documents_it_does_not_apply(tmp_path: Path) -> None:
    given = work(tmp_path)
    task = replace(given.task, data=replace(given.task.data, documents=None))
    with pytest.raises(NotApplicable, match="needs documents"):
        Rag().fit((), rows(gold=True), replace(given, task=task))


def test_documents_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    given = work(tmp_path)
    (tmp_path / "documents.jsonl").unlink()
    with pytest.raises(DataError, match="no such file or folder"):
        Rag().fit((), rows(gold=True), given)


def test_with_gold_ids_retrieval_is_chosen_without_asking_the_model(tmp_path: Path) -> None:
    given = work(tmp_path, output="{labels: [cat, dog, tea, tax, car]}")
    approach = Rag(k=(1, 3)).fit((), rows(gold=True), given)
    passages = approach.prompt.passages
    assert passages is not None and (passages.k, passages.instruction) == (
        1,
        "Use the numbered passages below.",
    )
    assert asked(given) == []
    assert told(given)["chosen_by"] == "gold ids"
    assert read_chosen(given.dir).startswith(f"{passages.retriever}, 1 passage, chunks of ")
    assert {s["retriever"] for s in told(given)["settings"]} == {"bm25", "dense", "hybrid"}
    assert all(s["rows"] == 15 for s in told(given)["settings"])


def test_without_gold_ids_the_tasks_score_chooses(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        text = request.prompt[-1].content  # type: ignore[union-attr]
        return request.id.split("-")[0] if "[3]" in text else "nothing"

    given = work(tmp_path, answer, "{labels: [cat, dog, tea, tax, car]}")
    approach = Rag(retrievers=["bm25", "dense"], k=(1, 3), chunk_tokens=0).fit((), rows(gold=False), given)
    assert approach.prompt.passages is not None and approach.prompt.passages.k == 3
    assert told(given)["chosen_by"] == "the task's score"


def test_the_wording_for_a_text_answer_is_raced(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        text = request.prompt[-1].content  # type: ignore[union-attr]
        return "wrong" if "like [1]" in text or "write exactly" not in text else request.id.split("-")[0]

    given = work(tmp_path, answer)
    approach = Rag(absent="Unknown.").fit((), rows(gold=True), given)
    passages = approach.prompt.passages
    assert passages is not None and "write exactly: Unknown." in passages.instruction
    assert "like [1]" not in passages.instruction
    assert read_chosen(given.dir).endswith(", saying when they do not hold the answer")
    assert "cited" not in read_chosen(given.dir)


def test_it_adds_to_the_approach_it_starts_from(tmp_path: Path) -> None:
    given = work(tmp_path)
    base = SystemPrompt().fit((), (), given)
    shown = replace(base, prompt=replace(base.prompt, shots=Shots((Example("s", "Q?", "A"),), 1)))
    approach = Rag(cite=True).fit((), rows(gold=True), replace(given, start=shown))
    assert approach == shown.with_passages("rag", approach.prompt.passages)  # type: ignore[arg-type]
    assert approach.hash != shown.hash
    turns = approach.prompt.render(rows(gold=True)[0].query(), shown.prompt.shots.examples)  # type: ignore[union-attr]
    assert [turn.content for turn in turns[1:3]] == ["Q?", "A"]


def test_solved_examples_are_dropped_where_the_answers_are_better_without(tmp_path: Path) -> None:
    given = work(tmp_path, lambda r: "x" if len(r.prompt) > 2 else r.id.split("-")[0])
    base = SystemPrompt().fit((), (), given)
    shown = replace(base, prompt=replace(base.prompt, shots=Shots((Example("s", "Q?", "A"),), 1)))
    found = Rag(cite=True).fit((), rows(gold=True), replace(given, start=shown))
    assert found.prompt.shots is None and found.prompt.passages is not None
    assert found.prompt.system == shown.prompt.system
    assert read_chosen(given.dir).endswith("without the solved examples")


def test_answers_carry_what_was_found_and_how_much_of_it_was_shown(tmp_path: Path) -> None:
    given = work(tmp_path, output="{labels: [cat, dog, tea, tax, car]}")
    approach = Rag(retrievers="hybrid", k=2, chunk_tokens=0).fit((), rows(gold=True), given)
    (prediction, *_) = approach.predict([e.query() for e in rows(gold=True)], given.models)
    assert prediction.id == "cat-0"
    assert len(prediction.sources) == 5 and prediction.sources[0] == "cat#1"
    assert (prediction.shown, prediction.left_out) == (2, 0)
    text = asked(given)[0].prompt[-1].content  # type: ignore[union-attr]
    assert text.startswith(f"Answer.\n\nUse the numbered passages below.\n\n[1] {PETS['cat']}\n\n[2] ")
    assert text.endswith("\n\nWhere does the cat sleep?") and "[3]" not in text


def test_settings_that_do_not_fit_the_context_are_not_chosen(tmp_path: Path) -> None:
    given = work(tmp_path, context=220, output="{labels: [cat, dog, tea, tax, car]}")
    approach = Rag(k=(2, 5), retrievers="bm25", chunk_tokens=0).fit((), rows(gold=True), given)
    assert approach.prompt.passages is not None and approach.prompt.passages.k == 2


def test_a_chunk_size_that_takes_too_long_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "seconds_to_embed", lambda corpus, embedder: 300.0)
    for minutes, sizes in ((4.0, {20}), (6.0, {20, 8})):
        given = work(tmp_path, output="{labels: [cat, dog, tea, tax, car]}")
        Rag(chunk_tokens=(20, 8), minutes=minutes).fit((), rows(gold=True), given)
        assert {s["chunk_tokens"] for s in told(given)["settings"]} == sizes
        assert len(told(given)["not_tried"]) == 2 - len(sizes)


def test_the_minutes_of_all_chunk_sizes_are_said_together_before_the_first_is_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trial, "seconds_to_embed", lambda corpus, embedder: 400.0)
    for sizes, said in (((20,), False), ((20, 8), True)):
        given = work(tmp_path, output="{labels: [cat, dog, tea, tax, car]}")
        caplog.clear()
        with caplog.at_level(logging.WARNING, "baselines.rag.trial"):
            Rag(chunk_tokens=sizes).fit((), rows(gold=True), given)
        text = "in chunks of 20 tokens and of 8 tokens will take about 13 minutes, once"
        assert (text in caplog.text) == said


def test_a_fit_that_is_repeated_gives_the_same_and_embeds_nothing(tmp_path: Path) -> None:
    given = work(tmp_path, output="{labels: [cat, dog, tea, tax, car]}")
    first = Rag().fit((), rows(gold=True), given)
    embedded: list[str] = []
    given.models.letters.watch = embedded.extend  # type: ignore[attr-defined]
    assert Rag().fit((), rows(gold=True), given) == first
    assert set(embedded) <= set(QUESTIONS.values())


def test_a_requirement_on_a_deeper_recall_keeps_more_ids(tmp_path: Path) -> None:
    given = work(tmp_path)
    asking = (*given.task.requirements, replace(given.task.requirements[0], metric="recall@40"))
    task = replace(given.task, requirements=asking)
    approach = Rag(cite=False, absent=None).fit((), rows(gold=True), replace(given, task=task))
    assert isinstance(approach, Prompted) and approach.prompt.passages is not None
    assert approach.prompt.passages.found == 40
