from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.models.chat import Ids
from evals.models.engine.plan import CALL, SHORTEST_PREFIX, STEP, Budget, Wave, plan

WIDE = Budget(1 << 30)


def ids(*tokens: int) -> Ids:
    return np.array(tokens, np.int32)


def after(*parts: Ids) -> Ids:
    return np.concatenate(parts)


def text(number: int, size: int) -> Ids:
    """`size` tokens that no text of another number has."""
    return np.arange(size, dtype=np.int32) + 10_000 * (number + 1)


@st.composite
def prompts(draw: st.DrawFn) -> list[Ids]:
    """Prompts from the nodes of a random tree of texts, with short tails: some equal, some the
    beginning of others, some alone."""
    nodes = [ids()]
    for number, (parent, size) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 200)), max_size=12))
    ):
        nodes.append(after(nodes[parent % len(nodes)], text(number, size)))
    tail = st.lists(st.integers(1, 3), min_size=1, max_size=6)
    pairs = draw(st.lists(st.tuples(st.integers(0, 12), tail, st.integers(1, 4)), max_size=30))
    return [after(nodes[n % len(nodes)], ids(*own)) for n, own, times in pairs for _ in range(times)]


def walk(texts: list[Ids], waves: list[Wave]) -> dict[bytes, int]:
    """Go through the waves with one stack of pieces, as whoever runs them does: the tokens of each piece
    that had to be computed, by the text it ends."""
    stack: list[bytes] = []
    computed: dict[bytes, int] = {}
    for wave in waves:
        ends = [texts[wave.rows[0]][:end].tobytes() for end in wave.path]
        while stack != ends[: len(stack)]:
            stack.pop()
        assert len(ends) - len(stack) == wave.opens
        for start, end in list(pairwise((0, *wave.path)))[len(stack) :]:
            whole = texts[wave.rows[0]][:end].tobytes()
            assert whole not in computed
            computed[whole] = end - start
        stack = ends
    return computed


def tokens(texts: list[Ids], waves: list[Wave]) -> int:
    """The prompt tokens that are computed: each piece once, then what rows have of their own."""
    return sum(walk(texts, waves).values()) + sum(len(texts[i]) - w.prefix for w in waves for i in w.rows)


def shape(waves: list[Wave]) -> dict[tuple[int, ...], int]:
    """How many rows run behind each path."""
    found: dict[tuple[int, ...], int] = {}
    for wave in waves:
        found[wave.path] = found.get(wave.path, 0) + len(wave.rows)
    return found


@given(prompts(), st.integers(1, 40), st.integers(1, 1500), st.integers(1, 12), st.booleans())
def test_every_request_runs_once_within_the_budget_behind_its_own_prefix(
    texts: list[Ids], most: int, places: int, rows: int, share: bool
) -> None:
    new, budget = [most + i % 3 for i in range(len(texts))], Budget(places, rows)
    waves = plan(texts, new, budget, share)
    assert sorted(i for wave in waves for i in wave.rows) == list(range(len(texts)))
    for wave in waves:
        own = [len(texts[i]) - wave.prefix for i in wave.rows]
        assert own == sorted(own, reverse=True) and own[-1] >= 1
        size = (own[0] + max(new[i] for i in wave.rows)) * len(own) + wave.prefix
        assert len(own) == 1 or (size <= places and len(own) <= rows)
        assert len({texts[i][: wave.prefix].tobytes() for i in wave.rows}) == 1
        assert share or wave.path == ()
        assert all(end - start >= SHORTEST_PREFIX for start, end in pairwise((0, *wave.path)))
    assert waves == plan([t.copy() for t in texts], list(new), budget, share)


@given(prompts(), st.integers(1, 8), st.integers(50, 4000), st.integers(1, 12))
def test_a_stack_of_pieces_computes_each_once_and_never_more_than_without_sharing(
    texts: list[Ids], new: int, places: int, rows: int
) -> None:
    waves = plan(texts, [new] * len(texts), Budget(places, rows))
    computed = walk(texts, waves)
    for whole, size in computed.items():
        users = [t for t in texts if t.tobytes().startswith(whole)]
        assert len(users) >= 2 and size >= SHORTEST_PREFIX
    pieces = len(computed)
    assert tokens(texts, waves) <= sum(len(t) for t in texts) - pieces * SHORTEST_PREFIX


@given(prompts(), st.integers(1, 12))
def test_waves_of_a_group_are_full_but_the_first_two(texts: list[Ids], rows: int) -> None:
    groups: dict[bytes, list[int]] = {}
    for wave in plan(texts, [4] * len(texts), Budget(1 << 30, rows)):
        groups.setdefault(texts[wave.rows[0]][: wave.prefix].tobytes(), []).append(len(wave.rows))
    for sizes in groups.values():
        assert sizes[2:] == [rows] * len(sizes[2:])
        assert len(sizes) == 1 or (sizes[0] >= rows // 2 and sizes[1] >= rows // 2)
        assert len(sizes) == -(-sum(sizes) // rows)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 40)), min_size=1, max_size=40),
    st.integers(1, 400),
    st.integers(1, 12),
)
def test_evening_out_adds_no_wave(rows: list[tuple[int, int]], places: int, most: int) -> None:
    texts, new = [text(i, own) for i, (own, _) in enumerate(rows)], [n for _, n in rows]
    waves = plan(texts, new, Budget(places, most))
    filled: list[list[tuple[int, int]]] = []
    for own, n in sorted(rows, key=lambda r: (-r[0], -r[1])):
        last = [*filled[-1], (own, n)] if filled else []
        if last and len(last) <= most and (last[0][0] + max(m for _, m in last)) * len(last) <= places:
            filled[-1] = last
        else:
            filled.append([(own, n)])
    assert len(waves) == len(filled)


def test_a_few_rows_left_over_share_a_wave_with_others() -> None:
    texts = [after(text(0, 300), ids(n)) for n in range(258)]
    waves = plan(texts, [32] * 258, WIDE)
    assert [(len(w.rows), w.path, w.opens) for w in waves] == [
        (65, (300,), 1),
        (65, (300,), 0),
        (128, (300,), 0),
    ]


@pytest.mark.parametrize("n", [200, 2000])
def test_the_largest_wave_does_not_hang_on_how_many_rows_there_are(n: int) -> None:
    waves = plan([text(i, 40) for i in range(n)], [32] * n, Budget(1 << 30, 128))
    assert max(len(w.rows) for w in waves) == 128


def test_a_prefix_all_share_is_found() -> None:
    texts = [after(text(0, 100), ids(n, 7)) for n in range(10)]
    assert plan(texts, [5] * 10, WIDE) == [Wave(tuple(range(10)), (100,), 1)]


def test_equal_prompts_keep_one_token_of_their_own() -> None:
    assert plan([text(0, 50)] * 4, [5] * 4, WIDE) == [Wave((0, 1, 2, 3), (49,), 1)]


def test_a_prompt_that_is_the_beginning_of_others_keeps_one_token_too() -> None:
    waves = plan([text(0, 300), text(0, 310), text(0, 320)], [5] * 3, WIDE)
    assert waves == [Wave((2, 1, 0), (299,), 1)]


def test_a_short_common_beginning_is_not_worth_a_prefix() -> None:
    texts = [after(text(0, SHORTEST_PREFIX - 1), ids(n)) for n in range(40)]
    assert plan(texts, [5] * 40, WIDE) == [Wave(tuple(range(40)), (), 0)]


def test_a_system_prompt_is_computed_once_and_each_set_of_shots_behind_it_once() -> None:
    system, sets = text(0, 300), [text(1 + n, 500) for n in range(3)]
    texts = [after(system, sets[n % 3], text(10 + n, 60)) for n in range(180)]
    waves = plan(texts, [32] * 180, WIDE)
    assert [(len(w.rows), w.path, w.opens) for w in waves] == [
        (60, (300, 800), 2),
        (60, (300, 800), 1),
        (60, (300, 800), 1),
    ]
    assert tokens(texts, waves) == 300 + 3 * 500 + 180 * 60


def test_three_levels_below_each_other_are_found() -> None:
    texts = [
        after(text(0, 200), text(1 + a, 300), text(10 + 10 * a + b, 400), text(1000 + row, 20))
        for a in range(2)
        for b in range(2)
        for row in range(30)
    ]
    assert shape(plan(texts, [8] * 120, WIDE)) == {(200, 500, 900): 120}


@pytest.mark.parametrize(("groups", "path"), [(2, (360,)), (3, (60, 360))])
def test_a_level_without_waves_is_made_when_it_saves_more_than_a_pass(
    groups: int, path: tuple[int, ...]
) -> None:
    assert (groups - 1) * 60 - CALL == (-4 if groups == 2 else 56)
    texts = [
        after(text(0, 60), text(1 + g, 300), text(100 + 50 * g + n, 9))
        for g in range(groups)
        for n in range(40)
    ]
    assert shape(plan(texts, [8] * len(texts), WIDE)) == {path: 40 * groups}


@pytest.mark.parametrize("saves", [False, True])
def test_a_group_leaves_a_wave_when_it_saves_more_than_the_decode_steps_of_its_own(saves: bool) -> None:
    new, members = 8, 5
    more = (STEP * new + CALL) // (members - 1) + (5 if saves else -30)
    few = [after(text(0, 200), text(100 + n, 400)) for n in range(10)]
    many = [after(text(0, 200), text(1, more), text(200 + n, 400 - more)) for n in range(members)]
    found = shape(plan([*few, *many], [new] * 15, WIDE))
    assert found == ({(200,): 10, (200, 200 + more): 5} if saves else {(200,): 15})


def test_two_requests_that_share_more_stay_in_the_wave() -> None:
    texts = [after(text(0, 100), text(n, 300)) for n in range(1, 30)]
    texts.append(after(texts[0][:250], ids(5, 6, 7)))
    assert shape(plan(texts, [32] * 30, WIDE)) == {(100,): 30}


def test_small_groups_are_split_where_the_budget_cuts_as_many_waves_anyway() -> None:
    texts = [after(text(d, 500), text(1000 + 10 * d + n, 60)) for d in range(50) for n in range(10)]
    roomy, tight = plan(texts, [128] * 500, WIDE), plan(texts, [128] * 500, Budget(7_000))
    assert shape(roomy) == {(): 500} and len(roomy) == 4
    assert shape(tight) == {(500,): 500} and len(tight) == 50


def test_the_prefix_takes_its_places_once_and_not_for_each_row() -> None:
    texts = [after(text(0, 1000), text(1 + n, 60)) for n in range(20)]
    assert [len(w.rows) for w in plan(texts, [40] * 20, Budget(1000 + 20 * 100))] == [20]
    assert [len(w.rows) for w in plan(texts, [40] * 20, Budget(1000 + 20 * 100 - 1))] == [10, 10]


def test_a_request_that_alone_passes_the_budget_runs_alone() -> None:
    waves = plan([text(0, 500), ids(9), ids(8)], [4, 4, 4], Budget(100))
    assert [wave.rows for wave in waves] == [(0,), (1, 2)]


@pytest.mark.parametrize("shared", [0, 600])
def test_ten_times_the_requests_take_no_more_places_at_once(shared: int) -> None:
    rng = np.random.default_rng(0)

    def widest(n: int) -> int:
        head = rng.integers(1000, 2000, shared).astype(np.int32)
        texts = [after(head, rng.integers(0, 999, 40 + i % 9).astype(np.int32)) for i in range(n)]
        waves = plan(texts, [32] * n, Budget(5_000))
        return max((len(texts[w.rows[0]]) - w.prefix + 32) * len(w.rows) + w.prefix for w in waves)

    assert widest(200) <= 5_000 and widest(2_000) <= 5_000


def test_a_deep_chain_of_growing_prompts_is_planned_in_many_levels() -> None:
    texts = [text(0, n) for n in range(1, 2500)]
    waves = plan(texts, [8] * len(texts), WIDE)
    assert sum(len(wave.rows) for wave in waves) == len(texts)
    assert max(len(wave.path) for wave in waves) > 50
    assert tokens(texts, waves) < sum(len(t) for t in texts) / 50


def test_nothing_asked_gives_no_wave() -> None:
    assert plan([], [], Budget(100)) == []


@pytest.mark.parametrize("share", [True, False])
def test_one_request_is_one_wave_without_a_prefix(share: bool) -> None:
    assert plan([text(0, 900)], [8], Budget(100), share) == [Wave((0,), (), 0)]


@pytest.mark.parametrize("branching", [False, True])
def test_ten_thousand_prompts_are_planned(branching: bool) -> None:
    rng = np.random.default_rng(0)
    head = rng.integers(0, 49_000, 300).astype(np.int32)
    own = (
        np.repeat(rng.integers(0, 3, (10_000, 50)), 8, axis=1)
        if branching
        else rng.integers(0, 49_000, (10_000, 400))
    )
    texts = [after(head, row.astype(np.int32)) for row in own]
    start = time.perf_counter()
    waves = plan(texts, [32] * len(texts), Budget(186_000))
    print(f"10,000 prompts of 700 tokens: {len(waves)} waves in {time.perf_counter() - start:.2f} s")
    assert tokens(texts, waves) <= sum(len(t) for t in texts) - 9_999 * 300
