"""What goes over the wire to an OpenAI-compatible server, and what its answers mean.

Servers differ in their errors far more than in their answers, so answers are read from the raw JSON
with patience, and everything that can go wrong becomes one `Trouble` with a kind the caller acts on.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import openai

from evals.models.response_format import response_format
from evals.types import Finish, Json, Request

TroubleKind = Literal[
    "unreachable",  # no connection, or it broke
    "timeout",  # connected, but no answer in time
    "busy",  # 408, 409, 429, 5xx: the server says "not now"
    "nonsense",  # an answer that is not of this API
    "too_long",  # 400: the prompt does not fit the context
    "refused",  # 400: a content filter stopped the prompt
    "rejected",  # another 4xx, about this request
    "unheld",  # 400 to a request with a response format: probably there is none here, or not this one
    "renamed",  # 400: max_tokens is called max_completion_tokens here
    "unpaid",  # 402, or 429 because the quota is spent
    "denied",  # 401, 403
    "absent",  # 404
]

_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|too many (input )?tokens|prompt is too long"
    r"|reduce the length",
    re.IGNORECASE,
)
_FINISH: Mapping[str, Finish] = {"length": "length", "max_tokens": "length", "content_filter": "refused"}
_SHOWN = 300


class Trouble(Exception):
    """A call without an answer: what kind, what the server said, how long it asks to wait (s)."""

    def __init__(self, kind: TroubleKind, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.kind, self.said, self.wait = kind, said, wait


@dataclass(frozen=True, slots=True)
class Reply:
    """An answered call. Token counts are None when the server does not report them."""

    text: str
    finish: Finish
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int = 0


def body(model: str, request: Request, limit_key: str = "max_tokens") -> dict[str, Any]:
    """The JSON of a call: /chat/completions for messages, /completions for plain text."""
    sent: dict[str, Any] = {"model": model, "temperature": request.temperature, "seed": request.seed}
    if request.stop:
        sent["stop"] = list(request.stop)
    if isinstance(request.prompt, str):
        return {**sent, "prompt": _whole(request.prompt), "max_tokens": request.max_tokens}
    if request.grammar is not None:
        sent["response_format"] = response_format(request.grammar)
    turns = [{"role": m.role, "content": _whole(m.content)} for m in request.prompt]
    return {**sent, "messages": turns, limit_key: request.max_tokens}


def read_reply(raw: str) -> Reply:
    """Read a 200 answer of /chat/completions or /completions. Raises Trouble ("nonsense")."""
    try:
        answer = json.loads(raw)
    except ValueError:
        raise Trouble("nonsense", f"the answer is not JSON: {shorten(raw)}") from None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Trouble("nonsense", f"the answer has no choices: {shorten(raw)}")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict) and not isinstance(choice.get("text"), str):
        raise Trouble("nonsense", f"the choice has neither message nor text: {shorten(raw)}")
    said = message if isinstance(message, dict) else {"content": choice["text"]}
    refusal = said.get("refusal")
    finish: Finish = "refused" if refusal else _FINISH.get(str(choice.get("finish_reason")), "stop")
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    return Reply(
        text=_text(said.get("content")) or _text(refusal),
        finish=finish,
        tokens_in=_count(usage.get("prompt_tokens")),
        tokens_out=_count(usage.get("completion_tokens")),
        tokens_cached=(_count(details.get("cached_tokens")) if isinstance(details, dict) else None) or 0,
    )


def _text(content: Json) -> str:
    """Message content as text: a string, or the text parts of a list."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return _whole(content) if isinstance(content, str) else ""


def _whole(text: str) -> str:
    """Without half characters (lone surrogates, which JSON can carry and UTF-8 cannot)."""
    return text.encode("utf-8", "replace").decode()


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def read_error(error: openai.APIError, sent: Mapping[str, Any]) -> Trouble:
    """What a failed call means. `sent` is the body it was sent with."""
    if isinstance(error, openai.APITimeoutError):
        return Trouble("timeout", "no answer in time")
    if isinstance(error, openai.APIConnectionError):
        return Trouble("unreachable", shorten(str(error.__cause__ or error)))
    if not isinstance(error, openai.APIStatusError):
        return Trouble("nonsense", shorten(str(error)))
    status, said, code = error.status_code, *_server_words(error.response.text)
    return Trouble(_kind(status, said, code, sent), f"{status}: {said}", _wait(error.response.headers))


def _kind(status: int, said: str, code: str, sent: Mapping[str, Any]) -> TroubleKind:
    """The kind of an answer with an error status; `code` is the server's code and type."""
    if status == 429 and "insufficient_quota" in code:
        return "unpaid"
    if status in (408, 409, 425, 429) or status >= 500:
        return "too_long" if "exceed_context" in code else "busy"
    if status in (400, 413, 422):
        return _refusal(said, code, sent)
    known: dict[int, TroubleKind] = {401: "denied", 402: "unpaid", 403: "denied", 404: "absent"}
    return known.get(status, "rejected" if status >= 400 else "nonsense")


def _refusal(said: str, code: str, sent: Mapping[str, Any]) -> TroubleKind:
    """Why a server does not take this request."""
    if "context_length" in code or "exceed_context" in code or _TOO_LONG.search(said):
        return "too_long"
    if "max_completion_tokens" in said and "messages" in sent and "max_tokens" in sent:
        return "renamed"
    if "content_filter" in code or "content_policy" in code:
        return "refused"
    return "unheld" if "response_format" in sent else "rejected"


def _server_words(raw: str) -> tuple[str, str]:
    """The message of an error answer, whatever its form, and its code and type as one text."""
    try:
        answer = json.loads(raw)
    except ValueError:
        return shorten(raw) or "no text", ""
    inner = answer.get("error", answer) if isinstance(answer, dict) else answer
    if not isinstance(inner, dict):
        return shorten(str(inner)), ""
    message = inner.get("message") or inner.get("detail") or raw
    return shorten(str(message)), f"{inner.get('code')} {inner.get('type')}"


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to wait: Retry-After as seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(0.0, seconds)


def shorten(text: str) -> str:
    """A server's text on one line: tags and runs of space removed, at most 300 characters."""
    line = " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.S | re.I).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def read_models(raw: str) -> dict[str, int | None]:
    """The models of a /models answer, each with its context in tokens where the server tells it.

    vLLM says `max_model_len`; others say `context_length` or `context_window`.
    """
    try:
        entries = json.loads(raw)["data"]
        named = {str(entry["id"]): entry for entry in entries}
    except (ValueError, KeyError, TypeError):
        return {}
    keys = ("max_model_len", "context_length", "context_window")
    return {id: next((n for k in keys if (n := _count(entry.get(k)))), None) for id, entry in named.items()}
