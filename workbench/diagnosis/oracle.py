"""The arm that has the right passages in its prompt: does retrieval fail, or reading?

What perfect retrieval would bring: passages of the gold documents, those that hold the gold answer
first, then those that were found, then in the documents' order; at least one of every gold document, and
otherwise as many as the approach shows, so that prompts are of like length.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from baselines.approach import Prompted
from baselines.rag.chunks import Chunking
from baselines.rag.corpus import Corpus, make_corpus, open_corpus
from evals.graders.row_by_row import gold_texts
from evals.ranking import document_of
from evals.store import digest
from evals.types import Document, Example, Models, Prediction, Query

SHOWN = 3
"""Passages shown to an approach that retrieves none."""


@dataclass(frozen=True)
class WithGold:
    """An approach that is given documents, by the id of the query."""

    approach: Prompted
    documents: Mapping[str, tuple[Document, ...]]

    @property
    def name(self) -> str:
        return self.approach.name

    @property
    def hash(self) -> str:
        texts = {id: [d.id for d in found] for id, found in self.documents.items()}
        return digest([self.approach.hash, texts])

    def predict(
        self, queries: Sequence[Query], models: Models, done: Collection[str] = ()
    ) -> Iterator[Prediction]:
        """Answer with the documents in the prompt, in place of what would be retrieved."""
        given = [replace(query, documents=self.documents.get(query.id, ())) for query in queries]
        return self.approach.predict(given, models, done)


def corpus_for(approach: Prompted, documents: Path, models: Models) -> Corpus:
    """The chunks the approach retrieves from; those of the documents for one that does not retrieve."""
    passages = approach.prompt.passages
    made = passages.corpus if passages else make_corpus(documents, Chunking(), models).corpus
    return open_corpus(made)


def gold_passages(
    approach: Prompted, examples: Sequence[Example], found: Mapping[str, Sequence[str]], corpus: Corpus
) -> dict[str, tuple[Document, ...]]:
    """For every row with gold documents in the corpus its passages; `found` are the ids that the approach
    retrieved, best first."""
    places: dict[str, list[int]] = {}
    for place, id in enumerate(corpus.ids()):
        for name in {id, document_of(id)}:
            places.setdefault(name, []).append(place)
    k = approach.prompt.passages.k if approach.prompt.passages else SHOWN
    given = {}
    for example in examples:
        gold = [[corpus.chunk(place) for place in places.get(id, ())] for id in example.gold_doc_ids]
        ranked = [_ranked(chunks, example, found.get(example.id, ())) for chunks in gold if chunks]
        if ranked:
            given[example.id] = _chosen(ranked, max(k, len(ranked)))
    return given


def _ranked(chunks: Sequence[Document], example: Example, found: Sequence[str]) -> list[Document]:
    answers = [answer for text in gold_texts(example) if (answer := _words(text)).strip()]

    def rank(chunk: Document) -> tuple[bool, int]:
        holds = any(answer in _words(chunk.text) for answer in answers)
        return not holds, found.index(chunk.id) if chunk.id in found else len(found)

    return sorted(chunks, key=rank)


def _words(text: str) -> str:
    words = re.findall(r"\w+", text.casefold())
    return f" {' '.join(words)} "


def _chosen(ranked: Sequence[Sequence[Document]], most: int) -> tuple[Document, ...]:
    """The best passage of each document, then the second of each, and so on."""
    longest = max(len(chunks) for chunks in ranked)
    rounds = [chunks[n] for n in range(longest) for chunks in ranked if n < len(chunks)]
    return tuple({document.id: document for document in rounds}.values())[:most]
