"""Labels by log-likelihood: nothing is generated, so nothing can be misspelt."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from baselines.decoding.decoder import Chat, Likelihood
from evals.types import Completion, Model, Usage

BLOCK = 64
"""Prompts scored at a time: what is interrupted is scored again in the same company."""
MARGIN = 4
"""Tokens that joining a prompt and a label may add."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The log-likelihoods (natural log, summed over tokens) of the labels after one prompt; None when the
    two do not fit the context."""

    id: str
    of: tuple[float, ...] | None
    usage: Usage


def likeliest(
    likelihood: Likelihood, asked: Mapping[str, Chat], model: Model, done: Collection[str]
) -> Iterator[Completion]:
    """The likeliest label for each prompt not in `done`, block by block."""
    for scored in scores(likelihood.labels, asked, model, done):
        if scored.id in done:
            continue
        if scored.of is None:
            yield Completion(scored.id, "", "too_long", scored.usage)
        else:
            yield Completion(scored.id, choose(likelihood, scored.of), "stop", scored.usage)


def scores(
    labels: Sequence[str], asked: Mapping[str, Chat], model: Model, done: Collection[str] = ()
) -> Iterator[Scored]:
    """Every label after every prompt of a block that is not wholly in `done`."""
    room = model.context - MARGIN - max(model.count(label) for label in labels)
    ids = iter(asked)
    while block := list(islice(ids, BLOCK)):
        if all(id in done for id in block):
            continue
        counts = {id: model.count(asked[id]) for id in block}
        fits = [id for id in block if counts[id] <= room]
        start = time.perf_counter()
        found = (
            dict(zip(fits, model.scores([(asked[id], labels) for id in fits]), strict=True)) if fits else {}
        )
        seconds = (time.perf_counter() - start) / max(1, len(fits))
        for id in block:
            if id in found:
                yield Scored(id, tuple(found[id]), Usage(counts[id], calls=1, seconds=seconds))
            else:
                yield Scored(id, None, Usage(counts[id]))


def choose(likelihood: Likelihood, found: Sequence[float]) -> str:
    """The label with the most, of equal ones the first."""
    usual = likelihood.usual or [0.0] * len(found)
    weighed = [
        (value - less) / (len(label) if likelihood.per == "character" else 1)
        for label, value, less in zip(likelihood.labels, found, usual, strict=True)
    ]
    return likelihood.labels[weighed.index(max(weighed))]
