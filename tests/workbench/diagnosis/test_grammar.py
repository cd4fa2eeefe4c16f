"""The arm that holds the answer to a grammar asks the same with one thing more."""

from __future__ import annotations

from dataclasses import replace

from baselines.approach import Decoder, Prompt, Prompted
from baselines.decoding.form import Form
from evals.models import Loader
from evals.models.local import LocalModel
from evals.types import ModelRef, Query
from tests.scripted import Scripted, ScriptedModels
from workbench.diagnosis.grammar import held

APPROACH = Prompted(
    "zero_shot", ModelRef("smollm2-135m", dtype="float32"), Prompt("{{ input }}"), Decoder(12)
)


def test_a_held_approach_differs_in_the_grammar_alone() -> None:
    approach, model = held(APPROACH, Form.of("labels", ["a", "b"])), Scripted(lambda request: "a")
    query = Query("1", "say a")
    list(approach.predict([query], ScriptedModels(model)))
    list(APPROACH.predict([query], ScriptedModels(model)))
    assert model.asked[0].grammar == {"labels": ["a", "b"]}
    assert replace(model.asked[0], grammar=None) == model.asked[1]
    assert approach.hash != APPROACH.hash
    assert approach.hash != held(APPROACH, Form.of("labels", ["a", "c"])).hash


def test_the_real_model_keeps_to_it(models: Loader, smollm: LocalModel) -> None:
    approach = held(APPROACH, Form.of("labels", ["calm", "angry"]))
    answers = list(approach.predict([Query(str(n), f"How do I feel? Message {n}") for n in range(3)], models))
    assert all(answer.text in ("calm", "angry") for answer in answers)
