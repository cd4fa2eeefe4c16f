"""What a training forgets: the loss on general text, before and after, in nats a token; or, where the task
names one, the score of a task of lm-eval.

The text is Python's own documentation topics (`pydoc_data.topics`), which are everywhere and belong to no
task, or a file that the task names; the same passages are read before training and after, behind a soft
prompt where there is one, as they would be served. A task of lm-eval is asked through the door, of the
model to begin from and of the one that was saved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evals.errors import TaskError

if TYPE_CHECKING:
    from evals.models.chat import Renderer
    from evals.models.lm_eval_task import RowScores
    from evals.task import ForgettingSpec
    from tuning.forward import Reader
    from tuning.pieces import Piece

PASSAGES, TOKENS = 24, 192
"""How many passages of how many tokens: 4,600 tokens, on which the loss of a small model is known to about a
twentieth of a nat, and differences of the same passages more closely."""
CHARACTERS = 4000
"""Of a passage before it is tokenised."""
FEWEST = 2000
"""Characters that a text must have."""


def passages(renderer: Renderer, room: int, text: Path | None = None) -> list[Piece]:
    """General text, or the file `text`, in pieces of which every token but the first is to be predicted; at
    most `room` tokens each. Raises TaskError for a file without text."""
    from tuning.pieces import Piece

    parts = _general() if text is None else _parts(text)
    names = [list(parts)[n * len(parts) // PASSAGES] for n in range(min(PASSAGES, len(parts)))]
    if len(parts) <= PASSAGES:
        names = list(parts)
    most = min(TOKENS, room)
    ids = renderer.text_ids([parts[name] for name in names], special=False)
    rows = [(name, row[:most].astype(np.int32)) for name, row in zip(names, ids, strict=True)]
    return [Piece(name, row[:1], row[1:]) for name, row in rows if len(row) > 1]


def check_named(named: ForgettingSpec) -> None:
    """Raise TaskError for a file that a training could not be held against."""
    if named.lm_eval is not None:
        from evals.models.lm_eval_task import read_config

        read_config(named.lm_eval)
    if named.text is not None:
        _parts(named.text)


def _general() -> dict[str, str]:
    from pydoc_data.topics import topics

    long = sorted(name for name, text in topics.items() if len(text) >= CHARACTERS)
    return {name: topics[name][:CHARACTERS] for name in long}


def _parts(path: Path) -> dict[str, str]:
    """A file's text in parts of as many characters as a passage may have."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError("cannot be read as text (UTF-8)", where=path, key="forgetting.text") from error
    if len(text) < FEWEST:
        raise TaskError(
            f"has {len(text)} characters, too few to see what a training forgets",
            where=path,
            key="forgetting.text",
            hint=f"Take a text of {FEWEST:,} characters or more.",
        )
    size = min(CHARACTERS, math.ceil(len(text) / PASSAGES))
    return {f"{path.name}:{start}": text[start : start + size] for start in range(0, len(text), size)}


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


def unlearned(before: RowScores, after: RowScores) -> dict[str, Any]:
    """As `forgotten`, of a task of lm-eval: by how much its score fell; each of its rows stands for a passage
    of one token, whose loss is what it lacks of 1."""
    return {
        "task": before.task,
        "metric": before.metric,
        "before": round(before.mean, 4),
        "after": round(after.mean, 4),
        "loss": round(before.mean - after.mean, 4),
        "passages": [
            [1, round(1 - was, 4), round(1 - after.values[id], 4)] for id, was in before.values.items()
        ],
    }
