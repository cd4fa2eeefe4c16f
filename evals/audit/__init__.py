"""What may be wrong with the rows themselves, found before a model is asked anything.

Copies and near copies across splits, contradictions, columns that tell the answer, rows unlike the
rest, personal data, class balance. `audit` gives all of it as one value; it names rows by their ids
and never repeats their text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from evals.audit.choices import Balance, Choice, balance, choices
from evals.audit.duplicates import Repeat, repeats
from evals.audit.leakage import Reveal, revealing_columns, straddling_groups
from evals.audit.near import Rows, Twin, lexical, rows_of
from evals.audit.outliers import Outlier, strange_texts, unusual_lengths
from evals.audit.privacy import Personal, personal
from evals.audit.state import MOST_NAMED, Audit
from evals.data import Data
from evals.graders import answer_text
from evals.task import Task
from evals.template import Template

__all__ = [
    "MOST_NAMED",
    "Audit",
    "Balance",
    "Choice",
    "Outlier",
    "Personal",
    "Repeat",
    "Reveal",
    "Twin",
    "audit",
    "balance",
    "choices",
    "repeats",
    "revealing_columns",
    "straddling_groups",
]

SPLITS = ("train", "dev", "test")


def audit(task: Task, data: Data) -> Audit:
    """The state of the rows."""
    names = Template(task.prompt.template).names
    rows = rows_of(data, names)
    dropped = data.dropped
    repeated = {split: repeats(getattr(data, split), names) for split in SPLITS}
    near = lexical(rows)
    outliers = tuple(_outliers(rows))
    found = tuple(_personal(rows))
    named = {(d.split, d.id) for d in dropped} | {(d.of_split, d.of_id) for d in dropped}
    named |= {(split, id) for split, all_of in repeated.items() for r in all_of for id in r.ids}
    named |= {(t.split, t.id) for t in near.twins} | {(t.of_split, t.of_id) for t in near.twins}
    named |= {(o.split, o.id) for o in outliers} | {(p.split, p.id) for p in found}
    return Audit(
        dropped,
        repeated,
        tuple(revealing_columns(data)),
        tuple(straddling_groups(data)),
        near,
        tuple(balance(choice, data) for choice in choices(task.output, rows.examples)),
        outliers,
        found,
        {split: {id: data.place(s, id) for s, id in sorted(named) if s == split} for split in SPLITS},
    )


def _outliers(rows: Rows) -> Iterator[Outlier]:
    """Inputs of unusual length or language, and outputs of unusual length where they are free text."""
    outputs = [answer_text(row.target) for row in rows.examples]
    free = len(set(outputs)) > len(outputs) / 2
    parts: dict[Literal["input", "output"], Sequence[str]] = {"input": rows.texts}
    if free:
        parts["output"] = outputs
    for part, texts in parts.items():
        usual = _median([len(text) for text in texts])
        odd = unusual_lengths(texts)
        if part == "input":
            odd += [(place, "strange", far) for place, far in strange_texts(texts)]
        for place, why, far in odd:
            split, id = rows.name(place)
            yield Outlier(split, id, part, why, len(texts[place]), usual, far)


def _median(sizes: Sequence[int]) -> int:
    return sorted(sizes)[len(sizes) // 2] if sizes else 0


def _personal(rows: Rows) -> Iterator[Personal]:
    for place, (row, text) in enumerate(zip(rows.examples, rows.shown, strict=True)):
        split = rows.name(place)[0]
        for part, said in (("input", text), ("output", answer_text(row.target))):
            for kind in personal(said):
                yield Personal(split, row.id, part, kind)
