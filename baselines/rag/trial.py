"""Measures settings of retrieval on dev: chunk sizes, retrievers, numbers of passages.

The first chunk size is always built; a further one only where embedding it is predicted to stay within
the minutes that were given.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from baselines.approach import Prompted
from baselines.rag.choice import Setting, recalls, with_known_gold
from baselines.rag.chunks import Chunking
from baselines.rag.corpus import Corpus, Made, make_corpus, open_corpus
from baselines.rag.dense import LONG, say_cut, seconds_to_embed, too_long
from baselines.rag.passages import FEWEST_FOUND, Passages, open_retriever, search
from evals.requirements import recall_depth
from evals.task import Task
from evals.types import Example, Model, Work

log = logging.getLogger(__name__)

SAMPLE = 64
"""Chunks whose tokens are counted to know what a passage takes."""


@dataclass(frozen=True)
class Tried:
    """What is tried: chunk sizes in tokens (0: whole documents), retrievers, numbers of passages."""

    sizes: tuple[int, ...]
    retrievers: tuple[str, ...]
    ks: tuple[int, ...]
    embedder: str
    reranker: str | None
    minutes: float


@dataclass
class Trial:
    """The trial of one fit. `told` collects what it found, for `retrieval.json`."""

    tried: Tried
    documents: Path
    start: Prompted
    dev: Sequence[Example]
    work: Work
    told: dict[str, Any] = field(default_factory=lambda: {"corpora": [], "not_tried": []})

    def settings(self) -> list[Setting]:
        """Every setting whose passages fit the model's context, at least one. Those of one trial have
        recalls all of the same rows, or none has any."""
        found: list[Setting] = []
        rows: Sequence[Example] = ()
        for corpus, size in self._corpora():
            tokens = self._tokens(corpus)
            if not found:
                rows, unknown = with_known_gold(self.dev, corpus)
                self._tell_gold(len(rows), unknown)
            for retriever in self.tried.retrievers:
                found += self._measured(corpus, size, retriever, rows, tokens)
        room = self._room()
        self.told["settings"] = [setting.told() for setting in found]
        return [s for s in found if s.tokens <= room] or [min(found, key=lambda s: s.tokens)]

    def _tell_gold(self, known: int, unknown: int) -> None:
        self.told |= {"rows_with_gold": known, "rows_with_unknown_gold": unknown}
        if unknown:
            log.warning(
                "the gold ids of %d dev rows are of none of the documents in %s: they do not count",
                unknown,
                self.documents,
            )

    def approach(self, setting: Setting, instruction: str, name: str) -> Prompted:
        """The approach so far, with this setting's passages."""
        return self.start.with_passages(name, self._passages(setting, instruction))

    def _passages(self, setting: Setting, instruction: str = "") -> Passages:
        task: Task = self.work.task
        deepest = max(FEWEST_FOUND, recall_depth(task.requirements))
        embedder = None if setting.retriever == "bm25" else self.tried.embedder
        return Passages(
            setting.corpus, setting.retriever, setting.k, embedder, self.tried.reranker, deepest, instruction
        )

    def _corpora(self) -> Iterator[tuple[Corpus, int]]:
        """The documents cut to each size, as long as embedding them stays within the time."""
        wants_vectors = self.tried.retrievers != ("bm25",)
        counter = self.tried.embedder if wants_vectors else None
        made = []
        for size in self.tried.sizes:
            chunking = Chunking(size or None, size // 6, counter)
            made.append(make_corpus(self.documents, chunking, self.work.models, self.work.progress))
        wanted = list(zip(self.tried.sizes, made, strict=True))
        for size, one in self._in_time(wanted) if wants_vectors else wanted:
            self.told["corpora"].append(one)
            yield open_corpus(one.corpus), size

    def _in_time(self, made: Sequence[tuple[int, Made]]) -> list[tuple[int, Made]]:
        """The sizes whose embedding stays within the time; what all of them will take is said if it is
        long, before the first is begun."""
        embedder = self.work.models.embedder(self.tried.embedder)
        left = 60 * min(self.tried.minutes, self.work.budget.get("minutes", self.tried.minutes))
        kept: list[tuple[int, Made]] = []
        total = 0.0
        for size, one in made:
            seconds = seconds_to_embed(open_corpus(one.corpus), embedder)
            if kept and seconds > left:
                why = f"chunks of {size} tokens: embedding them would take {seconds / 60:.0f} minutes"
                self.told["not_tried"].append(why)
                continue
            left -= seconds if kept else 0
            kept.append((size, one))
            total += seconds
        if total > LONG:
            sizes = " and of ".join(f"{size} tokens" if size else "whole documents" for size, _ in kept)
            log.warning(
                "embedding the documents in chunks of %s will take about %.0f minutes, once; "
                "if interrupted it continues",
                sizes,
                total / 60,
            )
        cut = too_long(embedder, [row.input for row in self.dev])
        self.told["inputs_longer_than_the_embedder_reads"] = cut
        if cut:
            say_cut(cut, len(self.dev), "dev queries", embedder)
        return kept

    def _measured(
        self, corpus: Corpus, size: int, retriever: str, rows: Sequence[Example], tokens: float
    ) -> Iterator[Setting]:
        """A retriever's settings on one corpus; the dev rows are searched once for all k."""
        most = Setting(size or None, corpus.id, retriever, max(self.tried.ks), tokens * max(self.tried.ks))
        passages = self._passages(most)
        embedder = self.work.models.embedder(passages.embedder) if passages.embedder else None
        open_retriever(corpus, retriever, embedder, self.work.progress)
        found = search(passages, [row.input for row in rows], self.work.models) if rows else []
        ids = [[chunk.id for chunk in row] for row in found]
        for k in self.tried.ks:
            yield Setting(size or None, corpus.id, retriever, k, k * tokens, recalls(ids, rows, k))

    def _model(self) -> Model:
        return self.work.models.open(self.start.model)

    def _tokens(self, corpus: Corpus) -> float:
        """What a passage takes in a prompt, on average."""
        count = min(SAMPLE, len(corpus))
        texts = [corpus.chunk(n * len(corpus) // count).text for n in range(count)]
        return fmean(self._model().count(text) for text in texts)

    def _room(self) -> float:
        """The tokens left for passages beside the longest dev row and an answer."""
        longest = max(self.dev, key=lambda row: len(row.input))
        shots = self.start.prompt.shots
        prompt = self.start.prompt.render(longest.query(), shots.examples[: shots.k] if shots else ())
        model = self._model()
        return model.context - self.start.decoder.max_tokens - model.count(prompt)
