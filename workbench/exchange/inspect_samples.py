"""The samples of an Inspect log (JSON, version 2) as our rows, answers and scores."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.errors import DataError
from evals.types import Example, Finish, Json, Prediction, Score, Usage
from workbench.exchange.omitted import Omitted

VERSION = 2
FINISHES: Mapping[str, Finish] = {
    "stop": "stop",
    "tool_calls": "stop",
    "max_tokens": "length",
    "model_length": "too_long",
    "content_filter": "refused",
}
"""Inspect's stop reasons in our words; what is unknown is a stop."""
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "correct": 1.0, "incorrect": 0.0}
"""Inspect's own values in words (scorer.CORRECT and its kin)."""


@dataclass
class Samples:
    """What a log holds: rows by id, answers by repeat, scores by scorer; and what it could not give."""

    where: str
    header: Mapping[str, Any]
    rows: dict[str, Example] = field(default_factory=dict)
    answers: dict[tuple[int, str], Prediction] = field(default_factory=dict)
    scores: dict[tuple[str, int, str], Score] = field(default_factory=dict)
    omitted: list[Omitted] = field(default_factory=list)

    @property
    def scorers(self) -> list[str]:
        """The scorers with at least one score, in the order in which they are met."""
        return list(dict.fromkeys(name for name, _, _ in self.scores))

    @property
    def repeats(self) -> int:
        return 1 + max((repeat for repeat, _ in self.answers), default=0)

    def leave_out(self, key: str, why: str) -> None:
        """Note what is not carried over, once."""
        one = Omitted(self.where, key, why)
        if one not in self.omitted:
            self.omitted.append(one)


def read_samples(path: Path) -> Samples:
    """Read a log. Raises DataError when it is none, or has no samples."""
    log = _json(path)
    if not isinstance(log, dict) or not isinstance(log.get("eval"), dict):
        raise DataError("is no Inspect log", where=path, hint="Name a log in JSON.")
    if log.get("version") != VERSION:
        raise DataError(f"is an Inspect log of version {log.get('version')}, not {VERSION}", where=path)
    samples = log.get("samples") or []
    if not samples:
        raise DataError("has no samples", where=path, hint="Run the evaluation with log_samples.")
    found = Samples(path.name, log)
    try:
        for place, sample in enumerate(samples):
            _read(found, sample, f"samples[{place}]")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"is no Inspect log of version {VERSION} ({error!r})", where=path) from error
    if log.get("status") != "success":
        found.leave_out("status", f"is {log.get('status')!r}: samples may be missing")
    return found


def _json(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path) from error
    if data.startswith(b"PK"):
        raise DataError(
            "is an Inspect log in the format .eval",
            where=path,
            hint="Convert it: inspect log convert --to json",
        )
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {error}", where=path) from error


def _read(found: Samples, sample: Mapping[str, Any], key: str) -> None:
    """Take one sample in."""
    id, repeat = str(sample["id"]), int(sample.get("epoch", 1)) - 1
    targets = sample["target"] if isinstance(sample["target"], list) else [sample["target"]]
    fields: dict[str, Json] = dict(sample.get("metadata") or {})
    if sample.get("choices"):
        fields["choices"] = sample["choices"]
    row = Example(id, _input(sample["input"]), (targets or [""])[0], tuple(targets[1:]), fields=fields)
    if found.rows.setdefault(id, row) != row:
        raise ValueError(f"two samples {id!r} that differ")
    if (repeat, id) in found.answers:
        raise ValueError(f"sample {id!r} stands twice in epoch {repeat + 1}")
    found.answers[repeat, id] = _answer(sample, id, repeat)
    if len(sample.get("messages") or []) > 3 or sample.get("events"):
        found.leave_out(
            "samples.messages", "turns, tool calls and events: only the last answer is carried over"
        )
    if not sample.get("error"):
        for name, score in (sample.get("scores") or {}).items():
            for part, value in _values(name, score["value"]):
                _take(found, part, value, score, (repeat, id))


def _input(value: Any) -> str:
    """A sample's input; of a chat its messages, each with its role."""
    if isinstance(value, str):
        return value
    turns = [(str(turn["role"]), _content(turn.get("content"))) for turn in value]
    return turns[0][1] if len(turns) == 1 else "\n\n".join(f"{role}: {text}" for role, text in turns)


def _content(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "\n".join(str(part.get("text", "")) for part in value or [])


def _answer(sample: Mapping[str, Any], id: str, repeat: int) -> Prediction:
    output = sample.get("output") or {}
    error = sample.get("error")
    if error:
        return Prediction(id, "", "error", error=str(error.get("message", error)), repeat=repeat)
    choices, usage = output.get("choices") or [], output.get("usage") or {}
    message = choices[0].get("message", {}) if choices else {}
    text = output.get("completion") or _content(message.get("content"))
    reason = choices[0].get("stop_reason", "stop") if choices else "stop"
    spent = Usage(
        int(usage.get("input_tokens") or 0),
        int(usage.get("input_tokens_cache_read") or 0),
        int(usage.get("output_tokens") or 0),
        1,
        float(output.get("time") or 0),
    )
    return Prediction(id, text, FINISHES.get(reason, "stop"), spent, repeat=repeat)


def _values(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A scorer's value, or each of its parts."""
    if isinstance(value, dict):
        yield from ((f"{name}_{part}", one) for part, one in value.items())
    else:
        yield name, value


def _take(found: Samples, name: str, value: Any, score: Mapping[str, Any], of: tuple[int, str]) -> None:
    number = LETTERS.get(value) if isinstance(value, str) else value
    if isinstance(value, str) and number is None:
        try:
            number = float(value)
        except ValueError:
            found.leave_out(f"scores.{name}", f"{value!r} is no number")
            return
    if not isinstance(number, (bool, int, float)) or not math.isfinite(number) or not 0 <= number <= 1:
        found.leave_out(f"scores.{name}", f"{value!r} is no number from 0 to 1")
        return
    repeat, id = of
    why = str(score.get("explanation") or "")[:240]
    given = Score(id, name, float(number), score.get("answer"), repeat=repeat)
    found.scores[name, repeat, id] = given if number >= 1 else replace(given, failure="wrong", why=why)
