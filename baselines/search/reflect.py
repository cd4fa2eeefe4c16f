"""The search by a model that writes: the `gepa` library through its adapter, with the task's stronger model.

gepa draws parents from its Pareto front over the dev rows and batches of training rows; this adapter asks,
grades, shows the stronger model what failed and takes its new instruction, unless that copies rows. The
model's proposals are kept in `proposals.jsonl`, so that a search that goes on is told the same again.

API: gepa 0.1 (github.com/gepa-ai/gepa), `gepa.optimize` and `gepa.core.adapter.GEPAAdapter`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from baselines.recipe import Recipe
from baselines.search.copies import copied, written
from baselines.search.trials import Answered, Spent, Trials
from evals.errors import OutageError, WorkbenchError
from evals.graders import answer_text
from evals.store import Appender, digest, read_lines
from evals.template import Template
from evals.types import Example, Message, ModelRef, Request

log = logging.getLogger(__name__)

PART = "instruction"
WRITING = 1024
"""Tokens that a proposal may take."""
TEMPERATURE = 1.0
MOST_IDLE = 20
"""Rounds without a new instruction, after which nothing more is expected."""
ASK = """An assistant was given this instruction:
```
{instruction}
```

These are inputs that it got, what it answered, and what is right:

{failures}

Write a better instruction for the assistant. Work out what the task is and which rules tell right answers \
from wrong ones, and state these rules in general words. Do not copy the inputs or their answers into it: \
it will be used on other inputs. Write the new instruction between ``` and ```, and nothing else there."""
AGAIN = "\n\nYour last instruction copied these words of an input or an answer: {words!r}. Use none of them."


@dataclass
class Reflection:
    """A GEPAAdapter. `proposals` counts the calls of the stronger model; `ended` is what ended the search
    from within, as gepa goes on over errors in a proposer."""

    trials: Trials
    start: Recipe
    model: ModelRef
    train: Sequence[Example]
    dev: Sequence[Example]
    proposals: int = 0
    idle: int = 0
    ended: Exception | None = None
    joined: dict[str, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    parent: str = ""

    def evaluate(self, batch: Sequence[Any], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        """The figures of (split, row) pairs of one split; what is asked on dev joins the pool."""
        from gepa.core.adapter import EvaluationBatch

        recipe = replace(self.start, wording=candidate[PART])
        rows = [row for _, row in batch]
        before = len(self.trials.asked)
        if batch[0][0] == "dev":
            figures = list(self._join(recipe))
            return EvaluationBatch(rows, figures, None, num_metric_calls=len(self.trials.asked) - before)
        answered = self.trials.on_train(recipe, rows)
        if capture_traces and recipe.wording in self.joined:
            self.idle += 1
        figures = [row.figure for row in answered]
        return EvaluationBatch(
            rows, figures, list(answered), num_metric_calls=len(self.trials.asked) - before
        )

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What failed on train; never a dev row."""
        failed = [row for row in eval_batch.trajectories if row.failed]
        return {PART: [{"failure": row} for row in failed]}

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        """A new instruction; the old one where the model gave none that may be used."""
        self.parent = candidate[PART]
        failed = [record["failure"] for record in reflective_dataset[PART]]
        try:
            text = self._written(candidate[PART], failed) if failed else candidate[PART]
        except WorkbenchError as error:
            self.ended = error
            raise
        if text not in self.seen:
            self.idle = 0
        self.seen.add(text)
        return {PART: text}

    def over(self, gepa_state: Any) -> bool:
        """Whether gepa should stop."""
        return self.ended is not None or self.idle >= MOST_IDLE

    def drop(self) -> None:
        """Note the instructions that never came to the dev rows."""
        for _ in self.seen - self.joined.keys():
            self._reject("no better on its training rows, or the calls were spent")

    def _join(self, recipe: Recipe) -> tuple[float, ...]:
        if recipe.wording not in self.joined:
            edit = "the start" if not self.joined else f"an instruction written by {self.model.name}"
            self.trials.join(recipe, edit, self.joined.get(self.parent, -1))
            self.joined[recipe.wording] = len(self.trials.pool) - 1
            self.seen.add(recipe.wording)
        return self.trials.pool[self.joined[recipe.wording]].by_row

    def _written(self, instruction: str, failed: Sequence[Answered]) -> str:
        asked = ASK.format(instruction=instruction, failures="\n\n".join(map(self._shown, failed)))
        complaint = ""
        for _ in range(2):
            text = _between(self._ask(asked + complaint))
            if not text:
                self._reject("no instruction stood between ``` and ```")
                return instruction
            found = copied(text, (*self.train, *self.dev), written(self.trials.work.task))
            if found is None:
                return text
            self._reject(f"it copies row {found.id!r}: {found.words!r}")
            complaint = AGAIN.format(words=found.words)
        return instruction

    def _shown(self, row: Answered) -> str:
        """A failure of train as the stronger model reads it: what the prompt showed, and the right answer."""
        right = answer_text(row.example.target)
        asked = Template(self.trials.work.task.prompt.template).render(row.example.query())
        return (
            f"Input:\n{asked}\n\nAnswer:\n{row.prediction.text}\n"
            f"{_ended(row.prediction.finish)}\nRight answer:\n{right}"
        )

    def _ask(self, prompt: str) -> str:
        """What the stronger model says, asked once: a search that goes on reads it from disk."""
        work = self.trials.work
        path, number = work.dir / "proposals.jsonl", self.proposals
        key = digest([prompt, number, self.model.name])
        self.proposals += 1
        work.progress(f"{self.trials.name}: proposals", self.proposals, self.proposals)
        for line in read_lines(path):
            if line["key"] == key:
                return str(line["text"])
        request = Request(
            str(number), (Message("user", prompt),), WRITING, (), TEMPERATURE, seed=work.seed + number
        )
        (said,) = work.models.open(self.model).generate([request])
        if said.error is not None:
            raise OutageError(f"the stronger model gave no proposal: {said.error}")
        with Appender(path) as file:
            file.write({"key": key, "text": said.text, "usage": said.usage})
        return said.text

    def _reject(self, why: str) -> None:
        self.trials.rejected.append({"edit": f"an instruction written by {self.model.name}", "why": why})


def reflect(adapter: Reflection, batch: int) -> None:
    """Run gepa until the calls are spent or nothing new comes. Raises ImportError where it is missing."""
    import gepa

    trials = adapter.trials
    with suppress(Spent):
        gepa.optimize(
            seed_candidate={PART: adapter.start.wording},
            trainset=[("train", row) for row in adapter.train],
            valset=[("dev", row) for row in trials.rows],
            adapter=adapter,
            candidate_selection_strategy="pareto",
            reflection_minibatch_size=batch,
            skip_perfect_score=True,
            stop_callbacks=[adapter.over],
            logger=_Quiet(),
            seed=trials.work.seed,
        )
    adapter.drop()
    if adapter.ended is not None:
        raise adapter.ended


class _Quiet:
    """gepa's own log goes where debugging messages go."""

    def log(self, message: str) -> None:
        log.debug("%s", message)


def _between(text: str) -> str:
    """The text in the first pair of fences, a language's name after the first one left out."""
    found = re.search(r"```(?:[a-z]*\n)?(.*?)```", text, re.DOTALL)
    return found[1].strip() if found else ""


def _ended(finish: str) -> str:
    return "(It was cut off: too long.)\n" if finish == "length" else ""
