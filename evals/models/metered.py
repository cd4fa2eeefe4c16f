"""Models whose calls are counted, and refused where a budget is spent; and models asked afresh.

A local model is counted from outside, answer by answer. An endpoint has several requests on their way
at a time: it reserves each attempt itself (`paid_from`), so that a budget is kept to the call.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from evals.spending import Purse
from evals.store import canonical
from evals.types import Completion, Embedder, Model, ModelRef, Models, PromptText, Request, Usage


@runtime_checkable
class Paying(Protocol):
    """A model that counts its own calls."""

    def paid_from(self, purse: Purse) -> Model:
        """The same model, its calls counted in `purse`."""


class Metered:
    """Implements `evals.types.Models`: the given ones, with everything they are asked counted. Whatever
    else they have is their own."""

    def __init__(self, models: Models, purse: Purse) -> None:
        self.purse = purse
        self._models = models
        self._opened: dict[str, Model] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    def open(self, ref: ModelRef) -> Model:
        """As the given models do."""
        key = canonical(ref)
        if key not in self._opened:
            model = self._models.open(ref)
            if isinstance(model, Paying):
                self._opened[key] = model.paid_from(self.purse)
            else:
                self._opened[key] = Counted(model, ref, self.purse)
        return self._opened[key]

    def embedder(self, name: str) -> Embedder:
        """As the given models do: what embedders take is wall time only."""
        return self._models.embedder(name)


class _Through:
    """A model asked through this one. What is not changed here is its own."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    @property
    def context(self) -> int:
        return self.model.context

    @property
    def fingerprint(self) -> str:
        return self.model.fingerprint

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        return self.model.scores(asked)

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        return self.scores([(prompt, continuations)])[0]

    def count(self, prompt: PromptText) -> int:
        return self.model.count(prompt)


class Counted(_Through):
    """Implements `evals.types.Model`: `model`, with its calls counted. Whatever else it has is its own."""

    def __init__(self, model: Model, ref: ModelRef, purse: Purse) -> None:
        super().__init__(model)
        self.ref, self.purse = ref, purse

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        """As the model does. Raises BudgetError before the first request and after any answer, where
        others are still to be asked and the budget is spent; a wave that this breaks is run again."""
        left = sum(request.id not in done for request in requests)
        if left:
            self.purse.check()
        for completion in self.model.generate(requests, done):
            self._count(completion.usage)
            left -= 1
            yield completion
            if left:
                self.purse.check()

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        """As the model does; a call and the tokens of a prompt each. Raises BudgetError, as `generate`."""
        self.purse.check()
        start = time.perf_counter()
        found = self.model.scores(asked)
        seconds = time.perf_counter() - start
        read = sum(self.model.count(prompt) for prompt, _ in asked)
        self._count(Usage(calls=len(asked), tokens_in=read, seconds=seconds))
        return found

    def _count(self, usage: Usage) -> None:
        self.purse.count(self.ref.provider, self.ref.name, usage)


class Afresh:
    """Implements `evals.types.Models`: the given ones, asked even where the answer is known, for what
    times their answers. Whatever else they have is their own."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)

    def open(self, ref: ModelRef) -> Model:
        return _AskedAfresh(self._models.open(ref))

    def embedder(self, name: str) -> Embedder:
        return self._models.embedder(name)


class _AskedAfresh(_Through):
    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        return self.model.generate([replace(request, fresh=True) for request in requests], done)
