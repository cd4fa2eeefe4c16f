"""One of the processes that `accelerate launch` starts for a training: it trains as its part of the crew.

    python -m tuning.member SOCKET      under accelerate's launcher; `tuning.launch` is at the other end

It ends at once when the other end is gone.
"""

from __future__ import annotations

import datetime
import logging
import os
import queue
import socket
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from evals.errors import WorkbenchError
from evals.types import Example, Prediction, Work

AGES = datetime.timedelta(days=30)
"""How long others wait for the main process, whose looks at dev take time; the launcher sees who dies."""


class Line:
    """The connection to who ordered the training."""

    def __init__(self, address: str) -> None:
        door = socket.socket(socket.AF_UNIX)
        door.connect(address)
        self._line: Connection[Any, Any] = Connection(door.detach())
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, *told: Any) -> None:
        """Send a message. The process ends when nobody is there."""
        try:
            self._line.send(told)
        except OSError:
            os._exit(1)

    def hear(self) -> Any:
        """The next answer."""
        return self._heard.get()

    def grade(self, rows: Sequence[tuple[Example, Prediction]]) -> float:
        """The task's one figure of these answers."""
        self.say("grade", list(rows))
        return float(self.hear())

    def _listen(self) -> None:
        while True:
            try:
                self._heard.put(self._line.recv())
            except (EOFError, OSError):
                os._exit(1)


class Forwarded(logging.Handler):
    """Sends what is logged to where a person sees it."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() is threading.main_thread():
            self._line.say("log", record.name, record.levelno, record.getMessage())


def train(line: Line) -> None:
    """Join the crew and train."""
    import torch
    from accelerate import PartialState

    from evals.models import Loader
    from tuning.crew import present

    place = int(os.environ.get("RANK", "0"))
    line.say("here", place)
    job = line.hear()
    PartialState(cpu=not torch.cuda.is_available(), timeout=AGES)
    crew = present()
    work = Work(models=Loader(trusts_code=job.trusts_code), grade=line.grade, **job.work)
    if crew.main:
        logging.getLogger().addHandler(Forwarded(line))
        work = Work(**{**vars(work), "progress": lambda *told: line.say("progress", *told)})
    found = job.rung.fit(job.train, job.dev, work)
    line.say("done", found if crew.main else None)


def main() -> None:
    """Train, and say how it ended."""
    line = Line(sys.argv[1])
    try:
        train(line)
    except WorkbenchError as error:
        line.say("error", error)
        raise SystemExit(1) from error
    except Exception as error:
        line.say("died", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:160])
        raise


if __name__ == "__main__":
    main()
