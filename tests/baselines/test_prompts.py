"""What the two asking rungs put in front of a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from baselines.prompts import SystemPrompt, ZeroShot, describe
from evals.models import Loader
from evals.task import OutputSpec, Task, load_task
from evals.types import Message, Query, Work

TASK = """
name: mood
model: smollm2-135m
data: {eval: rows.jsonl}
prompt: {instruction: Say the mood., template: "<{{ input }}> {{ channel }}", system: You are kind.}
output: {labels: [good, bad]}
generation: {max_tokens: 5, stop: ["\\n"]}
requirements: [{metric: label, at_least: 0.8, kind: quality}]
"""


def task(folder: Path) -> Task:
    (folder / "task.yaml").write_text(TASK)
    return load_task(folder / "task.yaml")


def work(task: Task, folder: Path) -> Work:
    return Work(folder, task, Loader(), grade=lambda pairs: 0.0)


QUERY = Query("1", "what a day", {"channel": "mail"})


def test_zero_shot_puts_the_instruction_above_the_input_in_one_message(tmp_path: Path) -> None:
    approach = ZeroShot().fit((), (), work(task(tmp_path), tmp_path))
    assert approach.prompt.render(QUERY) == (
        Message("system", "You are kind."),
        Message("user", "Say the mood.\n\n<what a day> mail"),
    )


def test_a_system_prompt_holds_the_users_words_the_instruction_and_the_format(tmp_path: Path) -> None:
    approach = SystemPrompt().fit((), (), work(task(tmp_path), tmp_path))
    system, user = approach.prompt.render(QUERY)
    assert user == Message("user", "<what a day> mail")
    assert system.content == (
        "You are kind.\n\nSay the mood.\n\n"
        "Answer with exactly one of these labels and nothing else:\n- good\n- bad"
    )


def test_the_decoder_is_the_tasks(tmp_path: Path) -> None:
    settings = work(task(tmp_path), tmp_path)
    decoder = ZeroShot().fit((), (), replace(settings, seed=7)).decoder
    assert (decoder.max_tokens, decoder.temperature, decoder.stop, decoder.seed) == (5, 0.0, ("\n",), 7)


def test_a_schema_is_described_field_by_field() -> None:
    schema = {
        "type": "object",
        "required": ["who", "when"],
        "properties": {
            "who": {"type": "string", "description": "full name"},
            "when": {"enum": ["now", 2, None]},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            "place": {"type": "object", "properties": {"city": {"type": "string"}}},
            "size": {"type": "number", "minimum": 1},
            "one": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "other": True,
        },
    }
    assert describe(OutputSpec("json", schema)).splitlines()[1:] == [
        "Its fields:",
        '- "who": a text (full name)',
        '- "when": one of "now", 2, null',
        '- "tags": a list, each item one of "a", "b", may be left out',
        '- "place": an object with "city": a text, may be left out',
        '- "size": a value of the JSON Schema {"type": "number", "minimum": 1}, may be left out',
        '- "one": a text or a list, each item a text, may be left out',
        '- "other": any value, may be left out',
    ]


def test_a_json_output_without_a_schema_asks_for_an_object_and_text_for_nothing() -> None:
    assert describe(OutputSpec("json")) == (
        "Answer with one JSON object and nothing else: no explanation, no code fence."
    )
    assert describe(OutputSpec("text")) == ""
