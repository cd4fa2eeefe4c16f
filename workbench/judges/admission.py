"""Whether a judge may gate: what came of trying it, and what its requirements may do without that.

Admissions stand in judges.json beside the task, meant to be committed, under a hash of judge and rubric: a
changed judge is not admitted until it is tried again (`workbench.judges.trial`). The requirements on a judge
without admission advise only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evals.errors import TaskError
from evals.graders import grader_hash
from evals.graders.judging.pairwise import Pairwise
from evals.graders.judging.rubric import Judge
from evals.store import digest, read_json, reading, revive
from evals.task import Task
from evals.types import Grader, Models, Requirement, Usage

NO_RECORD = "it was not tried on human labels"


@dataclass(frozen=True)
class Probe:
    """An attack: in which share of `n` answers that the judge had not passed it brought a pass; or, for
    "position", in which share of pairs both orders said the same."""

    share: float | None
    n: int


@dataclass(frozen=True)
class Admission:
    """What trying a judge showed. `low` is the one-sided lower bound of kappa at the task's confidence
    over `units` independent rows; `limit` what it was held against; `faults` why it is not admitted."""

    name: str
    labels: str
    n: int
    units: int
    unread: int
    agreement: float
    kappa: float
    low: float
    limit: float
    confidence: float
    probes: Mapping[str, Probe] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def sentence(self) -> str:
        """The figures in one line."""
        attacks = "; ".join(
            f"{name} {'held' if name == 'position' else 'moved'} {_share(probe)}"
            for name, probe in self.probes.items()
        )
        return (
            f"kappa {self.kappa:.2f} with people, surely above {self.low:.2f} (wanted {self.limit:g}), "
            f"{self.agreement:.0%} alike on {self.n} rows, {self.unread} verdicts not read; {attacks}"
        )


def _share(probe: Probe) -> str:
    return "nothing it could be tried on" if probe.share is None else f"{probe.share:.0%} of {probe.n}"


def leaves(graders: Sequence[Grader]) -> Iterator[tuple[str, str, Judge | Pairwise]]:
    """(the task's grader, the name its labels have, the judge in it), for every judge of these graders."""
    for grader in graders:
        for name, judge in _inside(grader):
            yield grader.name, name, judge


def _inside(grader: object) -> Iterator[tuple[str, Judge | Pairwise]]:
    if isinstance(grader, (Judge, Pairwise)):
        yield grader.name, grader
        return
    inner = getattr(grader, "inner", None)
    if inner is not None:
        for name, judge in _inside(inner):
            yield (str(getattr(grader, "name", name)) if judge is inner else name), judge
    for member in getattr(grader, "members", ()):
        yield from _inside(member)


def pin(judge: Judge | Pairwise, models: Models) -> str:
    """Names a judge by what its verdicts depend on: rubric, prompt, model and weights."""
    return digest([grader_hash(judge), models.open(judge.bench.ref).fingerprint])


def record_path(task_path: Path) -> Path:
    """Where admissions stand: beside the task file, meant to be committed with it."""
    return task_path.parent / "judges.json"


def read_record(path: Path) -> dict[str, Admission]:
    """The admissions by judge; none where nothing was tried."""
    if not path.is_file():
        return {}
    with reading(path):
        return {key: revive(Admission, value) for key, value in read_json(path)["judges"].items()}


def standing(task: Task, graders: Sequence[Grader], models: Models) -> dict[str, str]:
    """Why each grader that asks a judge may not gate, "" when it may; nothing without judges."""
    found: dict[str, list[str]] = {}
    record: dict[str, Admission] | None = None
    for grader, _, judge in leaves(graders):
        record = read_record(record_path(task.path)) if record is None else record
        known = record.get(pin(judge, models))
        limit = task.judge.at_least if task.judge else 1.0
        why = list(known.faults) if known else [NO_RECORD]
        if known and not why and known.low < limit:
            why = [f"its kappa with people is surely above {known.low:.2f} only, and {limit:g} is wanted"]
        found.setdefault(grader, []).extend(why)
    for other in graders:
        if getattr(other, "asks_model", False):
            found.setdefault(other.name, ["there is no way to try it on human labels"])
    return {name: "; ".join(dict.fromkeys(why)) for name, why in found.items()}


def limited(task: Task, judges: Mapping[str, str]) -> tuple[Task, tuple[str, ...]]:
    """The task with the requirements on judges that are not admitted as advisory ones, and a note each."""
    notes: list[str] = []
    asked: list[Requirement] = []
    for requirement in task.requirements:
        grader = next(
            (g for g in judges if requirement.metric == g or requirement.metric.startswith(g + ".")), ""
        )
        if requirement.tier == "critical" and judges.get(grader):
            notes.append(
                f"{requirement.sentence()} advises only: the judge {grader!r} is not admitted "
                f"({judges[grader]}). `wb check --judge` tries it."
            )
            asked.append(replace(requirement, tier="advisory"))
        else:
            asked.append(requirement)
    return replace(task, requirements=tuple(asked)), tuple(notes)


def refuse_toothless(task: Task, before: Task) -> None:
    """Raise TaskError when nothing is left that could decide."""
    if any(r.tier == "critical" for r in before.requirements) and not any(
        r.tier == "critical" for r in task.requirements
    ):
        raise TaskError(
            "no requirement is left to decide by: a judge that is not admitted may only advise",
            where=task.path,
            key="requirements",
            hint="Admit it with `wb check --judge`, add a requirement of another kind, or use --dev-only.",
        )
