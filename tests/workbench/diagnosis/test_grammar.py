"""The arm that holds the answer to a grammar asks the same with one thing more."""

from __future__ import annotations

from dataclasses import replace

from baselines.approach import Decoder, Prompt, Prompted
from evals.models import Loader
from evals.models.local import LocalModel
from evals.output import OutputSpec
from evals.types import ModelRef, Query
from tests.scripted import Scripted, ScriptedModels
from workbench.diagnosis.grammar import Held, grammar_of

APPROACH = Prompted(
    "zero_shot", ModelRef("smollm2-135m", dtype="float32"), Prompt("{{ input }}"), Decoder(12)
)


def test_the_grammar_is_that_of_the_task_s_answers() -> None:
    assert grammar_of(OutputSpec("labels", labels=("a", "b"))) == {"labels": ["a", "b"]}
    assert grammar_of(OutputSpec("json", {"type": "object"})) == {"schema": {"type": "object"}}
    assert grammar_of(OutputSpec("json")) == {"schema": {"type": "object"}}
    assert grammar_of(OutputSpec("text")) is None


def test_a_held_approach_differs_in_the_grammar_alone() -> None:
    held, model = Held(APPROACH, {"labels": ["a", "b"]}), Scripted(lambda request: "a")
    query = Query("1", "say a")
    list(held.predict([query], ScriptedModels(model)))
    list(APPROACH.predict([query], ScriptedModels(model)))
    assert model.asked[0].grammar == {"labels": ["a", "b"]}
    assert replace(model.asked[0], grammar=None) == model.asked[1]
    assert held.hash != APPROACH.hash
    assert held.hash != Held(APPROACH, {"labels": ["a", "c"]}).hash


def test_the_real_model_keeps_to_it(models: Loader, smollm: LocalModel) -> None:
    held = Held(APPROACH, {"labels": ["calm", "angry"]})
    answers = list(held.predict([Query(str(n), f"How do I feel? Message {n}") for n in range(3)], models))
    assert all(answer.text in ("calm", "angry") for answer in answers)
