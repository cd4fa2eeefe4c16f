"""Decisions as the report meets them: the five verdicts, long names, and text that attacks."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from reports import Report, ReportAnswer, ReportRow

Decided = dict[str, Any]

TASK = """\
name: ticket-triage
description: Turn a support message into a routing record.
model: smollm2-135m
data: {train: train.jsonl, dev: dev.jsonl, test: test.jsonl}
prompt:
  instruction: Write the routing record of this message as JSON.
output: {format: json, schema: schema.json}
graders: [valid_json, json_fields]
requirements:
  - {metric: valid_json, at_least: 0.95, kind: format}
  - {metric: json_fields, at_least: 0.80, kind: quality}
"""

_MAILS = (
    ("Hi, I was charged twice for my plan in May, invoice INV-2207-114. Please give me the second payment back.",
     {"queue": "billing", "product": "plan", "urgency": "normal", "reference": "INV-2207-114", "problems": ["wrong_charge"]}),
    ("the lock wont open since the update and we are standing outside in the rain. order FH-48213",
     {"queue": "technical", "product": "lock", "urgency": "high", "reference": "FH-48213", "problems": ["faulty"]}),
    ("Hello,\n\nmy parcel with the two cameras (FH-51877) shows “in transit” for nine days now.\nNo hurry, but is it lost?\n\nBest, Ada",
     {"queue": "delivery", "product": "camera", "urgency": "low", "reference": "FH-51877", "problems": ["late_parcel"]}),
    ("Does the thermostat work with a 2-pipe system? And is there a discount for three?",
     {"queue": "sales", "product": "thermostat", "urgency": "low", "reference": "", "problems": ["presale"]}),
    ("Cancel my plan please. Also the hub drops off the wifi every evening, serial SN 7A41C.",
     {"queue": "account", "product": "plan", "urgency": "normal", "reference": "SN 7A41C", "problems": ["cancel", "wont_connect"]}),
)  # fmt: skip


def interval(value: float, low: float, high: float, n: int) -> Decided:
    return {"value": value, "low": low, "high": high, "n": n, "clusters": n, "level": 0.95}


def requirement(metric: str, kind: str, bound: float, status: str, **more: Any) -> Decided:
    found = {"metric": metric, "kind": kind, "tier": "critical", "bound": bound, "status": status}
    empty = {"value": None, "low": None, "high": None, "n": 0, "needed_n": None, "approach": None, "split": "dev"}
    return {**found, **empty, **more}


def approach(name: str, json_fields: Decided, valid_json: Decided, **more: Any) -> Decided:
    n = json_fields["n"]
    bad = round(n * (1 - valid_json["value"]))
    wrong = min(n - bad, round(n * (1 - json_fields["value"])))
    base = {
        "name": name,
        "hash": f"{sum(map(ord, name)) * 7919 % 16**8:08x}",
        "kind": "baseline",
        "state": "scored",
        "why": "",
        "dev": {"valid_json": valid_json, "json_fields": json_fields},
        "test": None,
        "statuses": {},
        "delta": {},
        "failures": {"error": 0, "truncated": 0, "refused": 0, "format": bad, "wrong": wrong, "split": "dev"},
        "tokens_in": 210.0,
        "tokens_out": 38.0,
        "usd_per_1k": None,
        "usd_per_1k_accepted": None,
        "p50_seconds": None,
        "p95_seconds": None,
        "fit_seconds": 0.4,
        "training": None,
    }
    return {**base, **more}


def delta(versus: str, value: float, low: float, high: float, n: int = 80, split: str = "dev") -> Decided:
    return {"json_fields": {"vs": versus, "split": split, "value": value, "low": low, "high": high, "n": n}}


def decision(verdict: str, headline: str, **more: Any) -> Decided:
    base = {
        "version": 1,
        "task": {"name": "ticket-triage", "hash": "8c1f20ab64e9d37c"},
        "binding": True,
        "notes": [],
        "verdict": verdict,
        "approach": None,
        "recommendation": {"action": "none", "method": None, "why": [], "command": ""},
        "alpha_per_look": 0.0125,
        "looks": {"planned": 4, "used": 0},
        "requirements": [],
        "approaches": [],
        "diagnosis": [],
        "audit": {},
        "economics": {},
        "provenance": {
            "model": "smollm2-135m",
            "data": {"train.jsonl": "5be1c2f09a7d4410", "dev.jsonl": "0a44d1e6b2c97f35", "test.jsonl": "c9e3317700fd21ab"},
            "seed": 0,
            "versions": {"python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0"},
            "started": "2026-03-02T09:14:07Z",
        },
        "headline": headline,
    }
    return {**base, **more}


def baselines(priced: bool = False) -> list[Decided]:
    found = [
        approach("zero_shot", interval(0.04, 0.01, 0.11, 80), interval(0.09, 0.04, 0.17, 80),
                 statuses={"valid_json": "not met", "json_fields": "not met"},
                 delta=delta("knn_few_shot", -0.57, -0.64, -0.49), tokens_in=164.0, tokens_out=61.0),
        approach("system_prompt", interval(0.07, 0.03, 0.15, 80), interval(0.14, 0.07, 0.23, 80),
                 statuses={"valid_json": "not met", "json_fields": "not met"},
                 delta=delta("knn_few_shot", -0.54, -0.61, -0.46), tokens_in=231.0, tokens_out=58.0),
        approach("few_shot", interval(0.48, 0.42, 0.54, 80), interval(0.94, 0.86, 0.98, 80),
                 statuses={"valid_json": "insufficient evidence", "json_fields": "not met"},
                 delta=delta("knn_few_shot", -0.13, -0.19, -0.08), tokens_in=912.0, tokens_out=37.0, fit_seconds=94.0),
        approach("knn_few_shot", interval(0.61, 0.55, 0.67, 80), interval(0.99, 0.93, 1.0, 80),
                 statuses={"valid_json": "insufficient evidence", "json_fields": "not met"},
                 delta=delta("few_shot", 0.13, 0.08, 0.19), tokens_in=874.0, tokens_out=36.0, fit_seconds=3.1),
    ]  # fmt: skip
    if priced:
        for item in found:
            item["usd_per_1k"] = 0.00015 * item["tokens_in"] + 0.0006 * item["tokens_out"]
            accepted = item["dev"]["json_fields"]["value"] / 2
            item["usd_per_1k_accepted"] = item["usd_per_1k"] / accepted
    return found


def escalate() -> Decided:
    return decision(
        "escalate",
        "✗ Escalate to LoRA: no baseline meets json_fields ≥ 0.80; best is knn_few_shot, 0.61 [0.55, 0.67]",
        notes=["No test row was touched: every approach misses a requirement on dev already."],
        recommendation={
            "action": "tune",
            "method": "lora",
            "why": [
                "200 training rows are enough for LoRA and too few for full fine-tuning.",
                "Every baseline misses json_fields by at least 0.13, the threshold minus its upper bound.",
            ],
            "command": "wb escalate task.yaml",
        },
        requirements=[
            requirement("valid_json", "format", 0.95, "insufficient evidence", value=0.9875, low=0.9317, high=0.9997,
                        n=80, needed_n=125, approach="knn_few_shot"),
            requirement("json_fields", "quality", 0.80, "not met", value=0.61, low=0.55, high=0.67, n=80,
                        approach="knn_few_shot",
                        why="json_fields is at most 0.67 at 95 % confidence on 80 dev rows, below 0.80."),
        ],
        approaches=[*baselines(), {
            **approach("rag", interval(0, 0, 0, 0), interval(0, 0, 0, 0)), "state": "not applicable",
            "why": "the task names no documents", "dev": {}, "failures": {}, "tokens_in": None, "tokens_out": None,
            "fit_seconds": None}],
        diagnosis=["7 of 80 dev rows are failed by every approach: look at their labels."],
        audit={"exact_duplicates": 0, "normalised_duplicates": 1,
               "dropped": [{"split": "train", "id": "t-114", "same_as": "dev d-031"}], "gold_passes_its_graders": True},
    )  # fmt: skip


def ship() -> Decided:
    found = baselines(priced=True)
    found[2].update(dev={"valid_json": interval(1.0, 0.955, 1.0, 80), "json_fields": interval(0.83, 0.77, 0.88, 80)})
    best = found[3]
    best.update(
        dev={"valid_json": interval(1.0, 0.955, 1.0, 80), "json_fields": interval(0.91, 0.87, 0.95, 80)},
        test={"valid_json": interval(0.9958, 0.977, 0.9999, 240), "json_fields": interval(0.893, 0.868, 0.916, 240)},
        statuses={"valid_json": "met", "json_fields": "met", "p95_seconds": "not met"},
        failures={"error": 0, "truncated": 1, "refused": 0, "format": 0, "wrong": 58, "split": "test"},
        delta=delta("few_shot", 0.08, 0.04, 0.12, 240, "test"), p50_seconds=1.34, p95_seconds=2.31,
    )  # fmt: skip
    met = {"n": 240, "approach": "knn_few_shot", "split": "test"}
    return decision(
        "ship",
        "✓ Ship knn_few_shot: it meets every requirement on 240 test rows; nothing needs training",
        approach="knn_few_shot",
        looks={"planned": 4, "used": 1},
        recommendation={"action": "ship", "method": None, "why": [], "command": "wb serve runs/ticket-triage/latest"},
        requirements=[
            requirement("valid_json", "format", 0.95, "met", value=0.9958, low=0.9718, high=0.9998, **met),
            requirement("json_fields", "quality", 0.80, "met", value=0.893, low=0.861, high=0.92, **met),
            requirement("p95_seconds", "latency", 2.0, "not met", value=2.31, low=2.12, high=2.64, n=60,
                        approach="knn_few_shot", tier="advisory"),
        ],
        approaches=found,
        economics={"usd_per_1k_accepted": 0.211, "prompt_tokens_a_call": 874, "break_even_calls": None},
    )  # fmt: skip


def collect() -> Decided:
    found = baselines(priced=True)
    found[3].update(
        dev={"valid_json": interval(1.0, 0.91, 1.0, 40), "json_fields": interval(0.86, 0.79, 0.92, 40)},
        test={"valid_json": interval(0.9875, 0.932, 0.9997, 80), "json_fields": interval(0.84, 0.79, 0.89, 80)},
        statuses={"valid_json": "insufficient evidence", "json_fields": "insufficient evidence"},
    )
    on_test = {"n": 80, "approach": "knn_few_shot", "split": "test"}
    return decision(
        "collect",
        "? Collect 142 more test rows: knn_few_shot may meet everything, but 80 rows cannot show it",
        looks={"planned": 4, "used": 1},
        notes=[
            "valid_json ≥ 0.95 cannot be met with 80 test rows, even by a perfect score: it takes 86.",
            "The threshold of json_fields was 0.85 at the first look and is 0.80 now.",
        ],
        recommendation={"action": "collect_eval", "method": None, "command": "wb assess task.yaml",
                        "why": ["222 test rows in all settle both requirements at the observed values."]},
        requirements=[
            requirement("valid_json", "format", 0.95, "insufficient evidence", value=0.9875, low=0.93, high=0.9997,
                        needed_n=125, **on_test),
            requirement("json_fields", "quality", 0.80, "insufficient evidence", value=0.84, low=0.783, high=0.893,
                        needed_n=222, **on_test),
        ],
        approaches=found,
    )  # fmt: skip


def stop() -> Decided:
    found = baselines()
    for item in found:
        item.update(p50_seconds=1.1, p95_seconds=2.9, statuses={"valid_json": "met", "json_fields": "met", "p95_seconds": "not met"})
    return decision(
        "stop",
        "■ Stop: only latency misses, and training would not cure it; p95_seconds is 2.90 s, allowed 2.00 s",
        recommendation={"action": "none", "method": None, "command": "",
                        "why": ["A shorter prompt or a faster machine would help; a tuned model of the same size would not."]},
        looks={"planned": 4, "used": 4},
        requirements=[
            requirement("valid_json", "format", 0.95, "met", value=1.0, low=0.982, high=1.0, n=240, approach="knn_few_shot", split="test"),
            requirement("p95_seconds", "latency", 2.0, "not met", value=2.9, low=2.7, high=3.2, n=60, approach="knn_few_shot"),
        ],
        approaches=found,
    )  # fmt: skip


def incomplete() -> Decided:
    found = baselines()
    found[3].update(state="incomplete", why="31 of 80 dev rows are missing: the endpoint answered 503 five times",
                    failures={"error": 31, "truncated": 0, "refused": 0, "format": 1, "wrong": 12, "split": "dev"},
                    statuses={"valid_json": "error", "json_fields": "error"})  # fmt: skip
    return decision(
        "incomplete",
        "… Incomplete: 31 of 80 dev rows of knn_few_shot are missing; the same command continues",
        binding=False,
        notes=["Not binding: --only knn_few_shot left the other baselines without scores."],
        recommendation={"action": "none", "method": None, "why": [], "command": "wb assess task.yaml --only knn_few_shot"},
        requirements=[
            requirement("valid_json", "format", 0.95, "error", value=0.98, low=0.89, high=1.0, n=49, approach="knn_few_shot"),
            requirement("json_fields", "quality", 0.80, "error", value=0.62, low=0.53, high=0.71, n=49, approach="knn_few_shot"),
        ],
        approaches=found,
    )  # fmt: skip


VERDICTS = {"escalate": escalate, "ship": ship, "collect": collect, "stop": stop, "incomplete": incomplete}


def dev_rows(count: int, seed: int = 7) -> tuple[ReportRow, ...]:
    """Rows as four baselines of a small model answer them: few of the first two are JSON at all."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        mail, target = _MAILS[number % len(_MAILS)]
        answers = {name: _answer(name, target, draw) for name in ("zero_shot", "system_prompt", "few_shot", "knn_few_shot")}
        rows.append(ReportRow(f"d-{number:03}", mail, target, answers))
    return tuple(rows)


def _answer(name: str, target: Mapping[str, Any], draw: random.Random) -> ReportAnswer:
    chance = {"zero_shot": 0.05, "system_prompt": 0.12, "few_shot": 0.94, "knn_few_shot": 0.98}[name]
    tokens = {"tokens_in": 160 + 240 * len(name) % 700, "tokens_out": 38}
    if draw.random() > chance:
        text = f"Sure! Here is the routing record for your message:\n\n- Queue: {target['queue']}\n- Product: the {target['product']}"
        cut = draw.random() > 0.7  # noqa: PLR2004
        return ReportAnswer(text, None, 0.0, "truncated" if cut else "format", "no JSON object in the output",
                            "length" if cut else "stop", **tokens)  # fmt: skip
    answer = dict(target)
    for key, other in (("queue", "technical"), ("urgency", "normal"), ("reference", "FH-00000"), ("problems", ["faulty", "login"])):
        if draw.random() > (0.62 if name == "few_shot" else 0.8):
            answer[key] = other
    wrong = [key for key in target if answer[key] != target[key]]
    value = 1 - len(wrong) / len(target)
    return ReportAnswer(json.dumps(answer), answer, value, "wrong" if wrong else None,
                        f"wrong: {', '.join(wrong)}" if wrong else "", **tokens)  # fmt: skip


def report(name: str, rows: int = 12) -> Report:
    """A report of one of the five verdicts with a few dev rows."""
    return Report(VERDICTS[name](), dev_rows(rows), TASK, rows)


ATTACKS = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link",
    "abc\u202etxt.exe\u2066\u200b",
    "nul\x00 bell\x07 fffe\ufffe surrogate\ud800 tag\U000e0041",
    "| a | b |\n|---|---|\n`code` [x](http://evil.example) ![i](https://evil.example/p.png) @team #12 <!-- hidden -->",
    "]]> &lt; &amp; <![CDATA[ --> <!-- \" ' > style=\"x\"",
    "[click](javascript:alert(1)) http://evil.example www.evil.example a@b.example",
    "word " * 20_000,
    "\u202e" * 5_000,
    "𝔘" * 30_000,
)
"""Texts that break a report that trusts what models write."""


def hostile() -> Report:
    """Every text of a decision and its rows is an attack."""
    found = escalate()
    every = " ".join(attack[:300] for attack in ATTACKS)
    names = [f"{item['name']} {ATTACKS[i % len(ATTACKS)][:200]}" for i, item in enumerate(found["approaches"])]
    for item, name in zip(found["approaches"], names, strict=True):
        item.update(name=name, why=every)
    found["requirements"][0].update(metric="valid_json|`</script>", approach=names[3], why=every)
    found["requirements"][1].update(approach=names[3], why=every)
    found["task"]["name"] = "triage --> <b>" + ATTACKS[5]
    found["notes"] = list(ATTACKS)
    found["headline"] = every
    found["recommendation"].update(why=list(ATTACKS), command="echo ```\n```\n<b>" + ATTACKS[0])
    found["diagnosis"] = list(ATTACKS)
    found["audit"] = {attack[:50]: attack for attack in ATTACKS} | {"rows": [{"id": a} for a in ATTACKS]}
    found["provenance"] = {"versions": {"torch": every}, "note": every}
    rows = tuple(
        ReportRow(
            f"{i} {attack[:60]}", attack, attack,
            {name: ReportAnswer(attack, ATTACKS[(i + j) % len(ATTACKS)], 0.5, "wrong", attack) if j % 2
             else ReportAnswer(attack, None, 0.0, "format", attack) for j, name in enumerate(names[:4])},
        )
        for i, attack in enumerate(ATTACKS)
    )  # fmt: skip
    return Report(found, rows, every, len(rows))


def long_names() -> Report:
    """Names, metrics and figures at the width that breaks a table."""
    found = ship()
    for item in found["approaches"]:
        item["name"] += "_with_retrieved_shots_and_a_rewritten_system_prompt_v2_final"
        for cell in item["delta"].values():
            cell["vs"] = found["approaches"][3]["name"]
        item["usd_per_1k_accepted"] = 12_345.678
        item["tokens_in"] = 1_234_567.0
    found["approach"] = found["approaches"][3]["name"]
    for item in found["requirements"]:
        item["approach"] = found["approach"]
    found["requirements"][1]["metric"] = "json_fields.problems_of_the_sender_that_are_not_solved_yet"
    found["requirements"] += [requirement(f"json_fields.part_{i}", "quality", 0.5, "met", value=0.7, low=0.6, high=0.8,
                                          n=240, approach=found["approach"], split="test") for i in range(5)]  # fmt: skip
    found["headline"] = f"✓ Ship {found['approach']}: it meets every requirement on 240 test rows"
    return Report(found, dev_rows(6), TASK, 6)
