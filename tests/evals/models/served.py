"""A real OpenAI-compatible server on loopback, `transformers serve`, and a proxy that loses what it is told.

The server is a process of its own on a free port; only that process is ended. The proxy passes requests
on, except those for which its script says otherwise: 429 instead of asking, a connection dropped before
the server is asked, or one dropped after it has answered, so that the answer is lost on the way.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Literal

Fault = Literal["none", "429", "drop before", "drop after"]
START_SECONDS = 180
ANSWER_SECONDS = 300
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Past any proxy that the environment names: loopback needs none."""


@contextmanager
def serve(folder: Path, log: Path) -> Iterator[str]:
    """The address of `transformers serve` for a model folder, in float32 on the CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve"]
    options = ["--dtype", "float32", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, str(folder), *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with DIRECT.open(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"no answer in {START_SECONDS} s: {log.read_text(errors='replace')}")


class Proxy:
    """Use as a context manager; `url` stands for the address behind it. `asked` are the bodies that
    arrived, `answered` those that the server answered, lost answers included."""

    def __init__(self, behind: str, faults: Iterable[Fault] = ()) -> None:
        self.behind = behind.removesuffix("/v1")
        self.asked: list[bytes] = []
        self.answered: list[bytes] = []
        self._faults = iter(faults)
        self._lock = Lock()

    def __enter__(self) -> Proxy:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def take(self, body: bytes) -> Fault:
        with self._lock:
            self.asked.append(body)
            return next(self._faults, "none")

    def pass_on(self, path: str, body: bytes) -> tuple[int, bytes]:
        """The server's status and answer."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.behind + path, data=body, headers=headers)
        try:
            with DIRECT.open(request, timeout=ANSWER_SECONDS) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        if status == 200:
            with self._lock:
                self.answered.append(body)
        return status, text


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fault = proxy.take(body)
            if fault == "429":
                self._send(429, b'{"error": {"message": "slow down"}}')
            elif fault == "drop before":
                self.close_connection = True
            else:
                status, text = proxy.pass_on(self.path, body)
                if fault == "drop after":
                    self.close_connection = True
                else:
                    self._send(status, text)

        def do_GET(self) -> None:
            self._send(404, b"{}")

        def _send(self, status: int, text: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
