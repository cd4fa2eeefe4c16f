from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.models.chat import Ids
from evals.models.engine.plan import SHORTEST_PREFIX, Budget, Wave, plan


def ids(*tokens: int) -> Ids:
    return np.array(tokens, np.int32)


def after(prefix: Ids, *tokens: int) -> Ids:
    return np.concatenate([prefix, ids(*tokens)])


@st.composite
def prompts(draw: st.DrawFn) -> list[Ids]:
    """Prompts of which some begin with the same, shorter or longer, texts, and some are equal."""
    heads = [
        ids(*range(n, n + size)) for n, size in enumerate(draw(st.lists(st.integers(0, 90), max_size=4)))
    ]
    heads += [np.concatenate([heads[0], head]) for head in heads[1:]]
    own = st.lists(st.integers(1, 3), min_size=1, max_size=6)
    pairs = draw(st.lists(st.tuples(st.integers(0, 9), own), max_size=40))
    return [after(heads[n], *tail) if n < len(heads) else ids(*tail) for n, tail in pairs]


@given(prompts(), st.integers(1, 40), st.integers(1, 400), st.integers(1, 12), st.booleans())
def test_every_request_runs_once_within_the_budget_behind_its_own_prefix(
    texts: list[Ids], new: int, tokens: int, rows: int, share: bool
) -> None:
    budget = Budget(tokens, rows)
    waves = plan(texts, [new + i % 3 for i in range(len(texts))], budget, share)
    assert sorted(i for wave in waves for i in wave.rows) == list(range(len(texts)))
    for wave in waves:
        own = [len(texts[i]) - wave.prefix for i in wave.rows]
        assert own == sorted(own, reverse=True) and own[-1] >= 1
        size = (own[0] + max(new + i % 3 for i in wave.rows)) * len(wave.rows)
        assert len(wave.rows) == 1 or (size <= tokens and len(wave.rows) <= rows)
        assert len({texts[i][: wave.prefix].tobytes() for i in wave.rows}) == 1
        assert wave.prefix == 0 or (share and wave.prefix >= SHORTEST_PREFIX)
    assert waves == plan([t.copy() for t in texts], [new + i % 3 for i in range(len(texts))], budget, share)


@given(prompts(), st.integers(2, 12))
def test_each_prefix_is_computed_by_one_wave_and_its_others_follow(texts: list[Ids], rows: int) -> None:
    waves = plan(texts, [4] * len(texts), Budget(10_000, rows))
    opened = ""
    for wave in waves:
        head = texts[wave.rows[0]][: wave.prefix].tobytes().hex()
        assert wave.opens or head == opened
        opened = head
    heads = [texts[w.rows[0]][: w.prefix].tobytes() for w in waves if w.opens and w.prefix]
    assert len(heads) == len(set(heads))


def test_a_prefix_all_share_is_found() -> None:
    head = ids(*range(100))
    texts = [after(head, n + 200, 7) for n in range(10)]
    assert plan(texts, [5] * 10, Budget(10_000)) == [Wave(tuple(range(10)), 100, True)]


def test_equal_prompts_keep_one_token_of_their_own() -> None:
    assert plan([ids(*range(50))] * 3, [5] * 3, Budget(10_000)) == [Wave((0, 1, 2), 49, True)]


def test_a_short_common_beginning_is_not_worth_a_prefix() -> None:
    texts = [after(ids(*range(SHORTEST_PREFIX - 1)), n + 200) for n in range(4)]
    assert plan(texts, [5] * 4, Budget(10_000)) == [Wave((0, 1, 2, 3), 0, True)]


def test_many_requests_with_a_longer_common_text_form_a_group_of_their_own() -> None:
    system, shots = ids(*range(40)), ids(*range(500, 1100))
    few = [after(system, 2000 + n) for n in range(8)]
    many = [after(np.concatenate([system, shots]), 3000 + n) for n in range(30)]
    waves = plan([*few, *many], [8] * 38, Budget(100_000))
    assert {wave.prefix: len(wave.rows) for wave in waves} == {40: 8, 640: 30}


def test_two_requests_that_happen_to_share_more_stay_in_the_wave() -> None:
    system = ids(*range(100))
    texts = [after(system, *range(1000 * n, 1000 * n + 300)) for n in range(1, 30)]
    texts.append(after(texts[0][:250], 5, 6, 7))
    assert {wave.prefix for wave in plan(texts, [32] * 30, Budget(100_000))} == {100}


def test_a_request_that_alone_passes_the_budget_runs_alone() -> None:
    waves = plan([ids(*range(500)), ids(9), ids(8)], [4, 4, 4], Budget(100))
    assert [wave.rows for wave in waves] == [(0,), (1, 2)]


@pytest.mark.parametrize("shared", [0, 600])
def test_ten_times_the_requests_take_no_more_places_at_once(shared: int) -> None:
    rng = np.random.default_rng(0)

    def widest(n: int) -> int:
        head = rng.integers(1000, 2000, shared).astype(np.int32)
        texts = [np.concatenate([head, rng.integers(0, 999, 40 + i % 9).astype(np.int32)]) for i in range(n)]
        waves = plan(texts, [32] * n, Budget(5_000))
        return max((len(texts[w.rows[0]]) - w.prefix + 32) * len(w.rows) for w in waves)

    assert widest(2_000) <= widest(200) * 1.02 <= 5_100


def test_a_chain_of_growing_prompts_is_planned() -> None:
    texts = [ids(*range(n)) for n in range(1, 1500)]
    waves = plan(texts, [8] * len(texts), Budget(1 << 20))
    assert sum(len(wave.rows) for wave in waves) == len(texts)


def test_nothing_asked_gives_no_wave() -> None:
    assert plan([], [], Budget(100)) == []
