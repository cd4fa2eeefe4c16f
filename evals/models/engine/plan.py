"""Cuts a list of requests into waves. A pure function of the requests and the budget.

It looks at the whole list and never at what is done already, so that a run which was interrupted
cuts the same waves as one which was not: where the batch changes the last bits (bf16), the results
are the same all the same.

Requests that begin with the same tokens form a group whose common prefix is computed once. Groups
come from the tree of common prefixes of the sorted prompts: a branch becomes a group of its own when
the tokens that saves outweigh the decode steps of one more wave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evals.models.chat import Ids

SHORTEST_PREFIX = 32
"""Fewer shared tokens are not worth a pass and an attention part of their own."""
STEP = 45
"""What a decode step of a small wave costs, in prefill tokens (SmolLM2-135M in bf16 on 2 cores: 36 ms
a step, 1,240 tokens a second)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `rows` requests in a wave, and at most `tokens` places in its slab (its rows times the
    longest own prompt and longest answer), unless a single request needs more."""

    tokens: int
    rows: int = 128


@dataclass(frozen=True, slots=True)
class Wave:
    """Indices of requests that run together, longest own part first. Their prompts share the first
    `prefix` tokens; `opens` says that this wave is the first of its group, which computes them."""

    rows: tuple[int, ...]
    prefix: int
    opens: bool


def plan(prompts: Sequence[Ids], new: Sequence[int], budget: Budget, share: bool = True) -> list[Wave]:
    """The waves for prompts (token ids, at least one each) with at most `new` answer tokens.

    Every request stands in exactly one wave. The order is that of the longest own parts inside a
    group, so that the largest allocation comes first; groups come in the order of their tokens.
    """
    groups = _groups(prompts, new) if share else [(0, list(range(len(prompts))))]
    waves: list[Wave] = []
    for prefix, members in groups:
        members.sort(key=lambda i: (-len(prompts[i]), -new[i], i))
        for number, rows in enumerate(_cut(members, prefix, prompts, new, budget)):
            waves.append(Wave(tuple(rows), prefix, number == 0))
    return waves


def _cut(
    members: Sequence[int], prefix: int, prompts: Sequence[Ids], new: Sequence[int], budget: Budget
) -> Iterator[list[int]]:
    rows: list[int] = []
    longest = answer = 0
    for i in members:
        own, after = len(prompts[i]) - prefix, max(answer, new[i])
        size = (max(longest, own) + after) * (len(rows) + 1)
        if rows and (size > budget.tokens or len(rows) == budget.rows):
            yield rows
            rows, longest, after = [], 0, new[i]
        rows.append(i)
        longest, answer = max(longest, own), after
    if rows:
        yield rows


def _groups(prompts: Sequence[Ids], new: Sequence[int]) -> list[tuple[int, list[int]]]:
    """(length of the shared prefix, members), the members without a shared prefix last."""
    if not prompts:
        return []
    order = sorted(range(len(prompts)), key=lambda i: (prompts[i].astype(">u4").tobytes(), i))
    common = np.array([0] + [_common(prompts[a], prompts[b]) for a, b in pairwise(order)])
    prefixes, owner = _branches(order, common, prompts, new)
    members: dict[int, list[int]] = {}
    for place, i in enumerate(order):
        members.setdefault(owner[place], []).append(i)
    found: list[tuple[int, list[int]]] = []
    alone: list[int] = []
    for group, its in members.items():
        prefix = min(prefixes[group], min(len(prompts[i]) for i in its) - 1)
        if prefix < SHORTEST_PREFIX or len(its) == 1:
            alone += its
        else:
            found.append((prefix, its))
    return [*found, (0, alone)] if alone else found


def _branches(
    order: Sequence[int], common: Ids, prompts: Sequence[Ids], new: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Walk the tree of common prefixes from its root; (prefix of each group, group of each place).

    `common[p]` is what the prompts at places p - 1 and p of the order share.
    """
    prefixes, owner = [0], [0] * len(order)
    stack = [(0, len(order), 0)]
    while stack:
        start, end, group = stack.pop()
        if end - start < 2:
            continue
        inside = common[start + 1 : end]
        shared = int(inside.min())
        saved = (end - start) * (shared - prefixes[group]) - shared
        lost = STEP * max(new[order[p]] for p in range(start, end)) if group else 0
        if shared >= SHORTEST_PREFIX and saved > lost:
            group = len(prefixes)
            prefixes.append(shared)
            owner[start:end] = [group] * (end - start)
        cuts = [start, *(int(p) + start + 1 for p in np.flatnonzero(inside == shared)), end]
        stack += [(a, b, group) for a, b in pairwise(cuts)]
    return prefixes, owner


def _common(a: Ids, b: Ids) -> int:
    """How many tokens two prompts begin with in common."""
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    return int(differ[0]) if len(differ) else n
