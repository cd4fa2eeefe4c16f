"""Pairs of answers: read, split, and scored by likelihood per byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from evals.errors import DataError
from evals.models.local import LocalModel
from evals.preferences import Pair, judge_pairs, load_pairs, read_pair_rows, score_pairs
from evals.task import load_task
from evals.types import Message, PromptText
from tests.scripted import Scripted

PAIRS = [{"input": f"q{n}", "chosen": f"yes {n}", "rejected": f"no {n}", "lang": "de"} for n in range(120)]


def write(folder: Path, pairs: Sequence[dict[str, object]]) -> Path:
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    (folder / "task.yaml").write_text(
        "{name: t, model: m, data: {dev: d.jsonl, test: e.jsonl, preferences: pairs.jsonl}, "
        "prompt: {instruction: x}, output: text, "
        "requirements: [{metric: preference_accuracy, at_least: 0.5, kind: quality}]}"
    )
    return folder / "task.yaml"


class Likes(Scripted):
    """Gives every text the likelihood of its place in a list, by the byte where `per_byte`."""

    def __init__(self, values: dict[str, float], context: int = 1000) -> None:
        super().__init__(lambda request: "", context)
        self.values, self.calls = values, 0

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        self.calls += 1
        return [self.values[text] for text in continuations]


def test_pairs_fall_into_splits_by_their_input_whatever_stands_beside_them(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, PAIRS))
    found = load_pairs(task)
    sizes = [len(found.train), len(found.dev), len(found.test)]
    assert sum(sizes) == 120 and min(sizes) >= 10 and sizes[0] > sizes[2] > sizes[1]
    assert found.dev[0].fields == {"lang": "de"}
    twins = [{**pair, "rejected": "other"} for pair in PAIRS]
    write(tmp_path, [*twins, *PAIRS])
    more = load_pairs(task)
    for split in ("train", "dev", "test"):
        assert {p.input for p in getattr(more, split)} == {p.input for p in getattr(found, split)}


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ({"input": "a", "chosen": "b"}, r"pairs\.jsonl:1: has no text in 'rejected'"),
        ({"input": "a", "chosen": " ", "rejected": "b"}, "has no text in 'chosen'"),
        ({"input": "a", "chosen": "b", "rejected": "b "}, "chosen and rejected are the same text"),
        ({"input": "a", "chosen": {"x": 1}, "rejected": "b"}, "has no text in 'chosen'"),
    ],
)
def test_a_pair_that_is_none_is_named_with_its_line(
    tmp_path: Path, pair: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_pairs(load_task(write(tmp_path, [pair])))


def test_a_pair_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pairs\.jsonl:2: the pair .* stands there twice"):
        load_pairs(load_task(write(tmp_path, [PAIRS[0], PAIRS[0]])))


def test_the_likelier_text_by_the_byte_is_preferred_and_equals_are_half(tmp_path: Path) -> None:
    pairs = [
        Pair("a", "q", "long one", "one"),
        Pair("b", "q", "ü", "xx"),
        Pair("c", "q", "worse", "better"),
        Pair("d", "q", "x" * 2000, "y"),
    ]
    likes = Likes({"long one": -8.0, "one": -4.5, "ü": -1.0, "xx": -1.0, "worse": -9.0, "better": -1.0})
    path = tmp_path / "preferences.jsonl"
    score_pairs(pairs, ["p"] * 4, likes, path, "dev")
    assert [(r.example.id, r.scores["preference_accuracy"].value) for r in read_pair_rows(path, "dev")] == [
        ("a", 1.0),
        ("b", 0.5),
        ("c", 0.0),
        ("d", 0.0),
    ]
    assert read_pair_rows(path, "test") == []


def test_what_was_scored_is_kept_and_what_changed_is_scored_again(tmp_path: Path) -> None:
    pairs = [Pair("a", "q", "x", "y"), Pair("b", "q", "y", "x")]
    likes, path = Likes({"x": -1.0, "y": -2.0}), tmp_path / "preferences.jsonl"
    score_pairs(pairs, ["p", "p"], likes, path, "dev")
    score_pairs(pairs, ["p", "p"], likes, path, "test")
    assert likes.calls == 4
    before = path.read_bytes()
    score_pairs(pairs, ["p", "p"], likes, path, "test")
    assert (likes.calls, path.read_bytes()) == (4, before)
    score_pairs(pairs[:1], ["another prompt"], likes, path, "test")
    assert likes.calls == 5
    assert [row.example.id for row in read_pair_rows(path, "test")] == ["a"]
    assert len(read_pair_rows(path, "dev")) == 2


def test_a_real_model_prefers_what_follows(smollm: LocalModel, tmp_path: Path) -> None:
    asked = (Message("user", "What is the capital of France?"),)
    pairs = [
        Pair("a", "", "The capital of France is Paris.", "The capital of France is bananas."),
        Pair("b", "", "The capital of France is bananas.", "The capital of France is Paris."),
    ]
    score_pairs(pairs, [asked, asked], smollm, tmp_path / "p.jsonl", "dev")
    found = read_pair_rows(tmp_path / "p.jsonl", "dev")
    assert [row.scores["preference_accuracy"].value for row in found] == [1, 0]
    assert judge_pairs(pairs, [asked, asked], smollm) == found
