"""What goes with what: methods and objectives, and why a pair is refused before anything loads."""

from __future__ import annotations

from collections.abc import Mapping

from evals.errors import TaskError
from tuning.tables import METHODS, OBJECTIVES

_NOISE = (
    "it is measured against the answers of its own start, and P-tuning starts from random embeddings, whose "
    "answers are noise"
)
_DRAWN = "it learns from the answers that it draws, and those of P-tuning's random embeddings are noise"
REFUSED: Mapping[tuple[str, str], str] = {
    ("p_tuning", "dpo"): _NOISE,
    ("p_tuning", "kto"): _NOISE,
    ("p_tuning", "rlhf"): _DRAWN,
    ("p_tuning", "rlhf_preferences"): _DRAWN,
}
"""Why a method does not go with an objective."""

ALONE: Mapping[str, str] = dict.fromkeys(
    ("rlhf", "rlhf_preferences"),
    "a step's answers are drawn by one engine and graded once, and every process would draw them again",
)
"""Why an objective does not go with several processes."""


def check_pair(method: str, objective: str) -> None:
    """Raises TaskError with the reason when the two do not go together, or one of them does not exist."""
    METHODS.load(method, key="--method")
    OBJECTIVES.load(objective, key="--objective")
    if why := REFUSED.get((method, objective)):
        others = [name for name in METHODS if (name, objective) not in REFUSED]
        raise TaskError(
            f"{method} does not go with {objective}: {why}", hint=f"With {objective} go: {', '.join(others)}."
        )


def check_shared(objective: str) -> None:
    """Raises TaskError with the reason when an objective is for one process."""
    if why := ALONE.get(objective):
        others = [name for name in OBJECTIVES if name not in ALONE]
        raise TaskError(
            f"{objective} does not go with --launch: {why}", hint=f"With it go: {', '.join(others)}."
        )


def matrix() -> list[tuple[str, str, str]]:
    """(method, objective, why it is refused or "") of every pair."""
    return [(m, o, REFUSED.get((m, o), "")) for m in METHODS for o in OBJECTIVES]
