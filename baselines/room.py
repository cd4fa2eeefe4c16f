"""Shots within their room: what does not fit the context or the token budget is dropped, and said.

The longest shots go first, so that one giant row does not cost the others their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from baselines.approach import Prompted, Shots
from baselines.notes import keep_note
from evals.errors import NotApplicable
from evals.graders import answer_text
from evals.types import Example, Model, Work

LONGEST = 3
"""How many of the longest dev rows must leave room for the shots and an answer."""


def all_within(
    settings: Sequence[Prompted], dev: Sequence[Example], work: Work, tokens: int | None = None
) -> list[Prompted]:
    """The settings with those of their shots that leave room for the longest dev rows and an answer, and
    that take at most `tokens` together; no setting twice. What was dropped is noted.

    Raises NotApplicable when not one shot of any setting fits.
    """
    model = work.models.open(settings[0].model)
    fitted = [_within(setting, dev, model, tokens) for setting in settings]
    left = {setting.hash: setting for setting in fitted if setting is not None}
    name = settings[0].name
    limit = f"{tokens} tokens" if tokens is not None else f"the model's context of {model.context} tokens"
    if not left:
        raise NotApplicable(f"not one training example fits {limit}")
    wanted = max(_shots(setting).k for setting in settings)
    most = max(_shots(setting).k for setting in left.values())
    if most < wanted:
        keep_note(work, f"{name}: at most {most} of {wanted} shots fit {limit}: the longest are left out")
    return list(left.values())


def _within(approach: Prompted, dev: Sequence[Example], model: Model, tokens: int | None) -> Prompted | None:
    """The approach with the most of its shots that fit; None when not one does. Of retrieved shots any
    may come, so that the longest must fit."""
    shots = _shots(approach)
    shorter = sorted(shots.examples, key=_length)
    for k in range(min(shots.k, len(shorter)), 0, -1):
        tried = shorter[-k:] if shots.retrieve else shorter[:k]
        shown = tuple(example for example in shots.examples if example in tried)
        if _fits(approach, shown, dev, model, tokens):
            kept = replace(shots, k=k, examples=shots.examples if shots.retrieve else shown)
            return replace(approach, prompt=replace(approach.prompt, shots=kept))
    return None


def _fits(
    approach: Prompted, shown: Sequence[Example], dev: Sequence[Example], model: Model, tokens: int | None
) -> bool:
    longest = [row.query() for row in sorted(dev, key=lambda e: len(e.input))[-LONGEST:]]
    with_shots = [model.count(approach.prompt.render(query, shown)) for query in longest]
    if any(count > model.context - approach.decoder.max_tokens for count in with_shots):
        return False
    if tokens is None:
        return True
    return with_shots[0] - model.count(approach.prompt.render(longest[0])) <= tokens


def _shots(approach: Prompted) -> Shots:
    assert approach.prompt.shots is not None
    return approach.prompt.shots


def _length(example: Example) -> int:
    return len(example.input) + len(answer_text(example.target))
