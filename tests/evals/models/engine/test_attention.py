from __future__ import annotations

import pytest
import torch

from evals.models.engine.attention import _kernel, attend, attend_causal, attend_shared, by_hand, merge

SCALE = 0.3


def tensors(
    b: int, heads: int, kv: int, q: int, k: int, dtype: torch.dtype = torch.float32
) -> list[torch.Tensor]:
    torch.manual_seed(b + heads + q + k)
    return [torch.randn(b, n, length, 16, dtype=dtype) for n, length in ((heads, q), (kv, k), (kv, k))]


def whole(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, causal: bool) -> torch.Tensor:
    """torch's own attention; causal means that the queries are the last of the keys."""
    mask = None
    if causal:
        mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril(key.shape[2] - query.shape[2])
    return torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=SCALE, enable_gqa=True
    )


@pytest.mark.parametrize(("heads", "kv"), [(6, 2), (4, 4), (3, 1)])
def test_parts_merged_are_the_whole(heads: int, kv: int) -> None:
    query, key, value = tensors(3, heads, kv, 5, 29)
    parts = [attend(query, key[:, :, a:b], value[:, :, a:b], SCALE) for a, b in ((0, 7), (7, 24))]
    last = attend_causal(query, key[:, :, 24:], value[:, :, 24:], SCALE)
    got = merge(merge(parts[0], parts[1]), last)[0]
    assert torch.allclose(got, whole(query, key, value, causal=True), atol=1e-5)


def test_shared_keys_give_every_row_what_its_own_copy_would() -> None:
    query, key, value = tensors(4, 6, 2, 3, 50)
    out, lse = attend_shared(query, key[:1], value[:1], SCALE)
    copied = attend(query, key[:1].repeat(4, 1, 1, 1), value[:1].repeat(4, 1, 1, 1), SCALE)
    assert torch.allclose(out, copied[0], atol=1e-5) and torch.allclose(lse, copied[1], atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_plain_operators_and_the_kernel_agree(causal: bool) -> None:
    query, key, value = tensors(2, 6, 2, 8, 8)
    mask = None if causal else torch.zeros(2, 1, 1, 8).index_fill_(3, torch.tensor([2, 3]), float("-inf"))
    if not causal:
        query = query[:, :2]
    ours = by_hand(query, key, value, SCALE, mask, causal)
    theirs = _kernel(query, key, value, SCALE, mask, causal)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


def test_half_precision_stays_near_the_whole() -> None:
    query, key, value = tensors(2, 6, 2, 1, 40, torch.bfloat16)
    halves = [attend(query, key[:, :, a:b], value[:, :, a:b], SCALE) for a, b in ((0, 20), (20, 40))]
    exact = whole(query.float(), key.float(), value.float(), causal=False)
    assert (merge(*halves)[0].float() - exact).abs().max() < 0.03
