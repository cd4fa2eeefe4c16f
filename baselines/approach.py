"""The one kind of approach: a model, a prompt and a decoder, as an immutable value.

Every rung gives one, tuned or not; it is saved as `spec.json` (with the examples it carries beside
it in `shots.jsonl`, and the chunks it retrieves from in `chunks.jsonl`) and loaded again from it. Two
approaches with the same hash ask the same things of the same model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from baselines.adapters import by_content, give_adapter, keep_adapter
from baselines.decoding.decode import decode
from baselines.decoding.decoder import Decoder
from baselines.rag.corpus import CHUNKS, give_chunks, keep_chunks
from baselines.rag.dense import are_longer
from baselines.rag.grounding import USE, Shown, fit, numbered, say_left_out
from baselines.rag.passages import Passages, search
from evals.errors import RunError
from evals.graders import answer_text
from evals.store import digest, plain, read_json, read_lines, revive, write_json, write_lines
from evals.template import Template
from evals.types import Document, Embedder, Example, Message, ModelRef, Models, Prediction, Query

__all__ = ["Decoder", "Prompt", "Prompted", "Shots", "load", "nearest_examples", "save"]

SPEC_VERSION = 4


@dataclass(frozen=True)
class Shots:
    """Solved examples that stand in the prompt as earlier turns of the chat.

    Without `retrieve` all examples stand there in their order. With the name of an embedder, the
    `k` examples nearest to each query do, the nearest last, next to the question, or first.
    """

    examples: tuple[Example, ...]
    k: int
    retrieve: str | None = None
    nearest: Literal["last", "first"] = "last"


@dataclass(frozen=True)
class Prompt:
    """What stands around an input: a system message, shots, and the user's turn.

    The user's turn is the rendered template, with `instruction` above it and `below` under it unless
    these are empty, and between instruction and template the passages, where there are any.
    """

    template: str
    system: str = ""
    instruction: str = ""
    shots: Shots | None = None
    passages: Passages | None = None
    below: str = ""

    def render(
        self, query: Query, shots: Sequence[Example] = (), passages: Sequence[Document] = ()
    ) -> tuple[Message, ...]:
        """The chat for one query. Raises TaskError when the template names what the row lacks."""
        template = _template(self.template)
        turns = [Message("system", self.system)] if self.system else []
        for shot in shots:
            turns.append(Message("user", self._ask(template.render(shot.query()))))
            turns.append(Message("assistant", answer_text(shot.target)))
        grounding = self.passages.instruction if self.passages else USE if passages else ""
        asked = self._ask(grounding, numbered(passages), template.render(query))
        return (*turns, Message("user", asked))

    def _ask(self, *texts: str) -> str:
        return "\n\n".join(text for text in (self.instruction, *texts, self.below) if text)


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
        """Identifies what is asked of which model; the name is not part of it, and of an adapter what it
        holds, not where it lies."""
        return digest(plain(replace(self, name="", model=by_content(self.model))))

    def with_passages(self, name: str, passages: Passages) -> Prompted:
        """The same, with these passages in the prompt."""
        return replace(self, name=name, prompt=replace(self.prompt, passages=passages))

    def prompts(
        self,
        queries: Sequence[Query],
        models: Models,
        barred: Mapping[str, Collection[int]] = MappingProxyType({}),
    ) -> dict[str, tuple[Message, ...]]:
        """What the model is shown for each of the queries, by id; `barred` are places of shots that a query
        is not to be shown: the next nearest take theirs where shots are retrieved."""
        shown = self._shown(queries, self._retrieved(queries, models), models, barred)
        return {query.id: one.prompt for query, one in zip(queries, shown, strict=True)}

    def predict(
        self, queries: Sequence[Query], models: Models, done: Collection[str] = ()
    ) -> Iterator[Prediction]:
        """Answer every query that is not in `done`, each as soon as the model has finished it; see
        `evals.types.Approach` for what a mapping in `done` adds."""
        found = self._retrieved(queries, models)
        shown = self._shown(queries, found, models)
        by_id = {q.id: (s, f) for q, s, f in zip(queries, shown, found, strict=True)}
        searched = self._searched(queries, models)
        asked = {q.id: s.prompt for q, s in zip(queries, shown, strict=True)}
        for answer in decode(self.decoder, asked, models.open(self.model), done):
            completion = answer.completion
            mine, documents = by_id[completion.id]
            yield Prediction(
                completion.id,
                completion.text,
                completion.finish,
                completion.usage,
                completion.error,
                sources=tuple(document.id for document in documents),
                shown=mine.shown,
                left_out=mine.left_out,
                searched=searched.get(completion.id, 0),
                rejected=answer.rejected,
                votes=answer.votes,
                reasoning=completion.reasoning,
            )

    def _retrieved(self, queries: Sequence[Query], models: Models) -> list[Sequence[Document]]:
        """What each query may be answered from, best first: the documents it brings, else what is found."""
        passages = self.prompt.passages
        found: list[Sequence[Document]] = [query.documents for query in queries]
        wanting = [place for place, query in enumerate(queries) if not query.documents] if passages else []
        if passages and wanting:
            rows = search(passages, [queries[place].input for place in wanting], models)
            for place, row in zip(wanting, rows, strict=True):
                found[place] = row
        return found

    def _searched(self, queries: Sequence[Query], models: Models) -> dict[str, int]:
        """Of the queries that are longer than an embedder of this approach reads: how many tokens it does."""
        shots, passages = self.prompt.shots, self.prompt.passages
        names = {shots.retrieve if shots else None, passages.embedder if passages else None}
        found: dict[str, int] = {}
        for embedder in map(models.embedder, sorted(filter(None, names))):
            long = are_longer(embedder, [query.input for query in queries])
            found |= {query.id: embedder.context for query, cut in zip(queries, long, strict=True) if cut}
        return found

    def _shown(
        self,
        queries: Sequence[Query],
        found: Sequence[Sequence[Document]],
        models: Models,
        barred: Mapping[str, Collection[int]] = MappingProxyType({}),
    ) -> list[Shown]:
        """Each query's prompt, with the passages that fit."""
        passages, shots = self.prompt.passages, self._shots(queries, models, barred)
        prompts: list[Shown] = []
        for query, examples, documents in zip(queries, shots, found, strict=True):
            chosen = documents if query.documents or passages is None else documents[: passages.k]
            if not chosen:
                prompts.append(Shown(self.prompt.render(query, examples), 0, 0))
                continue
            model = models.open(self.model)
            render = partial(self.prompt.render, query, examples)
            prompts.append(fit(render, chosen, model.count, model.context - self.decoder.max_tokens))
        say_left_out(self.name, prompts)
        return prompts

    def _shots(
        self, queries: Sequence[Query], models: Models, barred: Mapping[str, Collection[int]]
    ) -> Sequence[Sequence[Example]]:
        shots = self.prompt.shots
        if shots is None:
            return [()] * len(queries)
        without = [barred.get(query.id, ()) for query in queries]
        if shots.retrieve is None:
            return [[e for i, e in enumerate(shots.examples) if i not in out] for out in without]
        most = shots.k + max(map(len, without), default=0)
        found = nearest_examples(
            models.embedder(shots.retrieve), shots.examples, [q.input for q in queries], most
        )
        kept = ([i for i in row if i not in out][: shots.k] for row, out in zip(found, without, strict=True))
        order = reversed if shots.nearest == "last" else iter
        return [[shots.examples[i] for i in order(row)] for row in kept]


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
    """Write `spec.json`, `shots.jsonl` when the prompt carries examples, and `chunks.jsonl` when it
    retrieves."""
    shots, passages = approach.prompt.shots, approach.prompt.passages
    if passages is not None:
        give_chunks(passages.corpus, folder / CHUNKS)
    spec = plain(replace(approach, model=give_adapter(approach.model, folder)))
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
    approach = replace(approach, model=keep_adapter(approach.model, folder))
    if approach.hash != expected:
        raise RunError("does not match its own hash: it was changed or damaged", where=path)
    if approach.prompt.passages is not None:
        keep_chunks(folder / CHUNKS, approach.prompt.passages.corpus)
    return approach
