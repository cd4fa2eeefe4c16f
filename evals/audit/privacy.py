"""Personal data and secrets in texts, found before anything is sent to somebody else's model.

Patterns with a check behind them where there is one (Luhn for cards, ISO 13616 for bank accounts,
plausible lengths for telephone numbers). It flags for a person to look at: names and addresses of
people are not found, and what is flagged may be an invented example.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["e-mail", "phone", "card", "bank account", "API key", "private key"]


@dataclass(frozen=True)
class Personal:
    """Where something personal stands: never the thing itself. `part` is "input", "output" or
    "document"."""

    split: str
    id: str
    part: str
    kind: Kind


def personal(text: str) -> Iterator[Kind]:
    """The kinds of personal data and secrets in a text, each once."""
    masked = text
    for kind, hint, pattern, holds in _KINDS:
        if not hint(masked):
            continue
        found = [match for match in pattern.finditer(masked) if holds(match[0])]
        if found:
            yield kind
            for match in found:
                masked = masked.replace(match[0], " \N{BLACK SQUARE} ")


def _is_address(text: str) -> bool:
    """Domains that RFC 2606 sets aside for examples belong to nobody."""
    domain = text.split("@")[1].lower()
    return not _NOBODYS.search(domain) and not domain.endswith((".png", ".jpg", ".svg"))


_NOBODYS = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$")


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1, annex B."""
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _is_card(text: str) -> bool:
    digits = _digits(text)
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and len(set(digits)) > 1 and luhn(digits)


def _is_account(text: str) -> bool:
    """ISO 13616: with the first four characters moved to the end and letters as 10 to 35, 1 modulo 97."""
    plain = "".join(text.split()).upper()
    turned = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return 15 <= len(plain) <= 34 and int(turned) % 97 == 1


_DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{4}")

_FICTION = re.compile(r"\b555[ .-]?01\d\d\b")
"""North American numbers set aside for fiction."""
_AREA = re.compile(r"\(\d{2,5}\)")


def _is_phone(text: str) -> bool:
    """E.164 allows 15 digits. Without a plus or an area code in brackets a number must begin or be grouped
    as telephone numbers are, and be no date."""
    digits = _digits(text)
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3:
        return False
    if _DATE.match(text) or _FICTION.search(text):
        return False
    groups = [len(group) for group in re.findall(r"\d+", text)]
    if text.startswith(("+0", "000")) or "  " in text:
        return False
    if text.startswith(("+", "00")) or _AREA.match(text):
        return True
    if text.startswith("0"):
        return len(groups) >= 2 and len(digits) >= 9 and "." not in text
    return len(groups) >= 3 and len(digits) in (10, 11) and groups[-2:] == [3, 4]


def _is_key(text: str) -> bool:
    """A secret has digits and letters; a word that only begins like one has not."""
    tail = text[4:]
    return any(c.isdigit() for c in tail) and any(c.isalpha() for c in tail) and len(set(tail)) > 8


_KINDS: tuple[tuple[Kind, Callable[[str], bool], re.Pattern[str], Callable[[str], bool]], ...] = (
    (
        "private key",
        lambda text: "PRIVATE KEY" in text,
        re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        lambda text: True,
    ),
    (
        "API key",
        lambda text: len(text) >= 20,
        re.compile(
            r"\b(?:sk-[\w-]{20,200}|(?:sk|rk|pk)_(?:live|test)_\w{16,200}|(?:AKIA|ASIA)[A-Z0-9]{16}\b"
            r"|gh[pousr]_\w{30,200}|github_pat_\w{30,200}|glpat-[\w-]{20,200}|xox[abeoprs]-[\w-]{10,200}"
            r"|AIza[\w-]{35}|hf_\w{30,100}|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10,2000})"
        ),
        _is_key,
    ),
    (
        "e-mail",
        lambda text: "@" in text,
        re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
        _is_address,
    ),
    (
        "bank account",
        lambda text: len(text) >= 15,
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        _is_account,
    ),
    (
        "card",
        lambda text: len(_digits(text)) >= 13,
        re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.]\d|-?\d)"),
        _is_card,
    ),
    (
        "phone",
        lambda text: len(_digits(text)) >= 8,
        re.compile(r"(?<![\w.+/-])(?:\+|\()?\d(?:[ \-./()]{0,2}\d){7,14}(?![\w/-]|[.,]\d)"),
        _is_phone,
    ),
)
"""In the order in which they are sought; what is found is taken out, so that the digits of an account
are no telephone number."""
