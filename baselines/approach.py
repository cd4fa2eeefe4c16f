"""The one kind of approach: a model, a prompt and a decoder, as an immutable value.

Every rung gives one, tuned or not; it is saved as `spec.json` (with the examples it carries beside
it in `shots.jsonl`) and loaded again from it. Two approaches with the same hash ask the same things
of the same model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from evals.errors import RunError
from evals.graders import answer_text
from evals.store import digest, plain, read_json, read_lines, revive, write_json, write_lines
from evals.template import Template
from evals.types import Embedder, Example, Message, ModelRef, Models, Prediction, Query, Request

SPEC_VERSION = 1


@dataclass(frozen=True)
class Decoder:
    """How the answer is drawn: at most `max_tokens`, greedy at temperature 0, until a stop string."""

    max_tokens: int
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Shots:
    """Solved examples that stand in the prompt as earlier turns of the chat.

    Without `retrieve` all examples stand there in their order. With the name of an embedder, the
    `k` examples nearest to each query do, the nearest last, next to the question.
    """

    examples: tuple[Example, ...]
    k: int
    retrieve: str | None = None


@dataclass(frozen=True)
class Prompt:
    """What stands around an input: a system message, shots, and the user's turn.

    The user's turn is the rendered template, with `instruction` above it unless that is empty.
    """

    template: str
    system: str = ""
    instruction: str = ""
    shots: Shots | None = None

    def render(self, query: Query, shots: Sequence[Example] = ()) -> tuple[Message, ...]:
        """The chat for one query. Raises TaskError when the template names what the row lacks."""
        template = _template(self.template)
        turns = [Message("system", self.system)] if self.system else []
        for shot in shots:
            turns.append(Message("user", self._ask(template.render(shot.query()))))
            turns.append(Message("assistant", answer_text(shot.target)))
        return (*turns, Message("user", self._ask(template.render(query))))

    def _ask(self, text: str) -> str:
        return f"{self.instruction}\n\n{text}" if self.instruction else text


@lru_cache(maxsize=32)
def _template(source: str) -> Template:
    return Template(source)


@dataclass(frozen=True)
class Prompted:
    """An approach: `model` asked with `prompt`, answering through `decoder`."""

    name: str
    model: ModelRef
    prompt: Prompt
    decoder: Decoder

    @cached_property
    def hash(self) -> str:
        """Identifies what is asked of which model; the name is not part of it."""
        return digest(plain(replace(self, name="")))

    def requests(self, queries: Sequence[Query], models: Models) -> list[Request]:
        """The calls that answer `queries`, in their order."""
        chosen = self._shots(queries, models)
        return [
            Request(
                query.id,
                self.prompt.render(query, shots),
                self.decoder.max_tokens,
                self.decoder.stop,
                self.decoder.temperature,
                self.decoder.seed,
            )
            for query, shots in zip(queries, chosen, strict=True)
        ]

    def predict(
        self, queries: Sequence[Query], models: Models, done: Collection[str] = ()
    ) -> Iterator[Prediction]:
        """Answer every query that is not in `done`, each as soon as the model has finished it."""
        requests = self.requests(queries, models)
        for completion in models.open(self.model).generate(requests, done):
            yield Prediction(
                completion.id, completion.text, completion.finish, completion.usage, completion.error
            )

    def _shots(self, queries: Sequence[Query], models: Models) -> Sequence[Sequence[Example]]:
        shots = self.prompt.shots
        if shots is None:
            return [()] * len(queries)
        if shots.retrieve is None:
            return [shots.examples] * len(queries)
        found = nearest_examples(
            models.embedder(shots.retrieve), shots.examples, [q.input for q in queries], shots.k
        )
        return [[shots.examples[i] for i in reversed(row)] for row in found]


def nearest_examples(
    embedder: Embedder, pool: Sequence[Example], inputs: Sequence[str], k: int
) -> list[list[int]]:
    """For each input the positions in `pool` of its `k` nearest inputs by cosine, nearest first."""
    index = _index(embedder, tuple(e.input for e in pool))
    _, found = index.search(embedder.embed(inputs), min(k, len(pool)))
    return [[int(i) for i in row] for row in found]


@lru_cache(maxsize=4)
def _index(embedder: Embedder, texts: tuple[str, ...]) -> Any:
    import faiss

    vectors = embedder.embed(texts)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return index


def save(approach: Prompted, folder: Path) -> None:
    """Write `spec.json`, and `shots.jsonl` when the prompt carries examples."""
    shots = approach.prompt.shots
    spec = plain(approach)
    if shots is not None:
        write_lines(folder / "shots.jsonl", shots.examples)
        spec["prompt"]["shots"]["examples"] = {"file": "shots.jsonl", "count": len(shots.examples)}
    write_json(folder / "spec.json", {"version": SPEC_VERSION, "hash": approach.hash, **spec})


def load(folder: Path) -> Prompted:
    """Read an approach back. Raises RunError when it is damaged or of another version."""
    path = folder / "spec.json"
    spec = read_json(path)
    version, expected = spec.pop("version", None), spec.pop("hash", None)
    if version != SPEC_VERSION:
        raise RunError(
            f"is of version {version}, this workbench reads {SPEC_VERSION}",
            where=path,
            hint="Run `wb assess` again: it makes a new run folder.",
        )
    if spec["prompt"]["shots"] is not None:
        spec["prompt"]["shots"]["examples"] = read_lines(folder / "shots.jsonl")
    approach: Prompted = revive(Prompted, spec)
    if approach.hash != expected:
        raise RunError("does not match its own hash: it was changed or damaged", where=path)
    return approach
