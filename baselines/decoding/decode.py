"""Prompts in, answers out, each as soon as it is finished, by whatever way the decoder says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from baselines.decoding.decoder import Answer, Chat, Decoder
from baselines.decoding.likelihood import likeliest
from baselines.decoding.repair import repaired
from baselines.decoding.vote import commonest
from evals.types import Model


def decode(
    decoder: Decoder, asked: Mapping[str, Chat], model: Model, done: Collection[str] = ()
) -> Iterator[Answer]:
    """Answer every prompt (by row id) that is not in `done`. As a mapping to predictions `done` also says
    what was sent back for those rows; the rest is then asked in the company it would have had."""
    if decoder.likelihood is not None:
        yield from map(Answer, likeliest(decoder.likelihood, asked, model, done))
        return
    first = _first(decoder, asked, model, done)
    repairing = decoder.form is not None and decoder.repairs
    yield from repaired(decoder, asked, first, model, done) if repairing else first


def _first(
    decoder: Decoder, asked: Mapping[str, Chat], model: Model, done: Collection[str]
) -> Iterator[Answer]:
    if decoder.samples > 1:
        return commonest(decoder, asked, model, done)
    requests = [decoder.request(id, prompt) for id, prompt in asked.items()]
    return map(Answer, map(decoder.read, model.generate(requests, done)))
