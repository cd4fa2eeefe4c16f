"""The grader that makes one score of several: the mean of other graders' values, with weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import TaskError
from evals.graders import build_one, gold_prediction, grader_hash, make_ready
from evals.graders.folding import shown
from evals.graders.options import number
from evals.types import Example, Grader, Json, Models, Prediction, Score, Usage

if TYPE_CHECKING:
    from evals.output import OutputSpec
    from evals.task import Task


class Weighted:
    """The weighted mean of the values of `graders`, each a name or {name: ..., option: ...}.

    `weights` has a number for each, all 1 when left out. The same grader may stand several times.
    Parts: the mean of each, by its name (`contains`, `contains_2`, or what `as` says).
    """

    name = "weighted"
    version = 1
    higher_is_better = True
    pass_at = 1.0

    def __init__(
        self,
        output: OutputSpec,
        folder: Path,
        task: Task | None = None,
        *,
        graders: Sequence[str | Mapping[str, Any]] = (),
        weights: Sequence[float] | None = None,
    ) -> None:
        """Raises ValueError for a wrong option of its own or of one of the graders."""
        if not isinstance(graders, (list, tuple)) or not graders:
            raise ValueError("graders is a list of graders, each a name or {name: ..., option: ...}")
        self.members = tuple(
            _member(place, value, output, folder, task) for place, value in enumerate(graders)
        )
        self._weights = _weights(weights, len(self.members))
        self._parts = _parts([member.name for member in self.members])
        self.metrics: Sequence[str] = (self.name, *(f"{self.name}.{part}" for part in self._parts))
        hashes: list[Json] = [grader_hash(member) for member in self.members]
        self.identity: dict[str, Json] = {
            "version": self.version,
            "graders": hashes,
            "weights": list(self._weights),
        }

        for trait in ("runs_code", "asks_model", "advisory"):
            setattr(self, trait, any(getattr(member, trait, False) for member in self.members))

    def ready(self, models: Models) -> None:
        """As its graders'."""
        make_ready(self.members, models)

    def gold(self, example: Example) -> Prediction | None:
        """What the first of the graders that read more than the text takes for a right answer."""
        special = [member for member in self.members if getattr(member, "gold", None)]
        return gold_prediction((special or self.members)[0], example)

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order: of format, when one of the graders says so."""
        columns = [list(member.grade(rows, models)) for member in self.members]
        for scores in zip(*columns, strict=True):
            yield self._combined(scores)

    def _combined(self, scores: Sequence[Score]) -> Score:
        weighed = sum(weight * score.value for weight, score in zip(self._weights, scores, strict=True))
        value = weighed / sum(self._weights)
        lacking = [(part, s) for part, s in zip(self._parts, scores, strict=True) if s.value < 1]
        unread = any(score.failure == "format" for _, score in lacking)
        right = value >= self.pass_at
        unjudged = [(part, s) for part, s in zip(self._parts, scores, strict=True) if not s.judged]
        used = [score.usage for score in scores if score.usage is not None]
        usage = sum(used, Usage()) if used else None
        if unjudged:
            why = shown(f"{unjudged[0][0]}: {unjudged[0][1].why}", 240)
            none = Score(scores[0].id, self.name, 0.0, why=why, repeat=scores[0].repeat)
            return replace(none, judged=False, usage=usage)
        return Score(
            scores[0].id,
            self.name,
            value,
            scores[0].answer,
            None if right else "format" if unread else "wrong",
            shown("; ".join(f"{part}: {score.why}" for part, score in lacking), 240),
            {part: (score.value, 1.0) for part, score in zip(self._parts, scores, strict=True)},
            scores[0].repeat,
            usage=usage,
        )


def _member(place: int, value: Any, output: OutputSpec, folder: Path, task: Task | None) -> Grader:
    """One of the graders. Raises ValueError that says which one is wrong."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise ValueError(f"graders[{place}] is a name or {{name: ..., option: ...}}, not {value!r}")
    options = {key: option for key, option in value.items() if key != "name"}
    try:
        return build_one(value["name"], options, output, folder / "task.yaml", task)
    except TaskError as error:
        hint = f" {error.hint}" if error.hint else ""
        raise ValueError(f"graders[{place}]: {error.message}{hint}") from error


def _weights(given: Any, n: int) -> tuple[float, ...]:
    if given is None:
        return (1.0,) * n
    if not isinstance(given, (list, tuple)) or len(given) != n:
        raise ValueError(f"weights is a list of {n} numbers, one for each grader, not {given!r}")
    return tuple(number(f"weights[{place}]", weight, 0, 1e6) for place, weight in enumerate(given))


def _parts(names: Sequence[str]) -> tuple[str, ...]:
    """The names, numbered from the second of its kind on."""
    seen: Counter[str] = Counter()
    parts = []
    for name in names:
        seen[name] += 1
        parts.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(parts)
