"""Several calls at once, a bounded number on their way, results as they come.

The threads are daemons: one that waits for a silent server must not keep the process alive after
Ctrl-C. (The threads of concurrent.futures are joined at exit, however long their calls take.)
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import islice
from queue import SimpleQueue
from threading import Event, Thread
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

AHEAD = 2
"""Items handed out per lane: one at work and one waiting, so that no lane idles."""


def in_lanes(work: Callable[[In, Event], Out], items: Sequence[In], lanes: int) -> Generator[Out, None, None]:
    """Yield `work(item, stop)` for every item, in the order in which they finish.

    At most `lanes` run at a time and at most twice as many are handed out; the next one is handed
    out when a result is taken. `stop` is set when the caller goes away (an exception, Ctrl-C, a
    closed generator): items not begun are then never begun, and `work` should return soon. An
    exception in `work` is raised here, at its turn.
    """
    todo: SimpleQueue[tuple[In] | None] = SimpleQueue()
    results: SimpleQueue[tuple[Out] | BaseException] = SimpleQueue()
    stop = Event()

    def lane() -> None:
        while (given := todo.get()) is not None and not stop.is_set():
            try:
                results.put((work(given[0], stop),))
            except BaseException as error:  # handed over: raised in the caller's thread
                results.put(error)

    lanes = min(lanes, len(items))
    waiting = iter(items)
    out = 0
    try:
        for item in islice(waiting, AHEAD * lanes):
            todo.put((item,))
            out += 1
        for _ in range(lanes):
            Thread(target=lane, daemon=True).start()
        while out:
            result = results.get()
            out -= 1
            for item in islice(waiting, 1):
                todo.put((item,))
                out += 1
            if isinstance(result, BaseException):
                raise result
            yield result[0]
    finally:
        stop.set()
        for _ in range(lanes):
            todo.put(None)
