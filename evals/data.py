"""The rows of a task in their splits, without copies on the training side.

Membership depends on a hash of (`split_seed`, group or id), never on a row's position: rows that
are added never move old ones, and a group is never cut in two. Copies of dev and test rows leave
train before anything is fitted. Of a row that stands in dev and in test the test copy stays and
the dev copy leaves: test is what a decision is confirmed on, so it must not shrink because of what
was chosen by. Copies within one split stay (the audit reports them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from evals.documents import documents_digest
from evals.errors import DataError
from evals.examples import read_placed, row_hash
from evals.rows import find_source, read_rows, source_digest
from evals.store import canonical, digest
from evals.table import nearest
from evals.task import Task
from evals.template import Template
from evals.types import Example

__all__ = ["Data", "Dropped", "folded", "load_data", "membership", "render_all", "row_hash", "visible"]

DEV_OF_TRAIN = 0.2
"""The share of train that is set aside as dev when a task names none."""
DEV_OF_EVAL = 1 / 3

Splits = dict[str, tuple[Example, ...]]
Lines = Mapping[str, tuple[str, Mapping[str, int]]]


class Dropped(NamedTuple):
    """A row that left its split, and the row of another split that it copies; `agrees` says whether
    their targets are the same."""

    split: str
    id: str
    how: Literal["exact", "normalised"]
    of_split: str
    of_id: str
    agrees: bool = True


@dataclass(frozen=True)
class Data:
    """A task's rows. `sources` maps each file as written to its hash, the documents too; `hash` covers
    all rows, their ids and their order, `documents` and `preferences`, the hashes of those. `renamed`
    are ids that stood in dev and test both: the dev row is now known as "dev:ID". `lines` has for each
    role of a file ("train", "eval") its name as written and the line of each id."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]
    dropped: tuple[Dropped, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    hash: str = ""
    renamed: tuple[str, ...] = ()
    documents: str = ""
    preferences: str = ""
    lines: Lines = field(default_factory=dict, compare=False, repr=False)

    def place(self, split: str, id: str) -> str:
        """Where a row stands: "test.jsonl:12"; "" where that is not known."""
        own = id.removeprefix("dev:") if split == "dev" and id.removeprefix("dev:") in self.renamed else id
        for role in (split, *(role for role in ("eval", "train") if split not in self.lines)):
            name, lines = self.lines.get(role, ("", {}))
            if own in lines:
                return f"{name}:{lines[own]}"
        return ""

    def limited(self, n: int) -> Data:
        """At most `n` rows of dev and of test, the same ones whatever the files' order; train whole."""

        def first(rows: Sequence[Example]) -> tuple[Example, ...]:
            kept = {row.id for row in sorted(rows, key=lambda row: membership(0, row.id))[:n]}
            return tuple(row for row in rows if row.id in kept)

        return _hashed(replace(self, dev=first(self.dev), test=first(self.test)))


def membership(seed: int, key: str) -> float:
    """A number in [0, 1) that depends on nothing but the seed and the row's group or id."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64


def folded(text: str) -> str:
    """The text without what carries no meaning between copies: case, and how much space there is."""
    return " ".join(text.casefold().split())


def visible(example: Example, names: Sequence[str]) -> str:
    """What a prompt shows of a row: the columns that the template names, in their order."""
    shown = (example.input if name == "input" else example.fields.get(name) for name in names or ("input",))
    return "\0".join(value if isinstance(value, str) else repr(value) for value in shown)


def look_hash(example: Example, names: Sequence[str]) -> str:
    """16 hex digits of what a prompt shows of a row, folded. By it a ledger knows the rows of a test set
    again when ids, targets or columns that no prompt shows have changed."""
    return digest(folded(visible(example, names)))


def load_data(task: Task) -> Data:
    """Read, split and clean the task's rows. Raises DataError with file and line."""
    sources: dict[str, str] = {}
    rows: dict[str, list[Example]] = {}
    lines: dict[str, tuple[str, Mapping[str, int]]] = {}
    for role in ("train", "dev", "test", "eval"):
        name = getattr(task.data, role)
        if name is not None:
            source = find_source(name, role, task.path.parent)
            rows[role], numbered = read_placed(source, task.output, task.columns)
            lines[role] = (name, numbered)
            sources[name] = source_digest(source, map(row_hash, rows[role]))
    splits = _split(rows, task.split_seed)
    splits, renamed = _distinct_ids(splits)
    names = _columns_shown(task, splits)
    splits, dropped = _without_copies(splits, names)
    for split in ("dev", "test"):
        if not splits[split]:
            raise DataError(
                f"no row is left for {split}",
                where=task.path,
                key="data",
                hint=f"Name a file of its own: {split}: {split}.jsonl, or add rows.",
            )
    documents, preferences = _documents(task, sources), _preferences(task, sources)
    train, dev, test = (splits[name] for name in ("train", "dev", "test"))
    return _hashed(Data(train, dev, test, dropped, sources, "", renamed, documents, preferences, lines))


def _documents(task: Task, sources: dict[str, str]) -> str:
    """The hash of the task's documents, noted among the sources; "" for none. That they can be read is
    seen where they are."""
    if task.data.documents is None:
        return ""
    sources[task.data.documents] = documents_digest(task.path.parent / task.data.documents)
    return sources[task.data.documents]


def _preferences(task: Task, sources: dict[str, str]) -> str:
    """The hash of the task's pairs of answers, noted among the sources; "" for none."""
    name = task.data.preferences
    if name is None or not (name.startswith("hub:") or (task.path.parent / name).is_file()):
        return ""
    source = find_source(name, "preferences", task.path.parent)
    sources[name] = source_digest(source, (digest(raw) for _, raw in read_rows(source)))
    return sources[name]


def _columns_shown(task: Task, splits: Splits) -> Sequence[str]:
    """The columns that the template names. Raises TaskError for one that no row has."""
    names = Template(task.prompt.template).names
    there = {"input": None, **{name: None for rows in splits.values() for row in rows for name in row.fields}}
    for name in names:
        if name not in there:
            raise task.error(
                f"no row has the column {name!r}.{nearest(name, there)}",
                "prompt.template",
                f"The template may use: {', '.join(there)}.",
            )
    return names


def render_all(task: Task, data: Data) -> None:
    """Raises TaskError when the template cannot be rendered for every row."""
    key = "prompt.template"
    template = Template(task.prompt.template, where=task.path, key=key, line=task.file.line(key))
    for row in (*data.train, *data.dev, *data.test):
        template.render(row.query())


def _hashed(data: Data) -> Data:
    rows = {
        split: [[row.id, row.group, row_hash(row)] for row in getattr(data, split)]
        for split in ("train", "dev", "test")
    }
    more = [part for part in (data.documents, data.preferences) if part]
    return replace(data, hash=digest([rows, *more] if more else rows))


def _split(rows: Mapping[str, Sequence[Example]], seed: int) -> Splits:
    """The given files as splits, dev taken from eval or train where it has no file."""
    train, dev, test = (tuple(rows.get(name, ())) for name in ("train", "dev", "test"))
    if "eval" in rows:
        dev, test = divide(rows["eval"], DEV_OF_EVAL, seed)
    elif "dev" not in rows:
        dev, train = divide(train, DEV_OF_TRAIN, seed)
    return {"train": train, "dev": dev, "test": test}


def divide(
    rows: Iterable[Example], share: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """(about `share` of the rows, the rest), each in file order, groups whole."""
    first: list[Example] = []
    rest: list[Example] = []
    for row in rows:
        (first if membership(seed, row.group or row.id) < share else rest).append(row)
    return tuple(first), tuple(rest)


def _distinct_ids(splits: Splits) -> tuple[Splits, tuple[str, ...]]:
    """Predictions of dev and test are kept by id, so an id that stands in both is told apart."""
    test = {row.id for row in splits["test"]}
    renamed = tuple(row.id for row in splits["dev"] if row.id in test)
    if not renamed:
        return splits, ()
    dev = tuple(replace(row, id=f"dev:{row.id}") if row.id in test else row for row in splits["dev"])
    return {**splits, "dev": dev}, renamed


def _without_copies(splits: Splits, names: Sequence[str]) -> tuple[Splits, tuple[Dropped, ...]]:
    """Take from dev what test has, and from train what test or dev has."""
    exact: dict[str, tuple[str, Example]] = {}
    loose: dict[str, tuple[str, Example]] = {}
    kept: Splits = {}
    dropped: list[Dropped] = []
    for split in ("test", "dev", "train"):
        stay: list[Example] = []
        for row in splits[split]:
            text = visible(row, names)
            if text in exact:
                dropped.append(_copy(split, row, "exact", *exact[text]))
            elif (near := folded(text)) in loose:
                dropped.append(_copy(split, row, "normalised", *loose[near]))
            else:
                stay.append(row)
        kept[split] = tuple(stay)
        for row in stay:
            text = visible(row, names)
            exact.setdefault(text, (split, row))
            loose.setdefault(folded(text), (split, row))
    return kept, tuple(dropped)


def _copy(
    split: str, row: Example, how: Literal["exact", "normalised"], of_split: str, other: Example
) -> Dropped:
    agrees = canonical(row.target) == canonical(other.target)
    return Dropped(split, row.id, how, of_split, other.id, agrees)
