"""promptfoo's prompts as ours: a system text, an instruction, and a template for the row.

There a prompt is one text with variables, or a list of chat messages. Here the instruction stands by
itself, so that rungs can place it; `zero_shot` puts it above the template with an empty line between.
So a prompt is cut before its first variable, at an empty line where there is one, and is then asked
letter for letter; where it had to be cut elsewhere, that is listed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.errors import TaskError
from evals.template import Template
from workbench.exchange.promptfoo.source import Source, is_code, read_text, read_yaml

NOTHING = "Answer."
"""The instruction of a prompt that is nothing but variables."""
_TAG = re.compile(r"\{\{|\{%|\{#")
_CUTS = ("\n\n", "\n", ": ", ". ", "? ", "! ")


@dataclass(frozen=True)
class Prompt:
    """One prompt; `label` is how promptfoo shows it."""

    label: str
    instruction: str
    template: str
    system: str = ""


def prompts_of(source: Source) -> list[Prompt]:
    """All prompts that can be carried over. Raises TaskError where there is none."""
    given = source.value.get("prompts", [])
    entries = given if isinstance(given, list) else [given]
    found = [
        prompt
        for place, entry in enumerate(entries)
        for key, label, text in _texts(entry, f"prompts[{place}]", source)
        if (prompt := _prompt(text, label, key, source)) is not None
    ]
    if not found:
        raise TaskError(
            "has no prompt that can be carried over",
            where=source.path,
            key="prompts",
            hint="; ".join(one.sentence() for one in source.omitted) or "Write one as text.",
        )
    return found


def _texts(entry: Any, key: str, source: Source) -> list[tuple[str, str, str]]:
    """The texts that an entry stands for, each with its place and label."""
    label = ""
    if isinstance(entry, dict):
        label = str(entry.get("label") or entry.get("id") or "")
        for name in sorted(entry.keys() - {"id", "raw", "label", "display"}):
            source.leave_out(f"{key}.{name}", "has no counterpart here")
        entry = entry.get("raw") or entry.get("id")
    if isinstance(entry, list):
        return [(key, label, json.dumps(entry))]
    if not isinstance(entry, str):
        source.leave_out(key, "is no prompt")
        return []
    is_file = entry.startswith("file://") or bool(
        re.fullmatch(r"[\w./*-]+\.(txt|json|ya?ml|md|j2|csv)", entry)
    )
    if not is_file:
        if is_code(entry) or entry.startswith(("langfuse://", "portkey://", "helicone://")):
            source.leave_out(key, f"prompts made by code or another service are not carried over ({entry})")
            return []
        return [(key, label, entry)]
    if is_code(entry) or entry.endswith(".csv"):
        source.leave_out(key, f"prompts made by code or in a CSV file are not carried over ({entry})")
        return []
    return [(key, label or path.name, text) for path in source.find(entry, key) for text in _pieces(path)]


def _pieces(path: Path) -> list[str]:
    """The prompts of a file: a text file may hold several between lines of ---."""
    text = read_text(path)
    if path.suffix != ".txt":
        return [text]
    return [part.strip() for part in re.split(r"^\s*---\s*$", text, flags=re.M) if part.strip()]


def _prompt(text: str, label: str, key: str, source: Source) -> Prompt | None:
    """One text as a prompt; None where it cannot be one."""
    label = label or " ".join(text.split())[:60]
    messages = _messages(text)
    if messages is None:
        system, user = "", text.strip("\n")
    else:
        roles = [str(message.get("role")) for message in messages]
        if roles not in (["user"], ["system", "user"], ["developer", "user"]):
            source.leave_out(key, f"a chat of {', '.join(roles)}: only a system and a user message are")
            return None
        contents = [message.get("content") for message in messages]
        if not all(isinstance(content, str) for content in contents):
            source.leave_out(key, "messages of several parts are not carried over")
            return None
        system, user = ("", *map(str, contents))[-2:]
    if _TAG.search(system):
        source.leave_out(key, "its system message has variables: it stands above the user's text")
        system, user = "", f"{system}\n\n{user}"
    try:
        names = Template(user).names
    except TaskError as error:
        source.leave_out(key, error.message)
        return None
    if "env" in names:
        source.leave_out(key, "reads the environment (env)")
        return None
    return _cut(label, system, user, key, source)


def _messages(text: str) -> list[dict[str, Any]] | None:
    """The chat that a text is, in JSON or YAML; None for plain text."""
    start = text.lstrip()
    if not start.startswith(("[", "- role:")):
        return None
    try:
        value = json.loads(start) if start.startswith("[") else read_yaml(text)
    except (ValueError, yaml.YAMLError):
        return None
    chat = isinstance(value, list) and value and all(isinstance(m, dict) and "role" in m for m in value)
    return value if chat else None


def _cut(label: str, system: str, user: str, key: str, source: Source) -> Prompt:
    """The prompt with its instruction apart; see above."""
    tag = _TAG.search(user)
    head = user[: tag.start()] if tag else user
    end = max(
        (head.rfind("\n\n"), *(head.rfind(cut) + len(cut.rstrip(" ")) for cut in _CUTS[2:] if cut in head))
    )
    for cut in _CUTS[:2]:
        if head.rfind(cut) > 0:
            end = head.rfind(cut)
            break
    instruction, template = (user[:end].strip(), user[end:].strip("\n")) if end > 0 else ("", user)
    if instruction and template.strip():
        template = template if user == f"{instruction}\n\n{template}" else template.strip()
        if user != f"{instruction}\n\n{template}":
            source.leave_out(key, "an empty line stands between its instruction and the rest")
        return Prompt(label, instruction, template, system)
    if system:
        source.leave_out(
            key, "its system message is the instruction, which rungs place (`system_prompt` there)"
        )
        return Prompt(label, system.strip(), user)
    last = max(user.rfind("}}"), user.rfind("%}")) + 2
    if tag and user[last:].strip(" .:?!\n"):
        source.leave_out(key, "what stands below its variables is the instruction, which rungs place")
        return Prompt(label, user[last:].strip(), user[:last])
    if not tag:
        source.leave_out(key, "names no variable: the same question for every row")
        return Prompt(label, user.strip(), "{{ input }}")
    source.leave_out(key, f"no words stand above or below its variables: the instruction says {NOTHING!r}")
    return Prompt(label, NOTHING, user)
