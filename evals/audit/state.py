"""The state of a task's rows: everything the audit found, as a value.

It names rows by split and id and never repeats their text, so that it may stand in decision.json.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals.audit.choices import Balance
from evals.audit.duplicates import Repeat
from evals.audit.leakage import Reveal
from evals.audit.meaning import Doubt, Meaning
from evals.audit.near import FEWEST, UNKNOWN, Near, Twin
from evals.audit.outliers import Outlier
from evals.audit.privacy import Personal
from evals.audit.quoted import Quote
from evals.data import Dropped
from evals.store import plain
from evals.types import Json

MOST_NAMED = 50
"""Rows that decision.json names in each list; counts are always whole."""
NOT_ASKED = "not asked for"


@dataclass(frozen=True)
class Audit:
    """What was found in the rows.

    `dropped` left their split because another split has them. `repeated` stand more than once within a
    split. `revealing` are columns that hold the target, `straddling` groups with rows in several
    splits, `near` rows that nearly repeat a row of an earlier split by their characters, `meaning` by
    embeddings, and labels that do not fit; `outliers` rows unlike the rest, `personal` rows with
    personal data or secrets, `quotes` eval rows that stand in a prompt or a document. `without` says
    why embeddings were not compared, "" where they were. `places` has file and line of every row named.
    """

    dropped: tuple[Dropped, ...] = ()
    repeated: Mapping[str, Sequence[Repeat]] = field(default_factory=dict)
    revealing: tuple[Reveal, ...] = ()
    straddling: tuple[str, ...] = ()
    near: Near = field(default_factory=Near)
    meaning: Meaning = field(default_factory=Meaning)
    balance: tuple[Balance, ...] = ()
    outliers: tuple[Outlier, ...] = ()
    personal: tuple[Personal, ...] = ()
    quotes: tuple[Quote, ...] = ()
    without: str = ""
    places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def place(self, split: str, id: str) -> str:
        """File and line of a row that was named, "" where they are not known."""
        return self.places.get(split, {}).get(id, "")

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Rows that nearly repeat a row of an earlier split, each once: by characters, else by meaning."""
        found = {(twin.split, twin.id): twin for twin in (*self.meaning.twins, *self.near.twins)}
        return tuple(sorted(found.values(), key=lambda twin: twin.split != "test"))

    @property
    def overlooked(self) -> tuple[str, ...]:
        """What near copies may have passed by, and why."""
        found = []
        if self.near.limits and self.near.usual.get("resembles") is None:
            found.append(
                f"those less than {UNKNOWN} alike (fewer than {FEWEST} train rows: what is usual is unknown)"
            )
        if self.without and self.without != NOT_ASKED:
            found.append(f"those of one meaning ({self.without})")
        return tuple(found)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """Rows whose label their nearest neighbours contradict."""
        return self.meaning.doubts

    def near_ids(self) -> dict[str, tuple[str, ...]]:
        """The ids of `twins` by their split."""
        return {split: tuple(t.id for t in self.twins if t.split == split) for split in ("dev", "test")}

    @property
    def conflicts(self) -> list[list[str]]:
        """Rows of one split with one input and different targets: the split, then their ids."""
        return [[split, *r.ids] for split, found in self.repeated.items() for r in found if r.contradicts]

    @property
    def conflicting_copies(self) -> list[Dropped]:
        """Rows that left their split and have another target than the row they copy."""
        return [d for d in self.dropped if not d.agrees]

    def to_json(self, most: int | None = None) -> dict[str, Any]:
        """Counts, and the rows concerned, at most `most` in each list."""
        result: dict[str, Json] = {
            "dropped": {split: sum(d.split == split for d in self.dropped) for split in ("train", "dev")},
            "dropped_rows": self._placed(self.dropped[:most], "of_"),
            "repeated": {split: sum(len(r.ids) - 1 for r in of) for split, of in self.repeated.items()},
            "contradictions": len(self.conflicts),
            "contradicting_rows": plain(self.conflicts[:most]),
            "conflicting_copies": len(self.conflicting_copies),
            "revealing": plain(self.revealing),
            "straddling_groups": len(self.straddling),
            "straddling": list(self.straddling[:most]),
            "near_duplicates": self._near(most),
            "doubtful_labels": self._counted([(d.choice, d) for d in self.doubts], most),
            "outliers": self._counted([(o.why, o) for o in self.outliers], most),
            "personal_data": self._counted([(p.kind, p) for p in self.personal], most),
            "quoted": self._quoted(most),
            "balance": [_balance(b, most) for b in self.balance],
        }
        return result

    def _near(self, most: int | None) -> dict[str, Json]:
        twins = self.twins
        return {
            "counts": dict(Counter(twin.split for twin in twins)),
            "limits": {**self.near.limits, "means": self.meaning.limit if self.meaning.embedded else None},
            "usual": {**self.near.usual, "means": self.meaning.usual},
            "embedded": self.meaning.embedded,
            "not_embedded": self.without,
            "overlooked": list(self.overlooked),
            "rows": self._placed(twins[:most], "of_"),
        }

    def _quoted(self, most: int | None) -> dict[str, Json]:
        counts = {"prompt": 0, "document": 0, "document with answer": 0}
        for quote in self.quotes:
            answered = " with answer" if quote.answered and not quote.is_prompt else ""
            counts["prompt" if quote.is_prompt else f"document{answered}"] += 1
        return {"counts": {k: n for k, n in counts.items() if n}, "rows": self._placed(self.quotes[:most])}

    def _counted(self, named: Sequence[tuple[str, Any]], most: int | None) -> dict[str, Json]:
        counts = dict(Counter(name for name, _ in named))
        return {"counts": counts, "rows": self._placed([thing for _, thing in named][:most])}

    def _placed(self, found: Sequence[Any], *others: str) -> list[Json]:
        """Each as JSON with its file and line, and that of the other row it names."""
        rows: list[Json] = []
        for one in found:
            row = one._asdict() if isinstance(one, Dropped) else plain(one)
            for prefix in ("", *others):
                row[f"{prefix}place"] = self.place(row[f"{prefix}split"], row[f"{prefix}id"])
            rows.append(row)
        return rows


def _balance(found: Balance, most: int | None) -> dict[str, Json]:
    result: dict[str, Json] = {
        "name": found.name,
        "counts": {split: dict(list(counts.items())[:most]) for split, counts in found.counts.items()},
        "shift": found.shift,
    }
    return result
