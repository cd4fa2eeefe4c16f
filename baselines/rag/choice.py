"""Which chunks, which retriever and how many passages: chosen on dev by how much of the gold they bring.

Every setting is searched with every dev row whose gold ids are known. The best is that of the highest
recall@k; a setting whose recall is lower by no more than one standard error of the paired difference is
its equal, and of equals the one whose passages take the fewest tokens wins, then the higher recall, then
the cheaper retriever. (Recall alone would always take the most passages.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from baselines.rag.corpus import Corpus
from baselines.rag.grounding import ABSENT, CITE
from baselines.rag.passages import Passages
from evals.ranking import document_of, recall
from evals.types import Example, Json


@dataclass(frozen=True)
class Setting:
    """`k` passages of a corpus by a retriever. `tokens` is what they take in a prompt, on average;
    `recalls` the recall@k of each dev row with gold ids, none where there are none."""

    chunk_tokens: int | None
    corpus: str
    retriever: str
    k: int
    tokens: float
    recalls: tuple[float, ...] = ()

    def told(self) -> dict[str, Json]:
        """The setting for people."""
        return {
            "chunk_tokens": self.chunk_tokens,
            "retriever": self.retriever,
            "k": self.k,
            "tokens": round(self.tokens),
            "recall": round(fmean(self.recalls), 4) if self.recalls else None,
            "rows": len(self.recalls),
        }


def best(settings: Sequence[Setting]) -> Setting:
    """The setting to use. Raises ValueError for none."""
    top = max(settings, key=lambda s: fmean(s.recalls))
    equal = [setting for setting in settings if _no_worse(setting, top)]
    return min(equal, key=lambda s: (s.tokens, -fmean(s.recalls), settings.index(s)))


def _no_worse(setting: Setting, top: Setting) -> bool:
    """Whether the recall lies within one standard error of the best, pair by pair."""
    lost = [a - b for a, b in zip(top.recalls, setting.recalls, strict=True)]
    error = stdev(lost) / math.sqrt(len(lost)) if len(lost) > 1 else 0.0
    return fmean(lost) <= error


def in_words(passages: Passages, settings: Sequence[Setting]) -> list[str]:
    """What was chosen, in parts of a line: retriever, passages, chunks, models, wording."""
    chunks = next(s.chunk_tokens for s in settings if s.corpus == passages.corpus)
    return [
        passages.retriever,
        f"{passages.k} passage{'' if passages.k == 1 else 's'}",
        f"chunks of {chunks} tokens" if chunks else "whole documents",
        f"embedder {passages.embedder}" if passages.embedder else "",
        f"reranker {passages.reranker}" if passages.reranker else "",
        "cited by number" if CITE in passages.instruction else "",
        "saying when they do not hold the answer" if ABSENT in passages.instruction else "",
    ]


def recalls(found: Sequence[Sequence[str]], dev: Sequence[Example], k: int) -> tuple[float, ...]:
    """The recall@k of each dev row, given the ids found for it."""
    return tuple(recall(ids, row.gold_doc_ids, k) for ids, row in zip(found, dev, strict=True))


def with_known_gold(dev: Sequence[Example], corpus: Corpus) -> tuple[list[Example], int]:
    """The rows with a gold id of a document that is in this corpus, and how many have none but others."""
    there = {document_of(id) for id in corpus.ids()}
    named = [row for row in dev if row.gold_doc_ids]
    known = [row for row in named if any(i in there or document_of(i) in there for i in row.gold_doc_ids)]
    return known, len(named) - len(known)


def race_of(settings: Sequence[Setting], most: int) -> list[Setting]:
    """At most `most` settings that say the most about the rest, the cheapest first: what there is to race
    where no gold ids are known."""
    first = settings[0].corpus
    few, many = min(s.k for s in settings), max(s.k for s in settings)
    retrievers = list(dict.fromkeys(s.retriever for s in settings))
    corpora = list(dict.fromkeys(s.corpus for s in settings))
    wanted = [
        (first, retrievers[0], few),
        (first, retrievers[-1], few),
        (first, retrievers[-1], many),
        (corpora[-1], retrievers[-1], many),
    ]
    plans = list(dict.fromkeys(wanted))[:most]
    return [next(s for s in settings if (s.corpus, s.retriever, s.k) == plan) for plan in plans]
