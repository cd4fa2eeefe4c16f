from __future__ import annotations

import pytest
import torch

from evals.models.engine.attention import Part, attend
from evals.models.engine.slab import BLOCK, Slab


def states(rows: int, new: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(rows * 100 + new)
    return torch.randn(rows, 2, new, 8, dtype=dtype), torch.randn(rows, 2, new, 8, dtype=dtype)


DTYPES = [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_written_is_there_however_it_is_laid_out(dtype: torch.dtype) -> None:
    slab = Slab(5, 50)
    key, value = states(2, 7, dtype)
    slab.span(1, 3, 4, 7)
    slab.update(key, value, 0)
    assert torch.equal(slab.keys[0][1:3, :, 4:11], key) and torch.equal(slab.values[0][1:3, :, 4:11], value)
    assert slab.keys[0][[0, 3, 4]].count_nonzero() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_different_lengths_are_written_behind_their_own(dtype: torch.dtype) -> None:
    slab = Slab(3, 40)
    slab.span(0, 3, 0, 3)
    slab.update(*states(3, 3, dtype), 0)
    columns = torch.tensor([[3, 4], [1, 2], [2, 3]])
    some = torch.tensor([[True, False], [True, True], [True, True]])
    slab.scatter(columns, some, torch.zeros(3, 1, 2, slab.reach(5)))
    key, value = states(3, 2, dtype)
    slab.update(key, value, 0)
    for row, column, new in ((0, 3, 0), (1, 1, 0), (1, 2, 1), (2, 3, 1)):
        assert torch.equal(slab.values[0][row, :, column], value[row, :, new])
        assert torch.equal(slab.keys[0][row, :, column], key[row, :, new])
    assert slab.keys[0][0, :, 4].count_nonzero() == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_grows_as_columns_are_needed_and_keeps_what_it_has(dtype: torch.dtype) -> None:
    slab = Slab(2, 10 * BLOCK)
    slab.span(0, 2, 0, 5)
    key, value = states(2, 5, dtype)
    slab.update(key, value, 0)
    assert slab.keys[0].shape[2] == BLOCK
    slab.span(0, 2, 5, BLOCK)
    slab.update(*states(2, BLOCK, dtype), 0)
    assert slab.keys[0].shape[2] == 2 * BLOCK
    assert torch.equal(slab.keys[0][:, :, :5], key) and torch.equal(slab.values[0][:, :, :5], value)
    assert slab.reach(10_000) == 10 * BLOCK


@pytest.mark.parametrize("dtype", DTYPES)
def test_kept_rows_stay_as_they_were(dtype: torch.dtype) -> None:
    slab = Slab(4, 20)
    slab.span(0, 4, 0, 6)
    key, value = states(4, 6, dtype)
    slab.update(key, value, 3)
    layout = slab.keys[3].stride()[2:]
    slab.keep(torch.tensor([3, 1]))
    assert slab.rows == 2 and slab.keys[3].stride()[2:] == layout
    assert torch.equal(slab.keys[3][:, :, :6], key[[3, 1]]) and torch.equal(
        slab.values[3][:, :, :6], value[[3, 1]]
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_prefixes_joined_are_one(dtype: torch.dtype) -> None:
    first = Slab(1, 4)
    first.span(0, 1, 0, 4)
    one = states(1, 4, dtype)
    first.update(*one, 0)
    second = Slab(1, 6, first)
    second.span(0, 1, 0, 6)
    two = states(1, 6, dtype)
    second.update(*two, 0)
    whole = second.joined()
    assert whole.columns == 10 and whole.prefix is None and second.start == 4
    assert torch.equal(whole.keys[0], torch.cat([one[0], two[0]], 2))
    assert torch.equal(whole.values[0], torch.cat([one[1], two[1]], 2))
    child = Slab(3, 5, whole)
    child.span(0, 3, 0, 5)
    key, value = states(3, 5, dtype)
    child.update(key, value, 0)
    query = torch.randn(3, 4, 5, 8, dtype=dtype)
    expected = attend(query, [Part(whole.keys[0], whole.values[0]), Part(key, value, causal=True)], 0.3)
    assert torch.allclose(child.attend(0, query, 0.3).float(), expected.float(), atol=2e-2)
