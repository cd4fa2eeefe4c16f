"""What a call costs."""

from __future__ import annotations

import pytest

from evals.prices import usd
from evals.task import Prices
from evals.types import Usage

CALL = Usage(tokens_in=1000, tokens_cached=400, tokens_out=50, calls=2, seconds=9.0)


def test_a_hosted_call_costs_its_tokens_at_their_prices_whatever_time_it_took() -> None:
    assert usd(CALL, "endpoint", Prices(0.15, 0.60, 3.0)) == pytest.approx((1000 * 0.15 + 50 * 0.60) / 1e6)


def test_a_local_call_costs_its_share_of_its_waves_at_the_hourly_price() -> None:
    assert usd(CALL, "local", Prices(0.15, 0.60, 2.0)) == pytest.approx(9 / 3600 * 2.0)


def test_without_a_price_there_is_no_cost() -> None:
    assert usd(CALL, "local", Prices(0.15, 0.60)) is None
    assert usd(CALL, "endpoint", Prices(gpu_hour=2.0)) is None
    assert usd(CALL, "endpoint", Prices(output_per_million=2.0)) == pytest.approx(50 * 2 / 1e6)
