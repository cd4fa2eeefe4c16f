"""Latency: single requests, one at a time, after a warm-up, on up to 60 dev inputs."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from evals.errors import OutageError
from evals.run import LATENCY_BEGUN, TIMED, WARM_UP, measure_latency, read_latency
from evals.types import Example, ModelRef, Request
from tests.scripted import Scripted, ScriptedModels

APPROACH = Prompted("plain", ModelRef("m"), Prompt("{{ input }}"), Decoder(5))


def rows(count: int) -> list[Example]:
    return [Example(f"d{n}", f"input {n}", "out") for n in range(count)]


def in_order_of_hash(examples: list[Example]) -> list[str]:
    return [e.id for e in sorted(examples, key=lambda e: sha256(e.id.encode()).digest())]


class OneByOne(Scripted):
    """Notes how many requests came with each call of generate."""

    def __init__(self) -> None:
        super().__init__(lambda request: "yes")
        self.sizes: list[int] = []

    def generate(self, requests, done=()):  # type: ignore[no-untyped-def]
        self.sizes.append(len(requests))
        return super().generate(requests, done)


def test_three_requests_warm_up_and_sixty_are_timed_one_at_a_time(tmp_path: Path) -> None:
    model = OneByOne()
    seconds = measure_latency(APPROACH, rows(100), ScriptedModels(model), tmp_path / "latency.jsonl")
    assert (WARM_UP, TIMED) == (3, 60)
    assert model.sizes == [1] * 63
    first = in_order_of_hash(rows(100))[:60]
    assert [r.id for r in model.asked] == first[:3] + first
    assert len(seconds) == 60 and all(s >= 0 for s in seconds)
    lines = [json.loads(line) for line in (tmp_path / "latency.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == first
    assert tuple(line["seconds"] for line in lines) == seconds


def test_every_timed_request_is_asked_afresh(tmp_path: Path) -> None:
    """Otherwise the time would be that of the cache."""
    model = OneByOne()
    measure_latency(APPROACH, rows(5), ScriptedModels(model), tmp_path / "latency.jsonl")
    assert all(request.fresh for request in model.asked)


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    model, path = OneByOne(), tmp_path / "latency.jsonl"
    first = measure_latency(APPROACH, rows(5), ScriptedModels(model), path)
    assert measure_latency(APPROACH, rows(5), ScriptedModels(model), path) == first
    assert len(model.asked) == 3 + 5


def test_a_measurement_that_was_interrupted_goes_on_and_says_nothing_before_its_end(tmp_path: Path) -> None:
    path, model = tmp_path / "latency.jsonl", OneByOne()

    def away(request: Request) -> str:
        if len(model.asked) > 3 + 4:
            raise OutageError("is away")
        return "yes"

    model.answer = away
    with pytest.raises(OutageError):
        measure_latency(APPROACH, rows(10), ScriptedModels(model), path)
    assert read_latency(path) == ()
    model = OneByOne()
    assert len(measure_latency(APPROACH, rows(10), ScriptedModels(model), path)) == 10
    assert [r.id for r in model.asked[3:]] == in_order_of_hash(rows(10))[4:]
    assert not (tmp_path / LATENCY_BEGUN).exists()
