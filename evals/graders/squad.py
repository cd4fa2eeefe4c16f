"""Short answers against a gold answer and references, as the SQuAD evaluation does it.

Rajpurkar et al. 2016 (arXiv 1606.05250) and, for questions without an answer, 2018 (1806.03822):
case, ASCII punctuation, the English articles and extra whitespace do not count, the best of the
right answers does. Where one side has no token left, only another side without tokens agrees.
"""

from __future__ import annotations

from evals.graders.folding import shown, squad_tokens, token_f1
from evals.graders.row_by_row import Reading, RowByRow, gold_texts
from evals.types import Example, Prediction


class SquadExact(RowByRow):
    """1 when the answer is the gold answer or a reference once both are normalised, else 0."""

    name = "squad_exact"

    def __init__(self) -> None:
        super().__init__({})

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The answer as its normalised tokens."""
        said = squad_tokens(prediction.text)
        wanted = gold_texts(example)
        right = any(said == squad_tokens(gold) for gold in wanted)
        return Reading(float(right), shown(" ".join(said)), f"not {shown(repr(wanted[0]), 120)}")


class TokenF1(RowByRow):
    """The F1 of the tokens that the answer shares with the gold answer, or the reference that it
    shares most with; tokens are counted, their order does not matter."""

    name = "token_f1"

    def __init__(self) -> None:
        super().__init__({})

    def read(self, example: Example, prediction: Prediction) -> Reading:
        """The best F1 over the right answers."""
        golds = gold_texts(example)
        values = [token_f1(gold, prediction.text) for gold in golds]
        value = max(values)
        nearest = golds[values.index(value)]
        why = f"{value:.2f} of {shown(repr(nearest), 120)}"
        return Reading(value, shown(prediction.text.strip()), why)
