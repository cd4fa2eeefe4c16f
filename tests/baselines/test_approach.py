"""An approach is a value: saved, loaded, hashed; retrieved shots are the nearest, the nearest last."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted, Shots, load, nearest_examples, save
from evals.errors import RunError
from evals.models import Loader
from evals.types import Example, ModelRef, Query
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


def test_rows_that_are_done_are_not_asked_again() -> None:
    models = ScriptedModels(Scripted(lambda request: "x"))
    queries = [Query("a", "one"), Query("b", "two")]
    assert [p.id for p in BASE.predict(queries, models, {"a"})] == ["b"]
