"""The grader that learns a style from the task's own rows: gold answers against other texts.

A regularised logistic regression on sentence vectors and a few counts of the surface (length,
punctuation, capitals). It tells what the given texts differ in, which may be the topic as well as the
style, so it may advise and never decides.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evals.errors import DataError, TaskError
from evals.graders import answer_text
from evals.graders.folding import shown, writable
from evals.graders.options import text
from evals.graders.row_by_row import Reading, RowByRow
from evals.rows import find_source, read_rows
from evals.types import Embedder, Example, Models, Prediction, Score

if TYPE_CHECKING:
    from evals.task import Task

log = logging.getLogger(__name__)

Matrix = NDArray[np.float64]

FEWEST, MOST = 20, 2000
"""Texts of each kind that are learned from: at least, and at most (the first ones of the file)."""
LIMIT = 10_000
"""Characters of a text that are read."""
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""Regularisations of which cross-validation takes one: the weight of the squared coefficients, per row."""
FOLDS = 5
TELLS_APART = 0.7
"""The area under the curve below which the two kinds of texts are called hardly told apart."""


class Style(RowByRow):
    """How surely the answer is of the kind of the gold answers of train, rather than of the texts in
    `others`: a probability, with both kinds taken to be as frequent.

    `others` is a file of texts: JSONL, CSV or Parquet with a column `text`, `answer` or `output`, or a .txt
    file with one a line. `model` is the embedder.
    """

    name = "style"
    pass_at = 0.5
    advisory = True

    def __init__(
        self, folder: Path, task: Task | None = None, *, others: str = "", model: str = "minilm"
    ) -> None:
        """Raises ValueError for a wrong option."""
        self._others = text("others", others)
        self._model = text("model", model)
        self._folder, self._task = folder, task
        self._learned: Learned | None = None
        super().__init__({"others": others, "model": model})

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. Raises TaskError or DataError when there is too little to learn
        from, ModelError when the embedder is not there."""
        said = [str(writable(p.text.strip()[:LIMIT])) for _, p in rows]
        if any(said):
            embedder = models.embedder(self._model)
            if self._learned is None:
                self._learned = learn(self._own(), self._other(), embedder)
            values = iter(self._learned.probability(features([s for s in said if s], embedder)))
        for (example, prediction), given in zip(rows, said, strict=True):
            value = round(float(next(values)), 5) if given else 0.0
            why = f"{value:.2f} of the style of the gold answers"
            yield self.score(example, prediction, Reading(value, shown(given), why))

    def _own(self) -> list[str]:
        """The gold answers of train."""
        from evals.data import load_data

        if self._task is None:
            raise TaskError(f"the grader {self.name} learns from a task's rows and was given none")
        train = load_data(self._task).train
        if len(train) < FEWEST:
            raise TaskError(
                f"the grader {self.name} learns from at least {FEWEST} training rows; there are {len(train)}",
                where=self._task.path,
                key="data.train",
            )
        return [answer_text(row.target)[:LIMIT] for row in train[:MOST]]

    def _other(self) -> list[str]:
        """The texts of the other kind."""
        path = self._folder / self._others
        if path.suffix.lower() == ".txt":
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"cannot be read as text ({error})", where=path) from error
            found = [line.strip() for line in lines if line.strip()]
        else:
            source = find_source(self._others, "others", self._folder)
            found = [_text_of(raw, source.shown, line) for line, raw in read_rows(source)]
        if len(found) < FEWEST:
            raise DataError(
                f"has {len(found)} texts, and a style is learned from at least {FEWEST}", where=path
            )
        return [one[:LIMIT] for one in found[:MOST]]


def _text_of(raw: dict[str, Any], shown: str, line: int) -> str:
    for column in ("text", "answer", "output"):
        if raw.get(column) is not None:
            return answer_text(raw[column])
    raise DataError("has no column text, answer or output", where=shown, line=line)


@dataclass(frozen=True)
class Learned:
    """A fitted regression: features are centred and scaled, then weighed. `auc` is how well it tells
    texts apart that it was not fitted on."""

    middle: Matrix
    scale: Matrix
    weights: Matrix
    auc: float

    def probability(self, given: Matrix) -> Matrix:
        """[n] in [0, 1] for features [n, d]."""
        return np.asarray(_logistic(_with_one((given - self.middle) / self.scale) @ self.weights))


def features(texts: Sequence[str], embedder: Embedder) -> Matrix:
    """[n, d]: the sentence vector and the counts of the surface of each text."""
    vectors = np.asarray(embedder.embed(texts), dtype=np.float64)
    return np.hstack([vectors, np.array([_surface(one) for one in texts]).reshape(len(texts), -1)])


def _surface(given: str) -> list[float]:
    """Length and, per hundred characters, what a style shows in."""
    size, words = len(given) / 100, given.split()
    patterns = (
        r"[.!?…]",
        r"[!]",
        r"[?]",
        r"[,;:]",
        r"[A-ZÀ-Þ]",
        r"\d",
        r"[\"'()*_#-]",
        r"\n",
        r"[^\x00-\x7f]",
    )
    counts = [len(re.findall(pattern, given)) / max(size, 0.01) for pattern in patterns]
    mean = sum(map(len, words)) / max(len(words), 1)
    return [float(np.log1p(len(words))), mean, *np.log1p(counts).tolist()]


def learn(own: Sequence[str], others: Sequence[str], embedder: Embedder) -> Learned:
    """Fit on both kinds of texts; the regularisation is the one with the best log-likelihood over five
    folds, which are cut by position so that the same texts give the same grader."""
    given = features([str(writable(t)) for t in (*own, *others)], embedder)
    labels = np.array([1.0] * len(own) + [0.0] * len(others))
    folds = np.concatenate([np.arange(len(own)) % FOLDS, np.arange(len(others)) % FOLDS])
    best: tuple[float, float, float] | None = None
    for strength in STRENGTHS:
        told = np.zeros(len(labels))
        for fold in range(FOLDS):
            inside = folds != fold
            told[~inside] = fit(given[inside], labels[inside], strength).probability(given[~inside])
        held = np.clip(np.where(labels == 1, told, 1 - told), 1e-9, 1)
        value = float((np.log(held) * _balance(labels)).sum())
        if best is None or value > best[0]:
            best = (value, strength, auc(told, labels))
    assert best is not None
    if best[2] < TELLS_APART:
        log.warning("style: the gold answers and the other texts are hardly told apart (AUC %.2f)", best[2])
    found = fit(given, labels, best[1])
    return Learned(found.middle, found.scale, found.weights, best[2])


def fit(given: Matrix, labels: Matrix, strength: float) -> Learned:
    """Logistic regression with squared regularisation by Newton's method (IRLS; Hastie, Tibshirani and
    Friedman 2009, 4.4.1), both classes weighing the same; the constant is not regularised."""
    middle, scale = given.mean(axis=0), given.std(axis=0)
    scale[scale < 1e-9] = 1.0
    table, share = _with_one((given - middle) / scale), _balance(labels)
    penalty = np.full(table.shape[1], strength)
    penalty[-1] = 1e-6
    weights = np.zeros(table.shape[1])
    for _ in range(50):
        told = _logistic(table @ weights)
        slope = table.T @ (share * (told - labels)) + penalty * weights
        curve = (table * (share * told * (1 - told))[:, None]).T @ table + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        size = float(np.abs(step).max())
        weights -= step * min(1.0, 5.0 / max(size, 1e-12))
        if size < 1e-8:
            break
    return Learned(middle, scale, weights, float("nan"))


def auc(told: Matrix, labels: Matrix) -> float:
    """The chance that a text of the first kind gets the higher value (Mann and Whitney 1947)."""
    own, others = told[labels == 1], told[labels == 0]
    wins = (own[:, None] > others[None, :]).mean() + 0.5 * (own[:, None] == others[None, :]).mean()
    return float(wins)


def _balance(labels: Matrix) -> Matrix:
    """Weights that sum to 1, half of it to either kind."""
    share = labels.mean()
    return np.asarray(np.where(labels == 1, 0.5 / share, 0.5 / (1 - share)) / len(labels))


def _with_one(table: Matrix) -> Matrix:
    return np.hstack([table, np.ones((len(table), 1))])


def _logistic(values: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -40, 40))))
