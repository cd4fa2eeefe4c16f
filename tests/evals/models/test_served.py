"""The endpoint against a real server of the same model: the local door's greedy answers in float32,
whatever is lost on the way."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from evals.models import answers
from evals.models.answers import size_of
from evals.models.endpoint import Endpoint, open_endpoint
from evals.models.local import LocalModel
from evals.models.sources import Saved
from evals.spending import Purse
from evals.types import Completion, Message, ModelRef, Request
from tests.evals.models.engine.reference import differing
from tests.evals.models.served import Fault, Proxy, serve

EXAMPLES = Path(__file__).parents[3] / "examples"
QUESTIONS = (
    "What is the capital of France?",
    "Name three colours.",
    "Write a sentence about a lighthouse.",
    "How many legs has a spider?",
    "Say „grüß Gott“ and nothing else.",
    "Why is the sky blue?",
)
PATIENT = {"read_seconds": 300.0, "sleep": lambda seconds: None}


@pytest.fixture(scope="module")
def folder(smollm: LocalModel) -> Path:
    """The converted SmolLM2."""
    assert isinstance(smollm.source, Saved)
    return smollm.source.folder


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(folder, tmp_path_factory.mktemp("serve") / "log") as address:
        yield address


def at(address: str, folder: Path, **options: object) -> Endpoint:
    ref = ModelRef(str(folder), provider="endpoint", endpoint=address)
    return open_endpoint(ref, **{"jobs": 2, **PATIENT, **options})  # type: ignore[arg-type]


def questions() -> list[Request]:
    found = [
        Request(f"q{n}", (Message("user", text),), max_tokens=12 + n) for n, text in enumerate(QUESTIONS)
    ]
    return [*found[:-1], Request("plain", "Once upon a time, there was", max_tokens=12)]


def tickets(count: int) -> list[Request]:
    """Prompts of the example task, each with a system message and two shots."""
    rows = [json.loads(line) for line in (EXAMPLES / "tickets" / "train.jsonl").read_text().splitlines()]
    system = Message("system", "Write the routing record of this message as JSON.")
    shots = [
        m
        for row in rows[:2]
        for m in (Message("user", row["input"]), Message("assistant", json.dumps(row["output"])))
    ]
    return [
        Request(row["id"], (system, *shots, Message("user", row["input"])), max_tokens=24)
        for row in rows[2 : 2 + count]
    ]


def same_but_for_near_ties(model: LocalModel, requests: Sequence[Request], got: Sequence[Completion]) -> None:
    """The texts of the local door; where one differs, both are what the model may say at a near-tie."""
    local = {c.id: c for c in model.generate(requests)}
    apart = [r for r in requests if local[r.id].text != {c.id: c.text for c in got}[r.id]]
    assert differing(model, apart, got) == []
    limits = {r.id: r.max_tokens for r in requests}
    # An answer that ends by itself at exactly its limit is "length" there.
    short = [c for c in got if c.usage.tokens_out < limits[c.id] and c.id not in {r.id for r in apart}]
    assert [c.finish for c in short] == [local[c.id].finish for c in short]
    assert [c.usage.tokens_in for c in got] == [local[c.id].usage.tokens_in for c in got]


def test_stop_texts_are_cut_as_locally(server: str, folder: Path, smollm: LocalModel) -> None:
    """The server leaves the stop text in its answer."""
    request = Request("a", (Message("user", QUESTIONS[0]),), max_tokens=16, stop=(" Par",))
    ((there,), (here,)) = (list(m.generate([request])) for m in (at(server, folder), smollm))
    assert (there.text, there.finish) == (here.text, here.finish) == ("The capital of France is", "stop")


def test_a_wrong_name_is_told_in_the_servers_words(server: str) -> None:
    requests = [Request(f"r{n}", (Message("user", "hi"),), max_tokens=1) for n in range(8)]
    model = open_endpoint(ModelRef("toy", provider="endpoint", endpoint=server), jobs=1)
    with pytest.raises(Exception, match=r"rejects every request \(400: Server is pinned to"):
        list(model.generate(requests))


def asked_through(
    faults: Sequence[Fault], server: str, folder: Path, requests: Sequence[Request], jobs: int
) -> list[Completion]:
    """Every request's answer, once, through a proxy with these faults; what was sent, counted and kept
    agrees."""
    with Proxy(server, faults) as proxy:
        purse = Purse()
        model = at(proxy.url, folder, jobs=jobs, keep=True).paid_from(purse)
        got = list(model.generate(requests))
    assert Counter(c.id for c in got) == Counter(r.id for r in requests)
    assert [c for c in got if c.error] == []
    lost = sum(fault != "none" for fault in faults)
    assert len(proxy.asked) == len(requests) + lost == purse.spent.calls
    assert sum(c.usage.calls for c in got) == purse.spent.calls
    assert len(set(proxy.answered)) == len(requests)
    assert len(proxy.answered) == len(requests) + list(faults).count("drop after")
    assert size_of(answers.answers_file())[0] == len(requests)
    return got


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "answers_file", lambda: tmp_path / "answers" / "answers.sqlite")


def test_six_prompts_through_a_bad_line_are_answered_as_locally(
    server: str, folder: Path, smollm: LocalModel, kept: None
) -> None:
    # No row meets three in a row: while nothing was ever answered, that is given up.
    faults: list[Fault] = ["none", "429", "drop before", "none", "none", "drop after"]
    requests = questions()
    same_but_for_near_ties(smollm, requests, asked_through(faults, server, folder, requests, jobs=2))


@pytest.mark.full
def test_fifty_prompts_through_a_bad_line_are_answered_as_locally(
    server: str, folder: Path, smollm: LocalModel, kept: None
) -> None:
    requests = tickets(50)
    draw = random.Random(0)
    kinds: list[Fault] = ["429", "drop before", "drop after", *["none"] * 5]  # type: ignore[list-item]
    faults = [draw.choice(kinds) for _ in range(60)]
    got = asked_through(faults, server, folder, requests, jobs=4)
    same_but_for_near_ties(smollm, requests, got)
