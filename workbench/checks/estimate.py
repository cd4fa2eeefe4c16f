"""What a ladder will take before it is run: calls, tokens, minutes, dollars. Nothing is generated.

Prompts are counted with the model's own tokenizer on a sample of rows. Calls follow from the
ladder. Minutes come from stated speeds (`SPEEDS`) and are an estimate, good to a factor of three
or so; answers without shots are counted at `max_tokens`, those with shots at the mean gold answer.
A composed rung is taken to begin from the prompt rung with the longest prompt, and to apply.
A diagnosis is counted as if nothing ships and every arm that the task allows is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from baselines import COMPOSED
from baselines.likelihood import ByLikelihood
from baselines.prompts import describe
from baselines.race import MOST_SETTINGS, race_calls
from baselines.rag.rung import Rag
from baselines.repair import Repair
from baselines.search.rung import PromptSearch
from baselines.self_consistency import TRIED, SelfConsistency
from baselines.shots import FewShot, KnnFewShot
from baselines.variants import PromptVariants
from evals.data import Data, membership
from evals.graders import answer_text
from evals.models.known import parameters_in
from evals.prices import usd
from evals.task import Task
from evals.template import Template
from evals.types import Example, Message, Model, Rung, Usage
from workbench.diagnosis.foreseen import most_calls
from workbench.ladder import calls_of, excluded

SAMPLE = 300
"""Rows of a split whose tokens are counted, chosen by the hash of their ids."""
ON_TEST = 2
"""Approaches that the rules of selection send to test, at most."""
LATENCY_CALLS = 60
PASSAGES, PASSAGE = 3, 240
"""How many passages a prompt is taken to hold, and their tokens."""


@dataclass(frozen=True)
class Speed:
    """Tokens a second: read and not in a prefix cache, and written, all rows of a wave together."""

    read: float
    written: float
    says: str


SPEEDS = {
    "cpu": Speed(800, 300, "two CPU cores that calculate in bf16, for a model of 135M parameters"),
    "cuda": Speed(40_000, 4_000, "one GPU, for a model of 135M parameters"),
    "endpoint": Speed(20_000, 300, "an endpoint, a few requests at a time"),
}
REFERENCE_PARAMETERS = 135e6


@dataclass(frozen=True)
class Lengths:
    """Tokens of a kind of text: of `n` that were counted, the median, 95th percentile, most, mean."""

    n: int
    p50: int
    p95: int
    most: int
    mean: float


@dataclass(frozen=True)
class Sizes:
    """Tokens of this task's parts: whole zero-shot prompts, gold answers, one shot (a row's rendered
    template and its answer), the instruction, the description of the format."""

    prompt: Lengths
    answer: Lengths
    shot: float
    instruction: int
    described: int
    context: int


@dataclass(frozen=True)
class Step:
    """A part of the work. `fresh` are those of `tokens_in` that no shared prefix saves; `usd` is None
    without prices."""

    name: str
    calls: int
    tokens_in: int
    fresh: int
    tokens_out: int
    minutes: float = 0.0
    usd: float | None = None


@dataclass(frozen=True)
class Estimate:
    """The ladder's steps and their sums; `usd` is None without prices, `speed` says what minutes assume."""

    steps: tuple[Step, ...]
    minutes: float
    usd: float | None
    speed: str
    calls: int = field(init=False)
    tokens_in: int = field(init=False)
    tokens_out: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("calls", "tokens_in", "tokens_out"):
            object.__setattr__(self, name, sum(getattr(step, name) for step in self.steps))


def lengths(counts: Sequence[int]) -> Lengths:
    """Raises ValueError for no counts."""
    ordered = sorted(counts)

    def at(share: float) -> int:
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    return Lengths(len(ordered), at(0.5), at(0.95), ordered[-1], round(sum(ordered) / len(ordered), 1))


def sample(rows: Sequence[Example]) -> list[Example]:
    """At most SAMPLE rows, the same ones whatever the order."""
    return sorted(rows, key=lambda row: membership(0, row.id))[:SAMPLE]


def measure(task: Task, data: Data, model: Model) -> Sizes:
    """Count the parts of this task's prompts. Raises TaskError for a row the template fails on."""
    template = Template(task.prompt.template, where=task.path, key="prompt.template")
    system = (Message("system", task.prompt.system),) if task.prompt.system else ()
    rows = [*sample(data.dev), *sample(data.test)]
    prompts = []
    for row in rows:
        ask = f"{task.prompt.instruction}\n\n{template.render(row.query())}"
        prompts.append(model.count((*system, Message("user", ask))))
    answers = [model.count(answer_text(row.target)) for row in (rows + sample(data.train))]
    bare = [model.count((Message("user", template.render(row.query())),)) for row in rows]
    answer = lengths(answers)
    return Sizes(
        prompt=lengths(prompts),
        answer=answer,
        shot=round(lengths(bare).mean + answer.mean, 1),
        instruction=model.count(task.prompt.instruction),
        described=model.count(describe(task.output)),
        context=model.context,
    )


def estimate(task: Task, data: Data, sizes: Sizes, rungs: Sequence[Rung], max_tokens: int) -> Estimate:
    """What running `rungs` on dev and two of their approaches on test takes."""
    steps: list[Step] = []
    for rung in rungs:
        if excluded(rung, task, bool(data.train)):
            continue
        if rung.name in COMPOSED:
            start = max(steps, key=_prompt, default=_plain(rung, len(data.dev), sizes, max_tokens))
            steps.append(_composed(rung, start, len(data.dev), sizes))
        else:
            steps.append(_rung(rung, task, data, sizes, max_tokens))
    largest = max(steps, key=_prompt, default=None)
    if largest is not None:
        repeats, shortlist = task.generation.repeats, min(ON_TEST, len(rungs))
        others = len(rungs) * (repeats - 1) * len(data.dev)
        steps += _again(largest, others, f"{len(rungs)} approaches, other repeats on dev")
        steps += _again(largest, shortlist * repeats * len(data.test), f"{shortlist} approaches, on test")
        if any(r.kind == "latency" for r in task.requirements):
            timed = shortlist * min(LATENCY_CALLS, len(data.dev))
            steps += _again(largest, timed, f"{shortlist} approaches, latency")
        steps += _again(largest, most_calls(task, data), "diagnosis, if nothing ships")
    speed, factor = _speed(task)
    steps = [_priced(step, task, speed, factor) for step in steps]
    minutes = sum(step.minutes for step in steps)
    dollars = [step.usd for step in steps if step.usd is not None]
    return Estimate(tuple(steps), round(minutes, 1), round(sum(dollars), 4) if dollars else None, speed.says)


def _priced(step: Step, task: Task, speed: Speed, factor: float) -> Step:
    """The step with its minutes and dollars."""
    seconds = factor * (step.fresh / speed.read + step.tokens_out / speed.written)
    usage = Usage(tokens_in=step.tokens_in, tokens_out=step.tokens_out, seconds=seconds)
    return replace(step, minutes=seconds / 60, usd=usd(usage, task.model.provider, task.prices))


def _rung(rung: Rung, task: Task, data: Data, sizes: Sizes, max_tokens: int) -> Step:
    """The calls of a prompt rung on dev: its races, at most, then all rows."""
    n, prompt, alone = len(data.dev), sizes.prompt.mean, _alone(sizes)
    if isinstance(rung, (FewShot, KnnFewShot)):
        ks = [rung.k] if isinstance(rung.k, int) else list(rung.k)
        k = min(max(ks), len(data.train), max(1, int((sizes.context - max_tokens - prompt) / sizes.shot)))
        fresh = alone if isinstance(rung, FewShot) else alone + k * sizes.shot
        calls = rung.asks(task, len(data.train), n) + n
        return _step(rung.name, calls, prompt + k * sizes.shot, fresh, sizes.answer.mean)
    if isinstance(rung, PromptVariants):
        calls, shown = rung.asks(task, len(data.train), n) + n, sizes.shot if data.train else 0
        reasons = rung.reasoning_tokens / 5 if rung.reasons(task) else 0
        whole = prompt + sizes.described + shown
        return _step(rung.name, calls, whole, alone + sizes.instruction / 3, max_tokens + reasons)
    if isinstance(rung, PromptSearch):
        calls = rung.asks(task, len(data.train), n)
        return _step(rung.name, calls + n, prompt + sizes.described, alone, max_tokens)
    return _plain(rung, n, sizes, max_tokens)


def _plain(rung: Rung, n: int, sizes: Sizes, max_tokens: int) -> Step:
    """A rung that asks every row once, without shots."""
    described = sizes.described if rung.name != "zero_shot" else 0
    return _step(rung.name, n, sizes.prompt.mean + described, _alone(sizes), max_tokens)


def _composed(rung: Rung, start: Step, n: int, sizes: Sizes) -> Step:
    """The calls of a composed rung on dev. For repair a quarter of the rows is taken to fail: they are asked
    again, and once more with what was wrong; the others are known."""
    prompt, fresh, answer = _prompt(start), start.fresh / max(1, start.calls), sizes.answer.mean
    if isinstance(rung, Rag):
        passages = PASSAGES * PASSAGE
        return _step(rung.name, race_calls(MOST_SETTINGS, n) + n, prompt + passages, fresh + passages, answer)
    if isinstance(rung, ByLikelihood):
        return _step(rung.name, 2 * n, prompt, fresh, 0)
    if isinstance(rung, Repair):
        return _step(rung.name, 2 * math.ceil(n / 4), prompt, fresh, answer)
    k = calls_of(rung)[0]
    tried = min(n, TRIED) * k if isinstance(rung, SelfConsistency) else 0
    return _step(rung.name, k * n + tried, prompt, fresh / k, answer)


def _alone(sizes: Sizes) -> float:
    """A row's own part of a prompt."""
    return max(1.0, sizes.prompt.mean - sizes.instruction)


def _prompt(step: Step) -> float:
    """Mean tokens of a step's prompts."""
    return step.tokens_in / max(1, step.calls)


def _step(name: str, calls: int, tokens_in: float, fresh: float, tokens_out: float) -> Step:
    return Step(name, calls, round(calls * tokens_in), round(calls * fresh), round(calls * tokens_out))


def _again(step: Step, calls: int, name: str) -> list[Step]:
    """The same sort of call, so many times; nothing where there are none."""
    each = max(1, step.calls)
    sums = (step.tokens_in / each, step.fresh / each, step.tokens_out / each)
    return [_step(name, calls, *sums)] if calls else []


def _speed(task: Task) -> tuple[Speed, float]:
    """The speed that is assumed, and how many times slower this model is than the one it is for."""
    if task.model.provider != "local":
        return SPEEDS["endpoint"], 1.0
    import torch

    parameters = parameters_in(task.model.name) or REFERENCE_PARAMETERS
    return SPEEDS["cuda" if torch.cuda.is_available() else "cpu"], parameters / REFERENCE_PARAMETERS
