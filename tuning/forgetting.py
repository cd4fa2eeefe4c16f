"""What a training forgets: the loss on general text, before and after, in nats a token.

The text is Python's own documentation topics (`pydoc_data.topics`), which are everywhere and belong to no
task; the same passages are read before training and after, behind a soft prompt where there is one, as
they would be served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from evals.models.chat import Renderer
    from tuning.forward import Reader
    from tuning.pieces import Piece

PASSAGES, TOKENS = 24, 192
"""How many passages of how many tokens: 4,600 tokens, on which the loss of a small model is known to about a
twentieth of a nat, and differences of the same passages more closely."""
CHARACTERS = 4000
"""Of a passage before it is tokenised."""


def passages(renderer: Renderer, room: int) -> list[Piece]:
    """General text in pieces of which every token but the first is to be predicted; at most `room` tokens
    each."""
    from pydoc_data.topics import topics

    from tuning.pieces import Piece

    long = sorted(name for name, text in topics.items() if len(text) >= CHARACTERS)
    names = [long[n * len(long) // PASSAGES] for n in range(min(PASSAGES, len(long)))]
    most = min(TOKENS, room)
    ids = renderer.text_ids([topics[name][:CHARACTERS] for name in names], special=False)
    rows = [(name, row[:most].astype(np.int32)) for name, row in zip(names, ids, strict=True)]
    return [Piece(name, row[:1], row[1:]) for name, row in rows if len(row) > 1]


@dataclass(frozen=True)
class TextLoss:
    """The loss on each passage in nats a token, and how many tokens of it were predicted."""

    nats: tuple[float, ...]
    tokens: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Nats a token over all of them."""
        pairs = zip(self.nats, self.tokens, strict=True)
        return sum(nats * tokens for nats, tokens in pairs) / sum(self.tokens)


def text_loss(reader: Reader, text: Sequence[Piece]) -> TextLoss:
    """The loss on each of the passages."""
    from tuning.sft import mean_loss

    nats = [mean_loss(reader, [piece], tokens=TOKENS, rows=1) for piece in text]
    return TextLoss(tuple(nats), tuple(len(piece.answer) for piece in text))


def forgotten(before: TextLoss, after: TextLoss) -> dict[str, Any]:
    """What training.json says: the loss before, after and by how much it rose, in nats a token, and of each
    passage its tokens and the loss before and after."""
    pairs = zip(before.tokens, before.nats, after.nats, strict=True)
    return {
        "before": round(before.mean, 4),
        "after": round(after.mean, 4),
        "loss": round(after.mean - before.mean, 4),
        "passages": [[tokens, round(first, 4), round(second, 4)] for tokens, first, second in pairs],
    }
