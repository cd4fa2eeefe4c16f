"""One wave: the prompts' own parts in chunks of rows, then token by token, rows leaving as they end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch

from evals.models.engine.core import CHUNK, Core
from evals.models.engine.rows import Row, pick
from evals.models.engine.slab import Slab


def run_wave(core: Core, rows: Sequence[Row], prefix: Slab | None) -> Iterator[Row]:
    """Yield each row once, when it is finished. Rows come longest own part first."""
    own = [len(row.prompt) - row.shared for row in rows]
    columns = max(n + row.request.max_tokens for n, row in zip(own, rows, strict=True))
    slab = Slab(len(rows), max(columns, own[0]), prefix)
    for first, last in _chunks(own):
        yield from _prompts(core, rows[first:last], own[first:last], slab, first)
    yield from _steps(core, list(rows), own, slab)


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
    ids = torch.zeros(len(rows), own[0], dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : own[i]] = torch.from_numpy(row.prompt[row.shared :])
    last = torch.tensor(own, device=core.device) - 1
    chosen = pick(core.prefill(ids.to(core.device), slab, last, first), rows)
    yield from _push(rows, chosen, start)


def _steps(core: Core, rows: list[Row], own: list[int], slab: Slab) -> Iterator[Row]:
    """Decode until every row is finished; `own` is how many tokens of each row the slab holds."""
    while live := [i for i, row in enumerate(rows) if row.finish is None]:
        start = time.perf_counter()
        # Rows that are finished stay in the batch until half of them are: copying the slab costs
        # more than computing a few rows in vain, and new shapes cost the kernels a preparation.
        if len(live) <= len(rows) // 2:
            slab.keep(torch.tensor(live, device=core.device))
            rows, own = [rows[i] for i in live], [own[i] for i in live]
        # A finished row's last token is written once more behind those that count.
        fresh = [row.tokens[-1:] for row in rows]
        logits = core.step(fresh, own, slab)
        own = [n + (row.finish is None) for n, row in zip(own, rows, strict=True)]
        yield from _push(rows, pick(logits, rows), start)


def _push(rows: Sequence[Row], chosen: Sequence[int], start: float) -> Iterator[Row]:
    """Give each unfinished row its token and its share of the time; yield those that are finished."""
    live = [i for i, row in enumerate(rows) if row.finish is None]
    finished = [rows[i] for i in live if rows[i].push(chosen[i])]
    share = (time.perf_counter() - start) / len(live)
    for i in live:
        rows[i].seconds += share
    yield from finished
