"""Read leniently: form is forgiven, and nothing that was not said is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.output import OutputSpec
from evals.types import Example, Finish, Prediction
from workbench.diagnosis.lenient import first_object, lenient, only_label, respelled

SCHEMA = {
    "type": "object",
    "properties": {
        "queue": {"enum": ["billing", "sales"]},
        "tags": {"type": "array", "items": {"enum": ["Late", "Lost"]}},
        "note": {"type": "string"},
    },
}
JSON, LABELS, TEXT = (
    OutputSpec("json", SCHEMA),
    OutputSpec("labels", labels=("refund", "no refund")),
    OutputSpec("text"),
)


def read(text: str, output: OutputSpec, gold: Any = "x", finish: Finish = "stop") -> Prediction:
    return lenient(Example("a", "?", gold), Prediction("a", text, finish), output)


@pytest.mark.parametrize(
    "text",
    [
        '{"queue": "billing"}',
        '```json\n{"queue": "billing"}\n```',
        'Sure! Here it is: {"queue": "billing"} Anything else?',
        '{"queue": "billing",}',
        '{"Queue": "Billing"}',
        ' \n{ "queue" : "billing" }\n\n{"queue": "sales"}',
        '{{broken} then {"queue": "billing"}',
    ],
)
def test_the_first_object_counts_whatever_stands_around_it(text: str) -> None:
    assert json.loads(read(text, JSON).text) == {"queue": "billing"}


def test_an_object_that_went_on_to_the_limit_counts_and_half_a_one_does_not() -> None:
    found = read('{"queue": "billing"}\n{"queue": "bil', JSON, finish="length")
    assert (found.text, found.finish) == ('{"queue": "billing"}', "stop")
    half = read('{"queue": "bil', JSON, finish="length")
    assert (half.text, half.finish) == ('{"queue": "bil', "length")


def test_values_are_kept_and_only_spelling_is_changed() -> None:
    value = {"QUEUE": "Billing", "tags": ["late", "other"], "note": "As Written", "more": 1}
    spelt = {"queue": "billing", "tags": ["Late", "other"], "note": "As Written", "more": 1}
    assert respelled(value, SCHEMA) == spelt
    assert respelled([1], SCHEMA) == [1] and respelled({"A": 1}, None) == {"A": 1}


def test_what_holds_no_object_stays_as_it_is() -> None:
    for text in ("", "no object", "{", "[" * 500, "{}"):
        assert read(text, JSON).text == text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The answer is REFUND.", "refund"),
        ("**No refund**, because it was worn.", "no refund"),
        ("refund or no refund?", None),
        ("refunds", None),
        ("", None),
    ],
)
def test_a_label_counts_where_it_alone_stands_in_the_text(text: str, label: str | None) -> None:
    assert only_label(text, LABELS.labels) == label


def test_a_text_counts_where_it_is_the_gold_answer_but_for_form() -> None:
    assert read("```\nParis.\n```", TEXT, "Paris").text == "Paris"
    assert read("The answer is: paris", TEXT, "Paris").text == "Paris"
    assert read("Paris, I believe", TEXT, "Paris").text == "Paris, I believe"


@pytest.mark.parametrize("finish", ["refused", "too_long", "error"])
def test_what_was_not_answered_is_not_read(finish: Finish) -> None:
    assert read('{"queue": "billing"}', JSON, finish=finish).finish == finish


@given(st.text(alphabet='{}[]",: ab1\\\n', max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    first_object(text)
    read(text, LABELS)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), min_size=1, max_size=4))
def test_an_object_within_prose_is_read_as_it_is(value: dict[str, Any]) -> None:
    assert first_object(f"Here: {json.dumps(value)} done") == value
