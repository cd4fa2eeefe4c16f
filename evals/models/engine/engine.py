"""The engine: requests in, completions out, each as soon as it is finished."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evals.errors import ModelError
from evals.models.chat import Ids, Renderer
from evals.models.engine.core import Core
from evals.models.engine.decode import run_wave
from evals.models.engine.memory import give_back, keep_freed, ran_out, room
from evals.models.engine.plain import run_plain, score_plain
from evals.models.engine.plan import Budget, Wave, plan
from evals.models.engine.rows import Row
from evals.models.engine.score import NODES, Told, score_chain, score_trees, trees
from evals.models.engine.slab import Slab
from evals.models.engine.soft import virtual_tokens
from evals.types import Completion, Finish, PromptText, Request, Usage

if TYPE_CHECKING:
    from evals.models.grammar import Grammars

log = logging.getLogger(__name__)


class Engine:
    """A loaded model that answers. `ends` are the tokens that end an answer, `budget` bounds a wave.

    Decoding is greedy or at a temperature; what a model's generation config says of penalties and
    nuclei is not applied, so that equal settings mean the same for every model.
    """

    def __init__(self, model: Any, renderer: Renderer, context: int, pack: bool = False) -> None:
        keep_freed()
        self.core = Core(model, context + virtual_tokens(model), pack)
        self.renderer, self.context = renderer, context
        self.device, self.dtype = self.core.device, self.core.dtype
        self.ends = _ends(model, renderer.tokenizer)
        self.budget = Budget(room(self.core.model, self.core.config))
        self._unfit = self.core.unfit()
        if self._unfit:
            log.warning("%s runs by plain generate, slower: %s", renderer.name, self._unfit)

    def generate(
        self, requests: Sequence[Request], done: frozenset[str]
    ) -> Generator[Completion, None, None]:
        """Completions of the requests not in `done`; see `evals.types.Model`."""
        return self.answer(requests, self.renderer.ids([r.prompt for r in requests]), done)

    def answer(
        self, requests: Sequence[Request], prompts: Sequence[Ids], done: frozenset[str] = frozenset()
    ) -> Generator[Completion, None, None]:
        """As `generate`, from prompts that are token ids already, in place of those in the requests."""
        for request in requests:
            if request.grammar is not None:
                self.grammars.matcher(request.grammar)
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
            rows = [self._row(requests[i], prompts[i]) for i in wave.rows]
            for row in rows:
                row.shared = row.cached = wave.prefix
            rows[0].cached = wave.path[-wave.opens - 1] if wave.opens < len(wave.path) else 0
            for row in self._wave(wave, rows, shared, plain):
                if row.request.id not in done:
                    yield row.completion()

    def _row(self, request: Request, prompt: Ids) -> Row:
        matcher = None if request.grammar is None else self.grammars.matcher(request.grammar)
        return Row(request, prompt, self.renderer.tokenizer, self.ends, matcher)

    @cached_property
    def grammars(self) -> Grammars:
        """What holds answers to a grammar."""
        try:
            from evals.models.grammar import Grammars
        except ImportError as error:
            raise ModelError(
                f"constrained decoding needs xgrammar ({error})",
                hint="pip install --no-deps xgrammar==0.2.8 apache-tvm-ffi (with a GPU: without --no-deps).",
            ) from error
        return Grammars(self.renderer.tokenizer, int(self.core.config.vocab_size), self.ends)

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        """For each prompt the log-likelihoods of its continuations."""
        read = [self._continued(prompt, continuations) for prompt, continuations in asked]
        longest = max((len(base) + len(t) for base, tails, _ in read for t in tails), default=0)
        if longest > self.context:
            raise ModelError(
                f"a prompt with its continuation takes {longest} tokens, and the context is {self.context}",
                hint="Shorten the prompt.",
            )
        return [[value for value, _ in told] for told in self.tell(read)]

    def tell(self, read: Sequence[tuple[Ids, Sequence[Ids], Sequence[int]]]) -> list[list[Told]]:
        """The log-likelihoods of token ids, and whether they are the likeliest: for each prompt (at least
        one token) those of its continuations, from the token on that the third says. All but a
        continuation's last token must fit the context."""
        longest = max((len(base) + len(t) for base, tails, _ in read for t in tails), default=0)
        if self._plain(longest):
            return [score_plain(self.core.whole, *one) for one in read]
        found: list[list[Told]] = [[(0.0, True)] * len(tails) for _, tails, _ in read]
        shared = Shared(self.core)
        owners, rows = [], []
        for number, (base, tails, begins) in enumerate(read):
            short = [n for n, tail in enumerate(tails) if len(tail) <= NODES]
            for n in set(range(len(tails))).difference(short):
                found[number][n] = score_chain(self.core, base, tails[n], begins[n], shared.root)
            for tree in trees(base, [(n, tails[n], begins[n]) for n in short]) if short else ():
                owners.append(number)
                rows.append(tree)
        for i, told in score_trees(self.core, rows, self.budget, shared.slab):
            for n, one in told.items():
                found[owners[i]][n] = one
        return found

    def _continued(
        self, prompt: PromptText, continuations: Sequence[str]
    ) -> tuple[Ids, list[Ids], list[int]]:
        """The tokens that a prompt has in common with all its continuations (at least one), what follows
        in each, and from which token on that is not the prompt's. Prompt and continuation are tokenised
        as one text: where they meet, the tokenizer may join them, and what counts is what the prompt
        alone does not have."""
        text, special = self.renderer.text(prompt), isinstance(prompt, str)
        texts = [text, *(text + c for c in continuations)]
        given, *wholes = map(self.renderer.cut, self.renderer.text_ids(texts, special))
        same = [_same(given, whole) for whole in wholes]
        head = min(same, default=0)
        base = given[:head] if head else np.asarray([self.renderer.start()], given.dtype)
        return base, [whole[head:] for whole in wholes], [n - head for n in same]

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
                run_plain(self.core.whole, rows, self.ends)
                if plain
                else run_wave(self.core, rows, shared.slab(rows[0].prompt, wave.path, rows))
            )
            for row in running:
                left.remove(row)
                yield row
            give_back()
            return
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
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

    def slab(self, prompt: Ids, path: Sequence[int], rows: Sequence[Row] = ()) -> Slab | None:
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


def _same(a: Ids, b: Ids) -> int:
    n = min(len(a), len(b))
    differ = (a[:n] != b[:n]).nonzero()[0]
    return int(differ[0]) if len(differ) else n
