"""Models that run on this machine, through transformers and the engine.

`open_local` finds the files (and says so when they are not there); tokenizer, config and weights are
loaded when first needed, so that counting tokens costs no weights. `LocalModel` can also wrap a
model that is already in memory, for instance one in training, which it leaves as it found it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from evals.errors import ModelError
from evals.models.adapter import Adapted, find_adapter, is_whole
from evals.models.files import find_folder
from evals.models.sources import Saved, Source
from evals.types import Completion, ModelRef, PromptText, Request

if TYPE_CHECKING:
    from evals.models.chat import Renderer
    from evals.models.engine import Engine

log = logging.getLogger(__name__)

DTYPES = ("auto", "float32", "bfloat16", "float16")
_SHORT = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def open_local(ref: ModelRef, *, trusts_code: bool = False) -> LocalModel:
    """The model named by `ref`: a known name, a hub id or a path; with `trusts_code`, code that it brings
    along may be run.

    Raises ModelError when it is not there, or when `ref` asks for what this provider cannot do.
    """
    dtype = _SHORT.get(ref.dtype, ref.dtype)
    if dtype not in DTYPES:
        raise ModelError(
            f"there is no dtype {ref.dtype!r}", key="dtype", hint=f"Available: {', '.join(DTYPES)}."
        )
    adapter = None if ref.adapter is None else find_adapter(ref.adapter)
    base = Saved(find_folder(ref.name, "model", ref.revision), dtype, trusts_code)
    if adapter is None:
        return LocalModel(ref.name, base)
    whole = is_whole(adapter)
    return LocalModel(ref.name, replace(base, folder=adapter) if whole else Adapted(base, adapter))


class LocalModel:
    """Implements `evals.types.Model`.

    `busy_seconds` is the wall time spent inside `generate` and `score` (tokenising, planning and
    computing; not the time the caller takes between two completions); `load_seconds` the time spent
    loading tokenizer and weights, which is not part of it.
    """

    def __init__(self, name: str, source: Source) -> None:
        self.name, self.source = name, source
        self.busy_seconds = 0.0
        self.load_seconds = 0.0

    @cached_property
    def context(self) -> int:
        """How many tokens prompt and answer may have together."""
        return self._positions() - self.source.reserved()

    def _positions(self) -> int:
        config = self.source.config().get_text_config(decoder=True)
        for key in ("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx"):
            if isinstance(value := getattr(config, key, None), int) and value > 0:
                return value
        limit = int(min(self.renderer.tokenizer.model_max_length, 1 << 20))
        return limit if limit < 1 << 20 else 2048

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the answers could: with the weights, the tokenizer or the dtype."""
        return self.source.fingerprint()

    @cached_property
    def renderer(self) -> Renderer:
        """Prompts to token ids."""
        from evals.models.chat import Renderer

        start = time.perf_counter()
        tokenizer = self.source.tokenizer()
        self.load_seconds += time.perf_counter() - start
        return Renderer(tokenizer, self.name, self.source.head())

    @cached_property
    def engine(self) -> Engine:
        """The weights, and what runs them."""
        from evals.models.engine import Engine

        renderer = self.renderer
        start = time.perf_counter()
        engine = Engine(self.source.weights(), renderer, self.context, pack=self.source.frozen)
        self.load_seconds += time.perf_counter() - start
        log.info("%s: %s on %s", self.name, engine.dtype, engine.device)
        return engine

    def rest(self) -> None:
        """Let go of the weights, which are loaded again when something is asked."""
        self.__dict__.pop("engine", None)

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        """Answer the requests not in `done`, each as soon as it is finished; see `evals.types.Model`.

        Raises ModelError when a request's grammar is malformed or cannot be held.
        """
        return self._timed(requests, done)

    def _timed(self, requests: Sequence[Request], done: Collection[str]) -> Iterator[Completion]:
        if all(request.id in done for request in requests):
            return
        rows = self.engine.generate(requests, frozenset(done))
        try:
            while True:
                start = time.perf_counter()
                try:
                    row = next(rows, None)
                finally:
                    self.busy_seconds += time.perf_counter() - start
                if row is None:
                    return
                yield row
        finally:
            rows.close()

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        """The log-likelihood (natural log, summed over tokens) of each continuation; see `scores`."""
        return self.scores([(prompt, continuations)])[0]

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        """`score` for many prompts at once, which is faster.

        Continuations are tokenised together with the prompt, as one text. Raises ModelError when
        the two do not fit the context.
        """
        engine = self.engine
        start = time.perf_counter()
        try:
            return engine.scores(asked)
        finally:
            self.busy_seconds += time.perf_counter() - start

    def count(self, prompt: PromptText) -> int:
        """How many tokens the prompt takes, chat template included; loads the tokenizer only."""
        return len(self.renderer.ids([prompt])[0])
