"""A model behind an OpenAI-compatible URL.

Messages go to /chat/completions, plain text to /completions (where no chat template is applied).
Requests run a few at a time; each is tried again after a rate limit, a server error, a timeout, a
broken connection or a nonsensical answer, and becomes a row in error when patience ends. Many such
rows in a row are an outage: the run stops and can be resumed. What no retry can cure (a wrong key,
an unknown model, an empty account) stops it at once.

Answers are kept (answers.py) and taken from there when the same is asked again. Every attempt is paid
from a purse: when a budget allows none, those on their way are waited for, and nothing more is asked.

The key is read from an environment variable and goes nowhere but into the request's header; it is
cut out of whatever a server says before that is shown.
"""

from __future__ import annotations

import copy
import logging
import math
import os
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Event, Lock
from typing import Any
from urllib.parse import urlsplit

import openai

from evals.errors import ModelError
from evals.models.answers import Answers, key_of
from evals.models.lanes import in_lanes
from evals.models.openai_api import Reply, Trouble, body, read_error, read_models, read_reply, shorten
from evals.models.patience import Limits, Tally, pause
from evals.models.response_format import PROOF, is_schema, opened, pays_no_attention
from evals.prices import usd
from evals.spending import Purse
from evals.store import digest
from evals.table import nearest
from evals.types import Completion, ModelRef, PromptText, Request, Usage

log = logging.getLogger(__name__)

CONTEXT = 128_000
"""Tokens, assumed where the server does not tell."""
CHARACTERS_PER_TOKEN = 4
MAX_STOPS = 4
LONG_PAUSE = 5.0
QUIET_SECONDS = 30.0
"""After a warning about a pause, further ones are not warnings: all lanes meet the same trouble."""


def open_endpoint(
    ref: ModelRef,
    *,
    jobs: int = 8,
    keep: bool = False,
    connect_seconds: float = 10.0,
    read_seconds: float = 120.0,
    retries: int = 6,
    sleep: Callable[[float], None] | None = None,
) -> Endpoint:
    """The model `ref.name` at `ref.endpoint`; nothing is sent before the first request.

    `jobs` requests run at a time; `keep` says whether answers are kept, and taken from those kept before;
    `sleep` stands in for the pauses between attempts. Raises
    ModelError when the address is none, the key's variable is unset or the reference asks for what
    an endpoint cannot do.
    """
    if ref.endpoint is None or urlsplit(ref.endpoint).scheme not in ("http", "https"):
        raise ModelError(
            f"{ref.endpoint!r} is not an address", key="model.endpoint", hint="Write it as https://host/v1."
        )
    if ref.adapter is not None:
        raise ModelError(
            "an endpoint cannot load an adapter", key="model.adapter", hint="Serve the adapted model there."
        )
    if jobs < 1:
        raise ModelError(f"needs at least one request at a time, not {jobs}", where=_shown(ref.endpoint))
    limits = Limits(jobs, connect_seconds, read_seconds, retries, sleep)
    return Endpoint(ref, ref.endpoint, _key(ref.api_key_env), limits, Answers() if keep else None)


def _key(variable: str | None) -> str:
    """The key in an environment variable; a placeholder when none is named (local servers)."""
    if variable is None:
        return "none"
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ModelError(
            f"the environment variable {variable} is not set",
            key="model.api_key_env",
            hint=f"Set it to the key of this endpoint: export {variable}=…",
        )
    if not (key.isascii() and key.isprintable()):
        raise ModelError(
            f"the environment variable {variable} holds characters that no key has", key="model.api_key_env"
        )
    return key


def _shown(address: str) -> str:
    """The address without a user, password or query that may stand in it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _place(address: str) -> str:
    """The address with its query, which may choose what answers, and without a user or password."""
    parts = urlsplit(address)
    return _shown(address) + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a request ended; without a completion where the budget allowed no call."""

    completion: Completion | None
    trouble: Trouble | None = None
    known: bool = False


class Endpoint:
    """Implements `evals.types.Model`. `busy_seconds` is the wall time spent waiting for the network."""

    def __init__(
        self, ref: ModelRef, address: str, key: str, limits: Limits, answers: Answers | None = None
    ) -> None:
        self.name, self.address = ref.name, _shown(address)
        self._place, self._answers, self._purse = _place(address), answers, Purse()
        self.busy_seconds = 0.0
        self._variable, self._key, self._limits = ref.api_key_env, key, limits
        self._tally = Tally(self.address)
        self._limit_key = "max_tokens"
        self._estimates = False
        self._holds = self._proved = False
        self._telling = Lock()
        self._quiet_until = 0.0
        times = openai.Timeout(limits.read, connect=limits.connect)
        # Retries are counted in Usage.calls, so they are made here and not inside the client.
        self._client = openai.OpenAI(base_url=address, api_key=key, timeout=times, max_retries=0)

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r} at {self.address})"

    def paid_from(self, purse: Purse) -> Endpoint:
        """The same endpoint, its calls counted in `purse` and ended by its budget."""
        other = copy.copy(self)
        other._purse = purse
        return other

    @cached_property
    def context(self) -> int:
        """Tokens a request may take: what /models says, else 128,000."""
        models = self._models()
        told = models.get(self.name) or (next(iter(models.values())) if len(models) == 1 else None)
        return told or CONTEXT

    @property
    def fingerprint(self) -> str:
        """The address and the model's name there: what is behind them cannot be seen from here."""
        return digest([self.address, self.name])

    def count(self, prompt: PromptText) -> int:
        """An estimate, as the tokenizer is not at hand: a token per four characters, and four
        tokens for each message's frame."""
        if isinstance(prompt, str):
            return math.ceil(len(prompt) / CHARACTERS_PER_TOKEN)
        return sum(4 + math.ceil(len(m.content) / CHARACTERS_PER_TOKEN) for m in prompt)

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        """Raises ModelError: this API gives no log-likelihood of a given text."""
        return self.scores([(prompt, continuations)])[0]

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        """Raises ModelError, as `score`."""
        raise ModelError(
            "endpoints give no log-likelihoods of given texts",
            where=self.address,
            hint="Use a local model for approaches and graders that need them.",
        )

    def generate(
        self, requests: Sequence[Request], done: Collection[str] = ()
    ) -> Generator[Completion, None, None]:
        """Answer every request not in `done`, each as soon as its answer is there.

        A row without an answer after all retries has finish "error". Raises OutageError after 8 such
        rows in a row or when the account is empty, BudgetError when the budget does not allow all of
        them (after those it allows), ModelError when the key, the model, the address or every request
        is refused.
        """
        todo = [request for request in requests if request.id not in done]
        for request in todo:
            self._check(request)
        return self._generate(todo)

    def _generate(self, todo: Sequence[Request]) -> Generator[Completion, None, None]:
        if not self._proved and any(is_schema(request.grammar) for request in todo):
            self._prove()
        refused = False
        with closing(in_lanes(self._ask, todo, self._limits.jobs)) as outcomes:
            while (outcome := self._next(outcomes)) is not None:
                if outcome.completion is None:
                    refused = True
                    continue
                if outcome.trouble is not None:
                    self._stop_at_once(outcome.trouble)
                yield outcome.completion
                if outcome.trouble is not None:
                    self._tally.failure(outcome.trouble)
                elif not outcome.known:
                    self._tally.answer()
        if refused and self._purse.over is not None:
            raise self._purse.over

    def _prove(self) -> None:
        """Ask for what no model says unless it is held. Raises ModelError where it is not."""
        self._proved = True
        if any(map(pays_no_attention, self._generate([PROOF]))):
            self._proved = False
            raise self._unheld("takes response_format and pays no attention to it")

    def _next(self, outcomes: Iterator[_Outcome]) -> _Outcome | None:
        start = time.perf_counter()
        try:
            return next(outcomes, None)
        finally:
            self.busy_seconds += time.perf_counter() - start

    def _check(self, request: Request) -> None:
        if request.grammar is not None and isinstance(request.prompt, str):
            raise ModelError(
                "/completions takes no response format",
                where=self.address,
                hint="Ask with messages, or without a grammar.",
            )
        if request.grammar is not None and "after" in request.grammar:
            raise ModelError(
                "a response format holds an answer from its first letter: none can come after reasoning",
                where=self.address,
                hint="Ask without reasoning, without a grammar, or use a local model.",
            )
        if len(request.stop) > MAX_STOPS:
            raise ModelError(
                f"{len(request.stop)} stop texts; this API takes at most {MAX_STOPS}",
                where=self.address,
                key="generation.stop",
            )

    def _ask(self, request: Request, stop: Event) -> _Outcome:
        """One request to its end, in a lane."""
        if (known := self._known(request)) is not None:
            return _Outcome(known, known=True)
        calls = 0
        while True:
            calls += 1
            reply, seconds = self._paid(request)
            if reply is None:
                return _Outcome(None)
            if isinstance(reply, Reply):
                usage = self._usage(request, reply, calls, seconds)
                answer = Completion(request.id, _cut(reply.text, request.stop), reply.finish, usage)
                if self._answers is not None and not request.fresh:
                    self._answers.put(self._kept_under(request), answer)
                return _Outcome(answer)
            if reply.kind == "renamed":
                self._limit_key = "max_completion_tokens"
                continue
            wait = pause(reply, calls, self._limits.retries, self._tally.answered > 0)
            if wait is None or stop.is_set():
                return _without_answer(request, reply, Usage(calls=calls, seconds=seconds))
            log.log(self._loudness(wait), "%s: %s; again in %.0f s", self.address, reply.said, wait)
            (self._limits.sleep or stop.wait)(wait)

    def _known(self, request: Request) -> Completion | None:
        """The answer that was kept, with the usage it had; it counts as no call."""
        if self._answers is None or request.fresh:
            return None
        found = self._answers.get(self._kept_under(request))
        if found is None:
            return None
        self._purse.count("endpoint", self.name, found.usage, cached=True)
        return replace(found, id=request.id)

    def _kept_under(self, request: Request) -> str:
        return key_of(self._place, _path(request), body(self.name, request))

    def _paid(self, request: Request) -> tuple[Reply | Trouble | None, float]:
        """One attempt, paid for, and its seconds; None where the budget allows none."""
        longest = Usage(tokens_in=self.count(request.prompt), tokens_out=request.max_tokens)
        most = usd(longest, "endpoint", self._purse.prices)
        if not self._purse.reserve(most):
            return None, 0.0
        usage, start = Usage(calls=1), time.perf_counter()
        try:
            reply, seconds = self._call(request), time.perf_counter() - start
            if isinstance(reply, Reply):
                usage = self._usage(request, reply, 1, seconds)
            return reply, seconds
        finally:
            self._purse.pay("endpoint", self.name, usage, most)

    def _loudness(self, wait: float) -> int:
        """The level at which a pause is logged: a long one is a warning, once in a while."""
        now = time.monotonic()
        if wait <= LONG_PAUSE or now < self._quiet_until:
            return logging.INFO
        self._quiet_until = now + QUIET_SECONDS
        return logging.WARNING

    def _call(self, request: Request) -> Reply | Trouble:
        """One attempt."""
        sent: dict[str, Any] = body(self.name, request, self._limit_key)
        service = self._client.chat.completions if "messages" in sent else self._client.completions
        try:
            reply = read_reply(service.with_raw_response.create(**sent).text)
            self._holds = self._holds or request.grammar is not None
            return replace(reply, text=opened(request.grammar, reply.text))
        except openai.APIError as error:
            trouble = read_error(error, sent)
        except Trouble as nonsense:
            trouble = nonsense
        said = trouble.said.replace(self._key, "[key]") if self._variable else trouble.said
        return Trouble(trouble.kind, said, trouble.wait)

    def _usage(self, request: Request, reply: Reply, calls: int, seconds: float) -> Usage:
        """What the server reports; estimated, with one warning, where it reports nothing."""
        tokens_in, tokens_out = reply.tokens_in, reply.tokens_out
        if tokens_in is None or tokens_out is None:
            with self._telling:
                told, self._estimates = self._estimates, True
            if not told:
                log.warning(
                    "%s reports no token counts: a token per four characters is assumed", self.address
                )
        return Usage(
            tokens_in=self.count(request.prompt) if tokens_in is None else tokens_in,
            tokens_cached=reply.tokens_cached,
            tokens_out=self.count(reply.text) if tokens_out is None else tokens_out,
            calls=calls,
            seconds=seconds,
        )

    def _stop_at_once(self, trouble: Trouble) -> None:
        """Raise for what no retry and no other row can cure."""
        if trouble.kind == "unpaid":
            raise self._tally.unpaid(trouble)
        if trouble.kind == "denied":
            hint = "No key was sent: name the environment variable that holds it (api_key_env)."
            if self._variable:
                hint = f"Is the key in {self._variable} right, and may it use this model?"
            raise ModelError(f"denies access ({trouble.said})", where=self.address, hint=hint)
        if trouble.kind == "unheld" and not self._holds:
            raise self._unheld(f"does not hold answers to a format by response_format ({trouble.said})")
        if trouble.kind == "absent":
            raise self._absent(trouble)

    def _unheld(self, message: str) -> ModelError:
        hint = "Ask without a grammar, or use a local model for constrained decoding."
        return ModelError(message, where=self.address, hint=hint)

    def _absent(self, trouble: Trouble) -> ModelError:
        models = self._models()
        if not models:
            message = f"there is no such place ({trouble.said})"
            hint = "The address usually ends in /v1, without /chat/completions."
        elif self.name in models:
            message = f"does not take this kind of request ({trouble.said})"
            hint = "Plain text prompts need /completions, messages need /chat/completions."
        else:
            message = f"has no model {self.name!r} ({trouble.said}).{nearest(self.name, models)}"
            hint = f"It has: {shorten(', '.join(models))}."
        return ModelError(message, where=self.address, hint=hint)

    def _models(self) -> dict[str, int | None]:
        """The server's models with their context; empty when it does not tell."""
        quick = self._client.with_options(timeout=min(10.0, self._limits.read))
        try:
            return read_models(quick.models.with_raw_response.list().text)
        except openai.APIError:
            return {}


def _path(request: Request) -> str:
    return "/completions" if isinstance(request.prompt, str) else "/chat/completions"


def _cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop text: some servers leave it in the answer."""
    return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]


def _without_answer(request: Request, trouble: Trouble, usage: Usage) -> _Outcome:
    """The row of a request that got none: too long and refused are answers of a kind."""
    if trouble.kind == "too_long":
        return _Outcome(Completion(request.id, "", "too_long", usage))
    if trouble.kind == "refused":
        return _Outcome(Completion(request.id, "", "refused", usage))
    return _Outcome(Completion(request.id, "", "error", usage, trouble.said), trouble)
