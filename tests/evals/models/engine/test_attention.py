from __future__ import annotations

import pytest
import torch

from evals.models.engine import attention
from evals.models.engine.attention import Part, at_once, by_parts

SCALE = 0.3
WAYS = [by_parts, at_once]


def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    torch.manual_seed(sum(shape))
    return torch.randn(*shape, dtype=dtype)


def part(rows: int, kv: int, k: int, **more: object) -> Part:
    return Part(random(rows, kv, k, 16), random(rows, kv, k, 16) + k, **more)


def whole(query: torch.Tensor, parts: list[Part]) -> torch.Tensor:
    """By one softmax over copied keys and masks of prompt by prompt."""
    rows, heads, q, _ = query.shape
    copied = []
    for one in parts:
        hidden = (
            torch.zeros(rows, 1, q, one.key.shape[2]) if one.mask is None else one.mask.expand(rows, 1, q, -1)
        )
        if one.causal:
            after = torch.ones(hidden.shape[2:], dtype=torch.bool).triu(one.key.shape[2] - q + 1)
            hidden = hidden.masked_fill(after, float("-inf"))
        groups = heads // one.key.shape[1]
        key, value = (t.expand(rows, -1, -1, -1).repeat_interleave(groups, 1) for t in (one.key, one.value))
        copied.append((key, value, hidden))
    keys, values = (torch.cat([c[n] for c in copied], 2) for n in (0, 1))
    scores = query @ keys.transpose(2, 3) * SCALE + torch.cat([c[2] for c in copied], 3)
    return scores.softmax(-1) @ values


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("heads", "kv"), [(6, 2), (4, 4), (3, 1)])
@pytest.mark.parametrize(("q", "k"), [(1, 1), (1, 30), (5, 5), (5, 24), (130, 150)])
def test_causal_attention_behind_a_shared_prefix_is_that_over_copies(
    way: object, heads: int, kv: int, q: int, k: int
) -> None:
    query, parts = random(3, heads, q, 16), [part(1, kv, 20), part(3, kv, k, causal=True)]
    assert torch.allclose(way(query, parts, SCALE), whole(query, parts), atol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("q", [1, 4])
def test_hidden_keys_do_not_count(way: object, q: int) -> None:
    mask = torch.zeros(3, 1, q, 9).masked_fill_(random(3, 1, q, 9) < 0, float("-inf"))
    mask[..., 0] = 0
    query, parts = random(3, 6, q, 16), [part(3, 2, 9, mask=mask)]
    assert torch.allclose(way(query, parts, SCALE), whole(query, parts), atol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize("block", [1, 700, 5000])
def test_blocks_of_any_size_give_the_same(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    query, parts = random(4, 6, 70, 16), [part(1, 2, 33), part(4, 2, 90, causal=True)]
    assert torch.allclose(at_once(query, parts, SCALE), whole(query, parts), atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_half_precision_stays_near_the_whole(way: object) -> None:
    parts = [part(1, 2, 40), part(2, 2, 24, causal=True)]
    query = random(2, 6, 1, 16)
    halves = [Part(p.key.bfloat16(), p.value.bfloat16(), causal=p.causal) for p in parts]
    got = way(query.bfloat16(), halves, SCALE).float()  # type: ignore[operator]
    exact = whole(query, parts)
    assert ((got - exact).abs() <= 0.02 * exact.abs() + 0.02).all()
