"""What a process computes of a step, and what by itself it leaves as it is."""

from __future__ import annotations

import pytest
import torch

from tuning.crew import Crew, present


def test_a_batch_is_dealt_out_whole_and_evenly_by_length() -> None:
    lengths = [9, 1, 8, 2, 7, 3, 6]
    shares = [Crew(place, 3).share(range(7), lengths) for place in range(3)]
    assert sorted(row for share in shares for row in share) == list(range(7))
    tokens = [sum(lengths[row] for row in share) for share in shares]
    assert max(tokens) - min(tokens) <= max(lengths)
    assert Crew(2, 3).share([4, 5], lengths) == []


def test_a_process_by_itself_exchanges_nothing_and_keeps_its_order_and_random_numbers() -> None:
    alone, weight = present(), torch.nn.Parameter(torch.ones(2))
    assert alone == Crew() and alone.main
    assert alone.share([3, 1, 2], [9, 8, 7, 6]) == [3, 1, 2]
    assert alone.sum([weight], 0.5) == 0.5 and weight.grad is None
    assert alone.told(lambda: "found") == "found"
    before = torch.get_rng_state()
    alone.draw(0, 5)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("place", [0, 1])
def test_the_random_numbers_of_a_step_hang_on_step_and_process_alone(place: int) -> None:
    state = torch.get_rng_state()
    crew = Crew(place, 2)
    crew.draw(1, 7)
    first = torch.rand(3)
    torch.rand(99)
    crew.draw(1, 7)
    assert torch.equal(first, torch.rand(3))
    for other, step in ((Crew(1 - place, 2), 7), (crew, 8)):
        other.draw(1, step)
        assert not torch.equal(first, torch.rand(3))
    torch.set_rng_state(state)
