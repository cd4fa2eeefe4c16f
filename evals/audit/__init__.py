"""What may be wrong with the rows themselves, found before a model is asked anything.

Copies and near copies across splits, contradictions, columns that tell the answer, rows unlike the
rest, personal data, class balance. `audit` gives all of it as one value; it names rows by their ids
and never repeats their text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from evals.audit.choices import Balance, Choice, balance, choices
from evals.audit.duplicates import Repeat, repeats
from evals.audit.leakage import Reveal, revealing_columns, straddling_groups
from evals.audit.meaning import Doubt, Meaning, meaning
from evals.audit.near import FEWEST, Rows, Twin, lexical, rows_of
from evals.audit.outliers import Outlier, strange_texts, unusual_lengths
from evals.audit.privacy import Personal, personal
from evals.audit.quoted import Quote, Sought
from evals.audit.shingles import Array
from evals.audit.state import MOST_NAMED, NOT_ASKED, Audit
from evals.data import Data, Dropped
from evals.errors import ModelError
from evals.graders import answer_text
from evals.task import Task
from evals.template import Template
from evals.types import Document, Models

__all__ = [
    "MOST_NAMED",
    "Audit",
    "Balance",
    "Choice",
    "Doubt",
    "Outlier",
    "Personal",
    "Quote",
    "Repeat",
    "Reveal",
    "Sought",
    "Twin",
    "audit",
    "balance",
    "choices",
    "repeats",
    "revealing_columns",
    "straddling_groups",
]

SPLITS = ("train", "dev", "test")
EMBEDDER = "minilm"
"""What tells meaning: the known embedder that runs on any machine."""


def audit(task: Task, data: Data, models: Models | None = None, documents: Iterable[Document] = ()) -> Audit:
    """The state of the rows, and of the task's prompts and documents beside them.

    With `models` a part of the rows is compared by embeddings too, unless there are too few rows to say
    what is usual among them.
    """
    names = Template(task.prompt.template).names
    rows = rows_of(data, names)
    near, close = lexical(rows)
    chosen = tuple(choices(task.output, rows.examples))
    meant, why = _meaning(rows, close, chosen, models)
    said = [*_personal(rows)]
    found = Audit(
        data.dropped,
        {split: repeats(getattr(data, split), names) for split in SPLITS},
        tuple(revealing_columns(data)),
        tuple(straddling_groups(data)),
        near,
        meant,
        tuple(balance(choice, data) for choice in chosen),
        tuple(_outliers(rows)),
        quotes=tuple(_quotes(task, data, documents, said)),
        personal=tuple(said),
        without=why,
    )
    return replace(found, places=_places(found, data))


def _meaning(
    rows: Rows, close: Array, chosen: Sequence[Choice], models: Models | None
) -> tuple[Meaning, str]:
    """What embeddings show, or why they were not asked."""
    if models is None or len(rows.examples) < FEWEST:
        return Meaning(), NOT_ASKED if models is None else f"fewer than {FEWEST} rows"
    try:
        return meaning(rows, close, chosen, models.embedder(EMBEDDER)), ""
    except ModelError as error:
        return Meaning(), error.message


def _places(found: Audit, data: Data) -> dict[str, dict[str, str]]:
    """File and line of the rows that the findings name."""
    pairs: list[Dropped | Twin] = [*found.dropped, *found.twins]
    named = {(p.split, p.id) for p in pairs} | {(p.of_split, p.of_id) for p in pairs}
    named |= {(split, id) for split, all_of in found.repeated.items() for r in all_of for id in r.ids}
    rows: list[Outlier | Personal | Doubt | Quote] = [*found.outliers, *found.personal, *found.doubts]
    named |= {(row.split, row.id) for row in (*rows, *found.quotes)}
    return {split: {id: data.place(s, id) for s, id in sorted(named) if s == split} for split in SPLITS}


def _quotes(task: Task, data: Data, documents: Iterable[Document], said: list[Personal]) -> Iterator[Quote]:
    """Eval rows in the user's prompts and in the documents; personal data in these is added to `said`."""
    sought = Sought([*(("dev", row) for row in data.dev), *(("test", row) for row in data.test)])
    prompts = {"prompt.instruction": task.prompt.instruction, "prompt.system": task.prompt.system or ""}
    prompts |= {f"prompt.variants[{n}]": text for n, text in enumerate(task.prompt.variants)}
    for where, text in prompts.items():
        yield from sought.in_prompt(where, text)
    for document in documents:
        yield from sought.in_document(f"the document {document.id}", document.text)
        said += [Personal("documents", document.id, "document", kind) for kind in personal(document.text)]


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
