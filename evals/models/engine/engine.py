"""The engine: requests in, completions out, each as soon as it is finished."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Generator, Iterator, Sequence
from functools import cached_property
from typing import Any

import torch

from evals.errors import ModelError
from evals.models.chat import Ids, Renderer
from evals.models.engine.core import Core
from evals.models.engine.decode import run_wave
from evals.models.engine.plain import run_plain, score_plain
from evals.models.engine.plan import Budget, Wave, plan
from evals.models.engine.rows import Row
from evals.models.engine.score import score_tails
from evals.models.engine.slab import Slab
from evals.models.engine.soft import virtual_tokens
from evals.types import Completion, Finish, PromptText, Request, Usage

log = logging.getLogger(__name__)


class Engine:
    """A loaded model that answers. `ends` are the tokens that end an answer, `budget` bounds a wave.

    Decoding is greedy or at a temperature; what a model's generation config says of penalties and
    nuclei is not applied, so that equal settings mean the same for every model.
    """

    def __init__(self, model: Any, renderer: Renderer, context: int, pack: bool = False) -> None:
        self.core = Core(model, context, pack)
        self.renderer, self.context = renderer, context - virtual_tokens(model)
        self.device, self.dtype = self.core.device, self.core.dtype
        self.ends = _ends(model, renderer.tokenizer)
        self.budget = Budget(_room(self.core))
        self._unfit = self.core.unfit()
        if self._unfit:
            log.warning("%s runs by plain generate, slower: %s", renderer.name, self._unfit)

    def generate(
        self, requests: Sequence[Request], done: frozenset[str]
    ) -> Generator[Completion, None, None]:
        """Completions of the requests not in `done`; see `evals.types.Model`."""
        prompts = self.renderer.ids([r.prompt for r in requests])
        room = [self.context - len(p) for p in prompts]
        waiting = []
        for i, request in enumerate(requests):
            if room[i] < request.max_tokens or request.max_tokens <= 0:
                finish: Finish = "length" if room[i] >= request.max_tokens else "too_long"
                if request.id not in done:
                    yield Completion(request.id, "", finish, Usage(tokens_in=len(prompts[i])))
            else:
                waiting.append(i)
        yield from self._run([requests[i] for i in waiting], [prompts[i] for i in waiting], done)

    def _run(
        self, requests: Sequence[Request], prompts: Sequence[Ids], done: frozenset[str]
    ) -> Iterator[Completion]:
        longest = max((len(p) + r.max_tokens for p, r in zip(prompts, requests, strict=True)), default=0)
        plain = self._plain(longest)
        shared = Shared(self.core)
        for wave in plan(prompts, [r.max_tokens for r in requests], self.budget, share=not plain):
            if all(requests[i].id in done for i in wave.rows):
                continue
            rows = [Row(requests[i], prompts[i], self.renderer.tokenizer, self.ends) for i in wave.rows]
            for row in rows:
                row.shared = row.cached = wave.prefix
            rows[0].cached = wave.path[-wave.opens - 1] if wave.opens < len(wave.path) else 0
            for row in self._wave(wave, rows, shared, plain):
                if row.request.id not in done:
                    yield row.completion()

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        """The log-likelihood of each continuation of the prompt."""
        text, special = self.renderer.text(prompt), isinstance(prompt, str)
        given, *wholes = self.renderer.text_ids([text, *(text + c for c in continuations)], special)
        longest = max((len(w) for w in wholes), default=0)
        if longest > self.context:
            raise ModelError(
                f"a prompt with its continuation takes {longest} tokens, and the context is {self.context}",
                hint="Shorten the prompt.",
            )
        # Where prompt and continuation meet, the tokenizer may join them: what counts is what the
        # prompt alone does not have. The common part is computed once.
        same = [_same(given, whole) for whole in wholes]
        head = min(same, default=0)
        begins = [n - head for n in same]
        base = given[:head] if head else given[:0]
        if head == 0:
            base = base.__class__((1,), base.dtype)
            base[0] = self.renderer.start()
        tails = [whole[head:] for whole in wholes]
        if not any(len(tail) for tail in tails):
            return [0.0] * len(tails)
        if self._plain(longest):
            return score_plain(self.core.model, base, tails, begins)
        return score_tails(self.core, base, tails, begins)

    def _plain(self, longest: int) -> bool:
        window = self.core.window()
        if self._unfit is None and window is not None and longest > window:
            log.warning(
                "%s runs by plain generate, slower: %d tokens pass its window of %d",
                self.renderer.name,
                longest,
                window,
            )
            return True
        return self._unfit is not None

    def _wave(self, wave: Wave, rows: list[Row], shared: Shared, plain: bool) -> Iterator[Row]:
        """Run rows of a wave; when memory does not suffice, those not yet answered in halves."""
        left = list(rows)
        try:
            running = (
                run_plain(self.core.model, rows, self.ends)
                if plain
                else run_wave(self.core, rows, shared.slab(rows[0].prompt, wave.path, rows))
            )
            for row in running:
                left.remove(row)
                yield row
            return
        except (RuntimeError, MemoryError) as error:
            if not _out_of_memory(error):
                raise
        if len(rows) == 1:
            raise ModelError(
                f"not enough memory for one request of {len(rows[0].prompt)} tokens",
                hint="Use a smaller model, a shorter prompt or fewer max_tokens.",
            )
        log.warning("not enough memory for %d rows at once: going on with half of them", len(rows))
        for row in left:
            row.reset()
        half = (len(rows) + 1) // 2
        for part in (left[:half], left[half:]):
            if part:
                yield from self._wave(wave, part, shared, plain)


class Shared:
    """The prefixes on the way from the root of the requests' tree to the wave that runs: each piece is
    computed once, on top of the one before it, and dropped when the tree is left there."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._stack: list[tuple[bytes, Slab]] = []

    @cached_property
    def root(self) -> Slab | None:
        """A soft prompt's keys and values."""
        return self.core.root()

    def slab(self, prompt: Ids, path: Sequence[int], rows: Sequence[Row]) -> Slab | None:
        """The keys and values of the prompt's first `path[-1]` tokens, in pieces that end at `path`; the
        rows share the time that takes."""
        start = time.perf_counter()
        while self._stack and not self._on(prompt, path):
            self._stack.pop()
        for level in range(len(self._stack), len(path)):
            before = self._stack[-1][1] if self._stack else self.root
            piece = prompt[path[level - 1] if level else 0 : path[level]]
            slab = self.core.prefix(torch.from_numpy(piece).long().to(self.core.device), before)
            self._stack.append((prompt[: path[level]].tobytes(), slab))
        for row in rows:
            row.seconds += (time.perf_counter() - start) / len(rows)
        return self._stack[-1][1] if self._stack else self.root

    def _on(self, prompt: Ids, path: Sequence[int]) -> bool:
        level = len(self._stack) - 1
        return level < len(path) and prompt[: path[level]].tobytes() == self._stack[-1][0]


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: those of the generation config and the tokenizer's."""
    found: list[Any] = [tokenizer.eos_token_id]
    for config in (getattr(model, "generation_config", None), model.config):
        ids = getattr(config, "eos_token_id", None)
        found += ids if isinstance(ids, (list, tuple)) else [ids]
    return frozenset(int(i) for i in found if i is not None)


def _room(core: Core) -> int:
    """How many tokens' keys and values a wave may hold: on a GPU half of what the weights leave, else
    an eighth of the machine's memory, at most 4 GiB; rounded down to a power of two, so that
    machines of about the same size cut the same waves."""
    config = core.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * dim * core.dtype.itemsize
    if core.device.type == "cuda":
        weights = sum(p.numel() * p.element_size() for p in core.model.parameters())
        room = (torch.cuda.get_device_properties(core.device).total_memory - weights) / 2
    else:
        room = min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 8, 1 << 32)
    return (1 << int(math.log2(max(room, 1 << 26)))) // int(token)


def _same(a: Ids, b: Ids) -> int:
    n = min(len(a), len(b))
    differ = (a[:n] != b[:n]).nonzero()[0]
    return int(differ[0]) if len(differ) else n


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(s in str(error) for s in ("not enough memory", "DefaultCPUAllocator", "out of memory"))
