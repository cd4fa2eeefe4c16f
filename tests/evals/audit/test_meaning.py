"""Paraphrases across splits and labels that neighbours contradict, with the real embedder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.audit.choices import choices
from evals.audit.meaning import MOST_CHARACTERS, MOST_ROWS, Meaning, meaning, within_budget
from evals.audit.near import rows_of
from evals.data import Data
from evals.models import Loader
from evals.output import OutputSpec
from evals.types import Example

FOLDER = Path(__file__).parents[3] / "examples" / "intents"
NONE = np.zeros((0, 2), np.int64)


def read(split: str) -> tuple[Example, ...]:
    lines = (FOLDER / f"{split}.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return tuple(Example(row["id"], row["input"], row["output"]) for row in rows)


TRAIN, TEST = read("train"), read("test")


PLACES = "berlin lima oslo kyoto cairo quito paris dakar milan perth delhi havana".split()
TOPICS = {
    "weather": (
        "will it rain in {} tomorrow",
        "how cold does it get in {} at night",
        "is there snow in {} today",
    ),
    "music": (
        "play a song by a band from {}",
        "turn up the {} radio music",
        "add this {} track to my playlist",
    ),
    "money": (
        "send ten dollars to my bank in {}",
        "what does my {} card payment cost",
        "refund the fee {} charged",
    ),
}


@pytest.fixture(scope="module")
def found(models: Loader) -> Meaning:
    """Of rows on three topics, with one row asked again in test and three labels exchanged."""
    rows = [
        Example(f"{topic}-{n}-{place}", text.format(place), topic)
        for topic, texts in TOPICS.items()
        for place in PLACES
        for n, text in enumerate(texts)
    ]
    for place, other in ((3, "money"), (50, "weather"), (80, "music")):
        rows[place] = replace(rows[place], target=other, id=f"wrong-{place}")
    again = Example("again", "Will it be raining in Kyoto tomorrow?!", "weather")
    data = Data(tuple(rows), (), (*TEST[:60], again))
    chosen = tuple(choices(OutputSpec("labels", labels=tuple(TOPICS))))
    return meaning(rows_of(data, ("input",)), NONE, chosen, models.embedder("minilm"))


def test_a_paraphrase_is_found_with_the_row_it_repeats(found: Meaning) -> None:
    assert [(twin.id, twin.of_id, twin.how) for twin in found.twins] == [
        ("again", "weather-0-kyoto", "means")
    ]
    assert found.usual is not None
    assert found.limit >= 0.9


def test_doubted_labels_are_the_wrong_ones(found: Meaning) -> None:
    train = [doubt for doubt in found.doubts if doubt.split == "train"]
    assert {doubt.id for doubt in train} == {"wrong-3", "wrong-50", "wrong-80"}
    assert {(doubt.value, doubt.others) for doubt in train} == {
        ("money", "weather"),
        ("weather", "music"),
        ("music", "money"),
    }
    assert not any(doubt.value or doubt.others for doubt in found.doubts if doubt.split == "test")


def test_few_rows_are_not_embedded_at_all(models: Loader) -> None:
    rows = rows_of(Data(TRAIN[:20], (), TEST[:20]), ("input",))
    assert meaning(rows, NONE, (), models.embedder("minilm")) == Meaning()


def test_the_budget_takes_close_pairs_first_and_then_as_many_of_each_side() -> None:
    many = tuple(Example(str(i), f"text {i}", "x") for i in range(3 * MOST_ROWS))
    rows = rows_of(Data(many[: 2 * MOST_ROWS], (), many[2 * MOST_ROWS :]), ("input",))
    chosen = within_budget(rows, np.array([[7, 2 * MOST_ROWS + 9]]))
    assert len(chosen) == MOST_ROWS
    assert {7, 2 * MOST_ROWS + 9} <= set(chosen.tolist())
    assert 0.45 < (chosen < 2 * MOST_ROWS).mean() < 0.55
    assert (within_budget(rows, NONE) == within_budget(rows, NONE)).all()


def test_the_budget_counts_characters_too() -> None:
    many = tuple(Example(str(i), "long " * 1000, "x") for i in range(1000))
    rows = rows_of(Data(many[:500], (), many[500:]), ("input",))
    assert len(within_budget(rows, NONE)) == MOST_CHARACTERS // 1000
