"""One wave: the prompts' own parts in chunks of rows, then token by token, rows leaving as they end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch

from evals.models.engine.core import CHUNK, Core
from evals.models.engine.rows import Row, pick
from evals.models.engine.slab import Slab

DRAFT = 4
"""Tokens guessed at a time."""
FEW = 16
"""Rows up to which guessing is worth it: so few that a pass of several tokens costs little more than one of
a token (SmolLM2-135M on 2 cores: 2.3 times the speed with one row, 1.25 with 8, nothing with 64)."""


def run_wave(core: Core, rows: Sequence[Row], prefix: Slab | None) -> Iterator[Row]:
    """Yield each row once, when it is finished. Rows come longest own part first."""
    yield from (row for row in rows if row.finish is not None)  # a grammar may leave no choice at all
    rows = [row for row in rows if row.finish is None]
    if not rows:
        return
    own = [len(row.prompt) - row.shared + len(row.pending) for row in rows]
    columns = max(len(row.prompt) - row.shared + row.request.max_tokens for row in rows)
    slab = Slab(len(rows), max(columns, *own), prefix)
    for first, last in _chunks(own):
        yield from _prompts(core, rows[first:last], own[first:last], slab, first)
    yield from _steps(core, rows, own, slab)


def _chunks(own: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose padded prompts are about CHUNK tokens."""
    first = 0
    while first < len(own):
        last = min(len(own), first + max(1, CHUNK // own[first]))
        yield first, last
        first = last


def _prompts(core: Core, rows: Sequence[Row], own: Sequence[int], slab: Slab, first: int) -> Iterator[Row]:
    """Compute the own parts of some rows and take their first tokens."""
    start = time.perf_counter()
    ids = torch.zeros(len(rows), max(own), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : own[i]] = torch.tensor([*row.prompt[row.shared :].tolist(), *row.pending])
    last = torch.tensor(own, device=core.device) - 1
    chosen = pick(core.prefill(ids.to(core.device), slab, last, first), rows)
    yield from _push(rows, [[token] for token in chosen], start)


def _steps(core: Core, rows: list[Row], own: list[int], slab: Slab) -> Iterator[Row]:
    """Decode until every row is finished; `own` is how many tokens of each row the slab holds."""
    while live := [i for i, row in enumerate(rows) if row.finish is None]:
        start = time.perf_counter()
        # Rows that are finished stay in the batch until half of them are: copying the slab costs
        # more than computing a few rows in vain, and new shapes cost the kernels a preparation.
        if len(live) <= len(rows) // 2:
            slab.keep(torch.tensor(live, device=core.device))
            rows, own = [rows[i] for i in live], [own[i] for i in live]
        drafts = [row.draft(DRAFT) if len(live) <= FEW else [] for row in rows]
        # A finished row's last token is written once more behind those that count.
        new = [row.tokens[-1:] if row.finish is not None else row.pending for row in rows]
        logits = core.step([[*n, *d] for n, d in zip(new, drafts, strict=True)], drafts, own, slab)
        said = [[token] for token in pick(logits[:, 0], rows)]
        if any(drafts):
            best = logits.float().argmax(-1).tolist()
            said = [_agreed(b, d) if d else s for s, b, d in zip(said, best, drafts, strict=True)]
        own = [
            n if row.finish is not None else n + len(fresh) + len(tokens) - 1
            for n, row, fresh, tokens in zip(own, rows, new, said, strict=True)
        ]
        yield from _push(rows, said, start)


def _agreed(best: Sequence[int], draft: Sequence[int]) -> list[int]:
    """What the model says: its best token, and its next ones as long as the draft had the one before."""
    agreed = 0
    while agreed < len(draft) and best[agreed] == draft[agreed]:
        agreed += 1
    return list(best[: agreed + 1])


def _push(rows: Sequence[Row], said: Sequence[Sequence[int]], start: float) -> Iterator[Row]:
    """Give each unfinished row its tokens and its share of the time; yield those that are finished."""
    live = [i for i, row in enumerate(rows) if row.finish is None]
    finished = [rows[i] for i in live if any(rows[i].push(token) for token in said[i])]
    share = (time.perf_counter() - start) / len(live)
    for i in live:
        rows[i].seconds += share
    yield from finished
