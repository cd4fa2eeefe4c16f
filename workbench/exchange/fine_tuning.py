"""A task's training rows, or its pairs of answers, as the file that a provider of hosted models trains on.

Rows are OpenAI chat lines, pairs the preference lines that its DPO reads. Each row is asked by the prompt of
a rung, letter for letter, so that the model which comes of it is measured with the prompt it has learned: as
the task's `model`, by that rung. What the provider would refuse is found here, before it is uploaded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baselines import RUNGS
from baselines.approach import Prompted
from evals.data import Data, load_data, render_all
from evals.errors import RunError
from evals.graders import answer_text
from evals.preferences import Pair, learnable, unjudged
from evals.store import canonical, plain, write_lines
from evals.task import Task, load_task
from evals.types import Message, Models, PromptText, Work
from workbench.escalation.lessons import lessons
from workbench.escalation.order import Order
from workbench.exchange.chat_lines import Written, chat_line
from workbench.exchange.chosen import refuse_file
from workbench.exchange.omitted import Omitted

FEWEST = 10
MOST_BYTES = 512_000_000
MOST_TOKENS = 65_536
"""The least examples, the largest file, and the longest example of most models (OpenAI, "Supervised
fine-tuning"); other limits of a model are given by `tokens`."""
PROMPTS = ("zero_shot", "system_prompt")
"""Rungs whose prompt is the same for every row but for its input."""


@dataclass(frozen=True)
class Lesson:
    """What a provider is to train on: the training rows, with those of a file that `wb distill` wrote or that
    file alone, or (`preferences`) the pairs; by the prompt of which rung, and of how many tokens at most."""

    prompt: str = PROMPTS[0]
    distilled: Path | None = None
    distilled_only: bool = False
    preferences: bool = False
    tokens: int = MOST_TOKENS


@dataclass(frozen=True)
class _Line:
    """An example: where it comes from, what is asked, the texts that answer it, and how it is written."""

    id: str
    asked: str
    answers: tuple[str, ...]
    written: Mapping[str, Any]


def export_fine_tuning(
    task_path: Path, file: Path, lesson: Lesson, models: Models, *, force: bool = False
) -> Written:
    """Write the file. Raises RunError for fewer examples than a provider takes, for a file that is too large
    or is there already; TaskError where pairs are wanted and the task names none."""
    refuse_file(file, force)
    task = load_task(task_path)
    data = load_data(task)
    render_all(task, data)
    approach = asking(task, lesson.prompt, models)
    if lesson.preferences:
        if task.data.preferences is None:
            hint = "Give data.preferences: rows of input, chosen, rejected."
            raise task.error("the task names no pairs of answers", "data", hint)
        pairs, copies = learnable(task)
        found, said = _pairs(approach, pairs.train, models), _copies(len(copies), "pairs")
        if judged := len(pairs.dev) + len(pairs.test):
            said.append(f"{judged} pairs are of dev and test, which a model is judged on")
    else:
        found, said = _taught(approach, lesson, task, data, models)
    kept, omitted = _sorted_out(found, lesson.tokens)
    omitted = [*said, *omitted]
    where = str(task.path)
    if len(kept) < FEWEST:
        told = "; ".join([f"{len(kept)} are left", *omitted])
        raise RunError(f"has too few examples to fine-tune on: {told}", where=where, hint=_fewest())
    size = sum(len(json.dumps(line.written, ensure_ascii=False).encode()) + 1 for line in kept)
    if size > MOST_BYTES:
        raise RunError(f"would be {size / 1e6:.0f} MB, more than a provider takes", where=file)
    write_lines(file, [line.written for line in kept])
    return Written(file, len(kept), lesson.prompt, tuple(Omitted(where, "data", why) for why in omitted))


def _fewest() -> str:
    return f"At least {FEWEST} are asked for."


def asking(task: Task, rung: str, models: Models) -> Prompted:
    """The approach of a rung that only asks; no model is opened."""
    limited = replace(task, generation=replace(task.generation, max_tokens=task.generation.max_tokens or 1))
    work = Work(Path(), limited, models, lambda pairs: 0.0)
    approach: Prompted = RUNGS.build(rung, {}).fit((), (), work)
    return approach


def _taught(
    approach: Prompted, lesson: Lesson, task: Task, data: Data, models: Models
) -> tuple[list[_Line], list[str]]:
    """The training rows and those of the file, as examples; and what was left out of them so far."""
    order = Order(task.path, distilled=lesson.distilled, distilled_only=lesson.distilled_only)
    taught = lessons(order, task, data)
    rows = unjudged(task, taught.data.train)
    said = _copies(sum(gone.split == "train" for gone in data.dropped), "training rows")
    if taught.told is not None:
        said += [f"{count} labelled rows {why}" for why, count in taught.told["left_out"].items()]
    if len(rows) < len(taught.data.train):
        said.append(
            f"{len(taught.data.train) - len(rows)} training rows have the input of a dev or test pair"
        )
    asked = approach.prompts([row.query() for row in rows], models)
    texts = [(row.id, asked[row.id], answer_text(row.target)) for row in rows]
    return [_Line(id, _text(prompt), (text,), chat_line(prompt, text)) for id, prompt, text in texts], said


def _copies(count: int, what: str) -> list[str]:
    return [f"{count} {what} have the input of a dev or test row"] if count else []


def _pairs(approach: Prompted, pairs: Sequence[Pair], models: Models) -> list[_Line]:
    """The pairs in the form of OpenAI's DPO."""
    asked = approach.prompts([pair.query() for pair in pairs], models)

    def line(pair: Pair) -> _Line:
        prompt = asked[pair.id]
        sides = (("preferred_output", pair.chosen), ("non_preferred_output", pair.rejected))
        answers = {name: plain([Message("assistant", text)]) for name, text in sides}
        written = {"input": {"messages": plain(prompt)}, **answers}
        return _Line(pair.id, _text(prompt), (pair.chosen, pair.rejected), written)

    return [line(pair) for pair in pairs]


def _text(prompt: PromptText) -> str:
    return prompt if isinstance(prompt, str) else "\0".join(message.content for message in prompt)


def _sorted_out(found: Sequence[_Line], tokens: int) -> tuple[list[_Line], list[str]]:
    """The examples that a provider takes, and what is to be said of these and of the others."""
    why: Counter[str] = Counter()
    kept: list[_Line] = []
    seen: set[str] = set()
    answered: dict[str, tuple[str, ...]] = {}
    for line in found:
        reason = _refused(line, tokens, seen)
        seen.add(canonical(line.written))
        if reason:
            why[reason] += 1
            continue
        kept.append(line)
        if answered.setdefault(line.asked, line.answers) != line.answers:
            why["ask what another asks and answer otherwise (written all the same)"] += 1
        if _bytes(line) > tokens:
            why[f"may have more than {tokens:,} tokens (written all the same)"] += 1
    return kept, [f"{count} examples {reason}" for reason, count in why.items()]


def _refused(line: _Line, tokens: int, seen: set[str]) -> str:
    """Why a provider would refuse an example, or nothing would be learned from it; "" when it takes it."""
    if not all(text.strip() for text in line.answers):
        return "have an empty answer"
    if canonical(line.written) in seen:
        return "repeat an earlier one"
    # a token of a byte-level vocabulary is one byte at least, and four of English text
    return f"are longer than {tokens:,} tokens" if _bytes(line) / 4 > tokens else ""


def _bytes(line: _Line) -> int:
    return len(line.asked.encode()) + max(len(text.encode()) for text in line.answers)
