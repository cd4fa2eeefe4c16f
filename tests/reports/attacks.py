"""Texts that break a report which trusts what models write, and a report made of nothing else."""

from __future__ import annotations

from reports import Report, ReportAnswer, ReportRow
from tests.reports.decisions import escalate

ATTACKS = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link",
    "abc\u202etxt.exe\u2066\u200b",
    "nul\x00 bell\x07 fffe\ufffe surrogate\ud800 tag\U000e0041",
    "| a | b |\n|---|---|\n`code` [x](http://evil.example) ![i](https://evil.example/p.png) @team #12 <!--",
    ']]> &lt; &amp; <![CDATA[ --> <!-- " \' > style="x"',
    "[click](javascript:alert(1)) http://evil.example www.evil.example a@b.example",
    "word " * 20_000,
    "\u202e" * 5_000,
    "𝔘" * 30_000,
)
EVERY = " ".join(attack[:300] for attack in ATTACKS)


def hostile() -> Report:
    """Every text of a decision and its rows is an attack."""
    found = escalate()
    names = [f"{item['name']} {ATTACKS[i][:200]}" for i, item in enumerate(found["approaches"])]
    for item, name in zip(found["approaches"], names, strict=True):
        item.update(name=name, why=EVERY)
    found["approaches"][1]["state"] = "failed"
    found["requirements"][0].update(metric="valid_json|`</script>", approach=names[3], why=EVERY)
    found["requirements"][1].update(approach=names[3], why=EVERY, where={ATTACKS[1]: ATTACKS[6]})
    found["task"]["name"] = "triage --> <b>" + ATTACKS[5]
    found["notes"] = list(ATTACKS)
    found["headline"] = EVERY
    found["recommendation"].update(why=list(ATTACKS), command="echo ```\n```\n<b>" + ATTACKS[0])
    found["diagnosis"] = list(ATTACKS)
    found["audit"] = {attack[:50]: attack for attack in ATTACKS} | {"rows": [{"id": a} for a in ATTACKS]}
    found["provenance"] = {"versions": {"torch": EVERY}, "note": EVERY}
    rows = tuple(_row(number, names[:4]) for number in range(len(ATTACKS)))
    return Report(found, rows, EVERY, len(rows))


def _row(number: int, names: list[str]) -> ReportRow:
    attack = ATTACKS[number]
    answers = {
        name: ReportAnswer(attack, ATTACKS[(number + place) % len(ATTACKS)], 0.5, "wrong", attack)
        if place % 2
        else ReportAnswer(attack, None, 0.0, "format", attack)
        for place, name in enumerate(names)
    }
    return ReportRow(f"{number} {attack[:60]}", attack, attack, answers)
