"""Personal data and secrets are flagged; dates, amounts and identifiers are not."""

from __future__ import annotations

import pytest

from evals.audit.privacy import luhn, personal

KEY = "ghp" + "_16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mail me at jane.doe+x@acme-corp.co.uk.", "e-mail"),
        ("call +49 30 901820 please", "phone"),
        ("(212) 555-2671", "phone"),
        ("212-555-2671", "phone"),
        ("0800 1234567", "phone"),
        ("card 4111 1111 1111 1111, exp 12/29", "card"),
        ("4532015112830366", "card"),
        ("IBAN DE89 3704 0044 0532 0130 00", "bank account"),
        (f"use {KEY} to clone", "API key"),
        ("AKIA" + "IOSFODNN7EXAMPLE", "API key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE", "private key"),
    ],
)
def test_what_is_personal_is_named_by_its_kind(text: str, kind: str) -> None:
    assert list(personal(text)) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "2026-11-23 10:00:12",
        "23.11.2026 12.15",
        "order 12345678901234",
        "(2001-2009)",
        "1998, 1999, 2000",
        "10.1093/nar/gkq1019",
        "192.168.100.200",
        "price 1,234,567.89",
        "3.14159265358979",
        "ISBN 9780306406157",
        "user@host",
        "ann@northgate.example or ann@example.com",
        "(212) 555-0182",
        "+000000120",
        "01  012 0123",
        "a risk-based-and-well-founded-approach",
        "a private key opens the door",
        "",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert list(personal(text)) == []


def test_each_kind_is_named_once_and_digits_count_for_one_kind_only() -> None:
    text = "a@b.org c@d.org DE89 3704 0044 0532 0130 00 and 4111-1111-1111-1111"
    assert list(personal(text)) == ["e-mail", "bank account", "card"]


def test_luhn_knows_the_published_example() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")


def test_long_hostile_texts_take_no_time() -> None:
    for text in (
        "@" * 50_000,
        "a" * 50_000 + "@",
        "1 " * 50_000,
        "(" * 50_000 + "1",
        "eyJ" * 20_000,
        "A1" * 30_000,
    ):
        list(personal(text))
