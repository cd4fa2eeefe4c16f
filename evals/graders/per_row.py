"""The grader whose assertions differ from row to row: each row brings its own list in a column.

A list is of graders, each a name or {name: ..., option: ..., weight: ...}, or of sets of these,
{assertions: [...], threshold: ..., weight: ...}. A set holds when its weighted mean value reaches its
threshold, or, without one, when everything in it holds; the column is a list or such a set itself.
Test files of assertion-style tools are of this form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import DataError, TaskError
from evals.graders import answer_text, build_one
from evals.graders.folding import shown
from evals.graders.options import number, text
from evals.graders.row_by_row import Reading, RowByRow
from evals.store import canonical
from evals.table import nearest
from evals.types import Example, Grader, Json, Models, Prediction, Score

if TYPE_CHECKING:
    from evals.output import OutputSpec
    from evals.task import Task

DEPTH = 8
"""How deep sets may stand in each other."""
TRAITS = {"asks_model": "asks a model", "runs_code": "runs code", "advisory": "may only advise"}
"""What keeps a grader out of a row: it is announced, paid for and admitted by the task."""


@dataclass(frozen=True)
class Node:
    """A grader with its weight, or a set of nodes with its weight and, perhaps, a threshold."""

    weight: float = 1.0
    grader: Grader | None = None
    members: tuple[Node, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True)
class Found:
    """What a node makes of an answer."""

    value: float
    holds: bool
    why: str = ""
    unread: bool = False


class Assertions(RowByRow):
    """1 when the assertions of the row hold, else 0. `from` is the column they stand in.

    Part `score`: the weighted mean value of the row's assertions, over rows.
    """

    name = "assertions"

    def __init__(
        self, output: OutputSpec, folder: Path, task: Task | None = None, *, from_: str = "assertions"
    ) -> None:
        """Raises ValueError for a wrong option."""
        self._column = text("from", from_)
        super().__init__({"from": self._column}, ("score",))
        self.identity["output"] = {"schema": output.schema, "labels": list(output.labels)}
        self._output, self._folder, self._task = output, folder, task
        self._built: dict[str, Grader] = {}

    def gold(self, example: Example) -> Prediction | None:
        """The gold answer; None where it is empty: that something is asked of an answer tells no answer.
        Raises DataError when the row's assertions cannot be read."""
        self._root(example)
        said = answer_text(example.target)
        return Prediction(example.id, said, "stop") if said.strip() else None

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. Raises DataError when a row's assertions cannot be read."""
        for example, prediction in rows:
            found = self._of(self._root(example), example, prediction, models)
            reading = Reading(
                float(found.holds),
                shown(prediction.text.strip()),
                found.why or f"score {found.value:.3g} is too low",
                found.unread,
                {"score": (found.value, 1.0)},
            )
            yield self.score(example, prediction, reading)

    def _of(self, node: Node, example: Example, prediction: Prediction, models: Models) -> Found:
        if node.grader is not None:
            (score,) = node.grader.grade([(example, prediction)], models)
            holds = score.value >= node.grader.pass_at
            why = "" if holds else f"{node.grader.name}: {score.why}"
            return Found(score.value, holds, why, score.failure == "format")
        found = [(member.weight, self._of(member, example, prediction, models)) for member in node.members]
        value = sum(weight * one.value for weight, one in found) / sum(weight for weight, _ in found)
        lacking = [one for _, one in found if not one.holds]
        holds = not lacking if node.threshold is None else value >= node.threshold
        why = "; ".join(one.why for one in lacking)
        return Found(value, holds, why, any(one.unread for one in lacking))

    def _root(self, example: Example) -> Node:
        column = self._column
        if column not in example.fields:
            raise DataError(
                f"row {example.id!r} has no column {column!r}.{nearest(column, example.fields)}",
                hint=f"Its other columns: {', '.join(example.fields) or 'none'}.",
            )
        value = example.fields[column]
        try:
            return self._node({"assertions": value} if isinstance(value, list) else value, column, DEPTH)
        except ValueError as error:
            raise DataError(
                f"row {example.id!r}: {error}",
                hint="Write a list of graders, as under the task's graders; docs/graders.md, assertions.",
            ) from error

    def _node(self, value: Json, place: str, depth: int) -> Node:
        """A value of the column as a node. Raises ValueError that says where it is wrong."""
        if isinstance(value, str):
            return Node(grader=self._grader(value, {}, place))
        if not isinstance(value, dict) or not ({"name", "assertions"} & value.keys()):
            raise ValueError(f"{place} is a grader or {{assertions: [...]}}, not {shown(str(value), 80)}")
        rest = {key: item for key, item in value.items() if key != "weight"}
        weight = number(f"{place}.weight", value.get("weight", 1), 0, 1e6)
        if "assertions" not in rest:
            name = text(f"{place}.name", rest.pop("name"))
            return Node(weight, self._grader(name, rest, place))
        inner, threshold = rest.pop("assertions"), rest.pop("threshold", None)
        if rest:
            raise ValueError(f"{place} is a set and has no {', '.join(rest)}: only threshold and weight")
        if not isinstance(inner, list) or not inner or depth == 0:
            raise ValueError(f"{place} is a list of at least one assertion, {DEPTH} deep at most")
        members = tuple(self._node(one, f"{place}[{n}]", depth - 1) for n, one in enumerate(inner))
        if threshold is not None:
            threshold = number(f"{place}.threshold", threshold, -1e-9, 1)
        return Node(weight, None, members, threshold)

    def _grader(self, name: str, options: Mapping[str, Any], place: str) -> Grader:
        key = canonical([name, options])
        if key not in self._built:
            try:
                built = build_one(name, options, self._output, self._folder / "task.yaml", self._task)
            except TaskError as error:
                hint = f" {error.hint}" if error.hint else ""
                raise ValueError(f"{place}: {error.message}{hint}") from error
            for trait, said in TRAITS.items():
                if getattr(built, trait, False):
                    raise ValueError(f"{place}: the grader {name!r} {said}: it stands under graders only")
            self._built[key] = built
        return self._built[key]
