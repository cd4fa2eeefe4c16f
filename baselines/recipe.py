"""What a prompt is made of, as typed parts: wording, placement, format, worked example, reasoning, shots.

A recipe is what variants are raced over and what a search edits; `approach` cooks it. The format is
spelled out from the task's schema or labels, for text from the gold answers in train; the worked example
is a training row, put there on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from baselines.approach import Prompt, Prompted, Shots
from baselines.prompts import decoder, describe
from evals.graders import answer_text
from evals.output import OutputSpec
from evals.task import Task
from evals.template import Template
from evals.types import Example

Placement = Literal["above", "system", "below"]
PLACEMENTS: tuple[Placement, ...] = ("above", "system", "below")

MARK = "Final answer:"
"""What a model that reasons first writes before its answer."""
STEPS = (
    "First think step by step, in a few short sentences. "
    f'Then write "{MARK}" on a new line and after it only the answer, in the form that is asked for.'
)
SHORT = 12
"""Gold answers of text of at most so many words, every one of them, are described as short."""


@dataclass(frozen=True)
class Recipe:
    """One prompt, in parts. `form` is the wanted format in words ("" for none), `example` the worked
    example, `reasoning` the tokens for thinking before the answer (0: it answers at once). Shots stand
    in turns of their own, so the instruction is then best placed in the system message."""

    wording: str
    placement: Placement = "above"
    form: str = ""
    example: Example | None = None
    reasoning: int = 0
    shots: tuple[Example, ...] = ()

    def approach(self, name: str, task: Task, seed: int) -> Prompted:
        """The approach that asks the task's model so. Raises TaskError where the template fails on the
        worked example."""
        parts = (self.wording, self.form, self._worked(task), STEPS if self.reasoning else "")
        block = "\n\n".join(part.strip() for part in parts if part.strip())
        own, template = (task.prompt.system or "").strip(), task.prompt.template
        shots = Shots(self.shots, len(self.shots)) if self.shots else None
        if self.placement == "system":
            system = "\n\n".join(part for part in (own, block) if part)
            prompt = Prompt(template, system=system, shots=shots)
        elif self.placement == "above":
            prompt = Prompt(template, system=own, instruction=block, shots=shots)
        else:
            prompt = Prompt(template, system=own, below=block, shots=shots)
        drawn = decoder(task, seed)
        if self.reasoning:
            drawn = replace(drawn, max_tokens=drawn.max_tokens + self.reasoning, answer_after=MARK)
        return Prompted(name, task.model, prompt, drawn)

    def _worked(self, task: Task) -> str:
        if self.example is None:
            return ""
        asked = Template(task.prompt.template).render(self.example.query())
        head = f"{MARK}\n" if self.reasoning else "The answer:\n"
        return f"An example:\n{asked}\n\n{head}{answer_text(self.example.target)}"


def form_of(output: OutputSpec, train: Sequence[Example]) -> str:
    """The wanted format in words: from the schema or the labels, for text from the gold answers in train
    where these are all numbers or all short; else empty."""
    told = describe(output)
    answers = [answer_text(row.target).strip() for row in train]
    if told or not answers:
        return told
    if all(re.fullmatch(r"[-+]?[$€£]?\d[\d,. ]*%?", answer) for answer in answers):
        return "Answer with the number alone and nothing else."
    most = max(len(answer.split()) for answer in answers)
    if most > SHORT:
        return ""
    return f"Answer with at most {most} word{'s' if most > 1 else ''} and nothing else: no explanation."


def typical(train: Sequence[Example]) -> Example | None:
    """The training row of middling length, the same one whatever the order of the file."""
    ordered = sorted(train, key=lambda e: (len(e.input) + len(answer_text(e.target)), e.id))
    return ordered[len(ordered) // 2] if ordered else None
