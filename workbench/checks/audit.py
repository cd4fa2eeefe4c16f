"""The audit's findings in words, briefly: how many rows, the first few with file and line, what to do."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from evals.audit import Audit, Outlier, Twin
from evals.data import Data, Dropped
from evals.task import Task
from evals.template import Template
from workbench.checks.findings import Finding, Level
from workbench.leakage import blocks

log = logging.getLogger(__name__)

NAMED = 5
"""Rows that a finding names."""
HOW = {"resembles": "alike", "within": "one within the other", "means": "of one meaning"}
ODD = {
    "empty": "no text",
    "long": "far longer than the others",
    "short": "far shorter than the others",
    "strange": "written like no other (another language, noise or markup?)",
}


def findings_of_audit(task: Task, data: Data, audit: Audit) -> Iterator[Finding]:
    """What the audit found, in no order of gravity."""
    yield from _dropped(data, audit)
    yield from _repeated(audit)
    yield from _near(audit)
    yield from _doubts(audit)
    yield from _quoted(audit)
    yield from _leaks(task, audit)
    yield from _outliers(audit)
    yield from personal_findings(task, audit)


def count(things: Sequence[object], word: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def named(audit: Audit, split: str, ids: Iterable[str]) -> list[str]:
    """Rows by id, file and line."""
    return [_row(audit, split, id) for id in ids]


def _row(audit: Audit, split: str, id: str) -> str:
    place = audit.place(split, id)
    return f"{id} ({place})" if place else id


def _dropped(data: Data, audit: Audit) -> Iterator[Finding]:
    for split, others in (("train", "dev or test"), ("dev", "test")):
        gone = [d for d in audit.dropped if d.split == split]
        if gone:
            exact = sum(d.how == "exact" for d in gone)
            how = f"{exact} exactly, {len(gone) - exact} but for case or space"
            message = (
                f"{count(gone, 'row')} copied from {others} ({how}): {some([_pair(audit, d) for d in gone])}"
            )
            yield Finding(
                "warning",
                f"data.{split}",
                message,
                f"They are left out of {split}; remove them from the file.",
            )
    against = audit.conflicting_copies
    if against:
        message = f"{count(against, 'copy')} of rows of other splits with another output: "
        message = message.replace("copys", "copies") + some([_pair(audit, d) for d in against])
        yield Finding("warning", "data", message, "Decide which output is right: no answer can match both.")
    if data.renamed:
        message = f"{count(data.renamed, 'id')} of dev and of test at once: {some(data.renamed)}"
        yield Finding("note", "data", message, "Of these the dev rows are called dev:ID.")


def _pair(audit: Audit, one: Dropped | Twin) -> str:
    there = f"{one.of_split} {_row(audit, one.of_split, one.of_id)}"
    return f"{_row(audit, one.split, one.id)} = {there}" if isinstance(one, Dropped) else there


def _repeated(audit: Audit) -> Iterator[Finding]:
    for split, found in audit.repeated.items():
        sets = [(repeat, " = ".join(named(audit, split, repeat.ids[:3]))) for repeat in found]
        against = [said for repeat, said in sets if repeat.contradicts]
        copies = [said for repeat, said in sets if not repeat.contradicts]
        if against:
            message = (
                f"{count(against, 'input')} given more than once with different outputs: {some(against)}"
            )
            todo = "Decide which output is right: no answer can match both."
            yield Finding("warning", f"data.{split}", message, todo)
        if copies:
            level: Level = "note" if split == "train" else "warning"
            message = f"{count(copies, 'input')} given more than once: {some(copies)}"
            yield Finding(level, f"data.{split}", message, "Copies are not further evidence.")


def _near(audit: Audit) -> Iterator[Finding]:
    for split in ("test", "dev"):
        twins = [twin for twin in audit.twins if twin.split == split]
        if twins:
            said = [
                f"{_row(audit, split, t.id)} and {_pair(audit, t)} ({HOW[t.how]}, {t.share:.2f})"
                for t in twins
            ]
            message = f"{count(twins, 'row')} nearly the same as one of an earlier split: {some(said)}"
            todo = "They stay; scores are shown with and without them, and nothing is trained on a verdict "
            yield Finding("warning", f"data.{split}", message, todo + "that hangs on them.")
    if audit.overlooked:
        message = f"near copies are not looked for among {' and '.join(audit.overlooked)}"
        yield Finding("note", "data", message, "Compare the splits by eye, or add rows.")


def _doubts(audit: Audit) -> Iterator[Finding]:
    if audit.doubts:
        said = [
            _row(audit, d.split, d.id) + (f" {d.choice} {d.value!r}, theirs {d.others!r}" if d.value else "")
            for d in sorted(audit.doubts, key=lambda d: -d.share)
        ]
        message = f"{count(said, 'label')} that nearly all nearest rows contradict: {some(said)}"
        yield Finding("note", "data", message, "Look whether these are right.")


def _quoted(audit: Audit) -> Iterator[Finding]:
    for reason in blocks(audit.quotes):
        todo = "Take it out: what is scored on these rows says nothing, and no verdict on it is binding."
        yield Finding("error", "leakage", reason, todo)
    asked = [quote for quote in audit.quotes if not (quote.answered or quote.is_prompt)]
    if asked:
        said = [f"{q.where}: {_row(audit, q.split, q.id)}" for q in asked]
        message = (
            f"{count(asked, 'question')} of dev or test in the documents, without the answer: {some(said)}"
        )
        yield Finding("note", "data.documents", message)


def _leaks(task: Task, audit: Audit) -> Iterator[Finding]:
    used = Template(task.prompt.template).names
    for found in audit.revealing:
        what = f"output.{found.part}" if found.part else "the output"
        shown = found.column in used
        yield Finding(
            "warning" if shown or found.how == "is" else "note",
            f"column {found.column!r}",
            f"{found.how} {what} in {found.share:.0%} of {found.n} rows"
            + (", and the template shows it" if shown else ""),
            "Take it out of the template, unless it is there when the task is asked in life."
            if shown
            else "Keep it out of the template.",
        )
    if audit.straddling:
        message = f"{count(audit.straddling, 'group')} with rows in several splits: {some(audit.straddling)}"
        yield Finding(
            "warning", "groups", message, "Give whole groups to one split; data.eval does so by hash."
        )


def _outliers(audit: Audit) -> Iterator[Finding]:
    found: dict[tuple[str, str], list[Outlier]] = {}
    for one in audit.outliers:
        found.setdefault((one.part, one.why), []).append(one)
    for (part, why), rows in found.items():
        size = f", {rows[0].usual} characters as a rule" if why in ("long", "short") else ""
        said = [
            _row(audit, o.split, o.id) + (f" {o.size}" if why in ("long", "short") else "")
            for o in sorted(rows, key=lambda o: -abs(o.far))
        ]
        message = (
            f"{count(rows, f'{part}')} with {ODD[why]}"
            if why == "empty"
            else f"{count(rows, part)} {ODD[why]}"
        )
        level: Level = "warning" if why == "empty" else "note"
        yield Finding(level, "data", f"{message}{size}: {some(said)}", "Look at these rows.")


def personal_findings(task: Task, audit: Audit) -> Iterator[Finding]:
    """Personal data and secrets: a warning where a text goes to somebody else's model."""
    hosted = hosted_models(task)
    for kind, number in Counter(p.kind for p in audit.personal).most_common():
        rows = list(dict.fromkeys(_row(audit, p.split, p.id) for p in audit.personal if p.kind == kind))
        secret = kind in ("API key", "private key")
        message = (
            f"{number} {'text' if number == 1 else 'texts'} with what looks like {_A[kind]}: {some(rows)}"
        )
        todo = f"These texts are sent to {', '.join(hosted)}. " if hosted else ""
        todo += "Withdraw it: it has been written down." if secret else "Remove or replace it if it is real."
        yield Finding("warning" if hosted or secret else "note", "data", message, todo)


def said_of_personal(task: Task, audit: Audit) -> tuple[str, ...]:
    """A sentence for the log and the decision, before texts with personal data go to a hosted model."""
    hosted = hosted_models(task)
    counts = Counter(p.kind for p in audit.personal)
    if not hosted or not counts:
        return ()
    kinds = ", ".join(f"{kind} in {number}" for kind, number in counts.most_common())
    sentence = f"Texts with what looks like personal data or secrets are sent to {', '.join(hosted)}: {kinds}"
    log.warning("%s; `wb check` names the rows", sentence)
    return (sentence,)


_A = {
    "e-mail": "an e-mail address",
    "phone": "a telephone number",
    "card": "a card number",
    "bank account": "a bank account",
    "API key": "an API key",
    "private key": "a private key",
}


def hosted_models(task: Task) -> list[str]:
    """The task's models that run elsewhere, as people know them."""
    models = (task.model, task.stronger_model, task.tune_model)
    return list(
        dict.fromkeys(m.endpoint or m.name for m in models if m is not None and m.provider == "endpoint")
    )
