"""Figures as people read them."""

from __future__ import annotations

import pytest

from reports import figures


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("json_fields", 0.614, "0.61"),
        ("json_fields", 0.9958, "0.996"),
        ("json_fields", 1.0, "1.00"),
        ("json_fields", 0.0042, "0.004"),
        ("json_fields", None, "–"),
        ("p95_seconds", 2.314, "2.31 s"),
        ("p95_seconds", 0.0, "0 s"),
        ("p50_seconds", 94.0, "1.6 min"),
        ("usd_per_1k", 0.211, "$0.211"),
        ("usd_per_1k", 0.00042, "$0.00042"),
        ("usd_per_1k_accepted", 12345.6, "$12,346"),
        ("tokens_in", 1234567.0, "1,234,567"),
    ],
)
def test_a_value_stands_in_its_metric_s_unit(metric: str, value: float | None, text: str) -> None:
    assert figures.figure(metric, value) == text


@pytest.mark.parametrize(
    ("bound", "values", "digits"),
    [
        (0.8, (0.61, 0.55), 2),
        (0.985, (0.99,), 3),
        (0.95, (0.9498,), 4),
        (0.95, (0.95, None), 2),
        (0.95, (0.952,), 3),
    ],
)
def test_rounding_never_moves_a_value_onto_the_threshold(
    bound: float, values: tuple[float], digits: int
) -> None:
    assert figures.digits_for(bound, *values) == digits


def test_differences_carry_their_sign() -> None:
    assert [figures.signed(v) for v in (0.13, -0.57, 0.0, None)] == ["+0.13", "−0.57", "0.00", "–"]
    assert [figures.signed(v, "tokens_in") for v in (-0.3, 0.0, 0.4, -12.4)] == ["0", "0", "0", "−12"]
    assert figures.signed(-0.001, "p95_seconds") == "0 s"


def test_an_interval_needs_both_ends() -> None:
    assert figures.interval("exact", {"low": 0.551, "high": 0.9997}) == "[0.55, 1.00]"
    assert figures.interval("exact", {"low": 0.5, "high": None}) == ""
    assert figures.interval("p95_seconds", {"low": 1.0, "high": 2.0}) == "[1.00 s, 2.00 s]"
