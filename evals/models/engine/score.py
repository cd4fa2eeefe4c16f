"""Log-likelihoods of continuations: of each prompt once, of its continuations together as a tree.

The prompts are planned like requests that generate, so what they share is computed once. Continuations
of one prompt that begin alike share these tokens too: they form a tree, whose inner nodes are computed in
one pass in which every node sees the prompt and its own ancestors (tree attention, as in SpecInfer, Miao
et al. 2024). The last token of a continuation is only asked for, never computed. A continuation too long for
a tree is read in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from evals.models.chat import Ids
from evals.models.engine.core import CHUNK, Core
from evals.models.engine.plan import Budget, plan
from evals.models.engine.slab import Slab

NODES = 512
"""Nodes in one pass: their logits take 50 MiB in bf16 with a
vocabulary of 50,000."""
ROWS = 128
"""Nodes whose logits are normalised at a time."""

Told = tuple[float, bool]
"""A continuation's log-likelihood, and whether each of its tokens is the likeliest in its place."""
Prefixes = Callable[[Ids, Sequence[int]], Slab | None]
"""What `engine.Shared.slab` gives for a prompt and the path of its wave."""


@dataclass
class Tree:
    """Continuations of one prompt. Node 0 is the prompt's last token; `tokens` and `parents` are those of
    the nodes that are computed; `asked` are (node, token) pairs whose log-likelihood is wanted, and
    `tails` which of them each continuation is the sum of."""

    prompt: Ids
    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    asked: dict[tuple[int, int], int] = field(default_factory=dict)
    tails: list[tuple[int, list[int]]] = field(default_factory=list)
    _children: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens, self.parents = [int(self.prompt[-1])], [0]

    def add(self, number: int, tail: Ids, begin: int) -> None:
        """Add continuation `number`; its tokens from index `begin` on count."""
        node, asks = 0, []
        for place, token in enumerate(tail.tolist()):
            asks.append(self.asked.setdefault((node, token), len(self.asked)))
            if place < len(tail) - 1:
                node = self._child(node, token)
        self.tails.append((number, asks[begin:]))

    def _child(self, node: int, token: int) -> int:
        if (node, token) not in self._children:
            self._children[node, token] = len(self.tokens)
            self.tokens.append(token)
            self.parents.append(node)
        return self._children[node, token]

    def sees(self) -> np.ndarray:
        """Which nodes each node sees, bool [nodes, nodes], and with the diagonal itself."""
        seen = np.eye(len(self.tokens), dtype=bool)
        for node in range(1, len(self.tokens)):
            seen[node] |= seen[self.parents[node]]
        return seen

    def depths(self) -> list[int]:
        """How many nodes are above each."""
        found = [0]
        for parent in self.parents[1:]:
            found.append(found[parent] + 1)
        return found


def trees(prompt: Ids, tails: Sequence[tuple[int, Ids, int]]) -> list[Tree]:
    """Continuations of one prompt (number, tokens, begin) as trees of at most NODES nodes."""
    made = [Tree(prompt)]
    for number, tail, begin in tails:
        if len(made[-1].tokens) > 1 and len(made[-1].tokens) + len(tail) > NODES:
            made.append(Tree(prompt))
        made[-1].add(number, tail, begin)
    return made


def score_trees(
    core: Core, rows: Sequence[Tree], budget: Budget, prefixes: Prefixes
) -> Iterator[tuple[int, dict[int, Told]]]:
    """For each tree, in any order: its index and what is told of its continuations, by number."""
    for wave in plan([row.prompt for row in rows], [len(row.tokens) for row in rows], budget):
        prefix = prefixes(rows[wave.rows[0]].prompt, wave.path)
        for some in _chunks([rows[i] for i in wave.rows], wave.prefix):
            chosen = [wave.rows[i] for i in some]
            found = _pass(core, [rows[i] for i in chosen], wave.prefix, prefix)
            for i, (values, best) in zip(chosen, found, strict=True):
                yield i, {n: (float(values[asks].sum()), bool(best[asks].all())) for n, asks in rows[i].tails}


def score_chain(core: Core, prompt: Ids, tail: Ids, begin: int, root: Slab | None) -> Told:
    """One continuation of any length behind a prompt, its tokens from index `begin` on; `root` is what
    stands before every prompt. No more than NODES tokens' logits are kept at a time."""
    ids = torch.from_numpy(np.concatenate([prompt, tail])).long().to(core.device)
    first, last = len(prompt) - 1 + begin, len(ids) - 1
    slab = Slab(1, last, root)
    if first:
        core.prefill(ids[None, :first], slab, torch.tensor([first - 1], device=core.device))
    value, greedy = 0.0, True
    for column in range(first, last, NODES):
        part = ids[column : min(column + NODES, last)]
        slab.span(0, 1, column, len(part))
        places = torch.arange(len(part), device=core.device)[None]
        logits = core.forward(part[None], places + (slab.start + column), slab, places)[0]
        for at in range(0, len(part), ROWS):
            normal = logits[at : at + ROWS].log_softmax(-1, dtype=torch.float32)
            nexts = ids[column + at + 1 :][: len(normal)]
            value += float(normal.gather(-1, nexts[:, None]).double().sum())
            greedy &= bool((normal.argmax(-1) == nexts).all())
    return value, greedy


def _chunks(rows: Sequence[Tree], shared: int) -> Iterator[range]:
    """Ranges of rows whose padded prompts are about CHUNK tokens, their padded trees about NODES nodes."""
    first = 0
    while first < len(rows):
        last, nodes = first, 0
        while last < len(rows):
            nodes = max(nodes, len(rows[last].tokens))
            n = last + 1 - first
            if last > first and (n * nodes > NODES or n * (len(rows[first].prompt) - shared) > CHUNK):
                break
            last += 1
        yield range(first, last)
        first = last


def _pass(core: Core, rows: Sequence[Tree], shared: int, prefix: Slab | None) -> list[tuple[Tensor, Tensor]]:
    """What each tree asks for: float64 log-likelihoods, and whether each is the highest of its node."""
    own = [len(row.prompt) - 1 - shared for row in rows]
    nodes = max(len(row.tokens) for row in rows)
    slab = Slab(len(rows), max(own) + nodes, prefix)
    if max(own):
        ids = torch.zeros(len(rows), max(own), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : own[i]] = torch.from_numpy(row.prompt[shared:-1])
        last = (torch.tensor(own) - 1).clamp(min=0)
        core.prefill(ids.to(core.device), slab, last.to(core.device))
    logits = core.tree(
        [row.tokens for row in rows], [row.depths() for row in rows], [row.sees() for row in rows], own, slab
    )
    return [_likelihoods(logits[i], row) for i, row in enumerate(rows)]


def _likelihoods(logits: Tensor, row: Tree) -> tuple[Tensor, Tensor]:
    """What a tree asks for, from its nodes' logits [nodes, vocabulary]."""
    found = torch.zeros(len(row.asked), dtype=torch.float64)
    best = torch.zeros(len(row.asked), dtype=torch.bool)
    asked = list(row.asked)
    for first in range(0, len(row.tokens), ROWS):
        these = [k for k, (node, _) in enumerate(asked) if first <= node < first + ROWS]
        if not these:
            continue
        last = min(first + ROWS, len(row.tokens))
        normal = logits[first:last].log_softmax(-1, dtype=torch.float32)
        node = torch.tensor([asked[k][0] - first for k in these], device=logits.device)
        token = torch.tensor([asked[k][1] for k in these], device=logits.device)
        found[these] = normal[node, token].double().cpu()
        best[these] = (normal.argmax(-1)[node] == token).cpu()
    return found, best
