"""Rows that nearly repeat a row of an earlier split, beyond what is usual within that split."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evals.audit.near import FLOOR, UNKNOWN, Near, lexical, limit, repeated, rows_of
from evals.data import Data
from evals.types import Example

NOUNS = "invoice parcel ticket garden violin ladder engine harbour mirror pencil basket candle".split()
VERBS = "arrived broke vanished sparkles leaks rattles hums melted froze wobbles faded cracked".split()


def sentences(n: int, seed: int) -> list[str]:
    """Texts that share words and little more."""
    draw = random.Random(seed)
    return [
        " ".join(
            f"{draw.choice(NOUNS)}{draw.randrange(100)} {draw.choice(VERBS)}{draw.randrange(100)}"
            for _ in range(4)
        )
        for _ in range(n)
    ]


def near(train: Sequence[str], dev: Sequence[str], test: Sequence[str]) -> Near:
    def rows(split: str, texts: Sequence[str]) -> tuple[Example, ...]:
        return tuple(Example(f"{split}{i}", text, "x") for i, text in enumerate(texts))

    found, _ = lexical(rows_of(Data(rows("a", train), rows("b", dev), rows("c", test)), ("input",)))
    return found


def test_a_row_with_a_word_more_is_found_with_the_row_it_repeats() -> None:
    train = sentences(200, 1)
    found = near(train, sentences(40, 2), [*sentences(40, 3), train[17] + " now"])
    (twin,) = found.twins
    assert (twin.split, twin.id, twin.of_split, twin.of_id, twin.how) == (
        "test",
        "c40",
        "train",
        "a17",
        "resembles",
    )
    assert found.limits["resembles"] == FLOOR["resembles"]
    assert found.ids("test") == ("c40",)
    assert found.ids("dev") == ()


def test_copies_of_a_row_and_what_it_nearly_repeats_are_found_in_a_pool_and_nothing_else() -> None:
    pool = sentences(200, 1)
    pool += [pool[17].upper(), pool[17] + " now", pool[30]]
    asked = [pool[17], sentences(1, 3)[0], pool[30] + " now"]
    rows = [[Example(str(i), text, "x") for i, text in enumerate(texts)] for texts in (pool, asked)]
    assert repeated(*rows, ("input",)) == [{17, 200, 201}, frozenset(), {30, 202}]
    assert repeated([], rows[1], ("input",)) == [frozenset()] * 3


def test_what_is_usual_within_train_is_not_reported() -> None:
    train = sentences(300, 1)
    train += [text + " now" for text in train[:20]]
    found = near(train, sentences(40, 2), [*sentences(40, 3), train[50] + " now"])
    assert found.usual["resembles"] is not None
    assert found.limits["resembles"] > 0.85
    assert found.twins == ()


def test_a_row_that_stands_within_a_longer_one_is_found_either_way() -> None:
    train, dev = sentences(200, 1), sentences(40, 2)
    mail = (
        f"dear team, {sentences(1, 9)[0]} thank you very much, {train[60]} and good bye to all of you there"
    )
    found = near([*train, mail], dev, [*sentences(40, 3), sentences(1, 9)[0], train[3] + " and " + train[4]])
    assert {(t.id, t.of_id, t.how) for t in found.twins} == {
        ("c40", "a200", "within"),
        ("c41", "a3", "within"),
    } or {(t.id, t.how) for t in found.twins} == {("c40", "within"), ("c41", "within")}


def test_test_rows_are_compared_with_dev_too() -> None:
    dev = sentences(120, 2)
    found = near([], dev, [*sentences(40, 3), dev[7] + " now"])
    assert [(t.id, t.of_split, t.of_id) for t in found.twins] == [("c40", "dev", "b7")]


def test_with_few_earlier_rows_only_what_is_almost_a_copy_is_reported() -> None:
    train = sentences(30, 1)
    found = near(train, sentences(10, 2), [train[3] + " now", train[4] + "."])
    assert found.usual["resembles"] is None
    assert found.limits["resembles"] == UNKNOWN == limit("resembles", None)
    assert [t.id for t in found.twins] == ["c1"]


def test_without_rows_to_compare_there_is_nothing() -> None:
    assert near([], ["one"], ["two"]).twins == ()
