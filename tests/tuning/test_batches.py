"""The order of rows: every row once an epoch, of like length together, a function of seed and epoch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuning.batches import epoch, micro

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=90)


@given(LENGTHS, st.integers(1, 16), st.integers(0, 5))
def test_every_row_stands_once_in_an_epoch(lengths: list[int], size: int, number: int) -> None:
    found = epoch(lengths, size, 7, number)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in found)
    assert len(found) == -(-len(lengths) // size)
    assert found == epoch(lengths, size, 7, number)


@given(LENGTHS, st.integers(1, 900), st.integers(1, 9))
def test_a_batch_is_cut_into_parts_that_fit(lengths: list[int], tokens: int, rows: int) -> None:
    parts = micro(range(len(lengths)), lengths, tokens, rows)
    assert sorted(i for part in parts for i in part) == list(range(len(lengths)))
    for part in parts:
        assert len(part) <= rows
        assert len(part) == 1 or len(part) * max(lengths[i] for i in part) <= tokens


def test_another_epoch_has_another_order_and_little_padding() -> None:
    lengths = [20 + (37 * n) % 180 for n in range(400)]
    first, second = epoch(lengths, 8, 0, 0), epoch(lengths, 8, 0, 1)
    assert first != second
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in first)
    assert padded < 1.1 * sum(lengths)
