"""When to try again, when to give a row up, and when to give the endpoint up.

`Limits` are the settings, `pause` is for one request, `Tally` watches the rows: it turns what no
retry cures, and too many rows without an answer, into the error that ends the run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from evals.errors import ModelError, OutageError
from evals.models.openai_api import Trouble

OUTAGE_AFTER = 8
NONSENSE_AFTER = 4
REJECTED_AFTER = 8
FIRST_PAUSE, LONGEST_PAUSE, LONGEST_WAIT = 1.0, 60.0, 300.0
FEW_RETRIES = 2
"""Where more would not help: timeouts (each costs two minutes), nonsense, a server never reached."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How an endpoint is used: `jobs` requests at a time, times in seconds. `sleep` stands in for
    the pauses between attempts."""

    jobs: int = 8
    connect: float = 10.0
    read: float = 120.0
    retries: int = 6
    sleep: Callable[[float], None] | None = None


def pause(trouble: Trouble, calls: int, retries: int, reached: bool) -> float | None:
    """Seconds before the next attempt after `calls` of them, None to give the row up.

    Exponential backoff with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015), on top of what the server asks for. `reached` says whether the server
    has ever answered.
    """
    few = min(FEW_RETRIES, retries)
    allowed = {
        "busy": retries,
        "unreachable": retries if reached else few,
        "timeout": few,
        "nonsense": few,
    }.get(trouble.kind, 0)
    wait = trouble.wait or 0.0
    if calls > allowed or wait > LONGEST_WAIT:
        return None
    return wait + random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (calls - 1)))


@dataclass(slots=True)
class Tally:
    """The rows of an endpoint so far, over all calls of generate."""

    address: str
    answered: int = 0
    failed_in_a_row: int = 0
    failed_first: list[str] = field(default_factory=list)

    def answer(self) -> None:
        """A row was answered (refused and too long are answers)."""
        self.answered += 1
        self.failed_in_a_row = 0

    def failure(self, trouble: Trouble) -> None:
        """A row ended in an error. Raises ModelError or OutageError when going on is useless."""
        if not self.answered:
            self.failed_first.append(trouble.kind)
            self._never_answered(trouble)
        self.failed_in_a_row = 0 if trouble.kind == "rejected" else self.failed_in_a_row + 1
        if self.failed_in_a_row == OUTAGE_AFTER:
            self.failed_in_a_row = 0
            raise OutageError(
                f"{OUTAGE_AFTER} requests in a row got no answer ({trouble.said}); "
                f"{self.answered} were answered before",
                where=self.address,
                hint="Run the same command again when the endpoint is back: it continues from here.",
            )

    def _never_answered(self, trouble: Trouble) -> None:
        if self.failed_first == ["nonsense"] * NONSENSE_AFTER:
            raise ModelError(
                f"does not speak the OpenAI API ({trouble.said})",
                where=self.address,
                hint="The address usually ends in /v1; is another service there?",
            )
        if self.failed_first == ["rejected"] * REJECTED_AFTER:
            raise ModelError(
                f"rejects every request ({trouble.said})",
                where=self.address,
                hint="What it names is to be changed under model or generation in the task file.",
            )

    def unpaid(self, trouble: Trouble) -> OutageError:
        """The error for an account without money or quota."""
        return OutageError(
            f"does not answer for want of payment or quota ({trouble.said}); "
            f"{self.answered} requests were answered before",
            where=self.address,
            hint="Run the same command again when the account is filled: it continues from here.",
        )
