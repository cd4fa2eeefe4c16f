"""What a whole answer looks like: read from the task, carried by the decoder.

A form says what is wrong with a text (for repair), which grammar keeps a model to it (for constrained
decoding), and when two texts are the same answer (for a vote). Its rule is kept as JSON text, because the
order of a schema's properties is part of it and a spec must give it back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from evals.failures import grader_of, primary_grader
from evals.graders.folding import fold, shown, squad_tokens
from evals.graders.numeric import Numeric
from evals.graders.records import FieldRule
from evals.graders.schema import open_schema
from evals.graders.strict_json import NotJson, read_json_text
from evals.graders.text import compiled
from evals.store import canonical
from evals.task import GraderSpec, Task
from evals.types import Example, Json, Prediction

Kind = Literal["schema", "labels", "regex", "number", "text"]

ASKED = {
    "schema": "Answer again with one JSON value and nothing else: no explanation, no code fence.",
    "number": "Answer again, with the number at the end.",
    "regex": "Answer again with the answer alone.",
}
"""How an answer is asked for again, by kind; labels are listed."""


@dataclass(frozen=True)
class Form:
    """`rule` is JSON text: a schema, a list of labels, a pattern, the options of the grader `numeric`, or for
    free text, of which nothing is wrong, how its grader compares (a key of ALIKE; null: folded)."""

    kind: Kind
    rule: str = "null"

    @classmethod
    def of(cls, kind: Kind, rule: Json) -> Form:
        return cls(kind, json.dumps(rule, ensure_ascii=False))

    @property
    def checks(self) -> bool:
        """Whether any text could be wrong."""
        return self.kind != "text"

    @property
    def grammar(self) -> Mapping[str, Json] | None:
        """What `Request.grammar` takes; None where any text will do or numbers may stand anywhere."""
        return {self.kind: json.loads(self.rule)} if self.kind in ("schema", "labels", "regex") else None

    @property
    def asked(self) -> str:
        """How an answer of this form is asked for again."""
        if self.kind == "labels":
            listed = ", ".join(json.loads(self.rule))
            return f"Answer again with exactly one of these and nothing else: {listed}."
        return ASKED.get(self.kind, "")

    def fault(self, text: str) -> str:
        """What is wrong with an answer, in a few words; "" when nothing is."""
        return _reader(self)(text)[1]

    def same(self, text: str) -> Hashable:
        """Equal for texts that give the same answer: JSON whose fields `json_fields` finds equal, the label,
        the number; else the text as its grader compares it."""
        answer, fault = _reader(self)(text)
        return (fold(text), "") if fault else (answer,)


def form_of(task: Task) -> Form:
    """The form that a task's answers must have: its schema or labels; for text the pattern of a required
    `regex`, or a number where `numeric` says what is right."""
    if task.output.format == "labels":
        return Form.of("labels", list(task.output.labels))
    if task.output.format == "json":
        objects = any(grader.name == "json_fields" for grader in task.graders)
        return Form.of("schema", task.output.schema or ({"type": "object"} if objects else True))
    graders = {grader.name: grader for grader in task.graders}
    asked = {grader_of(r.metric, list(graders)) for r in task.requirements if r.kind == "format"}
    if "regex" in asked and (pattern := _pattern(graders["regex"])):
        return Form.of("regex", pattern)
    if primary_grader(task.requirements, list(graders)) == "numeric" and not graders["numeric"].options.get(
        "not"
    ):
        options = {k: v for k, v in graders["numeric"].options.items() if k != "pass_at"}
        return Form.of("number", options)
    return Form.of("text", _alike(graders.get(primary_grader(task.requirements, list(graders)))))


def _alike(grader: GraderSpec | None) -> str | None:
    """How a grader of whole texts compares them, None where it does as people would."""
    if grader is None or grader.name not in ("exact", "equals", "squad_exact"):
        return None
    if grader.name == "squad_exact":
        return "squad"
    folds = grader.options.get("normalise")
    return None if folds else "letters" if grader.options.get("ignore_case") else "exact"


def _pattern(grader: GraderSpec) -> str:
    """The pattern that whole answers must match; "" where the grader asks for less, or for the opposite."""
    options = grader.options
    if options.get("not") or options.get("match", "fullmatch") != "fullmatch":
        return ""
    return ("(?i)" if options.get("ignore_case") else "") + str(options.get("pattern", ""))


ALIKE: Mapping[str, Callable[[str], Hashable]] = {
    "folded": fold,
    "exact": str.strip,
    "letters": lambda text: text.strip().casefold(),
    "squad": lambda text: tuple(squad_tokens(text)),
}
"""Ways to compare texts: what is equal for two that count as one."""

Reader = Callable[[str], tuple[Hashable, str]]
"""From a text to what is equal for every spelling of its answer, and what is wrong with it."""


@lru_cache(maxsize=64)
def _reader(form: Form) -> Reader:
    make: dict[str, Callable[[Any], Reader]] = {
        "schema": _json_reader,
        "labels": _label_reader,
        "regex": _regex_reader,
        "number": _number_reader,
        "text": lambda rule: lambda text: (ALIKE[rule or "folded"](text), ""),
    }
    return make[form.kind](json.loads(form.rule))


def _json_reader(schema: Any) -> Reader:
    fault = open_schema(schema) if isinstance(schema, dict) else lambda value: ""
    rule = FieldRule(schema if isinstance(schema, dict) else None)

    def read(text: str) -> tuple[Hashable, str]:
        try:
            value = read_json_text(text)
        except NotJson as error:
            return "", str(error)
        return rule.key(value), fault(value)

    return read


def _label_reader(labels: list[str]) -> Reader:
    known = {fold(label): label for label in labels}

    def read(text: str) -> tuple[Hashable, str]:
        label = known.get(fold(text), "")
        if label or not text.strip():
            return label, "" if label else "empty answer"
        return "", f"not in the list of labels: {shown(repr(text.strip()), 120)}"

    return read


def _regex_reader(pattern: str) -> Reader:
    found = compiled(pattern)

    def read(text: str) -> tuple[Hashable, str]:
        whole = text.strip()
        try:
            matches = found.fullmatch(whole, timeout=1.0) is not None
        except TimeoutError:
            matches = False
        return whole, "" if matches else f"does not match {shown(pattern, 120)}" if whole else "empty answer"

    return read


def _number_reader(options: Mapping[str, Any]) -> Reader:
    grader = Numeric(**options)
    anything = Example("", "", 0)

    def read(text: str) -> tuple[Hashable, str]:
        found = grader.read(anything, Prediction("", text, "stop"))
        return canonical(found.answer), found.why if found.unread else ""

    return read
