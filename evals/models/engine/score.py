"""Log-likelihoods of continuations: of each prompt once, of its continuations together as a tree.

The prompts are planned like requests that generate, so what they share is computed once. Continuations
of one prompt that begin alike share these tokens too: they form a tree, whose inner nodes are computed in
one pass in which every node sees the prompt and its own ancestors (tree attention, as in SpecInfer, Miao
et al. 2024). The last token of a continuation is only asked for, never computed.
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
"""Nodes in one pass, unless a single continuation has more: their logits take 50 MiB in bf16 with a
vocabulary of 50,000."""
ROWS = 128
"""Nodes whose logits are normalised at a time."""

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


def trees(prompt: Ids, tails: Sequence[Ids], begins: Sequence[int]) -> list[Tree]:
    """Continuations of one prompt as trees of at most NODES nodes (a long one may have more)."""
    made = [Tree(prompt)]
    for number, (tail, begin) in enumerate(zip(tails, begins, strict=True)):
        if len(made[-1].tokens) > 1 and len(made[-1].tokens) + len(tail) > NODES:
            made.append(Tree(prompt))
        made[-1].add(number, tail, begin)
    return made


def score_trees(
    core: Core, rows: Sequence[Tree], budget: Budget, prefixes: Prefixes
) -> Iterator[tuple[int, dict[int, float]]]:
    """For each tree, in any order: its index and the log-likelihood of its continuations by number."""
    for wave in plan([row.prompt for row in rows], [len(row.tokens) for row in rows], budget):
        prefix = prefixes(rows[wave.rows[0]].prompt, wave.path)
        for some in _chunks([rows[i] for i in wave.rows], wave.prefix):
            chosen = [wave.rows[i] for i in some]
            found = _pass(core, [rows[i] for i in chosen], wave.prefix, prefix)
            for i, likelihoods in zip(chosen, found, strict=True):
                yield i, {n: float(likelihoods[asks].sum()) for n, asks in rows[i].tails}


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


def _pass(core: Core, rows: Sequence[Tree], shared: int, prefix: Slab | None) -> list[Tensor]:
    """float64 log-likelihoods of what each tree asks for."""
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


def _likelihoods(logits: Tensor, row: Tree) -> Tensor:
    """What a tree asks for, from its nodes' logits [nodes, vocabulary]."""
    found = torch.zeros(len(row.asked), dtype=torch.float64)
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
    return found
