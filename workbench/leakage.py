"""What leakage does to a verdict: decided again without the rows that nearly repeat an earlier one, and
blocked where eval rows stand in what an approach reads.

The scores are shown with and without those rows. Nothing is trained on a verdict that differs between
the two: it would be learned from rows that are, in effect, in the training data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from baselines.approach import Prompted
from baselines.search.copies import copied, written
from evals.audit import Quote, Sought
from evals.audit.near import repeated
from evals.data import Data
from evals.errors import RunError
from evals.graders import answer_text
from evals.preferences import Pair
from evals.task import Task
from evals.template import Template
from evals.types import Decision, Example, Look, Measured, Split

Decide = Callable[[Sequence[Measured], Sequence[Look], Sequence[str]], Decision]
NAMED = 3
"""Rows that a sentence names."""


def blocks(quotes: Iterable[Quote]) -> list[str]:
    """A sentence for every text that holds eval rows as it must not."""
    held: dict[str, list[Quote]] = {}
    for quote in quotes:
        if quote.answered or quote.is_prompt:
            held.setdefault(quote.where, []).append(quote)
    return [f"{where} holds {_rows(found)}" for where, found in held.items()]


def told_shots(approach: Prompted, pairs: Sequence[Pair], task: Task) -> dict[str, frozenset[int]]:
    """Places of the shots that a pair of answers is not to be judged behind, by the pair's id: rows with its
    input, or that it nearly repeats, whose answer may be the chosen one. Soft prompts hold fixed shots."""
    shots = approach.prompt.shots
    if shots is None or not pairs or (approach.model.adapter is not None and shots.retrieve is None):
        return {}
    asked = [Example(pair.id, pair.input, "", fields=pair.fields) for pair in pairs]
    found = repeated(shots.examples, asked, Template(task.prompt.template).names)
    return {pair.id: places for pair, places in zip(pairs, found, strict=True) if places}


def _rows(found: Sequence[Quote]) -> str:
    names = ", ".join(f"{q.split} row {q.id}" for q in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    answered = all(q.answered for q in found)
    return names + more + (" with the gold answer" if answered else "")


def copied_rows(approach: Prompted, task: Task, data: Data) -> str:
    """Why an approach may not be judged on this data, "" when it may: its prompt holds eval rows, whole or,
    of the test rows, a run of words that neither the user wrote nor a row of train has.

    Its shots are not meant: they are rows of train, from which copies of eval rows have been taken.
    """
    prompt = approach.prompt
    texts = {
        "its system prompt": prompt.system,
        "its instruction": prompt.instruction,
        "its last words": prompt.below,
    }
    shown = [part for row in data.train for part in (row.input, answer_text(row.target))]
    found = copied("\n".join(texts.values()), data.test, (*written(task), *shown))
    if prompt.passages is not None:
        texts["its words on the passages"] = prompt.passages.instruction
    sought = Sought([*(("dev", row) for row in data.dev), *(("test", row) for row in data.test)])
    quotes = [quote for where, text in texts.items() for quote in sought.in_prompt(where, text)]
    if quotes or found is None:
        return "; ".join(blocks(quotes))
    return f"its prompt shares {len(found.words.split())} words in a row with test row {found.id}"


def without(
    measured: Sequence[Measured],
    looks: Sequence[Look],
    examples: Mapping[Split, Sequence[Example]],
    test_rows: Sequence[str],
    near: Mapping[str, Collection[str]],
    decide: Decide,
) -> Decision | None:
    """The decision without the rows in `near` (ids by split); None where there are none among those that
    were asked. Looks at the test set count as looks at what is left of it."""
    gone = {split: set(near.get(split, ())) for split in ("dev", "test")}
    asked = {
        split for m in measured for split, rows in m.rows.items() if any(_in(gone, split, r) for r in rows)
    }
    if not asked:
        return None
    hashes = dict(zip([row.id for row in examples["test"]], test_rows, strict=False))
    lost = {hashes[id] for id in gone["test"] if id in hashes}
    kept = [row for row in test_rows if row not in lost]
    ledger = [replace(look, rows=tuple(row for row in look.rows if row not in lost)) for look in looks]
    return decide([_less(m, gone) for m in measured], ledger, kept)


def _in(gone: Mapping[str, Collection[str]], split: str, row: Any) -> bool:
    return row.example.id in gone[split]


def _less(measured: Measured, gone: Mapping[str, Collection[str]]) -> Measured:
    rows = {split: [row for row in of if not _in(gone, split, row)] for split, of in measured.rows.items()}
    lost = {split: len(of) - len(rows[split]) for split, of in measured.rows.items()}
    expected = {split: n - lost.get(split, 0) for split, n in measured.expected.items()}
    return replace(measured, rows=rows, expected=expected)


def compared(whole: Decision, less: Decision | None) -> Decision:
    """The decision, its audit completed by the scores without near copies; blocked where that changes the
    verdict or what ships."""
    audit: dict[str, Any] = dict(whole.audit)
    blocked = list(audit.get("blocked", ()))
    notes = whole.notes
    if less is not None:
        same = (whole.verdict, whole.approach) == (less.verdict, less.approach)
        audit["without_near_duplicates"] = {
            "verdict": less.verdict,
            "approach": less.approach,
            "same": same,
            "scores": list(_scores(whole, less)),
        }
        if not same:
            becomes = f"{less.verdict} {less.approach or ''}".strip()
            blocked.append(f"without the rows that nearly repeat an earlier row the verdict is {becomes!r}")
    if blocked:
        notes += tuple(f"Leakage: {reason}. Nothing may be trained on this verdict." for reason in blocked)
    return replace(whole, audit={**audit, "blocked": blocked}, notes=notes)


def _scores(whole: Decision, less: Decision) -> Iterator[dict[str, Any]]:
    both: Any = zip(whole.approaches, less.approaches, strict=True)
    for mine, other in both:
        for split in ("dev", "test"):
            for metric, value in (mine[split] or {}).items():
                rest = (other[split] or {}).get(metric)
                if rest is not None and rest["n"] != value["n"]:
                    yield {
                        "approach": mine["name"],
                        "split": split,
                        "metric": metric,
                        "value": value["value"],
                        "n": value["n"],
                        "without": rest["value"],
                        "n_without": rest["n"],
                    }


def refuse_leakage(decision: Mapping[str, Any], where: Any, assess: str) -> None:
    """Raises RunError where leakage blocks a decision."""
    blocked = (decision.get("audit") or {}).get("blocked")
    if blocked:
        hint = f"Take the rows concerned out of train, the prompt or the documents. {assess}"
        raise RunError(f"leakage blocks what it decides: {blocked[0]}", where=where, hint=hint)
