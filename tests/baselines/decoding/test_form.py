"""What a form refuses, what keeps a model to it, and which answers are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.decoding.form import Form, form_of
from evals.store import plain, revive
from evals.task import load_task

SCHEMA = {
    "type": "object",
    "properties": {"b": {"enum": ["x", "y"]}, "a": {"type": "integer"}},
    "required": ["b"],
}
LABELS = Form.of("labels", ["good", "bad"])
NUMBER = Form.of("number", {})


@pytest.mark.parametrize(
    ("form", "text", "says"),
    [
        (Form.of("schema", SCHEMA), '{"b": "z"}', "b: 'z' is not one of ['x', 'y']"),
        (Form.of("schema", SCHEMA), 'Sure: {"b": "x"}', "text before the JSON"),
        (Form.of("schema", SCHEMA), "", "empty answer"),
        (Form.of("schema", True), "[1", "not JSON"),
        (LABELS, "fine", "not in the list of labels: 'fine'"),
        (LABELS, " ", "empty answer"),
        (Form.of("regex", r"\d{4}"), "no. 1234", r"does not match \d{4}"),
        (NUMBER, "many", "no number"),
    ],
)
def test_a_fault_is_said_in_a_few_words(form: Form, text: str, says: str) -> None:
    assert says in form.fault(text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Form.of("schema", SCHEMA), '{"b": "x", "a": 3}'),
        (Form.of("schema", True), "[1]"),
        (LABELS, '"Good".'),
        (Form.of("regex", r"\d{4}"), " 1234\n"),
        (NUMBER, "so it is 12 apples"),
        (Form("text"), "anything at all"),
        (Form("text"), ""),
    ],
)
def test_what_graders_take_has_no_fault(form: Form, text: str) -> None:
    assert form.fault(text) == ""


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (Form.of("schema", SCHEMA), '{"b": "x", "a": 3}', '{"a":3,"b":"x"}'),
        (LABELS, "Good", '"good".'),
        (NUMBER, "3 and 4 are 7, so #### 7", "The answer is 7.0"),
        (Form("text"), "Paris.", "paris"),
        (Form.of("text", "squad"), "The U.S.A.", "usa"),
        (Form.of("text", "letters"), "Paris ", "paris"),
        (Form.of("schema", True), '{"c": "Paris", "n": [1, 2]}', '{"n": [2.0, 1], "c": "paris"}'),
        (LABELS, "no idea", "No idea!"),
    ],
)
def test_the_same_answer_in_other_words_is_the_same(form: Form, one: str, other: str) -> None:
    assert form.same(one) == form.same(other)


def test_answers_that_say_something_else_differ_and_a_wrong_one_is_never_a_right_one() -> None:
    assert NUMBER.same("7") != NUMBER.same("8")
    assert Form.of("schema", SCHEMA).same('{"b": "x"}') != Form.of("schema", SCHEMA).same('{"b": "y"}')
    assert Form.of("schema", SCHEMA).same('{"b": "x", "a": 1}') != Form.of("schema", SCHEMA).same(
        '{"b": "X", "a": 1}'
    )
    assert Form.of("schema", True).same("[1]") != Form.of("schema", True).same("[true]")
    assert Form.of("text", "exact").same("Paris") != Form.of("text", "exact").same("paris")
    assert LABELS.same("good") != Form.of("labels", ["bad", "worse"]).same("good")


def test_the_order_of_properties_survives_a_spec() -> None:
    form = Form.of("schema", SCHEMA)
    again: Form = revive(Form, plain(form))
    assert again == form
    assert list(again.grammar["schema"]["properties"]) == ["b", "a"]  # type: ignore[index, call-overload, arg-type]
    turned = Form.of("schema", {**SCHEMA, "properties": dict(reversed(SCHEMA["properties"].items()))})  # type: ignore[attr-defined]
    assert turned != form


def test_numbers_and_free_text_have_no_grammar() -> None:
    assert NUMBER.grammar is None and Form("text").grammar is None
    assert LABELS.grammar == {"labels": ["good", "bad"]}


TASK = """
name: t
model: m
data: {eval: rows.jsonl}
prompt: {instruction: Say it.}
"""


@pytest.mark.parametrize(
    ("more", "form"),
    [
        ("output: {labels: [a, b]}\nrequirements: [{metric: label, at_least: 1, kind: quality}]", "labels"),
        (
            "output: {format: json}\nrequirements: [{metric: json_fields, at_least: 1, kind: quality}]",
            "schema",
        ),
        ("output: text\nrequirements: [{metric: exact, at_least: 1, kind: quality}]", "text"),
        (
            "output: text\ngraders: [numeric]\nrequirements: [{metric: numeric, at_least: 1, kind: quality}]",
            "number",
        ),
        (
            "output: text\ngraders: [exact, {name: regex, pattern: 'a+'}]\n"
            "requirements: [{metric: regex, at_least: 1, kind: format}]",
            "regex",
        ),
        (
            "output: text\ngraders: [exact, {name: regex, pattern: 'a+', match: search}]\n"
            "requirements: [{metric: regex, at_least: 1, kind: format}]",
            "text",
        ),
        (
            "output: text\ngraders: [exact, {name: regex, pattern: 'a+', not: true}]\n"
            "requirements: [{metric: regex, at_least: 1, kind: format}]",
            "text",
        ),
    ],
)
def test_a_tasks_form_is_read_from_its_output_and_requirements(more: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(TASK + more)
    assert form_of(load_task(tmp_path / "task.yaml")).kind == form


def test_json_that_is_compared_by_field_is_an_object(tmp_path: Path) -> None:
    text = "output: {format: json}\nrequirements: [{metric: json_fields, at_least: 1, kind: quality}]"
    (tmp_path / "task.yaml").write_text(TASK + text)
    form = form_of(load_task(tmp_path / "task.yaml"))
    assert form.fault("[]") and not form.fault("{}")


@pytest.mark.parametrize(
    ("grader", "metric", "alike"),
    [
        ("exact", "exact", '"exact"'),
        ("{name: exact, ignore_case: true}", "exact", '"letters"'),
        ("{name: exact, normalise: true}", "exact", "null"),
        ("{name: equals, value: x}", "equals", '"exact"'),
        ("squad_exact", "squad_exact", '"squad"'),
        ("token_f1", "token_f1", "null"),
    ],
)
def test_free_texts_are_compared_as_their_grader_does(
    grader: str, metric: str, alike: str, tmp_path: Path
) -> None:
    required = f"requirements: [{{metric: {metric}, at_least: 1, kind: quality}}]"
    (tmp_path / "task.yaml").write_text(f"{TASK}output: text\ngraders: [{grader}]\n{required}")
    form = form_of(load_task(tmp_path / "task.yaml"))
    assert (form.kind, form.rule) == ("text", alike)
