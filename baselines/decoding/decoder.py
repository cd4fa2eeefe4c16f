"""How answers are drawn: the part of an approach that stands beside model and prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from baselines.decoding.form import Form
from evals.types import Completion, Json, Message, Rejected, Request

Chat = tuple[Message, ...]


@dataclass(frozen=True)
class Likelihood:
    """The answer is the label that the model finds likeliest, instead of one that it writes.

    A label's log-likelihood counts whole, or `per` character of it (as lm-eval's `acc_norm`); `usual`, one
    figure a label, is taken off first: what the label has for inputs in general, so that a label the model
    likes anyhow does not win by that (batch calibration, Zhou et al. 2023, arXiv 2309.17249).
    """

    labels: tuple[str, ...]
    per: Literal["label", "character"] = "label"
    usual: tuple[float, ...] = ()


@dataclass(frozen=True)
class Decoder:
    """How the answer is drawn: at most `max_tokens`, greedy at temperature 0, until a stop string.

    `form` is what a whole answer looks like. With `held` the model can write nothing else; of `samples`
    answers the commonest is taken; an answer that fails the form is sent back with the fault at most
    `repairs` times. `likelihood` takes the place of all of these.
    """

    max_tokens: int
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    form: Form | None = None
    held: bool = False
    repairs: int = 0
    samples: int = 1
    likelihood: Likelihood | None = None
    answer_after: str = ""

    def request(self, id: str, prompt: Chat, sample: int = 0) -> Request:
        """One call. Samples of one prompt differ in their seed."""
        stop = () if self.answer_after else self.stop
        return Request(id, prompt, self.max_tokens, stop, self.temperature, self.seed + sample, self._grammar)

    def read(self, said: Completion) -> Completion:
        """The answer without the reasoning before it."""
        if not self.answer_after:
            return said
        marks = list(re.finditer(re.escape(self.answer_after), said.text, re.IGNORECASE))
        if self._grammar is not None:  # which holds what follows the first mark, letter by letter
            marks = [mark for mark in marks if mark.group() == self.answer_after][:1]
        if not marks:
            return said
        answer = said.text[marks[-1].end() :].removeprefix("**").strip()
        for stop in self.stop:
            answer = answer.partition(stop)[0].strip()
        return replace(said, text=answer, reasoning=said.text[: marks[-1].start()])

    @property
    def _grammar(self) -> Mapping[str, Json] | None:
        grammar = self.form.grammar if self.held and self.form is not None else None
        return {**grammar, "after": self.answer_after} if grammar and self.answer_after else grammar


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a query: the answer, with the usage of all its calls, those that were sent back before it,
    and how many samples gave it where samples voted."""

    completion: Completion
    rejected: tuple[Rejected, ...] = ()
    votes: int = 0
