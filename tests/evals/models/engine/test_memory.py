from __future__ import annotations

import pytest
import torch

from evals.models.engine.memory import keep_freed, machine, ran_out, room
from tests.tiny import network


def test_room_is_what_an_eighth_of_the_memory_holds_rounded_down_to_a_power_of_two() -> None:
    model = network()
    token = 2 * 3 * 2 * 16 * 4  # keys and values, layers, key heads, their size, fp32
    places = room(model, model.config)
    assert places * token <= machine() / 8
    assert places == (1 << (places * token).bit_length()) // token or places == (1 << 32) // token


def test_half_the_bytes_give_twice_the_room() -> None:
    model = network()
    before = room(model, model.config)
    assert room(model.to(torch.bfloat16), model.config) in (2 * before, 2 * before + 1)


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("no"), False),
    ],
)
def test_what_counts_as_short_of_memory(error: BaseException, memory: bool) -> None:
    assert ran_out(error) is memory


def test_keeping_freed_memory_can_be_asked_for_twice() -> None:
    keep_freed()
    keep_freed()
    assert torch.ones(1 << 20).sum() == 1 << 20
