"""What may be wrong with the rows themselves: copies, contradictions, columns that tell the answer.

`audit` gives all of it as plain JSON for a decision and for `wb check`; it names rows by their ids
and never repeats their text.
"""

from __future__ import annotations

from evals.audit.duplicates import Repeat, repeats
from evals.audit.leakage import Reveal, revealing_columns, straddling_groups
from evals.data import Data
from evals.store import plain
from evals.task import Task
from evals.template import Template
from evals.types import Json

__all__ = ["Repeat", "Reveal", "audit", "repeats", "revealing_columns", "straddling_groups"]

MOST_NAMED = 50
"""Rows that are named in each list; counts are always whole."""


def audit(task: Task, data: Data) -> dict[str, Json]:
    """The state of the rows, for decision.json: counts, and the ids of the rows concerned.

    `dropped` rows left their split because another split has them; `repeated` rows stand more than
    once within a split; `contradictions` are repeated rows with different targets; `revealing` are
    columns that hold the target; `straddling_groups` have rows in several splits.
    """
    names = Template(task.prompt.template).names
    found = {split: repeats(getattr(data, split), names) for split in ("train", "dev", "test")}
    contradictions = [[split, *r.ids] for split, all_of in found.items() for r in all_of if r.contradicts]
    groups = straddling_groups(data)
    result = plain(
        {
            "dropped": {split: sum(d.split == split for d in data.dropped) for split in ("train", "dev")},
            "dropped_rows": [d._asdict() for d in data.dropped[:MOST_NAMED]],
            "repeated": {split: sum(len(r.ids) - 1 for r in all_of) for split, all_of in found.items()},
            "contradictions": len(contradictions),
            "contradicting_rows": contradictions[:MOST_NAMED],
            "revealing": revealing_columns(data),
            "straddling_groups": len(groups),
            "straddling": groups[:MOST_NAMED],
        }
    )
    assert isinstance(result, dict)
    return result
