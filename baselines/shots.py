"""The two rungs that show: the same shots for every query, or the nearest ones for each.

Which shots, how many, in which order, and whether the format is described beside them is raced on dev
(race.py). What does not fit is dropped and said (room.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from baselines import shot_sets
from baselines.approach import Prompt, Prompted, Shots
from baselines.notes import keep_chosen, keep_note
from baselines.prompts import decoder, system_text
from baselines.race import answers, first_heat, heat_size, keep_spread, race, race_calls
from baselines.room import all_within
from baselines.shot_sets import GAIN_SETS, POOL, SET, Shown, by_gain, gain_sets, orders
from evals.errors import ModelError, NotApplicable
from evals.task import Task
from evals.types import Example, Models, Work

Way = Literal["balanced", "diverse", "gain"]
WAYS: tuple[Way, ...] = ("balanced", "diverse", "gain")


@dataclass(frozen=True)
class FewShot:
    """Fixed shots. `k` lists the counts to race, `draws` how many random sets of the largest, `select`
    further ways to choose them (shot_sets.py: balanced, diverse, gain), `orders` how many orders of the
    best set are raced after that, `tokens` the most that all shots may take (left out: what the context
    leaves).

    Calls: with the defaults five settings are raced (`k` of 4 and 8 drawn, 8 balanced, 8 diverse, 8 drawn
    with the format described), then three orders of the best: on 80 dev rows 140 calls and 40 more.
    `gain` adds 12 sets of 4 shots on the first rows of the race: 240 calls.
    """

    k: Sequence[int] | int = (4, 8)
    draws: int = 1
    select: Sequence[Way] | Way = ("balanced", "diverse")
    orders: int = 3
    tokens: int | None = None
    embedder: str = "minilm"
    name: str = "few_shot"

    def __post_init__(self) -> None:
        _check_numbers(self._counts(), self.tokens)
        if self.draws < 1 or self.orders < 1:
            raise ValueError("draws and orders are 1 or more")
        if wrong := [way for way in self._ways() if way not in WAYS]:
            raise ValueError(f"select takes {', '.join(WAYS)}, not {', '.join(wrong)}")

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        rows = _usable(train)
        sets = self._sets(rows, work)
        settings = self._settings(sets, rows, work)
        if "gain" in self._ways():
            sets.append(("by gain", self._by_gain(rows, dev, work)))
            settings.append(_approach(self.name, work, sets[-1][1]))
        best = race(all_within(settings, dev, work, self.tokens), dev, work)
        shots = best.prompt.shots
        assert shots is not None
        found = orders(shots.examples, self.orders, work.seed)
        ordered = {name: replace(shots, examples=shown) for name, shown in found.items()}
        return _ordered(best, ordered, dev, work, _counted(shots), _way(shots, sets))

    def settings(self, train: Sequence[Example], work: Work) -> list[Prompted]:
        """What is raced first, the cheapest first; `gain` joins where it is asked for."""
        return self._settings(self._sets(train, work), train, work)

    def _settings(
        self, sets: Sequence[tuple[str, Shown]], train: Sequence[Example], work: Work
    ) -> list[Prompted]:
        plain = [_approach(self.name, work, shown) for _, shown in sets]
        most = shot_sets.drawn(train, self._counts()[-1])
        return [*plain, _approach(self.name, work, most, described=True)]

    def _sets(self, train: Sequence[Example], work: Work) -> list[tuple[str, Shown]]:
        """The sets of shots that are not chosen on dev, each with how it was."""
        task: Task = work.task
        most = self._counts()[-1]
        sets = [("drawn", shot_sets.drawn(train, k)) for k in self._counts()]
        sets += [("drawn", shot_sets.drawn(train, most, draw)) for draw in range(1, self.draws)]
        if "balanced" in self._ways():
            sets.append(("balanced", shot_sets.balanced(train, most, task.output)))
        if "diverse" in self._ways():
            sets.append(("diverse", self._diverse(train, most, work)))
        return [(way, shown) for way, shown in sets if shown]

    def asks(self, task: Task, train: int, dev: int) -> int:
        """The calls that fitting makes, at most."""
        if not train:
            return 0
        ways = self._ways()
        gain = GAIN_SETS * heat_size(dev) if "gain" in ways else 0
        settings = len(self._counts()) + self.draws - 1 + len(ways) + 1
        return race_calls(settings, dev) + race_calls(self.orders, dev) + gain

    def _by_gain(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Shown:
        """The shots whose sets do best on the first rows of the race."""
        pool = self._diverse(train, POOL, work) or shot_sets.drawn(train, POOL)
        figures: list[tuple[Shown, float]] = []
        rows = first_heat(dev)
        for shown in gain_sets(pool, work.seed) if len(pool) >= SET else [pool]:
            (setting,) = all_within([_approach(self.name, work, shown)], dev, work, self.tokens)
            found = answers(setting, [rows], work, "gain of shots")
            figures.append((shown, work.grade([(row, found[row.id]) for row in rows])))
        return by_gain(figures, self._counts()[-1])

    def _diverse(self, train: Sequence[Example], k: int, work: Work) -> Shown:
        """None where there is no embedder: the other ways go on without."""
        try:
            return shot_sets.diverse(train, k, work.models.embedder(self.embedder))
        except ModelError as error:
            keep_note(work, f"{self.name}: no diverse shots were tried: {error.message}")
            return ()

    def _counts(self) -> list[int]:
        return sorted({self.k} if isinstance(self.k, int) else set(self.k))

    def _ways(self) -> tuple[Way, ...]:
        return (self.select,) if isinstance(self.select, str) else tuple(self.select)


@dataclass(frozen=True)
class KnnFewShot:
    """For each query the nearest training rows by `embedder`. `k` lists the counts to race, the largest
    also with the output format described in words; of the best the nearest row last and first are raced.
    `tokens` is the most that the shots of a query may take (left out: what the context leaves).

    Calls: with the defaults three settings are raced, then two orders: on 80 dev rows at most 100 calls.
    """

    k: Sequence[int] | int = (4, 8)
    embedder: str = "minilm"
    tokens: int | None = None
    name: str = "knn_few_shot"

    def __post_init__(self) -> None:
        _check_numbers(self._counts(), self.tokens)

    def look_for_models(self, task: Task, models: Models) -> None:
        """Raises ModelError where the embedder is not there."""
        models.embedder(self.embedder)

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        rows = tuple(_usable(train))
        counts = self._counts()
        settings = [_approach(self.name, work, rows, k, self.embedder) for k in counts]
        settings.append(_approach(self.name, work, rows, counts[-1], self.embedder, described=True))
        best = race(all_within(settings, dev, work, self.tokens), dev, work)
        shots = best.prompt.shots
        assert shots is not None
        if shots.k == 1:
            keep_chosen(work, "the nearest shot", _described(best, work))
            return best
        ordered = {"nearest last": shots, "nearest first": replace(shots, nearest="first")}
        return _ordered(best, ordered, dev, work, f"the {shots.k} nearest shots")

    def asks(self, task: Task, train: int, dev: int) -> int:
        """The calls that fitting makes, at most."""
        return race_calls(len(self._counts()) + 1, dev) + race_calls(2, dev) if train else 0

    def _counts(self) -> list[int]:
        return sorted({self.k} if isinstance(self.k, int) else set(self.k))


def _ordered(
    best: Prompted, orders: Mapping[str, Shots], dev: Sequence[Example], work: Work, *chosen: str
) -> Prompted:
    """The best of these orders of an approach's shots; what was chosen and how far they lie apart is kept."""
    settings = {
        name: replace(best, prompt=replace(best.prompt, shots=shots)) for name, shots in orders.items()
    }
    found = race(list(settings.values()), dev, work)
    keep_spread("shot order", settings, dev, work)
    order = next(name for name, setting in settings.items() if setting is found)
    keep_chosen(work, *chosen, order if len(settings) > 1 else "", _described(found, work))
    return found


def _described(approach: Prompted, work: Work) -> str:
    """Whether the format is described beside the shots."""
    return "" if approach.prompt.system == system_text(work.task, described=False) else "the format described"


def _counted(shots: Shots) -> str:
    return "1 shot" if shots.k == 1 else f"{shots.k} shots"


def _way(shots: Shots, sets: Sequence[tuple[str, Shown]]) -> str:
    """How the shots were chosen, some of which may have been dropped: as the smallest set that has them."""
    ids = {row.id for row in shots.examples}
    having = [(len(shown), way) for way, shown in sets if ids <= {row.id for row in shown}]
    return min(having, key=lambda one: one[0])[1]


def _check_numbers(counts: Sequence[int], tokens: int | None) -> None:
    if not counts or counts[0] < 1:
        raise ValueError("k is one or more numbers of shots, each 1 or more")
    if tokens is not None and tokens < 1:
        raise ValueError("tokens is 1 or more")


def _usable(train: Sequence[Example]) -> Sequence[Example]:
    if not train:
        raise NotApplicable("needs training rows and the task has none")
    return train


def _approach(
    name: str,
    work: Work,
    shown: Shown,
    k: int | None = None,
    retrieve: str | None = None,
    described: bool = False,
) -> Prompted:
    task: Task = work.task
    shots = Shots(shown, min(k or len(shown), len(shown)), retrieve)
    prompt = Prompt(task.prompt.template, system=system_text(task, described=described), shots=shots)
    return Prompted(name, task.model, prompt, decoder(task, work.seed))
