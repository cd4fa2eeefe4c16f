"""What stands on disk of a diagnosis: the arms, each with a folder like an approach's, and their list.

<run>/diagnosis/arms.json          which approach was diagnosed, which arms were asked, which were not
<run>/diagnosis/<kind>-<hash>/     spec.json, predictions.jsonl, scores.jsonl of one arm
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evals.store import read_json, reading, revive, write_json

PART = "diagnosis"
"""The folder within a run."""

Kind = Literal["oracle", "room", "grammar", "stronger", "order", "wording"]
ONE_CHANGE: tuple[Kind, ...] = ("oracle", "room", "grammar", "stronger")
"""Arms that change what an approach can do; the others change only what should not matter."""

MOST_ROWS = 100
"""Dev rows of an arm that changes one thing, at most; the same rows for all of them."""
SPREAD_ROWS = 30
"""Dev rows of an arm that only rewords or reorders."""


@dataclass(frozen=True)
class Arm:
    """The approach `of` with one thing changed, which `change` names. `folder` is under the run's
    diagnosis, "" for an arm that was not asked, and `why` then says why not."""

    kind: Kind
    of: str
    change: str
    folder: str = ""
    why: str = ""


@dataclass(frozen=True)
class Arms:
    """The arms of a run. `of` is the approach that was diagnosed; `skipped` says why none was asked."""

    of: str
    arms: tuple[Arm, ...] = ()
    skipped: str = ""


def write_arms(run: Path, arms: Arms) -> None:
    """Write arms.json of a run folder."""
    write_json(run / PART / "arms.json", arms)


def read_arms(run: Path) -> Arms | None:
    """The arms of a run folder; None where nothing was diagnosed. Raises RunError when damaged."""
    path = run / PART / "arms.json"
    if not path.is_file():
        return None
    with reading(path):
        found: Arms = revive(Arms, read_json(path))
    return found


def forget_arms(run: Path) -> None:
    """A run that ships in the end has no diagnosis; its arms' answers stay for another time."""
    (run / PART / "arms.json").unlink(missing_ok=True)
