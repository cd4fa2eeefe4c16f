"""Numbers as people and models write them, read exactly.

Read are digits with a sign, a currency sign before them, a percent sign behind; thousands set off
by a comma, an apostrophe or a narrow space; decimals; an exponent; fractions (3/4, 1 1/2, ½). A
number stands by itself: digits inside a word, a version or a date are none of a larger number.
Every repetition below is bounded, so that no text takes more than linear time.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

_CURRENCY = "$€£¥₹"
_MINUS = "−-"
_SPACES = "'’\u00a0\u2009\u202f"
"""What sets thousands off besides the comma (or the point, where the comma is the decimal mark)."""
_VULGAR = "¼-¾⅐-⅞"

_READ = 100_000
"""Characters that are searched for the last number, from the end."""
_LONGEST = 300
"""Digits of a number: more are no figure that a person would write."""


@cache
def _pattern(decimal: str) -> re.Pattern[str]:
    point = re.escape(decimal)
    comma = "," if decimal == "." else "."
    group = rf"(?P<group>[{comma}{_SPACES}])"
    return re.compile(
        rf"""
        (?<![A-Za-z_\d]) (?<!\d{point})
        (?: (?P<sign>[+{_MINUS}])? [{_CURRENCY}]? | [{_CURRENCY}] (?P<inner>[+{_MINUS}]) )
        (?:
            (?<!\d/) (?: (?P<whole>\d{{1,15}})[ ] )?
                (?P<over>\d{{1,15}}) [ ]?/[ ]? (?P<under>0{{0,9}}[1-9]\d{{0,14}}) (?! [\d/] | [.,]\d )
          | (?P<count>\d{{1,15}})?[ ]?(?P<vulgar>[{_VULGAR}])
          | (?P<digits>
                (?: \d{{1,3}} {group} (?: \d{{2,3}} (?P=group) ){{0,99}} \d{{3}} (?!\d)
                  | \d{{1,{_LONGEST}}} (?!\d) )
                (?: {point} \d{{1,{_LONGEST}}} )?
              | {point} \d{{1,{_LONGEST}}} )
            (?: [eE] (?P<exponent> [+{_MINUS}]? \d{{1,3}} ) (?!\w) )?
        )
        (?P<percent> [ ]?% )?
        """,
        re.X,
    )


def numbers_in(text: str, decimal: str = ".", percent: str = "number") -> Iterator[Fraction]:
    """The numbers of a text, in order. `percent: share` reads 50% as 1/2, `number` as 50."""
    for found in _pattern(decimal).finditer(text):
        yield _value(found, decimal, percent)


def last_number(text: str, decimal: str = ".", percent: str = "number") -> Fraction | None:
    """The last number of a text, or of its last 100,000 characters."""
    found = deque(_pattern(decimal).finditer(text, max(0, len(text) - _READ)), maxlen=1)
    return _value(found[0], decimal, percent) if found else None


def whole_number(text: str, decimal: str = ".", percent: str = "number") -> Fraction | None:
    """The number that the text is, but for the space and the full stop around it."""
    found = _pattern(decimal).fullmatch(text.strip().removesuffix("."))
    return None if found is None else _value(found, decimal, percent)


def _value(found: re.Match[str], decimal: str, percent: str) -> Fraction:
    if found["over"] is not None:
        value = int(found["whole"] or 0) + Fraction(int(found["over"]), int(found["under"]))
    elif found["vulgar"] is not None:
        part = Fraction(unicodedata.numeric(found["vulgar"])).limit_denominator(10)
        value = int(found["count"] or 0) + part
    else:
        digits = re.sub(rf"[^\d{re.escape(decimal)}]", "", found["digits"]).replace(decimal, ".")
        value = Fraction(digits)
        exponent = int((found["exponent"] or "0").replace("−", "-"))
        value *= Fraction(10) ** exponent
    if (found["sign"] or found["inner"] or "+") in _MINUS:
        value = -value
    return value / 100 if percent == "share" and found["percent"] else value
