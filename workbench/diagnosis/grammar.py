"""The arm that holds the answer to a grammar: is it the form that fails, or the content?

The grammar is added at the door to the model, so it holds whatever an approach asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from baselines.approach import Prompted
from evals.output import OutputSpec
from evals.store import digest
from evals.types import (
    Completion,
    Embedder,
    Json,
    Model,
    ModelRef,
    Models,
    Prediction,
    PromptText,
    Query,
    Request,
)

Grammar = Mapping[str, Json]


def grammar_of(output: OutputSpec) -> Grammar | None:
    """The grammar of a task's answers: its labels, its schema, or any JSON object; None for free text."""
    if output.format == "labels":
        return {"labels": list(output.labels)}
    if output.format == "json":
        return {"schema": output.schema or {"type": "object"}}
    return None


@dataclass(frozen=True)
class Held:
    """An approach whose answers follow `grammar`."""

    approach: Prompted
    grammar: Grammar

    @property
    def name(self) -> str:
        return self.approach.name

    @property
    def hash(self) -> str:
        return digest([self.approach.hash, self.grammar])

    def predict(
        self, queries: Sequence[Query], models: Models, done: Collection[str] = ()
    ) -> Iterator[Prediction]:
        """Answer as the approach does, of a model that can write nothing else."""
        return self.approach.predict(queries, _HeldModels(models, self.grammar), done)


@dataclass(frozen=True)
class _HeldModels:
    models: Models
    grammar: Grammar

    def open(self, ref: ModelRef) -> Model:
        return _HeldModel(self.models.open(ref), self.grammar)

    def embedder(self, name: str) -> Embedder:
        return self.models.embedder(name)


@dataclass(frozen=True)
class _HeldModel:
    """The same model; what it is asked carries the grammar."""

    model: Model
    grammar: Grammar

    @property
    def context(self) -> int:
        return self.model.context

    @property
    def fingerprint(self) -> str:
        return self.model.fingerprint

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        return self.model.generate([replace(r, grammar=self.grammar) for r in requests], done)

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        return self.model.score(prompt, continuations)

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        return self.model.scores(asked)

    def count(self, prompt: PromptText) -> int:
        return self.model.count(prompt)
