"""What an endpoint is sent for a grammar, and how its answer is opened again."""

from __future__ import annotations

from typing import Any

import pytest

from evals.errors import ModelError
from evals.models import Loader
from evals.models.response_format import opened, response_format
from evals.types import Completion, Json, Message, ModelRef, Request
from tests.evals.models.openai_server import Body, OpenAIServer, Say

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"enum": ["x"]}, "b": {"type": "array", "items": {"type": "integer"}}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
LABELS: dict[str, Json] = {"labels": ["good", "bad"]}


def strict(schema: Any) -> bool:
    return bool(response_format({"schema": schema})["json_schema"]["strict"])


def test_a_schema_goes_as_it_is_and_is_strict_where_it_leaves_nothing_open() -> None:
    sent = response_format({"schema": CLOSED})
    assert sent["type"] == "json_schema"
    assert sent["json_schema"] == {"name": "answer", "schema": CLOSED, "strict": True}
    assert not strict({**CLOSED, "required": ["a"]})
    assert not strict({key: value for key, value in CLOSED.items() if key != "additionalProperties"})
    assert not strict({**CLOSED, "properties": {**CLOSED["properties"], "b": {"type": "object"}}})
    assert response_format({"schema": True}) == {"type": "json_object"}


def test_labels_and_patterns_are_the_one_field_of_an_object() -> None:
    labels = response_format(LABELS)["json_schema"]
    assert labels["schema"]["properties"] == {"answer": {"type": "string", "enum": ["good", "bad"]}}
    assert labels["strict"]
    pattern = response_format({"regex": "a|b"})["json_schema"]["schema"]["properties"]["answer"]["pattern"]
    assert pattern == "^(?:a|b)$"
    with pytest.raises(ValueError, match="no grammar of the kind 'rhyme'"):
        response_format({"rhyme": "x"})


@pytest.mark.parametrize(
    ("grammar", "text", "answer"),
    [
        (LABELS, '{"answer": "good"}', "good"),
        ({"regex": "a+"}, '{"answer": "aa"}', "aa"),
        (LABELS, "good", "good"),
        (LABELS, '{"label": "good"}', '{"label": "good"}'),
        (LABELS, '{"answer": 3}', '{"answer": 3}'),
        ({"schema": CLOSED}, '{"answer": "good"}', '{"answer": "good"}'),
        (None, '{"answer": "good"}', '{"answer": "good"}'),
    ],
)
def test_an_answer_is_taken_out_of_its_object_and_left_where_there_is_none(
    grammar: dict[str, Json] | None, text: str, answer: str
) -> None:
    assert opened(grammar, text) == answer


CHAT = (Message("user", "hm"),)


def ask(server: OpenAIServer, *ids: str, prompt: Any = CHAT) -> list[Completion]:
    model = Loader(sleep=lambda seconds: None, jobs=1).open(ModelRef("toy", "endpoint", endpoint=server.url))
    return list(model.generate([Request(id, prompt, 8, grammar=LABELS) for id in ids]))


def test_an_endpoint_is_sent_the_format_and_its_label_comes_out() -> None:
    with OpenAIServer(always=Say(message='{"answer": "bad"}')) as server:
        (found,) = ask(server, "a")
    assert found.text == "bad"
    proof, asked = server.seen
    assert asked.body["response_format"] == response_format(LABELS)
    assert proof.body["messages"] == [{"role": "user", "content": "Name a colour."}]


def test_an_endpoint_that_refuses_the_format_says_so_at_once() -> None:
    refused = Say(400, "Unknown parameter: 'response_format'.")
    with OpenAIServer(always=refused) as server, pytest.raises(ModelError, match="Unknown") as caught:
        ask(server, *"abcdef")
    assert "does not hold answers to a format by response_format" in str(caught.value)
    assert len(server.seen) <= 2


def test_an_endpoint_that_pays_no_attention_to_the_format_is_found_out_before_a_row_is_asked() -> None:
    ignoring = Say(message='{"answer": "good"}', holds=False)
    with OpenAIServer(always=ignoring) as server, pytest.raises(ModelError) as caught:
        ask(server, *"abc")
    assert "takes response_format and pays no attention to it" in str(caught.value)
    assert len(server.seen) == 1


def test_a_proof_that_was_cut_off_shows_nothing_and_one_is_enough() -> None:
    with OpenAIServer([Say(finish="length", holds=False)], always=Say(message='{"answer": "bad"}')) as server:
        model = Loader(jobs=1).open(ModelRef("toy", "endpoint", endpoint=server.url))
        for id in "ab":
            (found,) = model.generate([Request(id, CHAT, 8, grammar=LABELS)])
            assert found.text == "bad"
    assert len(server.seen) == 3


def test_the_mere_wish_for_json_needs_no_proof() -> None:
    with OpenAIServer(always=Say(message="{}", holds=False)) as server:
        model = Loader(jobs=1).open(ModelRef("toy", "endpoint", endpoint=server.url))
        (found,) = model.generate([Request("a", CHAT, 8, grammar={"schema": True})])
    assert found.text == "{}" and len(server.seen) == 1


def test_once_it_was_held_a_refusal_is_that_rows_own() -> None:
    def rule(path: str, body: Body) -> Say | None:
        return Say(400, "odd text") if len(server.seen) == 3 else Say(message='{"answer": "good"}')

    with OpenAIServer(rule=rule) as server:
        found = ask(server, "a", "b", "c")
    assert [completion.finish for completion in found] == ["stop", "error", "stop"]


def test_plain_text_prompts_are_not_held() -> None:
    with OpenAIServer() as server, pytest.raises(ModelError, match="takes no response format"):
        ask(server, "a", prompt="hm")
