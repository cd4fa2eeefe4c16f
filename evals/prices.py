"""What a call costs: a service's price for tokens, or a machine's price for time."""

from __future__ import annotations

from typing import Protocol

from evals.types import Usage


class Rates(Protocol):
    """US dollars per million tokens and per hour of the machine; None where no price is named."""

    @property
    def input_per_million(self) -> float | None: ...
    @property
    def output_per_million(self) -> float | None: ...
    @property
    def gpu_hour(self) -> float | None: ...


def usd(usage: Usage, provider: str, prices: Rates) -> float | None:
    """US dollars: seconds of its waves at the hourly price for a local model, tokens for a hosted one.
    None where no price is named."""
    if provider == "local":
        return None if prices.gpu_hour is None else usage.seconds * prices.gpu_hour / 3600
    read, written = prices.input_per_million, prices.output_per_million
    if read is None and written is None:
        return None
    return (usage.tokens_in * (read or 0) + usage.tokens_out * (written or 0)) / 1e6
