"""Models whose answers a test decides: for what depends on the answers, not on the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from evals.models import Loader
from evals.types import Completion, Model, ModelRef, PromptText, Request, Usage


class Scripted:
    """Answers each request with `answer(request)`; an exception it raises ends the call there."""

    fingerprint: str = "scripted"

    def __init__(self, answer: Callable[[Request], str], context: int = 4096) -> None:
        self.answer, self.context = answer, context
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        for request in requests:
            if request.id not in done:
                self.asked.append(request)
                text = self.answer(request)
                yield Completion(request.id, text, "stop", Usage(self.count(request.prompt), 0, len(text), 1))

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        return [-float(len(text)) for text in continuations]

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        return [self.score(*one) for one in asked]

    def count(self, prompt: PromptText) -> int:
        return len(prompt) if isinstance(prompt, str) else sum(len(m.content) for m in prompt)


class ScriptedModels(Loader):
    """The real loader, but every language model is the scripted one; embedders are real."""

    def __init__(self, model: Scripted) -> None:
        super().__init__()
        self.model = model

    def open(self, ref: ModelRef) -> Model:
        return self.model
