"""Answers held to a grammar, in the same waves as free ones."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from evals.errors import ModelError
from evals.models.local import LocalModel
from evals.types import Completion, Json, Request

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {
        "queue": {"enum": ["billing", "delivery", "account"]},
        "urgent": {"type": "boolean"},
        "days": {"type": "integer"},
    },
    "required": ["queue", "urgent", "days"],
    "additionalProperties": False,
}
TEXTS = [
    "My parcel is five days late, please hurry.",
    "I was charged twice in May.",
    "How do I change my password?",
    "Nothing has come yet. It has been two weeks!",
]


def requests(grammar: dict[str, Json] | None) -> list[Request]:
    return [Request(f"{i}", f"Message: {text}\nRecord:", 40, grammar=grammar) for i, text in enumerate(TEXTS)]


def answers(model: LocalModel, asked: list[Request]) -> dict[str, Completion]:
    return {c.id: c for c in model.generate(asked)}


def test_every_answer_is_valid_and_ends_by_itself(smollm: LocalModel) -> None:
    got = answers(smollm, requests({"schema": SCHEMA}))
    for answer in got.values():
        assert answer.finish == "stop"
        jsonschema.validate(json.loads(answer.text), SCHEMA)


def test_free_answers_are_the_same_beside_held_ones(smollm: LocalModel) -> None:
    free = [replace(r, id=f"free {r.id}") for r in requests(None)]
    alone = answers(smollm, free)
    mixed = answers(smollm, [*requests({"schema": SCHEMA}), *free, *requests_with_labels()])
    assert {k: v.text for k, v in mixed.items() if k in alone} == {k: v.text for k, v in alone.items()}
    assert all(mixed[r.id].text in ("urgent", "not urgent") for r in requests_with_labels())


def requests_with_labels() -> list[Request]:
    return [replace(r, id=f"label {r.id}") for r in requests({"labels": ["urgent", "not urgent"]})]


def test_forced_tokens_written_together_leave_the_answer_valid(
    smollm: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = answers(smollm, requests({"schema": SCHEMA}))
    monkeypatch.setattr("evals.models.engine.rows.JUMP", False)
    single = answers(smollm, requests({"schema": SCHEMA}))
    for answer in (*together.values(), *single.values()):
        jsonschema.validate(json.loads(answer.text), SCHEMA)


def test_one_label_takes_no_computing_and_a_limit_cuts_a_held_answer(smollm: LocalModel) -> None:
    one = answers(smollm, [Request("a", "Say it:", 8, grammar={"labels": ["certainly"]})])["a"]
    assert (one.text, one.finish) == ("certainly", "stop")
    cut = answers(smollm, [replace(requests({"schema": SCHEMA})[0], max_tokens=3)])["0"]
    assert cut.finish == "length" and cut.usage.tokens_out == 3


def test_a_regex_is_matched_and_sampling_stays_inside(smollm: LocalModel) -> None:
    date = {"regex": r"20\d\d-(0[1-9]|1[0-2])"}
    hot = [replace(r, temperature=1.5, seed=s, id=f"{r.id}-{s}") for r in requests(date) for s in (0, 1)]
    got = answers(smollm, hot)
    assert all(len(a.text) == 7 and a.text.startswith("20") for a in got.values())
    assert {k: v.text for k, v in answers(smollm, hot[:3]).items()} == {r.id: got[r.id].text for r in hot[:3]}


def test_a_grammar_that_cannot_be_held_is_an_error_before_anything_runs(smollm: LocalModel) -> None:
    asked = [*requests(None), Request("bad", "x", 4, grammar={"regex": "("})]
    with pytest.raises(ModelError):
        next(iter(smollm.generate(asked)))
