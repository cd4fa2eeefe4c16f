"""The grader of meaning: the cosine of the answer's and the gold answer's sentence vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.graders.folding import shown, writable
from evals.graders.options import text
from evals.graders.row_by_row import Reading, RowByRow, gold_texts
from evals.types import Embedder, Example, Models, Prediction, Score

BATCH = 512
"""Rows whose texts are embedded together."""
LIMIT = 10_000
"""Characters of a text that the embedder is given: it reads a few hundred tokens."""


class EmbeddingSimilarity(RowByRow):
    """The cosine similarity to the gold answer or, if greater, to a reference; 0 where it is negative.

    `model` is an embedder: a known name, a hub id or a folder. Values are rounded to five digits, so
    that they do not depend on which texts were embedded together.
    """

    name = "embedding_similarity"
    pass_at = 0.8

    def __init__(self, *, model: str = "minilm") -> None:
        """Raises ValueError when `model` is no text."""
        self._model = text("model", model)
        super().__init__({"model": model})

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. Raises ModelError when the embedder is not there."""
        if not rows:
            return
        embedder = models.embedder(self._model)
        for start in range(0, len(rows), BATCH):
            yield from self._batch(rows[start : start + BATCH], embedder)

    def _batch(self, rows: Sequence[tuple[Example, Prediction]], embedder: Embedder) -> Iterator[Score]:
        said = [_cut(prediction.text) for _, prediction in rows]
        golds = [[_cut(gold) for gold in gold_texts(example)] for example, _ in rows]
        compared = [
            (mine, wanted) for mine, wanted in zip(said, golds, strict=True) if mine and mine not in wanted
        ]
        texts = list(dict.fromkeys(t for mine, wanted in compared for t in (mine, *filter(None, wanted))))
        vectors = embedder.embed(texts)
        place = {t: n for n, t in enumerate(texts)}
        for (example, prediction), mine, wanted in zip(rows, said, golds, strict=True):
            value = float(mine in wanted)
            if mine and not value:
                cosines = [float(vectors[place[mine]] @ vectors[place[t]]) for t in wanted if t]
                value = min(1.0, max(0.0, round(max(cosines, default=0.0), 5)))
            why = f"{value:.2f} to {shown(repr(wanted[0]), 120)}"
            yield self.score(example, prediction, Reading(value, shown(mine), why))


def _cut(given: str) -> str:
    return str(writable(given.strip()[:LIMIT]))
