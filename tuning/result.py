"""What a training leaves in a folder: the weights, a probe to compare them with, and the record of how they
came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.models.engine.soft import inner
from evals.models.files import find_folder
from evals.models.lm_eval_task import score_rows
from evals.store import plain, write_json
from evals.types import ModelRef, Work
from tuning.crew import present
from tuning.export import export
from tuning.forgetting import forgotten, passages, text_loss, unlearned
from tuning.forward import Reader
from tuning.loop import Outcome
from tuning.reload import ADAPTER, TRAINING, keep_probe

if TYPE_CHECKING:
    from tuning.student import Material, Student


@dataclass(frozen=True)
class Result:
    """A student before it learns: `long` are ids of rows that do not fit, `long_pairs` of pairs, `copies` of
    pairs that are left out; `forgets` says what the saved model forgot of what it can now."""

    student: Student
    material: Material
    long: Sequence[str]
    long_pairs: Sequence[str]
    copies: Sequence[str]
    forgets: Callable[[ModelRef], dict[str, Any]]

    @classmethod
    def of(
        cls,
        student: Student,
        material: Material,
        long: tuple[Sequence[str], Sequence[str]],
        copies: Sequence[str],
        work: Work,
    ) -> Result:
        """Measure what is to be known before the first step."""
        return cls(student, material, *long, copies, _remembered(student, work))

    def of_rows(self) -> Result:
        """The same as if there were no pairs."""
        rows = replace(self.material, pairs=(), dev_pairs=())
        return replace(self, material=rows, long_pairs=(), copies=())

    def leave(self, folder: Path, taught: Mapping[str, Any], outcomes: Sequence[tuple[str, Outcome]]) -> None:
        """Write everything as the student is now, the record last. `taught` says by what it learned. Only the
        main process of a crew does. Raises ResumableError on a full disk."""
        if not present().main:
            return
        student, material = self.student, self.material
        ref, tokenizer = student.approach.model, student.live.renderer.tokenizer
        base = find_folder(ref.name, "model", ref.revision)
        adapter = export(student.model, tokenizer, folder / ADAPTER, student.head, base)
        model = replace(ref, adapter=str(adapter.resolve()))
        if probe := [*material.dev, *material.train, *(pair.chosen for pair in material.pairs)]:
            keep_probe(student, model, probe, folder, str(taught["method"]))
        told = {"pairs_left_out": list(self.copies), "forgetting": self.forgets(model)}
        write_json(folder / TRAINING, {**taught, **self._learned(outcomes), **told})

    def _learned(self, outcomes: Sequence[tuple[str, Outcome]]) -> dict[str, Any]:
        """Of how much it learned, what moved, and how the stages ended."""
        student = self.student
        return {
            "rows": len(self.material.train),
            "pairs": len(self.material.pairs),
            "too_long": [*self.long, *self.long_pairs],
            "trainable": sum(p.numel() for p in student.parameters.values()),
            "parameters": sum(p.numel() for p in student.model.parameters()),
            "dtype": str(student.reader.model.dtype).removeprefix("torch."),
            "processes": present().size,
            "virtual_tokens": student.reader.virtual,
            "starts_from": len(student.head.start),
            "stands_for": len(student.head.tokens),
            "stages": [{"name": name, **plain(outcome)} for name, outcome in outcomes],
        }


def _remembered(student: Student, work: Work) -> Callable[[ModelRef], dict[str, Any]]:
    """What the model can before it is trained, of the task's own choice or of general text (behind no soft
    prompt, where there is one); the answer says how much of that the saved one forgot."""
    asked = work.task.forgetting
    if asked and asked.lm_eval:
        task, could = asked.lm_eval, score_rows(asked.lm_eval, work.models.open(student.approach.model))
        return lambda saved: unlearned(could, score_rows(task, work.models.open(saved)))
    text = passages(student.live.renderer, student.live.context, asked and asked.text)
    untouched = inner(student.model) if student.reader.virtual else student.model
    before = text_loss(Reader(untouched, student.reader.autocast), text)
    return lambda _: forgotten(before, text_loss(student.reader, text))
