"""The two rungs that show: the same shots for every query, or the nearest ones for each.

Which shots, how many, and whether the format is described beside them is raced on dev: all settings
answer a few rows, the better half goes on with twice as many, until one is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from baselines.approach import Prompt, Prompted, Shots
from baselines.prompts import decoder, system_text
from evals.errors import NotApplicable
from evals.run import predict
from evals.task import Task
from evals.types import Example, Prediction, Work

MOST_SETTINGS = 4
FEWEST_ROWS = 12
"""Below this many dev rows a round of a race says nothing: it then uses all there are."""


@dataclass(frozen=True)
class FewShot:
    """Fixed shots. `k` lists the counts to race; `draws` how many different sets to draw of each.

    With the defaults four settings are raced: `k` of 4 and 8 from one draw, 8 from another, and 8
    with the output format described in words.
    """

    k: Sequence[int] | int = (4, 8)
    draws: int = 2
    name: str = "few_shot"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        settings = self.settings(_usable(train, self.name), work)
        fitting = [_shortened(setting, dev, work) for setting in settings]
        return race(list({setting.hash: setting for setting in fitting}.values()), dev, work)

    def settings(self, train: Sequence[Example], work: Work) -> list[Prompted]:
        """At most four settings, the cheapest first."""
        task: Task = work.task
        counts = sorted({self.k} if isinstance(self.k, int) else set(self.k))
        most = counts[-1]
        plans = [(k, 0, False) for k in counts]
        plans += [(most, draw, False) for draw in range(1, self.draws)] + [(most, 0, True)]
        return [
            _approach(self.name, task, work.seed, Shots(draw_shots(train, k, draw), k), described)
            for k, draw, described in plans[:MOST_SETTINGS]
        ]


@dataclass(frozen=True)
class KnnFewShot:
    """For each query the `k` nearest training rows by `embedder`; raced with and without the
    output format described in words."""

    k: int = 8
    embedder: str = "minilm"
    name: str = "knn_few_shot"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        pool = Shots(tuple(_usable(train, self.name)), self.k, self.embedder)
        settings = [
            _approach(self.name, work.task, work.seed, pool, described) for described in (False, True)
        ]
        return race([_shortened(setting, dev, work) for setting in settings], dev, work)


def draw_shots(train: Sequence[Example], k: int, draw: int) -> tuple[Example, ...]:
    """`k` training rows, the same ones whatever the order of the file; another `draw`, other rows."""
    ordered = sorted(train, key=lambda e: sha256(f"{draw}:{e.id}".encode()).digest())
    return tuple(ordered[:k])


def _usable(train: Sequence[Example], name: str) -> Sequence[Example]:
    if not train:
        raise NotApplicable(f"{name} needs training rows and the task has none")
    return train


def _approach(name: str, task: Task, seed: int, shots: Shots, described: bool) -> Prompted:
    prompt = Prompt(task.prompt.template, system=system_text(task, described=described), shots=shots)
    return Prompted(name, task.model, prompt, decoder(task, seed))


def _shortened(approach: Prompted, dev: Sequence[Example], work: Work) -> Prompted:
    """The approach with as many of its shots as leave room for the longest dev rows and an answer."""
    shots = approach.prompt.shots
    if shots is None:
        return approach
    model = work.models.open(approach.model)
    room = model.context - approach.decoder.max_tokens
    longest = sorted(dev, key=lambda e: len(e.input))[-3:]
    by_length = sorted(shots.examples, key=lambda e: len(e.input) + len(str(e.target)))
    for k in range(min(shots.k, len(shots.examples)), 0, -1):
        stand_in = by_length[-k:] if shots.retrieve else shots.examples[:k]
        if all(model.count(approach.prompt.render(e.query(), stand_in)) <= room for e in longest):
            kept = shots.examples if shots.retrieve else shots.examples[:k]
            return replace(
                approach, prompt=replace(approach.prompt, shots=replace(shots, k=k, examples=kept))
            )
    raise NotApplicable(
        f"{approach.name}: not one training example fits the context of {model.context} tokens"
    )


def race(settings: Sequence[Prompted], dev: Sequence[Example], work: Work) -> Prompted:
    """Successive halving on dev: the setting with the best figure; of equals the first.

    Every round's answers are kept under `work.dir`, so that a race that was cut short goes on.
    """
    left = list(settings)
    dev = sorted(dev, key=lambda e: sha256(e.id.encode()).digest())  # a file may be sorted by label
    heats = [dev[: max(FEWEST_ROWS, math.ceil(len(dev) / 4))]]
    while len(left) > 1:
        figures = [_figure(setting, heats, work) for setting in left]
        order = sorted(range(len(left)), key=lambda i: (-figures[i], i))
        left = [left[i] for i in sorted(order[: len(left) // 2])]
        seen = sum(len(heat) for heat in heats)
        heats.append(dev[seen : 2 * seen])
    return left[0]


def _figure(setting: Prompted, heats: Sequence[Sequence[Example]], work: Work) -> float:
    """The setting's figure over all rows so far; each heat is one list of requests, asked once."""
    rows = [example for heat in heats for example in heat]
    path, step = work.dir / f"{setting.hash}.jsonl", f"{setting.name}: race"
    found: dict[str, Prediction] = {}
    for heat in heats:
        show = partial(_show, work, step, len(found), len(rows))
        for _ in range(2):  # rows in error are asked once more, so that bad luck does not lose a race
            found |= predict(setting, heat, work.models, path, "dev", show)
    return work.grade([(e, found[e.id]) for e in rows])


def _show(work: Work, step: str, before: int, total: int, done: int) -> None:
    work.progress(step, before + done, total)
