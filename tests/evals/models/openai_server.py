"""A small OpenAI-compatible server on 127.0.0.1, in a thread, that does what its script says.

    with OpenAIServer(script=[Say(429, retry_after="7")]) as server: …   # then answers as normal

It answers with the last message (or the prompt) in capitals, counts tokens as words and keeps what
it was sent. The script's entries are used up one a request, in order; `always` replaces the normal
answer after that; `rule` looks at each body first and may say what to do with it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal

Body = dict[str, Any]


@dataclass(frozen=True)
class Say:
    """One answer. `raw` is sent as it is; `message` becomes an error object, or the answer's text.

    `act`: "hang" gives no answer while the server lives, "drop" closes the connection, "cut" closes
    it in the middle of the answer. `holds` False takes a response format and pays no attention to it.
    """

    status: int = 200
    message: str = ""
    code: str | None = None
    retry_after: str | None = None
    raw: str | None = None
    content_type: str = "application/json"
    finish: str = "stop"
    refusal: str | None = None
    usage: bool = True
    cached: int | None = None
    act: Literal["answer", "hang", "drop", "cut"] = "answer"
    holds: bool = True


@contextmanager
def nobody_listening() -> Iterator[int]:
    """A port that is held, so that nobody else takes it, and that refuses connections."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _toy() -> dict[str, dict[str, Any]]:
    return {"toy": {}}


@dataclass
class Seen:
    """What arrived: the path, the JSON body and the Authorization header."""

    path: str
    body: Body
    authorization: str | None = None


@dataclass
class OpenAIServer:
    """Use as a context manager; `url` is the address to give to a client. `port` 0 takes a free one."""

    script: Iterable[Say] = ()
    always: Say = field(default_factory=Say)
    rule: Callable[[str, Body], Say | None] = lambda path, body: None
    models: Say | dict[str, dict[str, Any]] = field(default_factory=_toy)
    port: int = 0

    def __post_init__(self) -> None:
        self.seen: list[Seen] = []
        self.at_once = 0
        self.most_at_once = 0
        self.closing = Event()
        self.arrived = Event()
        self._script = iter(self.script)
        self._lock = Lock()

    def __enter__(self) -> OpenAIServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def prompts(self) -> list[str]:
        """The texts asked for, in the order of arrival."""
        return [_asked(seen.body) for seen in self.seen]

    def take(self, seen: Seen) -> Say:
        """Note what arrived and say what to do with it."""
        with self._lock:
            self.seen.append(seen)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            said = self.rule(seen.path, seen.body) or next(self._script, self.always)
        self.arrived.set()
        return said

    def leave(self) -> None:
        """One request is dealt with."""
        with self._lock:
            self.at_once -= 1


def _asked(body: Body) -> str:
    return str(body["messages"][-1]["content"]) if "messages" in body else str(body["prompt"])


def _only_answer(body: Body) -> str:
    """What a server that holds answers to a schema must say; "" where the schema leaves a choice."""
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    allowed = schema.get("properties", {}).get("answer", {}).get("enum", ())
    return json.dumps({"answer": allowed[0]}) if len(allowed) == 1 else ""


def _answer(path: str, body: Body, say: Say) -> str:
    """The JSON text of an answer."""
    if say.raw is not None:
        return say.raw
    if say.status != 200:
        return json.dumps({"error": {"message": say.message, "code": say.code, "type": "error"}})
    asked = _asked(body)
    text = say.message or asked.upper()
    if say.holds and (only := _only_answer(body)):
        text = only
    choice: Body = {"index": 0, "finish_reason": say.finish}
    if path.endswith("/chat/completions"):
        choice["message"] = {"role": "assistant", "content": text, "refusal": say.refusal}
    else:
        choice["text"] = text
    answer: Body = {"id": "x", "model": body["model"], "choices": [choice]}
    if say.usage:
        answer["usage"] = {"prompt_tokens": len(asked.split()), "completion_tokens": len(text.split())}
        if say.cached is not None:
            answer["usage"]["prompt_tokens_details"] = {"cached_tokens": say.cached}
    return json.dumps(answer)


def _handler(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if isinstance(server.models, Say):
                self._send(server.models, server.models.raw or "{}")
            else:
                listed = [{"id": id, "object": "model", **more} for id, more in server.models.items()]
                self._send(Say(), json.dumps({"object": "list", "data": listed}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            say = server.take(Seen(self.path, body, self.headers["Authorization"]))
            try:
                if say.act == "hang":
                    server.closing.wait()
                if say.act in ("hang", "drop"):
                    self.close_connection = True
                else:
                    self._send(say, _answer(self.path, body, say))
            finally:
                server.leave()

        def _send(self, say: Say, text: str) -> None:
            data = text.encode()
            self.send_response(say.status)
            self.send_header("Content-Type", say.content_type)
            self.send_header("Content-Length", str(len(data)))
            if say.retry_after is not None:
                self.send_header("Retry-After", say.retry_after)
            self.end_headers()
            if say.act == "cut":
                data, self.close_connection = data[: len(data) // 2], True
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
