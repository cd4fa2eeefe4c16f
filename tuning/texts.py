"""Which rows and pairs a recipe learns from, and how long they are as it would read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.approach import Prompted
from evals.errors import NotApplicable
from evals.preferences import Pairs, learnable
from evals.types import Example, Work

if TYPE_CHECKING:
    from evals.models.chat import Renderer
    from evals.task import Task
    from tuning.student import Objective


def preferred(objective: Objective, task: Task) -> tuple[Pairs, tuple[str, ...]]:
    """The pairs of answers that an objective learns from and those of dev, and the ids of those left out
    because a dev or test row has their input; none where it learns from rows alone. Raises NotApplicable
    when there is none to learn from."""
    if not objective.preferences:
        return Pairs(), ()
    found, copies = learnable(task)
    if not found.train:
        raise NotApplicable(
            f"{objective.name} learns from pairs of answers, and the task has none to train on"
        )
    return found, copies


@dataclass(frozen=True)
class Texts:
    """How many rows and pairs fit the context, the sorted tokens of their texts (one at least), the median
    and the longest of their answers, and the ids of those that do not fit or are left out."""

    rows: int
    pairs: int
    lengths: list[int]
    answer: int
    longest_answer: int
    too_long: tuple[str, ...]
    copies: tuple[str, ...]

    @property
    def longest(self) -> int:
        return self.lengths[-1]


def count_texts(
    objective: Objective, served: Prompted, train: Sequence[Example], work: Work, renderer: Renderer
) -> Texts:
    """The rows and pairs that the objective learns from, rendered as `served` has them and counted."""
    from tuning.pieces import pairs, pieces
    from tuning.student import asked, asked_twice

    context = work.models.open(served.model).context
    learned, copies = preferred(objective, work.task)
    rows = asked(served, train, work.models) if objective.answers else []
    found, long = pieces(rows, renderer, context)
    both, long_pairs = pairs(asked_twice(served, learned.train, work.models), renderer, context)
    texts = [*found, *(pair.chosen for pair in both), *(pair.rejected for pair in both)]
    answers = sorted(len(piece.answer) for piece in texts) or [0]
    return Texts(
        len(found),
        len(both),
        sorted(map(len, texts)) or [0],
        answers[len(answers) // 2],
        answers[-1],
        (*long, *long_pairs),
        copies,
    )
