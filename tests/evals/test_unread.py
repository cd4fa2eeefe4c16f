"""What was not read stands among a decision's notes, counted over the rows that were asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evals.types import Measured, Row, Split
from evals.unread import unread
from tests.evals.measurements import approach, share


def asked(name: str, **changes: Mapping[int, Mapping[str, Any]]) -> Measured:
    """An approach with 4 dev and 3 test rows; `changes[split]` are parts of predictions, by place."""
    plain = approach(name, share(4, 4), share(3, 3))
    rows: dict[Split, list[Row]] = {split: list(of) for split, of in plain.rows.items()}
    for split, of in rows.items():
        for place, parts in changes.get(split, {}).items():
            of[place] = replace(of[place], prediction=replace(of[place].prediction, **parts))
    return replace(plain, rows=rows)


def test_where_everything_was_read_nothing_is_said() -> None:
    assert unread([asked("zero_shot")]) == []


def test_long_queries_are_counted_over_dev_and_test_once_for_all_approaches_of_the_same_figures() -> None:
    long = {"dev": {0: {"searched": 254}, 2: {"searched": 254}}, "test": {1: {"searched": 254}}}
    assert unread([asked("zero_shot"), asked("knn", **long), asked("rag", **long)]) == [
        "knn, rag: 2 of 4 dev and 1 of 3 test queries are longer than the embedder reads (254 tokens): "
        "their end does not count in the search by meaning."
    ]


def test_passages_and_prompts_without_room_are_counted() -> None:
    short = asked("rag", dev={0: {"left_out": 2}, 3: {"left_out": 1}})
    full = asked("few_shot", test={0: {"finish": "too_long"}})
    assert unread([short, full]) == [
        "rag: in 2 of 4 dev rows not all passages fit the context: 3 passages were left out or shortened.",
        "few_shot: 1 of 3 test prompts do not fit the context: these rows got no answer and score 0.",
    ]


def test_a_row_that_is_answered_several_times_counts_once() -> None:
    one = asked("rag", dev={0: {"searched": 254}})
    again = [replace(row, prediction=replace(row.prediction, repeat=1)) for row in one.rows["dev"]]
    twice = replace(one, rows={"dev": [*one.rows["dev"], *again]})
    (said,) = unread([twice])
    assert said.startswith("rag: 1 of 4 dev queries")
