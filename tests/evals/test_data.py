"""Splits that do not move, groups that stay whole, copies that leave, hashes that tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.data import Data, divide, folded, load_data, membership, visible
from evals.errors import DataError
from evals.task import load_task
from evals.types import Example
from tests.clocks import computes_within

Rows = Sequence[dict[str, Any]]


def row(id: str, input: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "input": f"input of {id}" if input is None else input, "output": "o", **more}


def rows(prefix: str, n: int) -> list[dict[str, Any]]:
    return [row(f"{prefix}{i}") for i in range(n)]


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Data]:
    def write(template: str = "{{ input }}", seed: int = 0, **files: Rows) -> Data:
        for name, content in files.items():
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in content))
        named = ", ".join(f"{name}: {name}.jsonl" for name in files)
        (tmp_path / "task.yaml").write_text(
            f"name: t\nmodel: m\ndata: {{{named}}}\nsplit_seed: {seed}\n"
            f"prompt: {{instruction: x, template: '{template}'}}\noutput: text\n"
            "requirements: [{metric: exact, at_least: 0.5, kind: quality}]\n"
        )
        return load_data(load_task(tmp_path / "task.yaml"))

    return write


def ids(examples: Sequence[Example]) -> list[str]:
    return [example.id for example in examples]


def test_given_files_are_the_splits_in_their_order(load: Callable[..., Data]) -> None:
    data = load(train=rows("a", 3), dev=rows("b", 2), test=rows("c", 2))
    assert (ids(data.train), ids(data.dev), ids(data.test)) == (
        ["a0", "a1", "a2"],
        ["b0", "b1"],
        ["c0", "c1"],
    )
    assert set(data.sources) == {"train.jsonl", "dev.jsonl", "test.jsonl"}


def test_the_hash_covers_the_documents(load: Callable[..., Data], tmp_path: Path) -> None:
    files = {"dev": rows("b", 2), "test": rows("c", 2)}
    bare = load(**files)
    first = load(**files, documents=[{"id": "d", "text": "one"}])
    second = load(**files, documents=[{"id": "d", "text": "two"}])
    assert (bare.documents, first.sources["documents.jsonl"]) == ("", first.documents)
    assert len({bare.hash, first.hash, second.hash}) == 3
    assert second.limited(1).documents == second.documents


def test_eval_becomes_a_third_dev_and_two_thirds_test(load: Callable[..., Data]) -> None:
    data = load(eval=rows("e", 900))
    assert len(data.dev) + len(data.test) == 900
    assert 250 <= len(data.dev) <= 350
    assert data.train == ()


def test_dev_is_a_part_of_train_when_it_is_left_out(load: Callable[..., Data]) -> None:
    data = load(train=rows("a", 500), test=rows("c", 5))
    assert len(data.train) + len(data.dev) == 500
    assert 70 <= len(data.dev) <= 130


def test_another_seed_splits_otherwise(load: Callable[..., Data]) -> None:
    assert ids(load(eval=rows("e", 60)).dev) != ids(load(eval=rows("e", 60), seed=1).dev)


examples = st.lists(
    st.builds(
        lambda n, g: Example(f"r{n}", f"input {n}", "o", group=g),
        st.integers(0, 10**6),
        st.none() | st.sampled_from("abcdefg"),
    ),
    unique_by=lambda e: e.id,
    max_size=40,
)


@given(examples, examples, st.randoms(use_true_random=False), st.integers(0, 5))
def test_adding_or_shuffling_rows_never_moves_one(
    old: list[Example], new: list[Example], random: Any, seed: int
) -> None:
    known = {e.id for e in old}
    more = old + [e for e in new if e.id not in known]
    random.shuffle(more)
    before, after = divide(old, 1 / 3, seed), divide(more, 1 / 3, seed)
    for side in (0, 1):
        assert {e.id for e in after[side]} & known == {e.id for e in before[side]}


@given(examples, st.floats(0, 1), st.integers())
def test_a_group_is_never_cut_in_two(found: list[Example], share: float, seed: int) -> None:
    first, rest = divide(found, share, seed)
    assert not {e.group for e in first if e.group} & {e.group for e in rest if e.group}
    assert sorted(ids(first) + ids(rest)) == sorted(ids(found))


def test_membership_is_spread_evenly() -> None:
    shares = [membership(0, str(n)) for n in range(3000)]
    assert all(0 <= share < 1 for share in shares)
    assert abs(sum(share < 0.25 for share in shares) / 3000 - 0.25) < 0.03


def test_copies_of_test_and_dev_rows_leave_train(load: Callable[..., Data]) -> None:
    data = load(
        train=[row("a", "Same text"), row("b", "other  TEXT"), row("c", "alone")],
        dev=[row("d", "other text")],
        test=[row("e", "Same text")],
    )
    assert ids(data.train) == ["c"]
    assert data.dropped == (
        ("train", "a", "exact", "test", "e", True),
        ("train", "b", "normalised", "dev", "d", True),
    )


def test_of_a_row_in_dev_and_test_the_test_copy_stays(load: Callable[..., Data]) -> None:
    data = load(train=[row("a", "same")], dev=[row("d", "SAME"), row("d2")], test=[row("e", "same")])
    assert (ids(data.train), ids(data.dev), ids(data.test)) == ([], ["d2"], ["e"])
    assert [(d.split, d.how) for d in data.dropped] == [("dev", "normalised"), ("train", "exact")]


def test_copies_within_a_split_stay(load: Callable[..., Data]) -> None:
    data = load(train=[row("a", "x"), row("b", "x")], dev=[row("d")], test=[row("e"), row("f", "input of e")])
    assert (len(data.train), len(data.test), data.dropped) == (2, 2, ())


def test_rows_that_differ_in_a_column_the_template_shows_are_no_copies(load: Callable[..., Data]) -> None:
    files = {
        "train": [row("a", "summarise", text="one")],
        "dev": [row("d", "summarise", text="two")],
        "test": [row("e", "summarise", text="three")],
    }
    assert load(template="{{ input }}: {{ text }}", **files).dropped == ()
    with pytest.raises(DataError, match="no row is left for dev"):
        load(**files)


def test_an_id_in_dev_and_in_test_is_told_apart(load: Callable[..., Data]) -> None:
    data = load(train=rows("x", 2), dev=[row("1", "a")], test=[row("1", "b"), row("2", "c")])
    assert (ids(data.dev), ids(data.test), data.renamed) == (["dev:1"], ["1", "2"], ("1",))


def test_a_limit_takes_the_same_rows_whatever_their_order_and_leaves_train(load: Callable[..., Data]) -> None:
    files = {"train": rows("a", 30), "dev": rows("b", 20), "test": rows("c", 20)}
    few = load(**files).limited(7)
    turned = load(**{name: content[::-1] for name, content in files.items()}).limited(7)
    assert (len(few.train), len(few.dev), len(few.test)) == (30, 7, 7)
    assert sorted(ids(few.test)) == sorted(ids(turned.test))
    assert set(ids(few.test)) < set(ids(load(**files).limited(9).test))
    assert ids(few.dev) == sorted(ids(few.dev), key=lambda name: int(name[1:]))


def test_the_hash_follows_every_row_and_its_order(load: Callable[..., Data]) -> None:
    files = {"train": rows("a", 3), "dev": rows("b", 3), "test": rows("c", 3)}
    data = load(**files)
    assert load(**files).hash == data.hash
    assert load(**{**files, "train": [*rows("a", 2), row("a2", "changed")]}).hash != data.hash
    assert load(**{**files, "test": rows("c", 3)[::-1]}).hash != data.hash
    assert load(**{**files, "dev": rows("b", 4)}).hash != data.hash
    assert data.limited(2).hash not in (data.hash, data.limited(1).hash)


def test_what_is_visible_keeps_columns_apart() -> None:
    one, two = Example("1", "a b", "o", fields={"t": "c"}), Example("2", "a", "o", fields={"t": "b c"})
    assert folded(visible(one, ("input", "t"))) != folded(visible(two, ("input", "t")))
    assert folded("  A\tß\n b ") == folded("a SS B")


def test_a_hundred_thousand_rows_load_in_seconds(load: Callable[..., Data]) -> None:
    train = [row(f"a{n}", f"row {n} " + "some words " * 20) for n in range(100_000)]
    with computes_within(20):
        data = load(train=train, test=rows("c", 10))
    assert len(data.train) + len(data.dev) == 100_000
