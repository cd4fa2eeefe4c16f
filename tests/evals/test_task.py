"""The task file: what it may say, what it means, and how a mistake is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from evals.asked import check_metrics
from evals.errors import TaskError
from evals.graders import build
from evals.task import GraderSpec, JudgeSpec, Prices, RungSpec, Task, load_task, task_schema
from evals.types import ModelRef, Requirement

MINIMAL = """\
name: tiny
model: smollm2-135m
data: {train: train.jsonl, test: test.jsonl}
prompt:
  instruction: Answer.
output: text
requirements:
  - {metric: exact, at_least: 0.9, kind: quality}
"""

EVERYTHING = """\
name: all-keys
description: every key of the contract
model: {endpoint: "https://api.example.com/v1", name: big, api_key_env: EXAMPLE_KEY}
stronger_model: bigger
tune_model: {name: smollm2-135m, dtype: float32, revision: main}
judge: {model: judge-model, labels: labels.jsonl, at_least: 0.7, prices: {input_per_million: 1}}
data:
  train: {hub: owner/name, config: small, split: train, revision: abc}
  eval: eval.csv
  documents: docs/
  preferences: preferences.jsonl
columns: {input: question, output: answer, group: customer}
prompt:
  instruction: Do it.
  template: "{{ input }} ({{ lang }})"
  system: You are careful.
  variants: [Do it well., Please do it.]
output:
  format: json
  schema: {type: object, properties: {a: {type: string}}}
generation: {max_tokens: 64, temperature: 0.5, stop: ["END"]}
graders: [valid_json, {name: json_fields, text: token_f1}]
requirements:
  - {metric: valid_json, at_least: 0.95, kind: format}
  - {metric: json_fields.a, at_least: 0.8, kind: quality, where: {lang: [de, at]}}
  - {metric: p95_seconds, at_most: 2, kind: latency, tier: advisory}
  - {metric: error_rate, at_most: 0.1, kind: quality}
  - {metric: forgetting_loss, at_most: 0.1, kind: forgetting}
confidence: 0.9
policy: point
looks: 2
ladder: [zero_shot, {name: few_shot, k: [2, 4]}, {stop: first}]
split_seed: 7
budget: {calls: 100, usd: 1.5, minutes: 10}
prices: {input_per_million: 0.15, output_per_million: 0.6, gpu_hour: 2}
calls_per_month: 20000
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Task]:
    def write(text: str) -> Task:
        (tmp_path / "task.yaml").write_text(text, encoding="utf-8")
        return load_task(tmp_path / "task.yaml")

    return write


@pytest.fixture
def failing(load: Callable[[str], Task]) -> Callable[[str], TaskError]:
    def fail(text: str) -> TaskError:
        with pytest.raises(TaskError) as caught:
            load(text)
        assert len(str(caught.value).splitlines()) <= 2
        return caught.value

    return fail


def test_a_minimal_task_is_completed_with_defaults(load: Callable[[str], Task]) -> None:
    task = load(MINIMAL)
    assert (task.confidence, task.policy, task.looks, task.split_seed) == (0.95, "confident", 4, 0)
    assert task.prompt.template == "{{ input }}"
    assert task.generation.max_tokens is None
    assert task.ladder is None
    assert task.model == ModelRef("smollm2-135m")
    assert task.requirements == (Requirement("exact", "quality", at_least=0.9),)


def test_every_key_of_the_contract_is_read(load: Callable[[str], Task]) -> None:
    task = load(EVERYTHING)
    assert task.model == ModelRef(
        "big", "endpoint", endpoint="https://api.example.com/v1", api_key_env="EXAMPLE_KEY"
    )
    assert task.tune_model == ModelRef("smollm2-135m", dtype="float32", revision="main")
    assert task.judge == JudgeSpec(ModelRef("judge-model"), "labels.jsonl", 0.7, Prices(1))
    assert task.data.train == "hub:owner/name:small@train#abc"
    assert (task.data.documents, task.data.preferences) == ("docs/", "preferences.jsonl")
    assert task.graders == (GraderSpec("valid_json"), GraderSpec("json_fields", {"text": "token_f1"}))
    assert task.ladder == (RungSpec("zero_shot"), RungSpec("few_shot", {"k": [2, 4]}))
    assert task.stop_first
    assert task.prompt.variants == ("Do it well.", "Please do it.")
    assert task.requirements[1].where == {"lang": ["de", "at"]}
    assert task.requirements[2].tier == "advisory"
    assert task.requirements[3].tier == "critical"
    assert task.requirements[4].tier == "advisory"
    assert (task.generation.max_tokens, task.generation.stop) == (64, ("END",))
    assert task.prices.gpu_hour == 2
    assert task.budget == {"calls": 100, "usd": 1.5, "minutes": 10}


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    schema = task_schema()
    Draft202012Validator.check_schema(schema)
    for name, part in schema["properties"].items():
        described = part.get("description") or schema["$defs"][part["$ref"].rsplit("/", 1)[1]].get(
            "description"
        )
        assert described, name


@pytest.mark.parametrize(
    ("output", "graders"),
    [
        ("text", ["exact"]),
        ("{labels: [yes, no]}", ["label"]),
        ("{format: json}", ["valid_json", "json_fields"]),
    ],
)
def test_graders_follow_from_the_output_when_none_are_named(
    load: Callable[[str], Task], output: str, graders: list[str]
) -> None:
    task = load(MINIMAL.replace("output: text", f"output: {output}"))
    assert [spec.name for spec in task.graders] == graders


def test_labels_are_words_even_where_yaml_has_its_own_idea_of_them(load: Callable[[str], Task]) -> None:
    assert load(MINIMAL.replace("output: text", "output: {labels: [yes, no, 3]}")).output.labels == (
        "yes",
        "no",
        "3",
    )


def test_a_local_model_path_starts_at_the_task_file(load: Callable[[str], Task], tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    for written in ("./weights", "weights"):
        assert load(MINIMAL.replace("smollm2-135m", written)).model.name == str(tmp_path / "weights")


@pytest.mark.parametrize(
    ("change", "line", "key", "says"),
    [
        (("model:", "modle:"), 2, "modle", "Did you mean 'model'?"),
        (("model: smollm2-135m\n", ""), 1, None, "the key 'model' is missing"),
        (("model: smollm2-135m", "model:"), 2, "model", "is left empty"),
        (("name: tiny", "name: [tiny]"), 1, "name", "must be text, not a list"),
        (("name: tiny", "name: ../evil"), 1, "name", "letters, digits"),
        (("test: test.jsonl", "test: test.jsonl, eval: e.jsonl"), 3, "data.test", "data.eval"),
        ((", test: test.jsonl", ""), 3, "data", "neither 'test' nor 'eval'"),
        (("train: train.jsonl, ", ""), 3, "data", "no rows to choose by"),
        (("instruction: Answer.", "instruction: ' '"), 5, "prompt.instruction", "not blank"),
        (("output: text", "output: jsn"), 6, "output", "must be text, {labels: [...]} or"),
        (("output: text", "output: {format: xml}"), 6, "output.format", "json or text"),
        (("at_least: 0.9", "at_least: 0.9, at_most: 0.5"), 8, "requirements[0]", "both at_least and at_most"),
        (("at_least: 0.9, ", ""), 8, "requirements[0]", "neither at_least nor at_most"),
        (("at_least: 0.9", "at_least: 90"), 8, "requirements[0].at_least", "between 0 and 1"),
        (("at_least: 0.9", "at_least: .nan"), 8, "requirements[0].at_least", "finite"),
        (("at_least: 0.9", "at_least: high"), 8, "requirements[0].at_least", "must be a number"),
        (("kind: quality", "kind: qualty"), 8, "requirements[0].kind", "Did you mean 'quality'?"),
        (("metric: exact", "metric: p95_seconds"), 8, "requirements[0].kind", "of kind latency"),
        (("kind: quality", "kind: latency"), 8, "requirements[0].metric", "no metric of kind latency"),
    ],
)
def test_a_mistake_is_named_with_line_key_and_what_is_allowed(
    failing: Callable[[str], TaskError], change: tuple[str, str], line: int, key: str | None, says: str
) -> None:
    error = failing(MINIMAL.replace(*change))
    assert (error.line, error.key) == (line, key)
    assert says in str(error)


@pytest.mark.parametrize(
    ("more", "key", "says"),
    [
        ("polcy: point", "polcy", "Did you mean 'policy'?"),
        ("policy: bold", "policy", "confident or point"),
        ("model: other", "model", "given twice (first on line 2)"),
        ("looks: 0", "looks", "at least 1"),
        ("looks: 2.5", "looks", "whole number"),
        ("confidence: 95", "confidence", "below 1"),
        ("generation: {max_tokens: many}", "generation.max_tokens", "auto or a whole number"),
        ("generation: {temperature: -1}", "generation.temperature", "at least 0"),
        ("ladder: defualt", "ladder", "must be default, a list of rungs"),
        ("graders: [exact, exact]", "graders[1]", "named twice"),
        ("graders: []", "graders", "at least 1"),
        ("columns: {inptu: q}", "columns.inptu", "Did you mean 'input'?"),
        ("budget: {call: 3}", "budget.call", "Did you mean 'calls'?"),
    ],
)
def test_a_mistake_in_an_optional_key_is_named_too(
    failing: Callable[[str], TaskError], more: str, key: str, says: str
) -> None:
    error = failing(f"{MINIMAL}{more}\n")
    assert (error.line, error.key) == (9, key)
    assert says in str(error)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("  - {metric: exact, at_most: 0.5, kind: quality}", "nothing can meet"),
        ("  - {metric: exact, at_least: 0.5, kind: quality}", "has an at_least already (line 8)"),
        ("  - {metric: p95_seconds, at_least: 1, kind: latency}", "less is better"),
        ("  - {metric: usd_per_1k, at_most: -1, kind: cost}", "never below 0"),
    ],
)
def test_requirements_that_make_no_sense_are_refused(
    failing: Callable[[str], TaskError], more: str, says: str
) -> None:
    error = failing(f"{MINIMAL}{more}\n")
    assert error.line == 9
    assert says in str(error)


def test_the_same_metric_may_be_asked_of_different_slices(load: Callable[[str], Task]) -> None:
    more = "  - {metric: exact, at_least: 0.5, kind: quality, where: {lang: de}}\n"
    assert len(load(MINIMAL + more).requirements) == 2


@pytest.mark.parametrize(
    "model",
    [
        '{endpoint: "https://x.example/v1", name: g, api_key_env: sk-abc-SECRET}',
        '{endpoint: "https://user:SECRET@x.example/v1", name: g}',
        '{endpoint: "https://x.example/v1", name: g, api_key: SECRET}',
    ],
)
def test_a_key_written_into_the_task_is_refused_and_not_repeated(
    failing: Callable[[str], TaskError], model: str
) -> None:
    error = failing(MINIMAL.replace("model: smollm2-135m", f"model: {model}"))
    assert error.line == 2
    assert "SECRET" not in str(error)


def test_a_template_that_names_the_output_is_refused_on_its_own_line(
    failing: Callable[[str], TaskError],
) -> None:
    text = MINIMAL.replace(
        "instruction: Answer.", "instruction: Answer.\n  template: |\n    Text:\n    {{ output }}"
    )
    error = failing(text)
    assert (error.line, error.key) == (8, "prompt.template")


def test_a_template_that_names_the_column_of_the_output_is_refused(
    failing: Callable[[str], TaskError],
) -> None:
    text = MINIMAL.replace("instruction: Answer.", "instruction: Answer.\n  template: '{{ answer }}'")
    assert "gives the answer away" in str(failing(text + "columns: {output: answer}\n"))


def test_a_metric_that_no_grader_gives_is_named_with_those_there_are(load: Callable[[str], Task]) -> None:
    task = load(MINIMAL.replace("metric: exact", "metric: exat"))
    with pytest.raises(
        TaskError,
        match=r"requirements\[0\]\.metric: no grader gives the metric 'exat'. Did you mean 'exact'?",
    ) as caught:
        check_metrics(task, build(task.graders, task.output))
    assert caught.value.line == 8


def test_grader_and_built_in_metrics_are_accepted(load: Callable[[str], Task]) -> None:
    task = load(EVERYTHING)
    check_metrics(task, build(task.graders, task.output))


def test_a_metric_of_retrieval_needs_documents(load: Callable[[str], Task]) -> None:
    asked = MINIMAL.replace("metric: exact", "metric: recall@5")
    task = load(asked)
    with pytest.raises(TaskError, match=r"'recall@5' needs documents.*\n.*data\.documents, and gold_doc_ids"):
        check_metrics(task, build(task.graders, task.output))
    task = load(asked.replace("test.jsonl}", "test.jsonl, documents: docs}"))
    check_metrics(task, build(task.graders, task.output))


def test_the_identity_covers_what_answers_depend_on_and_nothing_else(load: Callable[[str], Task]) -> None:
    before = load(MINIMAL).identity()
    outside = ["description: new", "confidence: 0.8", "looks: 9", "policy: point", "prices: {gpu_hour: 1}"]
    assert all(load(f"{MINIMAL}{more}\n").identity() == before for more in outside)
    assert load(MINIMAL.replace("0.9", "0.8")).identity() == before
    inside = ["split_seed: 1", "generation: {max_tokens: 9}", "columns: {input: q}", "ladder: [zero_shot]"]
    assert all(load(f"{MINIMAL}{more}\n").identity() != before for more in inside)
    assert load(MINIMAL.replace("Answer.", "Reply.")).identity() != before
    assert load(MINIMAL.replace("smollm2-135m", "other")).identity() != before
    json.dumps(before)


def test_the_identity_follows_the_content_of_the_schema_file(
    load: Callable[[str], Task], tmp_path: Path
) -> None:
    text = MINIMAL.replace("output: text", "output: {format: json, schema: s.json}")
    (tmp_path / "s.json").write_text('{"type": "object"}')
    before = load(text).identity()
    (tmp_path / "s.json").write_text('{"type": "array"}')
    assert load(text).identity() != before


def test_the_task_as_used_can_be_read_where_its_files_are_not(
    load: Callable[[str], Task], tmp_path: Path
) -> None:
    (tmp_path / "s.json").write_text('{"type": "object", "title": "für \\"alle\\" # ü"}')
    task = load(MINIMAL.replace("output: text", "output: {format: json, schema: s.json}  # the form"))
    elsewhere = tmp_path / "run" / "task.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(task.as_used(), encoding="utf-8")
    again = load_task(elsewhere)
    assert again.output == task.output
    assert again.identity() == task.identity()
    assert "# the form" in again.text
    assert load(MINIMAL).as_used() == MINIMAL
