"""Pairs of answers of which people preferred one, and what a model makes of them.

`preference_accuracy` is the share of pairs in which the model gives the chosen answer the higher
log-likelihood per UTF-8 byte behind the approach's own prompt. Bytes, not tokens, so that figures of
models with different tokenizers compare; per byte, so that the shorter text has no advantage (as acc_norm of
lm-evaluation-harness).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.data import folded, load_data, membership
from evals.errors import DataError
from evals.rows import Raw, find_source, read_rows
from evals.store import digest, read_lines, reading, write_lines
from evals.table import nearest
from evals.task import Task
from evals.types import Example, Json, Model, Prediction, PromptText, Query, Row, Score, Split

METRIC = "preference_accuracy"
DEV, TEST = 1 / 6, 1 / 2
"""A pair is of dev up to the first share of the hash of its group or input, of test up to the second, else
it is there to train on."""
AT_ONCE = 32
"""Pairs that are scored before what came of them is written."""


@dataclass(frozen=True)
class Pair:
    """An input with the answer that was preferred and the one that was not."""

    id: str
    input: str
    chosen: str
    rejected: str
    group: str | None = None
    fields: dict[str, Json] = field(default_factory=dict)

    def query(self) -> Query:
        """The pair as an approach may see it."""
        return Query(self.id, self.input, self.fields)


@dataclass(frozen=True)
class Pairs:
    """A task's pairs in their splits."""

    train: tuple[Pair, ...] = ()
    dev: tuple[Pair, ...] = ()
    test: tuple[Pair, ...] = ()

    def of(self, split: Split) -> tuple[Pair, ...]:
        """Those of one split."""
        return self.dev if split == "dev" else self.test


def load_pairs(task: Task) -> Pairs:
    """The pairs of `data.preferences`, none without it. Groups and pairs of one input stay in one split,
    and added pairs never move old ones. Raises DataError with file and line."""
    if task.data.preferences is None:
        return Pairs()
    source = find_source(task.data.preferences, "preferences", task.path.parent)
    column = task.columns.get("input", "input")
    pairs: dict[str, Pair] = {}
    for line, raw in read_rows(source):
        pair = _pair((line, raw), column, source.shown)
        if pair.id in pairs:
            raise DataError(f"the pair {pair.id!r} stands there twice", where=source.shown, line=line)
        pairs[pair.id] = pair
    places = {id: membership(task.split_seed, pair.group or folded(pair.input)) for id, pair in pairs.items()}
    return Pairs(
        tuple(pair for id, pair in pairs.items() if places[id] >= TEST),
        tuple(pair for id, pair in pairs.items() if places[id] < DEV),
        tuple(pair for id, pair in pairs.items() if DEV <= places[id] < TEST),
    )


def learnable(task: Task) -> tuple[Pairs, tuple[str, ...]]:
    """The pairs without those to train on whose input a dev or test row has, and the ids of these. Raises
    DataError with file and line."""
    pairs, data = load_pairs(task), load_data(task)
    asked = {folded(row.input) for row in (*data.dev, *data.test)}
    copies = {pair.id for pair in pairs.train if folded(pair.input) in asked}
    kept = tuple(pair for pair in pairs.train if pair.id not in copies)
    return replace(pairs, train=kept), tuple(pair.id for pair in pairs.train if pair.id in copies)


def unjudged(task: Task, rows: Sequence[Example]) -> tuple[Example, ...]:
    """The training rows without those whose input a dev or test pair has, where a requirement asks for
    `preference_accuracy`: their answers may be the very ones that were chosen."""
    if not any(requirement.metric == METRIC for requirement in task.requirements):
        return tuple(rows)
    pairs = load_pairs(task)
    judged = {folded(pair.input) for pair in (*pairs.dev, *pairs.test)}
    return tuple(row for row in rows if folded(row.input) not in judged)


def asked_pairs(task: Task) -> tuple[Pair, ...]:
    """The dev pairs, where a requirement asks for `preference_accuracy`."""
    asked = any(requirement.metric == METRIC for requirement in task.requirements)
    return load_pairs(task).dev if asked else ()


def _pair(numbered: Raw, column: str, shown: str) -> Pair:
    line, raw = numbered
    texts = {}
    for name in (column, "chosen", "rejected"):
        value: Any = raw.get(name)
        if not isinstance(value, str) or not value.strip():
            raise DataError(
                f"has no text in {name!r}.{nearest(name, raw)}",
                where=shown,
                line=line,
                hint="A pair has input, chosen and rejected, all of them texts.",
            )
        texts[name] = value
    if texts["chosen"].strip() == texts["rejected"].strip():
        raise DataError("chosen and rejected are the same text", where=shown, line=line)
    known = (column, "chosen", "rejected", "id", "group")
    return Pair(
        str(raw.get("id") or digest(list(texts.values()))),
        texts[column],
        texts["chosen"],
        texts["rejected"],
        None if raw.get("group") is None else str(raw["group"]),
        {name: value for name, value in raw.items() if name not in known},
    )


def score_pairs(
    pairs: Sequence[Pair],
    prompts: Sequence[PromptText],
    model: Model,
    path: Path,
    split: Split,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write to `path` the log-likelihood of both answers of every pair behind its prompt; those it has
    already, for the same prompt and texts, are kept. Raises what the model raises."""
    lines = [line for line in read_lines(path) if line["split"] != split]
    known = {line["of"]: line for line in read_lines(path) if line["split"] == split}
    asked = [
        (pair, prompt, digest([prompt, pair.chosen, pair.rejected, pair.id, pair.group, pair.fields]))
        for pair, prompt in zip(pairs, prompts, strict=True)
    ]
    todo = [one for one in asked if one[2] not in known]
    progress(len(asked) - len(todo))
    for start in range(0, len(todo), AT_ONCE):
        batch = todo[start : start + AT_ONCE]
        fitting = [(pair, prompt) for pair, prompt, _ in batch if _fits(pair, prompt, model)]
        said = model.scores([(prompt, (pair.chosen, pair.rejected)) for pair, prompt in fitting])
        found = {pair.id: scores for (pair, _), scores in zip(fitting, said, strict=True)}
        for pair, _, of in batch:
            known[of] = _line(pair, of, split, found.get(pair.id))
        write_lines(path, lines + [known[of] for _, _, of in asked if of in known])
        progress(len(asked) - len(todo) + start + len(batch))
    if not todo:
        write_lines(path, lines + [known[of] for _, _, of in asked])


def judge_pairs(pairs: Sequence[Pair], prompts: Sequence[PromptText], model: Model) -> list[Row]:
    """What a model makes of pairs behind their prompts, as `read_pair_rows` has it, with nothing written."""
    fitting = [
        (pair, prompt) for pair, prompt in zip(pairs, prompts, strict=True) if _fits(pair, prompt, model)
    ]
    said = model.scores([(prompt, (pair.chosen, pair.rejected)) for pair, prompt in fitting])
    found = {pair.id: scores for (pair, _), scores in zip(fitting, said, strict=True)}
    return [_row(_line(pair, "", "dev", found.get(pair.id))) for pair in pairs]


def _fits(pair: Pair, prompt: PromptText, model: Model) -> bool:
    longest = max(model.count(pair.chosen), model.count(pair.rejected))
    return model.count(prompt) + longest <= model.context


def _line(pair: Pair, of: str, split: Split, scores: Sequence[float] | None) -> dict[str, Any]:
    sizes = [len(text.encode("utf-8", "replace")) for text in (pair.chosen, pair.rejected)]
    chosen, rejected = (None, None) if scores is None else (scores[0] / sizes[0], scores[1] / sizes[1])
    return {
        "split": split,
        "of": of,
        "id": pair.id,
        "texts": digest([pair.input, pair.chosen, pair.rejected]),
        "group": pair.group,
        "fields": pair.fields,
        "chosen": chosen,
        "rejected": rejected,
    }


def read_pair_rows(path: Path, split: Split) -> list[Row]:
    """What was written of a split's pairs, a row each, whose input is a hash of the texts, with one score: 1
    where the chosen answer is the likelier per byte, 0.5 where both are equally so, 0 where the other is or
    they do not fit the context."""
    with reading(path):
        return list(_rows(path, split))


def _rows(path: Path, split: Split) -> Iterator[Row]:
    for line in read_lines(path):
        if line["split"] == split:
            yield _row(line)


def _row(line: Mapping[str, Any]) -> Row:
    chosen, rejected = line["chosen"], line["rejected"]
    value = 0.0 if chosen is None else 0.5 if chosen == rejected else float(chosen > rejected)
    example = Example(line["id"], line.get("texts", ""), "", group=line["group"], fields=line["fields"])
    score = Score(line["id"], METRIC, value, failure=None if value == 1 else "wrong")
    return Row(example, Prediction(line["id"], "", "stop"), {METRIC: score}, score.failure)
