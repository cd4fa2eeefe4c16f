"""The gold passages in the prompt: which they are, and what they show."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from baselines.rag.chunks import Chunking
from baselines.rag.corpus import Corpus, make_corpus, open_corpus
from baselines.rag.passages import Passages
from evals.models import Loader
from evals.types import Completion, Decision, Example, ModelRef, Request
from tests.scripted import Scripted, ScriptedModels
from workbench.assess import assess
from workbench.diagnosis.oracle import WithGold, gold_passages
from workbench.runs import Scope
from workbench.session import Plan

NAMES = [f"{a}{b}" for a in ("Al", "Bo", "Cy", "Da", "El") for b in ("dor", "nes", "tha", "vik")]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))


def cities(folder: Path, **keys: Any) -> Path:
    """Codes of cities stand in the documents; the questions name a city by a nickname that is in none of
    them, beside another city's name, so that the words of a question lead astray."""
    (folder / "docs").mkdir()
    for n, name in enumerate(NAMES):
        (folder / "docs" / f"{name}.md").write_text(f"# {name}\n\nThe code of {name} is {name[:2]}{n}00.\n")
    for split in ("dev", "test"):
        lines = [
            {
                "id": f"{split}-{n}",
                "input": f"{split}: code of the {'x' * (n + 2)} one, not of {NAMES[n - 1]}?",
            }
            | {"output": f"{name[:2]}{n}00", "gold_doc_ids": [f"{name}.md"]}
            for n, name in enumerate(NAMES)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    task = {
        "name": "codes",
        "model": "any",
        "data": {"dev": "dev.jsonl", "test": "test.jsonl", "documents": "docs"},
        "prompt": {"instruction": "Give the code."},
        "output": "text",
        "requirements": [{"metric": "exact", "at_least": 0.9, "kind": "quality"}],
        "ladder": [{"name": "zero_shot"}, {"name": "rag", "retrievers": "bm25", "k": 1}],
        **keys,
    }
    (folder / "task.yaml").write_text(json.dumps(task))
    return folder / "task.yaml"


def decide(task: Path, answer: Any, kind: type[Scripted] = Scripted) -> Decision:
    plan = Plan(task, task.parent / "runs", Scope())
    return assess(plan, ScriptedModels(kind(answer)))[1]


class CutOff(Scripted):
    """Comes to the end of its tokens in every answer."""

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        return (replace(said, finish="length") for said in super().generate(requests, done))


def reads(request: Request) -> str:
    """A reader that gives the first code it is shown."""
    found = re.search(r"\[1\].*?([A-Z][a-z]\d+00)", str(request.prompt))
    return found[1] if found else "unknown"


def test_retrieval_that_misses_is_the_cause_and_is_fixed_before_tuning(tmp_path: Path) -> None:
    decision = decide(cities(tmp_path), reads)
    (told,) = [s for s in decision.diagnosis if s.startswith("Retrieval (rag)")]
    assert "misses the gold passage on 100 % of 20 dev rows with gold ids" in told
    assert "with it, exact rises from 0.00 to 1.00 [+0.66, +1.00]: fix retrieval before tuning." in told
    assert (decision.verdict, decision.recommendation["action"]) == ("stop", "fix_retrieval")
    assert "Stop and fix retrieval" in decision.headline


def test_a_reader_that_cannot_read_rules_retrieval_out(tmp_path: Path) -> None:
    decision = decide(cities(tmp_path), lambda request: "unknown")
    (told,) = [s for s in decision.diagnosis if s.startswith("Retrieval (rag)")]
    assert "retrieval is not what keeps it below 0.9" in told
    assert decision.recommendation["action"] != "fix_retrieval"


def test_answers_that_are_cut_off_do_not_rule_retrieval_out(tmp_path: Path) -> None:
    decision = decide(cities(tmp_path), lambda request: "unknown", CutOff)
    (told,) = [s for s in decision.diagnosis if s.startswith("Retrieval (rag)")]
    assert told.endswith("most answers are cut off at max_tokens, so this cannot tell.")
    assert "better retrieval" not in str(decision.recommendation["why"])


def test_without_a_rung_that_retrieves_the_passages_are_shown_to_the_best(tmp_path: Path) -> None:
    decision = decide(cities(tmp_path, ladder=["zero_shot"]), reads)
    told = "With the gold passages in its prompt, zero_shot's exact rises from 0.00 to 1.00"
    assert any(s.startswith(told) and "retrieve from the documents" in s for s in decision.diagnosis)
    assert decision.recommendation["action"] == "fix_retrieval"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    (tmp_path / "in").mkdir()
    long = "\n\n".join(f"Paragraph {n} tells of thing{n} and of nothing else at all." for n in range(40))
    (tmp_path / "in" / "long.md").write_text(long)
    (tmp_path / "in" / "short.md").write_text("A short one about thing99.")
    return open_corpus(make_corpus(tmp_path / "in", Chunking(24, 0), Loader()).corpus)


def approach(corpus: Corpus, k: int) -> Prompted:
    prompt = Prompt("{{ input }}", passages=Passages(corpus.id, "bm25", k))
    return Prompted("rag", ModelRef("any"), prompt, Decoder(10))


def test_passages_that_hold_the_answer_come_first_and_others_as_found(corpus: Corpus) -> None:
    row = Example("a", "which?", "thing30", gold_doc_ids=("long.md",))
    found = {"a": ["short.md#1", "long.md#7", "long.md#3"]}
    given = gold_passages(approach(corpus, 3), [row], found, corpus)["a"]
    assert "thing30" in given[0].text
    assert [d.id for d in given[1:]] == ["long.md#7", "long.md#3"]


def test_every_gold_document_has_a_passage_however_few_are_shown(corpus: Corpus) -> None:
    row = Example("a", "which?", "none of it", gold_doc_ids=("long.md", "short.md"))
    given = gold_passages(approach(corpus, 1), [row], {}, corpus)["a"]
    assert [d.id for d in given] == ["long.md#1", "short.md#1"]


def test_a_gold_id_may_name_a_chunk_and_unknown_ones_leave_the_row_out(corpus: Corpus) -> None:
    rows = [
        Example("a", "?", "x", gold_doc_ids=("long.md#5",)),
        Example("b", "?", "x", gold_doc_ids=("elsewhere.md",)),
        Example("c", "?", "x"),
    ]
    given = gold_passages(approach(corpus, 3), rows, {}, corpus)
    assert {id: [d.id for d in found] for id, found in given.items()} == {"a": ["long.md#5"]}


def test_the_arm_asks_with_the_given_passages_and_another_hash(corpus: Corpus) -> None:
    row = Example("a", "which?", "thing30", gold_doc_ids=("long.md",))
    plain = approach(corpus, 1)
    arm = WithGold(plain, gold_passages(plain, [row], {}, corpus))
    model = Scripted(reads)
    (said,) = arm.predict([row.query()], ScriptedModels(model))
    assert said.sources[0].startswith("long.md#") and "thing30" in str(model.asked[0].prompt)
    assert arm.hash != plain.hash and arm.name == "rag"
