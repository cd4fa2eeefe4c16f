"""The ladder of a task: which rungs are tried, in which order, and what comes after the last.

First each prompt rung alone; then, in turn, the composed rungs, each on the best approach so far on dev.
Only this module knows both ladders, the baselines and the training methods.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baselines import COMPOSED, ON_DEMAND, RUNGS
from evals.errors import ModelError, TaskError
from evals.preferences import METRIC, learnable
from evals.task import DEFAULT, RungSpec, Task
from evals.typed import fits, hints_of, in_words
from evals.types import Models, Rung
from evals.yamlfile import join_key
from tuning import Recommendation, recommend

NEED_TRAIN = ("few_shot", "knn_few_shot", "prompt_search")
"""Rungs that do not apply to a task without training rows."""
BEST = "the best so far on dev"
OPTIONS = "docs/ladder.md, docs/prompts.md and docs/retrieval.md list every rung's options."


@dataclass(frozen=True)
class Planned:
    """A rung as it would be run. `start` says what it adds to ("" where it stands alone), `why` why it does
    not apply or on which condition it does, `calls` the fewest and most calls of a row with what it finds."""

    name: str
    start: str
    applies: bool
    why: str
    calls: tuple[int, int]


def planned(task: Task, has_train: bool, only: tuple[str, ...] = ()) -> tuple[Planned, ...]:
    """The ladder as it would be run. Nothing is asked, no model is looked for."""
    found = []
    for rung in rungs(task, only):
        why_not = excluded(rung, task, has_train)
        condition = str(getattr(rung, "condition", ""))
        found.append(
            Planned(
                rung.name,
                BEST if rung.name in COMPOSED else "",
                not why_not,
                why_not or condition,
                calls_of(rung),
            )
        )
    return tuple(found)


def calls_of(rung: Rung) -> tuple[int, int]:
    """The fewest and most calls of a row with the approach that a rung finds."""
    fewest, most = getattr(rung, "calls", (1, 1))
    return fewest, most


def excluded(rung: Rung, task: Task, has_train: bool) -> str:
    """Why a rung cannot be tried on this task, as far as the task says; "" when it can."""
    if rung.name in NEED_TRAIN and not has_train:
        return "needs training rows and the task has none"
    why = getattr(rung, "excluded", None)
    return "" if why is None else str(why(task))


def rungs(task: Task, only: tuple[str, ...] = ()) -> list[Rung]:
    """The task's rungs in ladder order, or those of them named in `only`.

    Raises TaskError for a name that is no rung of this ladder and for a wrong option.
    """
    specs = _specs(task)
    names = [spec.name for spec in specs]
    for name in only:
        if name not in names:
            RUNGS.load(name, key="--only")
            raise TaskError(
                f"the task's ladder has no rung {name!r}", key="--only", hint=f"It has: {', '.join(names)}."
            )
    built = [_built(task, spec) for spec in specs]
    order = list(RUNGS)
    built.sort(key=lambda rung: order.index(rung.name))
    return [rung for rung in built if not only or rung.name in only]


def _built(task: Task, spec: RungSpec) -> Rung:
    """A rung with its options. Raises TaskError at the line where the task names it."""
    try:
        kinds = hints_of(RUNGS.load(spec.name))
        for option, value in spec.options.items():
            if option in kinds and not fits(value, kinds[option]):
                what = f"must be {in_words(kinds[option])}, not {json.dumps(value, ensure_ascii=False)}"
                raise task.error(what, key_of(task, spec.name, option), OPTIONS)
        rung: Rung = RUNGS.build(spec.name, spec.options)
    except TaskError as error:
        if error.where is not None:
            raise
        raise task.error(error.message, key_of(task, spec.name), error.hint) from error
    return rung


def key_of(task: Task, rung: str, option: str = "") -> str:
    """Where the task file names a rung, or an option of it: "ladder[1].k"; of what it does not name,
    "ladder"."""
    given = task.file.value.get("ladder")
    for index, entry in enumerate(given if isinstance(given, list) else [given]):
        if rung in (entry, entry.get("name") if isinstance(entry, dict) else None):
            key = join_key("ladder", index) if isinstance(given, list) else "ladder"
            return join_key(key, option) if isinstance(entry, dict) and option in entry else key
    return "ladder"


def missing_models(
    task: Task, rungs: Sequence[Rung], has_train: bool, models: Models
) -> Iterator[ModelError]:
    """An error for every rung that will be tried and needs a model beside the task's that is not here."""
    for rung in rungs:
        look = getattr(rung, "look_for_models", None)
        if look is None or excluded(rung, task, has_train):
            continue
        try:
            look(task, models)
        except ModelError as error:
            key = key_of(task, rung.name)
            yield ModelError(
                f"the rung {rung.name!r} cannot be tried: {error.message}",
                where=task.path,
                line=task.file.line(key),
                key=key,
                hint=f"{error.hint or ''} Or leave the rung out (ladder.without).".strip(),
            )


def _specs(task: Task) -> list[RungSpec]:
    """The rungs that a task's ladder names, `default` written out. Raises TaskError."""
    own = task.ladder if task.ladder is not None else (RungSpec(DEFAULT),)
    names = [spec.name for spec in own]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise TaskError(
            f"the rung {twice!r} stands twice", where=task.path, key="ladder", hint="Name each rung once."
        )
    for name in task.without:
        RUNGS.load(name, where=task.path, key="ladder.without")
        if name in names:
            raise TaskError(
                f"the rung {name!r} is named and left out",
                where=task.path,
                key="ladder",
                hint="Take it out of the list, or out of `without`.",
            )
    specs = [spec for spec in own if spec.name != DEFAULT]
    if DEFAULT in names:
        specs += [RungSpec(name) for name in RUNGS if name not in (*names, *ON_DEMAND)]
    specs = [spec for spec in specs if spec.name not in task.without]
    if not specs:
        raise TaskError("leaves out every rung", where=task.path, key="ladder", hint="Keep at least one.")
    return specs


def left_out(task: Task, has_train: bool) -> list[str]:
    """Default baselines that apply to the task and that its own ladder does not have."""
    mine = {rung.name for rung in rungs(task)}
    others = [RUNGS.build(name, {}) for name in RUNGS if name not in (*mine, *ON_DEMAND)]
    return [rung.name for rung in others if not excluded(rung, task, has_train)]


def next_step(task: Task, train_rows: int, command: str) -> Mapping[str, Any]:
    """What to do when no baseline will: a recommendation of decision.json, to train something by `command`
    or, with the reasons, to collect training rows or nothing."""
    found = training_for(task, train_rows)
    if found.method is None:
        return {"action": "none" if _hosted(task) else "collect_train", "why": list(found.why)}
    return {
        "action": "tune",
        "method": found.method.name,
        **({} if found.objective == "sft" else {"objective": found.objective}),
        "why": list(found.why),
        "command": command,
    }


def training_for(task: Task, train_rows: int) -> Recommendation:
    """What to train first on the task's pairs of answers and `train_rows` rows, and towards what."""
    pairs = len(learnable(task)[0].train) if task.data.preferences else 0
    preferred = any(r.metric == METRIC and r.tier == "critical" for r in task.requirements)
    return recommend(train_rows, hosted=_hosted(task), pairs=pairs, preferred=preferred)


def _hosted(task: Task) -> bool:
    return task.model.provider != "local" and task.tune_model is None
