"""Whether a training pays, as a table: once, a call, an accepted answer, prompt tokens, break-even."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reports import figures
from reports.plaintext import as_sentence


@dataclass(frozen=True, slots=True)
class Paid:
    """A tuned approach against the baseline it was trained from; `lines` are name, without, with, and what is
    saved with its interval."""

    name: str
    against: str
    basis: str
    sentences: tuple[str, ...]
    lines: tuple[tuple[str, str, str, str, str], ...]


def paid(decision: Mapping[str, Any]) -> tuple[Paid, ...]:
    """Every tuned approach that economics are known of."""
    found = (decision.get("economics") or {}).get("tuned") or ()
    return tuple(_paid(one) for one in found)


def others(decision: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under economics beside them."""
    return {key: value for key, value in (decision.get("economics") or {}).items() if key != "tuned"}


def _paid(one: Mapping[str, Any]) -> Paid:
    money = figures.usd if one.get("unit") == "usd" else figures.seconds
    parts: tuple[tuple[str, str, Callable[[float], str]], ...] = (
        ("A call", "a_call", money),
        ("An accepted answer", "an_accepted", money),
        ("Prompt tokens a call", "prompt_tokens", figures.count),
    )
    lines = [_line(name, one[key], write) for name, key, write in parts if one.get(key)]
    for name, key in (
        ("Paid back after calls", "break_even"),
        ("or accepted answers", "break_even_accepted"),
    ):
        if one.get(key):
            lines.append((name, "", "", *_even(one[key])))
    level = f"{100 * float(one.get('level') or 0):.3g} %"
    return Paid(
        str(one["approach"]),
        str(one["against"]),
        f"{figures.count(one['n'])} {one['split']} rows that both answered. In brackets: {level} intervals",
        tuple(as_sentence(str(sentence)) for sentence in one.get("sentences") or ()),
        tuple(lines),
    )


def _line(
    name: str, part: Mapping[str, Any], write: Callable[[float], str]
) -> tuple[str, str, str, str, str]:
    def text(value: float | None) -> str:
        if value is None:
            return figures.NOTHING
        written = write(abs(value))
        return "\u2212" + written if value < 0 and re.search("[1-9]", written) else written

    spread = ""
    if part.get("low") is not None and part.get("high") is not None:
        spread = f"[{text(part['low'])}, {text(part['high'])}]"
    return name, text(part["before"]), text(part["after"]), text(part["saved"]), spread


def _even(part: Mapping[str, Any]) -> tuple[str, str]:
    if part["never"]:
        return "never", ""

    def text(value: float | None) -> str:
        return "never" if value is None else "< 1" if value < 1 else figures.count(float(f"{value:.3g}"))

    if part["low"] is None:
        return figures.NOTHING if part["calls"] is None else text(part["calls"]), ""
    return text(part["calls"]), f"[{text(part['low'])}, {text(part['high'])}]"
