"""Saved answers read as a person would read them: how much of what is lost is only form?

Nothing is asked. Forgiven are white space, case, code fences, text around the answer, a trailing comma,
and an answer that was followed by more until the token limit. What is said is never changed: an object
keeps its values, and a label or a text counts only where it is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evals.graders.folding import fold
from evals.graders.row_by_row import gold_texts
from evals.output import OutputSpec
from evals.types import Example, Json, Prediction

_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)(?:```|\Z)", re.S)
_LEAD = re.compile(r"^\s*(?:the\s+)?(?:final\s+)?(?:answer|label|output|result)\s*(?:is)?\s*[:=]?\s+", re.I)
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
MOST_STARTS = 50
"""Places in a text at which an object may begin, at most."""


def lenient(example: Example, prediction: Prediction, output: OutputSpec) -> Prediction:
    """The prediction as a lenient reader takes it; as it is where there is nothing to forgive."""
    if prediction.finish not in ("stop", "length"):
        return prediction
    read = _read(example, prediction.text, output)
    if read is None:
        return prediction
    return replace(prediction, text=read, finish="stop")


def _read(example: Example, text: str, output: OutputSpec) -> str | None:
    """The answer in its right form; None where there is none to be found."""
    if output.format == "json":
        value = first_object(text)
        return None if value is None else json.dumps(respelled(value, output.schema), ensure_ascii=False)
    if output.format == "labels":
        return only_label(text, output.labels)
    folded = {fold(gold): gold for gold in reversed(gold_texts(example))}
    for said in (text, unfenced(text), _LEAD.sub("", unfenced(text))):
        if fold(said) in folded:
            return folded[fold(said)]
    return None


def unfenced(text: str) -> str:
    """What stands in the first code fence; the text itself where there is none."""
    found = _FENCE.search(text)
    return (found[1] if found else text).strip()


def first_object(text: str) -> Json:
    """The first JSON object, else the first list, that can be read out of a text; None without any."""
    decoder = json.JSONDecoder(strict=False)
    for mark in ("{", "["):
        for place in [m.start() for m in re.finditer(re.escape(mark), text)][:MOST_STARTS]:
            for rest in (text[place:], _TRAILING_COMMA.sub(r"\1", text[place:])):
                try:
                    value: Json = decoder.raw_decode(rest)[0]
                except (ValueError, RecursionError):
                    continue
                if value:
                    return value
    return None


def respelled(value: Json, schema: dict[str, Any] | None) -> Json:
    """An object whose keys and enum values differ from the schema's in case and space alone, spelt as
    there. Only the top level, and lists in it, are looked at."""
    properties = (schema or {}).get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    names = {fold(name): name for name in properties}
    spelt: dict[str, Json] = {}
    for key, item in value.items():
        name = key if key in properties else names.get(fold(key), key)
        spelt[name] = _in_enum(item, properties.get(name))
    return spelt


def _in_enum(value: Json, part: Any) -> Json:
    if not isinstance(part, dict):
        return value
    if isinstance(value, list):
        return [_in_enum(item, part.get("items")) for item in value]
    if isinstance(value, str) and isinstance(part.get("enum"), list):
        options = {fold(option): option for option in part["enum"] if isinstance(option, str)}
        return value if value in part["enum"] else options.get(fold(value), value)
    return value


def only_label(text: str, labels: Sequence[str]) -> str | None:
    """The one label that stands in a text as a word of its own; None where there is none, or several. A
    label within a longer one ("refund" in "no refund") does not count."""
    wanted, found = " ".join(text.casefold().split()), []
    for label in sorted(labels, key=len, reverse=True):
        pattern = rf"(?<!\w){re.escape(' '.join(label.casefold().split()))}(?!\w)"
        wanted, times = re.subn(pattern, "\0", wanted)
        found += [label] * bool(times)
    return found[0] if len(found) == 1 else None
