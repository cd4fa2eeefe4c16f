"""From an approach to measured rows: predictions appended to disk, then graded from disk.

A prediction is on disk before the next one is asked for, so a killed run continues where it
stopped. Rows that ended in an error (no answer after retries) are asked again by the next run; the
last line of a row is the one that counts. Grading calls no model that answers tasks, so it can be
repeated at any time; a score is kept while its grader and its prediction are unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from evals.failures import failure_of
from evals.graders import grader_hash
from evals.models.metered import Afresh
from evals.store import Appender, digest, disk_errors, plain, read_lines, reading, revive, write_lines
from evals.types import Approach, Example, Grader, Models, Prediction, Row, Score, Split

KEPT_AT_ONCE = 64
"""Rows that a judge is asked about before what it said is written."""
UNFINISHED = ("length", "refused", "too_long")
"""Finishes after which there is a row but no whole answer: it scores 0 with every grader."""


STRIDE = 1_000_003
"""From one repeat's seed to the next's: far from the seeds that samples of one answer take."""


def kept_in(folder: Path, what: str, repeat: int = 0) -> Path:
    """The file of an approach's predictions or scores: each repeat of the rows has one of its own."""
    return folder / f"{what}{f'-{repeat}' if repeat else ''}.jsonl"


def read_predictions(path: Path, split: Split) -> dict[str, Prediction]:
    """The last prediction of each row of a split, by id."""
    found: dict[str, Prediction] = {}
    with reading(path):
        for line in read_lines(path):
            if line.pop("split") == split:
                prediction = revive(Prediction, line)
                found[prediction.id] = prediction
    return found


def predict(
    approach: Approach,
    examples: Sequence[Example],
    models: Models,
    path: Path,
    split: Split,
    progress: Callable[[int], None] = lambda done: None,
    repeat: int = 0,
) -> dict[str, Prediction]:
    """Predict every row of a split that `path` does not hold yet; returns all, by id.

    Each prediction is appended to `path` as it comes, as answer number `repeat` to its row. What a model
    raises passes through, with everything that was answered before it on disk.
    """
    wanted = {example.id for example in examples}
    found = {i: p for i, p in read_predictions(path, split).items() if i in wanted and p.error is None}
    progress(len(found))
    if all(example.id in found for example in examples):
        return found
    with Appender(path) as file:
        for answer in approach.predict([e.query() for e in examples], models, dict(found)):
            prediction = replace(answer, repeat=repeat)
            file.write({"split": split, **plain(prediction)})
            found[prediction.id] = prediction
            progress(len(found))
    return found


def grade_rows(
    graders: Sequence[Grader], pairs: Sequence[tuple[Example, Prediction]], models: Models
) -> dict[str, dict[str, Score]]:
    """Every grader's score of every row that has an answer: {row id: {grader: score}}.

    A row without a whole answer (truncated, refused, too long) is graded as the empty text and its
    value is 0; a row in error is missing and has no score.
    """
    scores: dict[str, dict[str, Score]] = {e.id: {} for e, _ in pairs}
    answered = [
        (e, replace(p, text="") if p.finish in UNFINISHED else p) for e, p in pairs if p.error is None
    ]
    finishes, repeats = ({p.id: p.finish for _, p in pairs}, {p.id: p.repeat for _, p in pairs})
    for grader in graders:
        for score in grader.grade(answered, models):
            kept = _as_nothing(score, finishes[score.id]) if finishes[score.id] in UNFINISHED else score
            scores[score.id][grader.name] = replace(kept, repeat=repeats[score.id])
    return scores


def _as_nothing(score: Score, finish: str) -> Score:
    counts = {part: (0.0, den) for part, (_, den) in score.counts.items()}
    why = {"length": "cut off at max_tokens", "refused": "refused", "too_long": "the prompt does not fit"}
    return replace(score, value=0.0, answer=None, failure="format", why=why[finish], counts=counts)


def grade(
    graders: Sequence[Grader],
    pairs: Sequence[tuple[Example, Prediction]],
    models: Models,
    path: Path,
    split: Split,
) -> dict[str, dict[str, Score]]:
    """As `grade_rows`, keeping in `path` what was graded before by the same grader. What a judge says is
    kept as it comes, so that a run that was stopped asks only for the rest."""
    hashes, answers = _hashes(graders, pairs)
    lines = read_lines(path)
    known: dict[tuple[str, str], Score] = {}
    with reading(path):
        for line in lines:
            fresh = line["hash"] == hashes.get(line["score"]["grader"])
            if fresh and line["split"] == split and line["of"] == answers.get(line["score"]["id"]):
                score = revive(Score, line["score"])
                known[score.grader, score.id] = score
    kept = [line for line in lines if line["split"] != split]

    def keep() -> dict[str, dict[str, Score]]:
        scores = _by_row(graders, pairs, known)
        record_scores(
            graders, pairs, [s for some in scores.values() for s in some.values()], path, split, kept
        )
        return scores

    added = False
    for grader in graders:
        todo = [(e, p) for e, p in pairs if (grader.name, e.id) not in known and p.error is None]
        judge = getattr(grader, "asks_model", False)
        size = KEPT_AT_ONCE if judge else len(todo) or 1
        for start in range(0, len(todo), size):
            for by_grader in grade_rows([grader], todo[start : start + size], models).values():
                known.update({(name, score.id): score for name, score in by_grader.items()})
            added = True
            if judge:
                keep()
    return keep() if added else _by_row(graders, pairs, known)


def record_scores(
    graders: Sequence[Grader],
    pairs: Sequence[tuple[Example, Prediction]],
    scores: Sequence[Score],
    path: Path,
    split: Split,
    kept: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write scores of these answers as `grade` finds them again, behind lines that are `kept`."""
    hashes, answers = _hashes(graders, pairs)
    mine = [
        {"split": split, "hash": hashes[s.grader], "of": answers[s.id], "score": plain(s)} for s in scores
    ]
    write_lines(path, [*kept, *mine])


def _hashes(
    graders: Sequence[Grader], pairs: Sequence[tuple[Example, Prediction]]
) -> tuple[dict[str, str], dict[str, str]]:
    """What a score is of: its grader by name, its row's answer by id."""
    answers = {e.id: digest([plain(e), p.text, p.finish, p.error, p.sources]) for e, p in pairs}
    return {g.name: grader_hash(g) for g in graders}, answers


def _by_row(
    graders: Sequence[Grader],
    pairs: Sequence[tuple[Example, Prediction]],
    known: Mapping[tuple[str, str], Score],
) -> dict[str, dict[str, Score]]:
    names = [grader.name for grader in graders]
    return {e.id: {name: known[name, e.id] for name in names if (name, e.id) in known} for e, _ in pairs}


def measured_rows(
    examples: Sequence[Example],
    predictions: Mapping[str, Prediction],
    scores: Mapping[str, Mapping[str, Score]],
    primary: str,
    pass_at: float,
) -> list[Row]:
    """Join examples, predictions and scores; rows that were not predicted are left out."""
    rows = []
    for example in examples:
        prediction = predictions.get(example.id)
        if prediction is not None:
            mine = scores.get(example.id, {})
            rows.append(Row(example, prediction, mine, failure_of(prediction, mine, primary, pass_at)))
    return rows


WARM_UP, TIMED = 3, 60
LATENCY_BEGUN = "latency.begun.jsonl"
"""Times of an approach not all of whose requests have been timed."""


def read_latency(path: Path) -> tuple[float, ...]:
    """The seconds kept in `path`; none when nothing was timed, or not all there was to time."""
    with reading(path):
        return tuple(float(line["seconds"]) for line in read_lines(path))


def measure_latency(
    approach: Approach, examples: Sequence[Example], models: Models, path: Path
) -> tuple[float, ...]:
    """Seconds of up to 60 single requests, one at a time, after three for warming up; kept in `path`.

    A row that ends in an error is not timed. Each time is written beside `path` at once, and moved there
    when all are there: what was timed before an interruption is not timed again.
    """
    if timed := read_latency(path):
        return timed
    examples = sorted(examples, key=lambda e: sha256(e.id.encode()).digest())  # a file may be sorted
    models = Afresh(models)
    for example in examples[:WARM_UP]:
        list(approach.predict([example.query()], models))
    begun = path.with_name(LATENCY_BEGUN)
    with reading(begun):
        known = {str(line["id"]) for line in read_lines(begun)}
    with Appender(begun) as file:
        for example in examples[:TIMED]:
            if example.id in known:
                continue
            start = time.perf_counter()
            (prediction,) = approach.predict([example.query()], models)
            if prediction.error is None:
                file.write({"id": example.id, "seconds": round(time.perf_counter() - start, 4)})
    with disk_errors(path):
        begun.replace(path)
    return read_latency(path)
