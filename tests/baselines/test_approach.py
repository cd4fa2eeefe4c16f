"""An approach is a value: saved, loaded, hashed; retrieved shots are the nearest, the nearest last."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted, Shots, load, nearest_examples, save
from baselines.rag.chunks import Chunking
from baselines.rag.corpus import CHUNKS, home, make_corpus
from baselines.rag.passages import Passages
from evals.errors import RunError
from evals.models import Loader
from evals.types import Document, Example, ModelRef, Query
from tests.scripted import Scripted, ScriptedModels

POOL = (
    Example("cat", "The cat sleeps on the warm sofa.", "animal"),
    Example("car", "My car needs new brakes and tyres.", "vehicle"),
    Example("tea", "Boil water and add two spoons of tea.", {"kind": "food"}),
)
BASE = Prompted("base", ModelRef("m"), Prompt("{{ input }}", system="Sort."), Decoder(8))


def with_shots(shots: Shots) -> Prompted:
    return replace(BASE, name="shown", prompt=replace(BASE.prompt, shots=shots))


@pytest.mark.parametrize("approach", [BASE, with_shots(Shots(POOL, 3)), with_shots(Shots(POOL, 2, "minilm"))])
def test_a_saved_approach_is_the_same_value_when_loaded(approach: Prompted, tmp_path: Path) -> None:
    save(approach, tmp_path)
    assert load(tmp_path) == approach
    assert load(tmp_path).hash == approach.hash


def test_the_hash_covers_what_is_asked_and_not_the_name() -> None:
    assert replace(BASE, name="other").hash == BASE.hash
    assert replace(BASE, decoder=Decoder(9)).hash != BASE.hash
    assert with_shots(Shots(POOL, 3)).hash != with_shots(Shots(POOL[::-1], 3)).hash


def test_a_changed_spec_is_refused(tmp_path: Path) -> None:
    save(BASE, tmp_path)
    spec = json.loads((tmp_path / "spec.json").read_text())
    spec["decoder"]["max_tokens"] = 80
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(RunError, match="does not match its own hash"):
        load(tmp_path)


def test_a_spec_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    save(BASE, tmp_path)
    spec = json.loads((tmp_path / "spec.json").read_text())
    (tmp_path / "spec.json").write_text(json.dumps({**spec, "version": 99}))
    with pytest.raises(RunError, match=r"version 99.*\n.*wb assess"):
        load(tmp_path)


def test_the_nearest_examples_come_nearest_first() -> None:
    found = nearest_examples(
        Loader().embedder("minilm"), POOL, ["A kitten naps on a couch", "How do I brew green tea?"], 2
    )
    assert [row[0] for row in found] == [0, 2]
    assert all(len(row) == 2 for row in found)


def test_retrieved_shots_stand_in_the_prompt_with_the_nearest_next_to_the_question() -> None:
    models = ScriptedModels(Scripted(lambda request: "animal"))
    approach = with_shots(Shots(POOL, 2, "minilm"))
    (prediction,) = approach.predict([Query("q", "A kitten naps on a couch")], models)
    assert (prediction.id, prediction.text) == ("q", "animal")
    prompt = models.model.asked[0].prompt
    assert isinstance(prompt, tuple)
    assert [m.role for m in prompt] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert prompt[3].content == POOL[0].input
    assert prompt[4].content == "animal"
    turned = with_shots(Shots(POOL, 2, "minilm", nearest="first"))
    shown = turned.prompts([Query("q", "A kitten naps on a couch")], models)["q"]
    assert [shown[1:3], shown[3:5]] == [prompt[3:5], prompt[1:3]]
    assert turned.hash != approach.hash


@pytest.mark.parametrize("retrieve", ["minilm", None])
def test_a_barred_shot_is_not_shown_and_the_next_nearest_takes_its_place(retrieve: str | None) -> None:
    approach = with_shots(Shots(POOL, 2, retrieve))
    queries = [Query("q", "A kitten naps on a couch"), Query("free", "A kitten naps on a couch")]
    prompts = approach.prompts(queries, ScriptedModels(Scripted(lambda request: "")), {"q": {0}})
    shown = {
        id: [turn.content for turn in prompt if turn.role == "user"][:-1] for id, prompt in prompts.items()
    }
    assert POOL[0].input in shown["free"] and POOL[0].input not in shown["q"]
    assert len(shown["q"]) == (2 if retrieve else len(POOL) - 1)


def test_rows_that_are_done_are_not_asked_again() -> None:
    models = ScriptedModels(Scripted(lambda request: "x"))
    queries = [Query("a", "one"), Query("b", "two")]
    assert [p.id for p in BASE.predict(queries, models, {"a"})] == ["b"]


@pytest.fixture
def retrieving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prompted:
    """An approach that retrieves from three documents, in a cache of its own."""
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "documents.jsonl"
    path.write_text("".join(json.dumps({"id": e.id, "text": e.input}) + "\n" for e in POOL))
    corpus = make_corpus(path, Chunking(None, 0), Loader()).corpus
    return BASE.with_passages("rag", Passages(corpus, "bm25", 1, instruction="Look it up."))


def asked(models: ScriptedModels) -> list[str]:
    """The user's turn of every request."""
    return [request.prompt[-1].content for request in models.model.asked]  # type: ignore[union-attr]


def test_passages_stand_between_the_instruction_and_the_question(retrieving: Prompted) -> None:
    models = ScriptedModels(Scripted(lambda request: "x"))
    (prediction,) = retrieving.predict([Query("q", "new brakes for a car")], models)
    assert asked(models) == [f"Look it up.\n\n[1] {POOL[1].input}\n\nnew brakes for a car"]
    assert (prediction.sources[0], prediction.shown, prediction.left_out) == ("car#1", 1, 0)


def test_documents_that_a_query_brings_stand_in_place_of_what_would_be_found(retrieving: Prompted) -> None:
    models = ScriptedModels(Scripted(lambda request: "x"))
    own = (Document("gold", "Take the tram."), Document("other", "Or walk."))
    queries = [Query("oracle", "new brakes", documents=own), Query("usual", "new brakes")]
    oracle, usual = retrieving.predict(queries, models)
    assert (oracle.sources, oracle.shown) == (("gold", "other"), 2)
    assert "[1] Take the tram.\n\n[2] Or walk." in asked(models)[0]
    assert usual.sources == ("car#1",)
    (bare,) = BASE.predict([Query("oracle", "new brakes", documents=own)], models)
    assert (bare.sources, bare.shown) == (("gold", "other"), 2)
    assert "Use the numbered passages below.\n\n[1] Take the tram." in asked(models)[-1]


def test_what_does_not_fit_the_context_is_counted(retrieving: Prompted) -> None:
    models = ScriptedModels(Scripted(lambda request: "x", context=150))
    own = tuple(Document(f"d{n}", "word " * 8) for n in range(5))
    (prediction,) = retrieving.predict([Query("q", "new brakes", documents=own)], models)
    assert prediction.shown + prediction.left_out == 5 and 0 < prediction.shown < 5
    assert models.model.count(models.model.asked[0].prompt) <= 150 - 8


def test_a_saved_approach_carries_what_it_retrieves_from(retrieving: Prompted, tmp_path: Path) -> None:
    save(retrieving, tmp_path / "spec")
    corpus = retrieving.prompt.passages.corpus  # type: ignore[union-attr]
    shutil.rmtree(home())
    assert load(tmp_path / "spec") == retrieving
    assert (home() / corpus / CHUNKS).is_file()
    models = ScriptedModels(Scripted(lambda request: "x"))
    (prediction,) = retrieving.predict([Query("q", "two spoons of tea")], models)
    assert prediction.sources[0] == "tea#1"


def test_an_approach_whose_chunks_are_damaged_is_refused(retrieving: Prompted, tmp_path: Path) -> None:
    save(retrieving, tmp_path / "spec")
    (tmp_path / "spec" / CHUNKS).unlink()
    (tmp_path / "spec" / CHUNKS).write_text("{}")
    shutil.rmtree(home())
    with pytest.raises(RunError, match=r"chunks.jsonl: is missing or damaged"):
        load(tmp_path / "spec")
