"""Repair: an answer that fails its form is sent back, with what is wrong with it, as a further turn.

Each turn is one list of requests, in the order of the rows. What was sent back stands in the prediction,
so that a run which was killed builds the same lists again and asks only for what is missing of them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from baselines.decoding.decoder import Answer, Chat, Decoder
from baselines.decoding.form import Form
from baselines.rag.notices import notice
from evals.types import Completion, Message, Model, Prediction, Rejected

log = logging.getLogger(__name__)

NOTHING = "(no answer)"
"""Stands for an empty answer in the conversation: some chat templates and services take no empty turn."""


def fault(form: Form, completion: Completion | Prediction) -> str:
    """What is wrong with the form of an answer; "" when nothing is, or when there is none to mend."""
    if completion.finish == "length":
        return "; ".join(filter(None, ["it was cut off, being too long", form.fault(completion.text)]))
    return form.fault(completion.text) if completion.finish == "stop" else ""


def conversation(prompt: Chat, rejected: Iterable[Rejected], form: Form) -> Chat:
    """The prompt with the answers that were sent back and what was said to each."""
    turns = list(prompt)
    for answer in rejected:
        turns.append(Message("assistant", answer.text or NOTHING))
        turns.append(Message("user", f"This answer cannot be used: {answer.why}.\n{form.asked}"))
    return tuple(turns)


def repaired(
    decoder: Decoder,
    asked: Mapping[str, Chat],
    first: Iterable[Answer],
    model: Model,
    done: Collection[str],
) -> Iterator[Answer]:
    """The first answers, those with a fault repaired: asked again until they are right, they repeat
    themselves, or `decoder.repairs` turns are over. The usage of an answer is that of all its calls."""
    form = decoder.form or Form("text")
    before: Mapping[str, Prediction] = done if isinstance(done, Mapping) else {}
    waiting: dict[str, Answer] = {}
    for answer in first:
        if fault(form, answer.completion):
            waiting[answer.completion.id] = answer
        else:
            yield answer
    for turn in range(1, decoder.repairs + 1):
        if not waiting:
            return
        rejected = _rejected(form, asked, waiting, before, turn)
        requests = [decoder.request(id, conversation(asked[id], back, form)) for id, back in rejected.items()]
        left: dict[str, Answer] = {}
        told = model.generate(requests, rejected.keys() - waiting.keys())
        for completion in map(decoder.read, told):
            answer = _after(waiting.pop(completion.id), completion, rejected[completion.id])
            repeats = answer.completion.text in [one.text for one in answer.rejected]
            over = repeats or turn == decoder.repairs or completion.finish in ("too_long", "refused")
            if not over and fault(form, answer.completion):
                left[completion.id] = answer
            else:
                yield answer
        waiting = left


def _rejected(
    form: Form,
    asked: Mapping[str, Chat],
    waiting: Mapping[str, Answer],
    before: Mapping[str, Prediction],
    turn: int,
) -> dict[str, tuple[Rejected, ...]]:
    """What has been sent back with this turn, by row: those that wait for it, and those that had it in an
    earlier run."""
    found: dict[str, tuple[Rejected, ...]] = {}
    for id in asked:
        if id in waiting:
            last = waiting[id].completion
            found[id] = (*waiting[id].rejected, Rejected(last.text, fault(form, last)))
        elif id in before and len(before[id].rejected) >= turn:
            found[id] = before[id].rejected[:turn]
    return found


def _after(answer: Answer, completion: Completion, rejected: tuple[Rejected, ...]) -> Answer:
    """The answer after one more call. Where that gave none (the conversation does not fit the context, or
    was refused) the one before stands."""
    usage = answer.completion.usage + completion.usage
    if completion.finish == "too_long":
        notice(log, "some answers are not sent back: with them the prompt does not fit the context")
    if completion.finish in ("too_long", "refused"):
        return replace(answer, completion=replace(answer.completion, usage=usage))
    return Answer(replace(completion, usage=usage), rejected)
