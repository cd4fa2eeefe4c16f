"""Cuts a list of requests into waves. A pure function of the requests and the budget.

It looks at the whole list and never at what is done already, so that a run which was interrupted
cuts the same waves as one which was not: where the batch changes the last bits (bf16), the results
are the same all the same.

Prompts that begin with the same tokens are a radix tree: every node is a place where some part. A node
can be *kept*: the tokens between it and the kept node above it are a piece, computed once for all
prompts below. And a kept node can *hold* waves: rows run at the nearest kept node above them, which
must be one that holds. A node is kept only where that pays, which is settled for all nodes at once, from
the leaves up, in prefill tokens: a piece costs its tokens and one more pass (`CALL`), a row its own
tokens, and the waves of a node their decode steps (`STEP`). A level between, that holds no wave, costs no
decode steps: a system prompt that several sets of shots follow is computed once, each set once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evals.models.chat import Ids

SHORTEST_PREFIX = 32
"""Fewer shared tokens are not worth a pass and an attention part of their own."""
STEP = 45
"""What a decode step of a small wave costs, in prefill tokens (SmolLM2-135M in bf16 on 2 cores: 36 ms
a step, 1,240 tokens a second)."""
CALL = 64
"""What one more piece costs besides its tokens, in prefill tokens: a pass of its own."""

Costs = NDArray[np.float64]
Counts = NDArray[np.int64]
NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `rows` requests in a wave, and at most `tokens` places: its rows times the longest own
    part and longest answer, and once, not for each row, the shared prefix (the pieces of its path).
    A single request may need more."""

    tokens: int
    rows: int = 128


@dataclass(frozen=True, slots=True)
class Wave:
    """Requests that run together behind the same pieces.

    `rows` are indices of requests, longest own part first. `path` are ascending prefix lengths: the
    pieces [0:path[0]], [path[0]:path[1]] and so on are computed once each and shared by all rows; it is
    empty when nothing is shared. `opens` says how many of the last pieces this wave is the first of the
    list to need. The others stand on the path of the wave before: whoever walks the list holds one
    stack of pieces, drops the last until the rest leads to the wave, and computes `opens` new ones.
    """

    rows: tuple[int, ...]
    path: tuple[int, ...]
    opens: int

    @property
    def prefix(self) -> int:
        """How many tokens the prompts of all rows share as pieces."""
        return self.path[-1] if self.path else 0


def plan(prompts: Sequence[Ids], new: Sequence[int], budget: Budget, share: bool = True) -> list[Wave]:
    """The waves for prompts (token ids, at least one each) with at most `new` answer tokens.

    Every request stands in exactly one wave and keeps at least one token of its own. Waves come depth
    first: those of a node, longest own parts first so that its largest allocation comes first, then
    those of the nodes below it in the order of their tokens.
    """
    lengths, answers = np.array([len(p) for p in prompts], np.int64), np.array(new, np.int64)
    nodes = _tree(prompts) if share else [_Node(0, 0, NOTHING, list(range(len(prompts))))]
    _weigh(nodes, lengths, answers, budget)
    waves: list[Wave] = []
    for path, opens, members in _groups(nodes):
        members.sort(key=lambda i: (-len(prompts[i]), -new[i], i))
        prefix = path[-1] if path else 0
        own = [len(prompts[i]) - prefix for i in members]
        for start, end in _cut(own, [new[i] for i in members], prefix, budget):
            waves.append(Wave(tuple(members[start:end]), path, 0 if start else opens))
    return waves


@dataclass(slots=True)
class _Node:
    """A place where prompts part, `depth` tokens from the start.

    `parent` is the number of the node it hangs from, `above` are the depths of all nodes between the
    root and it, `rows` the requests that no node below it has. `_weigh` finds out the rest: `holds` is
    whether it holds waves if it is kept, and `kept[h][a]` whether it is kept if the nearest kept node is
    number a of those above and holds waves (h = 1) or not.
    """

    depth: int
    parent: int
    above: Counts
    rows: list[int]
    holds: bool = True
    kept: tuple[NDArray[np.bool_], ...] = ()


class _Below:
    """Least costs of all that hangs from a node, for each node that may be the nearest kept one: those
    above it and, last, itself. `open` where that one holds waves, which rows may join, `closed` where it
    holds none, so that no row may be left over. `filled` is the part of `open` that decode steps would
    be if all rows joined, `answer` the longest answer."""

    __slots__ = ("answer", "closed", "filled", "open")

    def __init__(self, nodes: int) -> None:
        self.open, self.closed, self.filled = np.zeros((3, nodes))
        self.answer = 0


def _tree(prompts: Sequence[Ids]) -> list[_Node]:
    """The nodes of the radix tree in the order of their tokens, each before those below it; the first
    is the root. The last token of a prompt stays out, so that every row has one of its own."""
    nodes = [_Node(0, 0, NOTHING, [])]
    keys = [p[:-1].astype(">u4").tobytes() for p in prompts]
    order = sorted(range(len(prompts)), key=keys.__getitem__)
    pairs = pairwise(order)
    common = np.array([0, *(_common(prompts[a][:-1], prompts[b][:-1]) for a, b in pairs)], np.int64)
    stack = [(0, len(order), 0)]
    while stack:
        start, end, parent = stack.pop()
        if end - start < 2:
            nodes[parent].rows += order[start:end]
            continue
        inside = common[start + 1 : end]
        shared = int(inside.min())
        if shared >= SHORTEST_PREFIX:
            over = nodes[parent]
            nodes.append(_Node(shared, parent, np.append(over.above, over.depth), []))
            parent = len(nodes) - 1
        cuts = [start, *(np.flatnonzero(inside == shared) + start + 1).tolist(), end]
        stack += [(a, b, parent) for a, b in reversed(list(pairwise(cuts)))]
    return nodes


def _weigh(nodes: list[_Node], lengths: Counts, new: Counts, budget: Budget) -> None:
    """Decide from the leaves up which nodes are kept and which hold waves: dynamic programming over the
    pairs of a node and the nearest kept node above it. Costs are whole numbers of prefill tokens, so that
    their sums are exact in any order; a row's tokens count from 0 down for what its prefix spares."""
    sums: dict[int, _Below] = {}
    for number in range(len(nodes) - 1, -1, -1):
        node = nodes[number]
        depths = np.append(node.above, node.depth)
        its = sums.pop(number, None) or _Below(len(depths))
        if node.rows:
            filled = _filled(lengths[node.rows], new[node.rows], depths, budget)
            its.open += filled - len(node.rows) * depths
            its.closed += np.inf
            its.filled += filled
            its.answer = max(its.answer, int(new[node.rows].max()))
        # A node has as many waves as its rows fill, half a one more because they do not come out even,
        # and at least one.
        wave = STEP * its.answer
        held = its.open[-1] + max(wave - its.filled[-1], wave // 2)
        node.holds = bool(held <= its.closed[-1])
        if number == 0:
            break
        piece = node.depth - node.above
        cost = np.where(piece < SHORTEST_PREFIX, np.inf, piece + CALL + min(held, its.closed[-1]))
        node.kept = (cost < its.closed[:-1], cost < its.open[:-1])
        if node.parent not in sums:
            sums[node.parent] = _Below(len(node.above))
        over = sums[node.parent]
        over.open += np.minimum(cost, its.open[:-1])
        over.closed += np.minimum(cost, its.closed[:-1])
        over.filled += its.filled[:-1]
        over.answer = max(over.answer, its.answer)


def _filled(lengths: Counts, new: Counts, depths: Counts, budget: Budget) -> Costs:
    """What rows cost in decode steps behind a prefix of each depth: the share that each has of a wave of
    rows like itself, in prefill tokens."""
    size = (lengths + new)[:, None] - depths
    shares = np.clip(size / np.maximum(budget.tokens - depths, 1), 1 / budget.rows, 1)
    return np.asarray(np.ceil(STEP * new[:, None] * shares).sum(0))


def _groups(nodes: list[_Node]) -> Iterator[tuple[tuple[int, ...], int, list[int]]]:
    """Path, number of pieces it is the first to need, and rows of every node that holds any."""
    at, up = [0] * len(nodes), [0] * len(nodes)
    paths: list[tuple[int, ...]] = [()] * len(nodes)
    members: dict[int, list[int]] = {}
    for number, node in enumerate(nodes):
        over = at[node.parent]
        at[number] = over
        if number and node.kept[nodes[over].holds][len(nodes[over].above)]:
            at[number], up[number] = number, over
            paths[number] = (*paths[over], node.depth)
        if node.rows:
            members.setdefault(at[number], []).extend(node.rows)
    computed = {0}
    for number in sorted(members):
        opens, piece = 0, number
        while piece not in computed:
            computed.add(piece)
            opens, piece = opens + 1, up[piece]
        yield paths[number], opens, members[number]


def _cut(own: Sequence[int], new: Sequence[int], prefix: int, budget: Budget) -> Iterator[tuple[int, int]]:
    """Start and end of each wave of a group, as few as the budget allows, all full but the first. When
    that would have less than half of the second's rows, it takes some of those: a step of a small wave takes
    as long as one of a large one. So the largest wave hardly hangs on how many rows there are."""
    starts, end = [len(own)], len(own)
    while end:
        start = end - _fitting(own, new, end, prefix, budget)
        starts.append(start)
        end = start
    bounds = starts[::-1]
    if len(bounds) > 2:
        bounds[1] = _evened(own, new, bounds[1:3], prefix, budget)
    yield from pairwise(bounds)


def _fitting(own: Sequence[int], new: Sequence[int], end: int, prefix: int, budget: Budget) -> int:
    """How many of the rows that end at `end` one wave may hold, at least one."""
    start, answer = end - 1, new[end - 1]
    while start and end - start < budget.rows:
        answer = max(answer, new[start - 1])
        if (own[start - 1] + answer) * (end - start + 1) + prefix > budget.tokens:
            break
        start -= 1
    return end - start


def _evened(own: Sequence[int], new: Sequence[int], bounds: list[int], prefix: int, budget: Budget) -> int:
    """Where the first wave should end, when the first two end at `bounds`."""
    end, after = bounds
    if 2 * end >= after - end:
        return end
    answer = max(new[:end])
    while end < after // 2:
        answer = max(answer, new[end])
        if (own[0] + answer) * (end + 1) + prefix > budget.tokens:
            break
        end += 1
    return end


def _common(a: Ids, b: Ids) -> int:
    """How many tokens two prompts begin with in common."""
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    return int(differ[0]) if len(differ) else n
