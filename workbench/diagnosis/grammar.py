"""The arm that holds the answer to a grammar: is it the form that fails, or the content?

It is what the rung `constrained` would make of the approach.
"""

from __future__ import annotations

from dataclasses import replace

from baselines.approach import Prompted
from baselines.decoding.form import Form, form_of
from evals.task import Task


def answer_form(task: Task) -> Form | None:
    """The form of a task's labels or JSON; None for free text, of which the form is no requirement."""
    return None if task.output.format == "text" else form_of(task)


def held(approach: Prompted, form: Form) -> Prompted:
    """The same approach, answering in this form and no other."""
    return replace(approach, decoder=replace(approach.decoder, form=form, held=True))
