"""The noise floor: how much a score moves when only arbitrary things change.

One approach is asked the same dev rows again with its shots in other orders, its instruction in other
words, other seeds, and in two parts; nothing of this should matter, and what it does to the scores is
set beside the sampling error of as many rows. A spread as large as the sampling error says that a
difference between two runs may come from choices nobody made on purpose. Answers are kept, so that
the same command continues where it was stopped.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from baselines.approach import Prompt, Prompted, Shots, load
from baselines.prompts import decoder, system_text
from baselines.shot_sets import drawn
from evals.data import Data, load_data, membership
from evals.errors import OutageError, ResumableError
from evals.failures import primary_grader
from evals.graders import of_task
from evals.metrics import evidence, in_slice, is_amount, label
from evals.run import grade_rows, measured_rows, predict, read_predictions
from evals.stats.bounds import standard_error
from evals.store import digest, disk_errors
from evals.task import Task, load_task
from evals.types import Example, Grader, Models, Prediction, Progress, Requirement, Row
from workbench.comparison.sides import Side
from workbench.session import with_max_tokens

ROWS = 40
"""Dev rows that are asked, unless more are wanted."""
SETTINGS = 3
"""Settings of each source beside the approach as it is."""
SHOTS = 4
WORDINGS = ("Instruction: {}", "Your task: {}", "Do the following.\n{}")
"""Ways to put an instruction that change nothing in what it asks."""


@dataclass(frozen=True)
class Setting:
    """One arbitrary change: its source, what it is, and the approach with it. `parts` is how many
    lists of requests the rows are asked in."""

    source: str
    name: str
    approach: Prompted
    parts: int = 1


@dataclass(frozen=True)
class Bench:
    """What is to be measured: settings (the first is the approach as it is), dev rows, where answers
    are kept. `left_out` says of a source why it has no settings; `dev_rows` and `test_rows` are how many
    the task has."""

    task: Task
    settings: tuple[Setting, ...]
    examples: tuple[Example, ...]
    folder: Path
    left_out: tuple[str, ...]
    dev_rows: int
    test_rows: int

    @property
    def calls(self) -> int:
        """All calls, answered before or not."""
        return len(self.settings) * len(self.examples)

    def path(self, setting: Setting) -> Path:
        """Where a setting's answers are kept."""
        return self.folder / f"{digest([setting.approach.hash, setting.parts], 12)}.jsonl"

    def answered(self) -> int:
        """Calls whose answers are on disk."""
        wanted = {example.id for example in self.examples}
        found = [read_predictions(self.path(setting), "dev") for setting in self.settings]
        return sum(p.error is None and i in wanted for answers in found for i, p in answers.items())


@dataclass(frozen=True)
class Source:
    """The spread of one metric from one source: its values with each setting, the approach as it is
    first, and their standard deviation."""

    source: str
    settings: tuple[str, ...]
    values: tuple[float, ...]
    deviation: float


@dataclass(frozen=True)
class Floor:
    """One metric's noise. `error` is the standard error of the value on these `n` rows, from which rows
    they are; `error_dev` and `error_test` that on as many as there are. `deviation` is the largest of
    the sources'; two settings differ by up to `apart` in 95 of 100 cases."""

    metric: str
    n: int
    value: float
    error: float
    error_dev: float
    error_test: float
    sources: tuple[Source, ...]
    deviation: float
    apart: float


def prepare(task_path: Path, out: Path, rows: int, earlier: Side | None, models: Models) -> Bench:
    """Everything that would be asked; nothing is. The approach is that of the earlier run, where there
    is one, else a system prompt with a few shots."""
    task, data = load_task(task_path), load_data(load_task(task_path))
    task = with_max_tokens(task, data, models)
    base = _base(task, data, earlier)
    examples = tuple(sorted(data.dev, key=lambda row: membership(0, row.id))[:rows])
    settings, left_out = _settings(base, task)
    key = digest([data.hash, models.open(base.model).fingerprint], 12)
    everything = (Setting("as it is", "", base), *settings)
    folder = out / ".noise" / task.name / key
    return Bench(task, everything, examples, folder, left_out, len(data.dev), len(data.test))


def _base(task: Task, data: Data, earlier: Side | None) -> Prompted:
    if earlier is not None:
        for folder in sorted((Path(earlier.where) / "approaches").glob(f"{earlier.approach}-*")):
            if (folder / "spec.json").is_file():
                return load(folder)
    shots = Shots(drawn(data.train, SHOTS), SHOTS) if data.train else None
    prompt = Prompt(task.prompt.template, system=system_text(task, described=True), shots=shots)
    return Prompted("system_prompt" if shots is None else "few_shot", task.model, prompt, decoder(task, 0))


def _settings(base: Prompted, task: Task) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """The settings of every source, and why a source has none."""
    found: list[Setting] = []
    left_out: list[str] = []
    for source, make in SOURCES.items():
        made = make(base, task)
        if isinstance(made, str):
            left_out.append(f"{source}: {made}")
        else:
            found += [Setting(source, name, *rest) for name, *rest in made]
    return tuple(found), tuple(left_out)


Made = Sequence[tuple[Any, ...]] | str
"""(name, approach[, parts]) a setting, or why there is none."""


def shot_orders(base: Prompted, task: Task) -> Made:
    """The same shots in other orders."""
    shots = base.prompt.shots
    if shots is None or shots.retrieve is not None or len(shots.examples) < 2:
        return (
            "shots that are retrieved stand by nearness" if shots and shots.retrieve else "there are no shots"
        )
    orders: dict[tuple[str, ...], tuple[Example, ...]] = {}
    rng, own = random.Random(0), tuple(e.id for e in shots.examples)
    for _ in range(20 * SETTINGS):
        mixed = list(shots.examples)
        rng.shuffle(mixed)
        orders.setdefault(tuple(e.id for e in mixed), tuple(mixed))
    orders.pop(own, None)
    kept = list(orders.values())[:SETTINGS]
    return [
        (f"order {place}", _prompted(base, shots=replace(shots, examples=order)))
        for place, order in enumerate(kept, 1)
    ]


def wordings(base: Prompted, task: Task) -> Made:
    """The same instruction in other words: the task's variants, then frames that change nothing."""
    own = task.prompt.instruction
    texts = [*task.prompt.variants, *(frame.format(own) for frame in WORDINGS)][:SETTINGS]
    if not any(own and own in text for text in (base.prompt.system, base.prompt.instruction)):
        return "the approach's prompt does not hold the task's instruction"
    return [
        (
            " ".join(text.split())[:40],
            _prompted(
                base,
                system=base.prompt.system.replace(own, text),
                instruction=base.prompt.instruction.replace(own, text),
            ),
        )
        for text in texts
        if text != own
    ]


def seeds(base: Prompted, task: Task) -> Made:
    """Other seeds, where answers are drawn."""
    if base.decoder.temperature == 0:
        return "at temperature 0 no seed changes anything"
    return [
        (
            f"seed {base.decoder.seed + n}",
            replace(base, decoder=replace(base.decoder, seed=base.decoder.seed + n)),
        )
        for n in range(1, SETTINGS + 1)
    ]


def batches(base: Prompted, task: Task) -> Made:
    """The same requests in two lists, so that other rows stand beside each in its batch."""
    return [("in two parts", base, 2)]


SOURCES: Mapping[str, Callable[[Prompted, Task], Made]] = {
    "shot order": shot_orders,
    "wording": wordings,
    "seed": seeds,
    "batches": batches,
}


def _prompted(base: Prompted, **changes: Any) -> Prompted:
    return replace(base, prompt=replace(base.prompt, **changes))


def measure_noise(bench: Bench, models: Models, progress: Progress) -> list[Floor]:
    """Ask what is not answered yet, and give the noise of every required share. Raises ResumableError
    on an outage: the same command continues."""
    with disk_errors(bench.folder):
        bench.folder.mkdir(parents=True, exist_ok=True)
    graders = of_task(bench.task)
    answered = []
    for place, setting in enumerate(bench.settings, 1):
        step = f"noise {place}/{len(bench.settings)}: {setting.source}"
        show = partial(_show, progress, step, len(bench.examples))
        answered.append(_ask(bench, setting, graders, models, show))
    asked = [r for r in bench.task.requirements if not is_amount(r.metric)]
    floors = {label(r): _floor(bench, r, answered) for r in asked}
    return [floor for floor in floors.values() if floor is not None]


def _ask(
    bench: Bench,
    setting: Setting,
    graders: Sequence[Grader],
    models: Models,
    show: Callable[[int, int], None],
) -> list[Row]:
    """A setting's graded rows."""
    half = -(-len(bench.examples) // setting.parts)
    predictions: dict[str, Prediction] = {}
    try:
        for start in range(0, len(bench.examples), half):
            mine, path = bench.examples[start : start + half], bench.path(setting)
            predictions |= predict(setting.approach, mine, models, path, "dev", partial(show, start))
    except OutageError as error:
        raise ResumableError(
            f"the noise floor was not measured to its end: {error.message}",
            hint="The same command continues: what was answered is kept.",
        ) from error
    pairs = [(example, predictions[example.id]) for example in bench.examples]
    scores = grade_rows(graders, pairs, models)
    primary = primary_grader(bench.task.requirements, [g.name for g in graders])
    pass_at = next(g.pass_at for g in graders if g.name == primary)
    return measured_rows(bench.examples, predictions, scores, primary, pass_at)


def _show(progress: Progress, step: str, total: int, before: int, done: int) -> None:
    progress(step, before + done, total)


def _floor(bench: Bench, requirement: Requirement, answered: Sequence[Sequence[Row]]) -> Floor | None:
    samples = [evidence(requirement.metric, in_slice(rows, requirement.where)).present for rows in answered]
    values = [sample.value for sample in samples]
    if values[0] is None:
        return None
    by_source: dict[str, list[int]] = {}
    for place, setting in enumerate(bench.settings[1:], 1):
        if values[place] is not None:
            by_source.setdefault(setting.source, []).append(place)
    sources = []
    for source, places in by_source.items():
        mine = [float(values[place] or 0.0) for place in (0, *places)]
        names = tuple(bench.settings[place].name for place in places)
        sources.append(Source(source, names, tuple(mine), float(np.std(mine, ddof=1))))
    n, error = samples[0].n, standard_error(samples[0])
    deviation = max((source.deviation for source in sources), default=0.0)
    return Floor(
        label(requirement),
        n,
        float(values[0]),
        error,
        error * (n / bench.dev_rows) ** 0.5,
        error * (n / bench.test_rows) ** 0.5,
        tuple(sources),
        deviation,
        1.96 * 2**0.5 * deviation,
    )
