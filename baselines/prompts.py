"""The two rungs that only ask: the instruction as it is, and a full system prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselines.approach import Decoder, Prompt, Prompted
from evals.graders import answer_text
from evals.output import OutputSpec
from evals.task import Task
from evals.types import Example, Work


@dataclass(frozen=True)
class ZeroShot:
    """The task's instruction above the input, in one user message, after the user's own system text if
    there is one. What anybody would try first."""

    name: str = "zero_shot"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        task: Task = work.task
        own = task.prompt.system or ""
        prompt = Prompt(task.prompt.template, system=own, instruction=task.prompt.instruction)
        return Prompted(self.name, task.model, prompt, decoder(task, work.seed))


@dataclass(frozen=True)
class SystemPrompt:
    """A system message with the user's own system text, the instruction and the wanted format."""

    name: str = "system_prompt"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        task: Task = work.task
        prompt = Prompt(task.prompt.template, system=system_text(task, described=True))
        return Prompted(self.name, task.model, prompt, decoder(task, work.seed))


def decoder(task: Task, seed: int) -> Decoder:
    """The task's generation settings; `max_tokens` must have been worked out from the data."""
    if task.generation.max_tokens is None:
        raise ValueError("generation.max_tokens is still auto")
    return Decoder(task.generation.max_tokens, task.generation.temperature, task.generation.stop, seed)


def system_text(task: Task, *, described: bool) -> str:
    """The user's system text and instruction, with the output format spelled out if `described`."""
    parts = [task.prompt.system or "", task.prompt.instruction]
    if described:
        parts.append(describe(task.output))
    return "\n\n".join(part.strip() for part in parts if part.strip())


def describe(output: OutputSpec) -> str:
    """The wanted format in words: the labels, or the fields of the JSON object."""
    if output.format == "labels":
        listed = "\n".join(f"- {label}" for label in output.labels)
        return f"Answer with exactly one of these labels and nothing else:\n{listed}"
    if output.format == "json":
        fields = _fields(output.schema or {})
        head = "Answer with one JSON object and nothing else: no explanation, no code fence."
        return f"{head}\nIts fields:\n{fields}" if fields else head
    return ""


def _fields(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    return "\n".join(
        f'- "{name}": {_kind(part)}{"" if name in required else ", may be left out"}{_note(part)}'
        for name, part in schema.get("properties", {}).items()
    )


def _note(part: Any) -> str:
    return f" ({part['description']})" if isinstance(part, dict) and part.get("description") else ""


def _kind(part: Any) -> str:
    """A field's type in words. Anything the words do not cover is said with its JSON Schema."""
    if not isinstance(part, dict):
        return "any value"
    if "enum" in part:
        return "one of " + ", ".join(
            answer_text(v) if not isinstance(v, str) else f'"{v}"' for v in part["enum"]
        )
    for choice in ("anyOf", "oneOf"):
        if choice in part:
            return " or ".join(dict.fromkeys(_kind(option) for option in part[choice]))
    if part.get("type") == "array" and isinstance(part.get("items"), dict):
        return f"a list, each item {_kind(part['items'])}"
    if part.get("type") == "object" and part.get("properties"):
        inner = ", ".join(f'"{name}": {_kind(p)}' for name, p in part["properties"].items())
        return "an object with " + inner
    words = {
        "string": "a text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
    }
    if part.get("type") in words and set(part) <= {"type", "description", "title"}:
        return words[part["type"]]
    bare = {k: v for k, v in part.items() if k not in ("description", "title")}
    return f"a value of the JSON Schema {answer_text(bare)}" if bare else "any value"
