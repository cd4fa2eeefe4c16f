"""A training recipe is a rung: method, objective and settings, and what they find is an approach.

`fit` returns the approach to begin from with another model reference (`ModelRef(base, adapter)`), and
usually a shorter prompt. Everything it writes stands under `work.dir`: checkpoints, `curves.jsonl`,
`training.json`, `adapter/`, and in `sft_alone/` what SFT came to where the objective goes on from there; a
fit that was killed goes on where it was.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from baselines.approach import Prompt, Prompted
from evals.errors import ModelError, NotApplicable
from evals.preferences import Pair as Preference
from evals.preferences import Pairs, asked_pairs
from evals.selection import with_pairs
from evals.store import plain
from evals.types import Example, ModelRef, Work
from tuning.launch import Launch, launched
from tuning.matrix import check_pair, check_shared
from tuning.method import Head, Method, cut_head, shared_head, trainable
from tuning.reload import ADAPTER, TRAINING
from tuning.settings import Settings
from tuning.sft import Sft
from tuning.texts import preferred

if TYPE_CHECKING:
    from tuning.loop import Outcome
    from tuning.student import Material, Objective, Stage, Student

log = logging.getLogger(__name__)

ALONE = "sft_alone"
"""Where what SFT came to lies, in the fit of an objective that goes on from there."""


@dataclass(frozen=True)
class Recipe:
    """A rung that trains, in several processes where there is a `launch`; `taught` names the rows that a
    model labelled among those it learns from, "" for none. Raises TaskError for what does not go together."""

    method: Method
    objective: Objective
    settings: Settings = field(default_factory=Settings)
    taught: str = ""
    launch: Launch | None = None

    def __post_init__(self) -> None:
        check_pair(self.method.name, self.objective.name)
        if self.launch is not None:
            check_shared(self.objective.name)

    @property
    def name(self) -> str:
        """The method, the objective where it is not SFT, and whether a model labelled its rows."""
        plain_name = self.objective.name == "sft"
        name = self.method.name if plain_name else f"{self.method.name}_{self.objective.name}"
        return f"{name}_distilled" if self.taught else name

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        """Train, and give the approach with the weights of the best look at dev.

        Raises NotApplicable when nothing can be learned from, ModelError when training ends before it
        brought anything, ResumableError on a full disk.
        """
        if self.launch is not None:
            return launched(self.launch, replace(self, launch=None), train, dev, work)
        from tuning.result import Result

        if not train and self.objective.answers:
            raise NotApplicable(f"{self.name} needs training rows and the task has none")
        learned, copies = preferred(self.objective, work.task)
        served = served_by(self.method, cast(Prompted, work.start), self.name)
        student = enroll(self, served, [*train, *dev, *learned.train, *learned.dev], work)
        material, long = self._material(student, train, dev, learned)
        result = Result.of(student, material, long, copies, work)
        outcomes: list[tuple[str, Outcome]] = []
        for stage in self.objective.stages(student, material):
            outcomes.append((stage.name, self._stage(student, stage, dev, work)))
            if stage.name == Sft.name != self.objective.name and not (work.dir / ALONE / TRAINING).is_file():
                alone = Recipe(self.method, Sft(), self.settings)
                result.of_rows().leave(work.dir / ALONE, alone._taught(), outcomes)
        result.leave(work.dir, self._taught(), outcomes)
        model = replace(served.model, adapter=str((work.dir / ADAPTER).resolve()))
        return replace(student.approach, model=model)

    def _taught(self) -> dict[str, Any]:
        """The recipe as training.json has it."""
        return {
            "method": self.method.name,
            "objective": self.objective.name,
            "options": json.loads(json.dumps(plain(self.method))),
            "settings": plain(self.settings),
            "towards": json.loads(json.dumps(plain(self.objective))),
        }

    def _material(
        self, student: Student, train: Sequence[Example], dev: Sequence[Example], learned: Pairs
    ) -> tuple[Material, tuple[list[str], list[str]]]:
        """What the objective learns from, and the ids of the rows and pairs that do not fit."""
        from tuning.selection import sample
        from tuning.student import Material

        rows, long = student.pieces(train) if self.objective.answers else ([], [])
        pairs, long_pairs = student.pairs(learned.train)
        for what, kept, given in (("training row", rows, long), ("pair of answers", pairs, long_pairs)):
            if given and not kept:
                raise NotApplicable(
                    f"{self.name}: not one {what} fits the context of {student.live.context} tokens"
                )
        golden = student.pieces(sample(dev, self.settings.dev_rows))[0]
        dev_pairs = student.pairs(sample(learned.dev, self.settings.dev_rows))[0]
        examples = {row.id: row for row in train}
        kept_rows = [examples[piece.id] for piece in rows]
        return Material(rows, golden, pairs, dev_pairs, kept_rows), (long, long_pairs)

    def _stage(self, student: Student, stage: Stage, dev: Sequence[Example], work: Work) -> Outcome:
        from tuning.crew import present
        from tuning.loop import Course, Trainer, mean_of
        from tuning.selection import sample, score
        from tuning.snapshot import as_served

        looked = sample(dev, self.settings.dev_rows)
        judged = sample(asked_pairs(work.task), self.settings.dev_rows)

        def look() -> tuple[float, float]:
            loss = mean_of(stage.exam, student.model) if stage.exam.lengths else 0.0
            now = as_served(student)
            graded = score(student.approach, looked, now, work.grade)
            return loss, with_pairs(work.task, graded, student.judged(judged, now))

        base = self.settings.learning_rate or self.method.rate(_size(student.model))
        course = Course(
            work.dir / stage.name,
            self.settings,
            base * stage.share * self.settings.pace,
            work.seed,
            look,
            work.progress,
            f"{self.name}: {stage.name}",
            present(),
        )
        return Trainer(student.parameters, stage.lesson, course).run()


def served_by(method: Method, start: Prompted | None, name: str) -> Prompted:
    """The approach that is trained for: the template alone where the weights learn the rest, the prompt
    to begin from where a soft prompt takes the place of its beginning."""
    if start is None:
        raise ValueError("work.start is the approach to begin from")
    if method.soft:
        return replace(start, name=name)
    return replace(start, name=name, prompt=Prompt(start.prompt.template))


def enroll(recipe: Recipe, served: Prompted, rows: Sequence[Example | Preference], work: Work) -> Student:
    """Load the base, add what learns, and put it behind the door."""
    from evals.models.chat import Renderer
    from evals.models.sources import Saved, pick_dtype
    from tuning.forward import Reader
    from tuning.selection import Meanwhile, Trainee
    from tuning.student import Student

    ref: ModelRef = served.model
    if ref.provider != "local":
        raise ModelError(
            f"{ref.name} is hosted and cannot be trained here",
            hint="Name a tune_model that runs on this machine.",
        )
    wanted = ref.dtype if recipe.settings.precision == "auto" else recipe.settings.precision
    dtype = str(pick_dtype(wanted)).removeprefix("torch.")
    source = Saved.of(ref, dtype, work.models)
    if source.config().is_encoder_decoder:
        raise ModelError("has an encoder: only decoders are trained here", where=source.folder)
    tokenizer = source.tokenizer()
    head = Head()
    if recipe.method.soft and recipe.method.name != "p_tuning":
        prompts = served.prompts([row.query() for row in rows], work.models)
        head = _head(recipe.method, Renderer(tokenizer, ref.name), list(prompts.values()))
    model = recipe.method.wrap(recipe.method.load(source, dtype), head, work.seed)
    model.train()
    live = Trainee(recipe.name, model, tokenizer, head.tokens)
    reader = Reader(model, autocast=dtype == "bfloat16")
    return Student(
        served,
        Meanwhile(work.models, ref, live),
        live,
        reader,
        trainable(model),
        head,
        work.grade,
        work.dir,
        work.seed,
    )


def _head(method: Any, renderer: Any, prompts: Sequence[Any]) -> Head:
    from tuning.pieces import end_token

    tokens = shared_head([[int(i) for i in ids] for ids in renderer.ids(prompts)])
    ends = frozenset({end_token(renderer)})
    start = cut_head(tokens, method.most, ends)
    if start != tokens:
        log.warning(
            "%s starts from %d of the prompt's %d leading tokens", method.name, len(start), len(tokens)
        )
    return Head(tokens, start)


def _size(model: Any) -> int:
    """How many parameters the model has."""
    return sum(parameter.numel() for parameter in model.parameters())
