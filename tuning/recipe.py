"""A training recipe is a rung: method, objective and settings, and what they find is an approach.

`fit` returns the approach to begin from with another model reference (`ModelRef(base, adapter)`), and
usually a shorter prompt. Everything it writes stands under `work.dir`: checkpoints, `curves.jsonl`,
`training.json`, `adapter/`; a fit that was killed goes on where it was.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from baselines.approach import Prompt, Prompted
from evals.errors import ModelError, NotApplicable
from evals.preferences import Pair as Preference
from evals.preferences import Pairs, asked_pairs
from evals.selection import with_pairs
from evals.store import plain, write_json
from evals.types import Example, ModelRef, Work
from tuning.matrix import check_pair
from tuning.method import Head, Method, cut_head, shared_head, trainable
from tuning.settings import Settings
from tuning.texts import preferred

if TYPE_CHECKING:
    from tuning.loop import Outcome
    from tuning.student import Material, Objective, Stage, Student

log = logging.getLogger(__name__)

TRAINING, ADAPTER = "training.json", "adapter"


@dataclass(frozen=True)
class Recipe:
    """A rung that trains. Raises TaskError for a pair that does not go together."""

    method: Method
    objective: Objective
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        check_pair(self.method.name, self.objective.name)

    @property
    def name(self) -> str:
        """The method, and the objective where it is not SFT."""
        plain_name = self.objective.name == "sft"
        return self.method.name if plain_name else f"{self.method.name}_{self.objective.name}"

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        """Train, and give the approach with the weights of the best look at dev.

        Raises NotApplicable when nothing can be learned from, ModelError when training ends before it
        brought anything, ResumableError on a full disk.
        """
        from tuning.export import export
        from tuning.reload import keep_probe

        if not train and self.objective.answers:
            raise NotApplicable(f"{self.name} needs training rows and the task has none")
        learned, copies = preferred(self.objective, work.task)
        served = served_by(self.method, cast(Prompted, work.start), self.name)
        student = enroll(self, served, [*train, *dev, *learned.train, *learned.dev], work)
        material, long = self._material(student, train, dev, learned)
        forgotten = self._remembered(student, served.model, work)
        outcomes = [
            (stage.name, self._stage(student, stage, dev, work))
            for stage in self.objective.stages(student, material)
        ]
        folder = export(student.model, student.live.renderer.tokenizer, work.dir / ADAPTER, student.head)
        model = replace(served.model, adapter=str(folder.resolve()))
        if probe := [*material.dev, *material.train, *(pair.chosen for pair in material.pairs)]:
            keep_probe(student, model, probe, work.dir, self.method.name)
        lost = forgotten(model)
        record = self._record(student, outcomes, material, long)
        told = {"pairs_left_out": list(copies), "forgetting": lost}
        write_json(work.dir / TRAINING, {**record, **told})
        return replace(student.approach, model=model)

    def _remembered(
        self, student: Student, served: ModelRef, work: Work
    ) -> Callable[[ModelRef], dict[str, Any]]:
        """What the model can before it is trained; the answer says how much of that the saved one forgot."""
        from evals.models.engine.soft import inner
        from evals.models.lm_eval_task import score_rows
        from tuning.forgetting import forgotten, passages, text_loss, unlearned
        from tuning.forward import Reader

        asked = work.task.forgetting
        if asked and asked.lm_eval:
            task, could = asked.lm_eval, score_rows(asked.lm_eval, work.models.open(served))
            return lambda saved: unlearned(could, score_rows(task, work.models.open(saved)))
        text = passages(student.live.renderer, student.live.context, asked and asked.text)
        untouched = inner(student.model) if self.method.soft else student.model
        before = text_loss(Reader(untouched, student.reader.autocast), text)
        return lambda _: forgotten(before, text_loss(student.reader, text))

    def _material(
        self, student: Student, train: Sequence[Example], dev: Sequence[Example], learned: Pairs
    ) -> tuple[Material, list[str]]:
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
        return Material(rows, golden, pairs, dev_pairs, kept_rows), [*long, *long_pairs]

    def _stage(self, student: Student, stage: Stage, dev: Sequence[Example], work: Work) -> Outcome:
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
        )
        return Trainer(student.parameters, stage.lesson, course).run()

    def _record(
        self,
        student: Student,
        outcomes: Sequence[tuple[str, Outcome]],
        material: Material,
        long: Sequence[str],
    ) -> dict[str, Any]:
        """What training.json says."""
        return {
            "method": self.method.name,
            "objective": self.objective.name,
            "options": json.loads(json.dumps(plain(self.method))),
            "settings": plain(self.settings),
            "towards": json.loads(json.dumps(plain(self.objective))),
            "rows": len(material.train),
            "pairs": len(material.pairs),
            "too_long": list(long),
            "trainable": sum(p.numel() for p in student.parameters.values()),
            "parameters": _size(student.model),
            "dtype": str(student.reader.model.dtype).removeprefix("torch."),
            "virtual_tokens": student.reader.virtual,
            "starts_from": len(student.head.start),
            "stands_for": len(student.head.tokens),
            "stages": [{"name": name, **plain(outcome)} for name, outcome in outcomes],
        }


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
    from evals.models.files import find_folder
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
    source = Saved(find_folder(ref.name, "model", ref.revision), dtype)
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
