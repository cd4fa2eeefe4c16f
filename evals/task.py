"""A task file read in one place: validated, completed with defaults, answered with precise errors.

`load_task` gives a frozen `Task`. What JSON Schema can say is in schemas/task.schema.json; what it
cannot (two keys that exclude each other, thresholds that nothing can meet, a template that names
the answer, the files a task names) is checked here. Whether graders give the metrics that the
requirements name is asked after the graders are built: `evals.asked`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

from evals.errors import TaskError
from evals.output import OutputSpec, read_output
from evals.requirements import read_requirements
from evals.store import plain
from evals.template import Template
from evals.types import ModelRef, Requirement
from evals.validate import validate
from evals.yamlfile import YamlFile, join_key, read_yaml

DEFAULT_GRADERS: Mapping[str, tuple[str, ...]] = {
    "json": ("valid_json", "json_fields"),
    "labels": ("label",),
    "text": ("exact",),
}
"""What scores an output whose task names no graders."""
DEFAULT = "default"
"""Stands in a ladder for all rungs that apply."""


@dataclass(frozen=True)
class GraderSpec:
    """A grader's name and the options it is built with."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RungSpec:
    """A rung's name and the options it is built with."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PromptSpec:
    """The user's words. `template` is Jinja source, `variants` other wordings of the instruction."""

    instruction: str
    template: str = "{{ input }}"
    system: str | None = None
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Generation:
    """How answers are generated. `max_tokens` None is auto: 1.5 times the longest gold answer. Each eval
    row is answered `repeats` times."""

    max_tokens: int | None = None
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    repeats: int = 1

    def identity(self) -> dict[str, Any]:
        """What answers depend on: how often each row is asked changes none of them."""
        return {key: value for key, value in plain(self).items() if key != "repeats"}


@dataclass(frozen=True)
class DataSpec:
    """Where the rows are: paths relative to the task file, or hub:NAME[:CONFIG][@SPLIT][#REVISION]."""

    train: str | None = None
    dev: str | None = None
    test: str | None = None
    eval: str | None = None
    documents: str | None = None
    preferences: str | None = None

    def sources(self) -> dict[str, str]:
        """Where rows to judge by come from: of dev and test, and the pairs of answers where there are any."""
        found = {
            "dev": self.dev or self.eval or self.train,
            "test": self.test or self.eval,
            "preferences": self.preferences,
        }
        return {of: name for of, name in found.items() if name}


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens and per hour of the machine; None where not given."""

    input_per_million: float | None = None
    output_per_million: float | None = None
    gpu_hour: float | None = None


@dataclass(frozen=True)
class JudgeSpec:
    """The model that graders ask, the file of human labels that it is tried on, and the agreement with
    them that it must surely have to gate (`workbench.judges.admission`)."""

    model: ModelRef
    labels: str | None = None
    at_least: float = 0.6
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True)
class ForgettingSpec:
    """What is asked before and after a training: a text file, or the file of a task of lm-eval."""

    text: Path | None = None
    lm_eval: Path | None = None


@dataclass(frozen=True)
class Task:
    """A task file, whole. `text` is the file as read, `file` its values and lines, for later errors."""

    path: Path
    name: str
    description: str
    model: ModelRef
    data: DataSpec
    columns: Mapping[str, str]
    prompt: PromptSpec
    output: OutputSpec
    generation: Generation
    graders: tuple[GraderSpec, ...]
    requirements: tuple[Requirement, ...]
    confidence: float
    policy: Literal["confident", "point"]
    looks: int
    ladder: tuple[RungSpec, ...] | None
    stop_first: bool
    without: tuple[str, ...]
    split_seed: int
    budget: Mapping[str, float]
    prices: Prices
    calls_per_month: float | None
    stronger_model: ModelRef | None
    tune_model: ModelRef | None
    judge: JudgeSpec | None
    forgetting: ForgettingSpec | None
    text: str
    file: YamlFile = field(repr=False, compare=False)

    def identity(self) -> dict[str, Any]:
        """What the task's hash covers besides the data: what the answers and their scores depend on.

        Descriptions, thresholds, prices, policy, confidence and looks are outside: changing them
        decides again from what is on disk. Models are as written, so that a path in them does not
        make the hash depend on the machine.
        """
        covered = {
            "name": self.name,
            "columns": self.columns,
            "prompt": self.prompt,
            "output": self.output,
            "generation": self.generation.identity(),
            "graders": self.graders,
            "ladder": self.ladder,
            "stop_first": self.stop_first,
            "split_seed": self.split_seed,
        }
        if self.without:
            covered["without"] = self.without
        for key in ("model", "stronger_model", "tune_model"):
            covered[key] = self.file.value.get(key)
        if self.forgetting:
            covered["forgetting"] = self.file.value["forgetting"]
        covered["judge"] = (self.file.value.get("judge") or {}).get("model")
        return cast(dict[str, Any], plain(covered))

    def as_used(self) -> str:
        """The file's text with its schema and label files written into it: what a run folder keeps,
        so that it can be read again where those files are not."""
        text = self.text
        inline = {"output.schema": self.output.schema, "output.labels": list(self.output.labels)}
        for key, value in inline.items():
            if key in self.file.spans:
                start, end = self.file.spans[key]
                text = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
        return text

    def error(self, message: str, key: str, hint: str | None = None) -> TaskError:
        """A TaskError at a key of the task file, with its line."""
        return TaskError(message, where=self.path, line=self.file.line(key), key=key, hint=hint)


@cache
def _schema_text() -> str:
    return (files("evals") / "schemas" / "task.schema.json").read_text(encoding="utf-8")


def task_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of task.yaml."""
    return cast(dict[str, Any], json.loads(_schema_text()))


def load_task(path: str | Path) -> Task:
    """Read and check a task file. Raises TaskError with file, line and key.

    Data files are not read here, nor is a model looked for.
    """
    file = read_yaml(Path(path))
    validate(file, task_schema())
    values, base = file.value, file.path.parent
    _check_data(file)
    requirements = read_requirements(file)
    prompt = _prompt(file)
    output = read_output(file, base)
    ladder, stop_first, without = _ladder(values.get("ladder", "default"))
    generation = dict(values.get("generation", {}))
    limit, repeats = generation.pop("max_tokens", "auto"), int(generation.pop("repeats", 1))
    if repeats > 1 and not generation.get("temperature"):
        why = "at temperature 0 every repeat gives the same answer"
        file.fail(why, "generation.repeats", "Set generation.temperature, or leave repeats out.")
    return Task(
        path=file.path,
        name=values["name"],
        description=values.get("description", ""),
        model=_model(values["model"], base),
        data=DataSpec(**{key: _source(value) for key, value in values["data"].items()}),
        columns=values.get("columns", {}),
        prompt=prompt,
        output=output,
        generation=Generation(
            max_tokens=None if limit == "auto" else int(limit),
            temperature=float(generation.get("temperature", 0)),
            stop=tuple(generation.get("stop", ())),
            repeats=repeats,
        ),
        graders=_graders(file, output),
        requirements=requirements,
        confidence=float(values.get("confidence", 0.95)),
        policy=values.get("policy", "confident"),
        looks=int(values.get("looks", 4)),
        ladder=ladder,
        stop_first=stop_first,
        without=without,
        split_seed=int(values.get("split_seed", 0)),
        budget=values.get("budget", {}),
        prices=Prices(**values.get("prices", {})),
        calls_per_month=values.get("calls_per_month"),
        stronger_model=_model(values["stronger_model"], base) if "stronger_model" in values else None,
        tune_model=_model(values["tune_model"], base) if "tune_model" in values else None,
        judge=_judge(values.get("judge"), base),
        forgetting=_forgetting(values.get("forgetting"), base),
        text=file.text,
        file=file,
    )


def _model(value: str | dict[str, Any], base: Path) -> ModelRef:
    options = {"name": value} if isinstance(value, str) else dict(value)
    options.setdefault("provider", "endpoint" if "endpoint" in options else "local")
    if options["provider"] == "local":
        options["name"] = _folder(options["name"], base)
    if "adapter" in options:
        options["adapter"] = str((base / Path(options["adapter"]).expanduser()).resolve())
    return ModelRef(**options)


def _judge(value: Mapping[str, Any] | None, base: Path) -> JudgeSpec | None:
    if value is None:
        return None
    prices = Prices(**value.get("prices", {}))
    return JudgeSpec(**{**value, "model": _model(value["model"], base), "prices": prices})


def _forgetting(value: Mapping[str, str] | None, base: Path) -> ForgettingSpec | None:
    if value is None:
        return None
    return ForgettingSpec(**{key: (base / Path(path).expanduser()).resolve() for key, path in value.items()})


def _folder(name: str, base: Path) -> str:
    """A model's name, made absolute where it is a path from the task file's folder."""
    path = base / Path(name).expanduser()
    looks_like_path = name.startswith(("./", "../", "/", "~"))
    return str(path.resolve()) if looks_like_path or path.is_dir() else name


def _source(value: str | dict[str, str]) -> str:
    """A data source as one text."""
    if isinstance(value, str):
        return value
    marks = (("config", ":"), ("split", "@"), ("revision", "#"))
    return f"hub:{value['hub']}" + "".join(mark + value[key] for key, mark in marks if key in value)


def _check_data(file: YamlFile) -> None:
    data = file.value["data"]
    if "eval" in data:
        for key in ("test", "dev"):
            if key in data:
                file.fail(
                    f"data.eval (line {file.line('data.eval')}) is split into dev and test already",
                    f"data.{key}",
                    f"Keep either eval, or dev and test: remove data.eval or data.{key}.",
                )
    elif "test" not in data:
        file.fail(
            "there is neither 'test' nor 'eval'",
            "data",
            "Name the rows to judge on: test: test.jsonl, or eval: eval.jsonl.",
        )
    elif "dev" not in data and "train" not in data:
        file.fail(
            "there are no rows to choose by",
            "data",
            "Add dev: dev.jsonl, or train (a part of it becomes dev), or use eval.",
        )


def _prompt(file: YamlFile) -> PromptSpec:
    given = file.value["prompt"]
    key = "prompt.template"
    prompt = PromptSpec(
        instruction=given["instruction"].strip("\n"),
        template=given.get("template", PromptSpec.template),
        system=given.get("system"),
        variants=tuple(text.strip("\n") for text in given.get("variants", ())),
    )
    columns = file.value.get("columns", {})
    hidden = [columns[name] for name in ("output", "references", "gold_doc_ids") if name in columns]
    Template(prompt.template, where=file.path, key=key, line=file.texts.get(key), hidden=hidden)
    return prompt


def _graders(file: YamlFile, output: OutputSpec) -> tuple[GraderSpec, ...]:
    specs: list[GraderSpec] = []
    for index, value in enumerate(file.value.get("graders", DEFAULT_GRADERS[output.format])):
        name, options = _named(value)
        called = options.get("as", name)
        if any(spec.options.get("as", spec.name) == called for spec in specs):
            file.fail(
                f"the grader {called!r} is named twice",
                join_key("graders", index),
                "Give one of them another name: {name: ..., as: ...}.",
            )
        specs.append(GraderSpec(name, options))
    return tuple(specs)


def _named(value: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(value, str):
        return value, {}
    return value["name"], {key: option for key, option in value.items() if key != "name"}


def _ladder(value: Any) -> tuple[tuple[RungSpec, ...] | None, bool, tuple[str, ...]]:
    """The rungs (None: the default ones; one named `default` stands for those that no other names),
    whether the first that meets everything ends it, and which are left out."""
    entries = value if isinstance(value, list) else [value]
    settings = [e for e in entries if isinstance(e, dict) and "name" not in e]
    named = [RungSpec(*_named(entry)) for entry in entries if entry not in settings]
    rungs = None if named in ([], [RungSpec(DEFAULT)]) else tuple(named)
    without = tuple(name for setting in settings for name in setting.get("without", ()))
    return rungs, any("stop" in setting for setting in settings), without
