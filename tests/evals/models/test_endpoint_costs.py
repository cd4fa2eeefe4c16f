"""What an endpoint's calls cost: each attempt is counted, a budget is kept to the call, and what was
answered before is not paid for again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BudgetError
from evals.models import Loader, answers
from evals.models.metered import Afresh, Metered
from evals.spending import FILE, Purse, read_spent
from evals.task import Prices
from evals.types import Completion, Message, Model, ModelRef, Request
from tests.evals.models.openai_server import Body, OpenAIServer, Say

PRICES = Prices(input_per_million=1e6, output_per_million=1e6)
"""A dollar a token."""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """One file of answers for all models of a test."""
    path = tmp_path / "answers" / "answers.sqlite"
    monkeypatch.setattr(answers, "answers_file", lambda: path)
    return path


def models(purse: Purse | None = None, **options: Any) -> Metered:
    loader = Loader(**{"jobs": 1, "keep": True, "sleep": lambda seconds: None, **options})
    return Metered(loader, purse or Purse())


def opened(server: OpenAIServer, purse: Purse | None = None, **options: Any) -> Model:
    return models(purse, **options).open(ModelRef("toy", provider="endpoint", endpoint=server.url))


def asks(count: int, **more: Any) -> list[Request]:
    return [Request(f"r{n}", (Message("user", f"say r{n}"),), max_tokens=16, **more) for n in range(count)]


def until_spent(model: Model, requests: list[Request]) -> list[Completion]:
    """What is answered before the budget ends it."""
    got: list[Completion] = []
    with pytest.raises(BudgetError, match="raise it in the task file to go on"):
        got.extend(model.generate(requests))
    return got


# The cache


def test_what_was_answered_is_not_asked_again_and_reports_what_it_cost_then(kept: Path) -> None:
    with OpenAIServer() as server:
        first = list(opened(server).generate(asks(5)))
        purse = Purse(None, {}, PRICES)
        again = list(opened(server, purse).generate(asks(5)))
        assert len(server.seen) == 5
    assert again == first
    assert (purse.spent.calls, purse.spent.cached, purse.spent.usd) == (0, 5, None)


def test_an_answer_is_found_under_any_id(kept: Path) -> None:
    with OpenAIServer() as server:
        list(opened(server).generate(asks(1)))
        (found,) = opened(server).generate([replace(asks(1)[0], id="other")])
        assert (found.id, found.text, len(server.seen)) == ("other", "SAY R0", 1)


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"temperature": 0.7}, {"max_tokens": 17}, {"stop": ("x",)}, {"prompt": "say r0"}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_changes_in_what_is_asked_is_asked_anew(change: dict[str, Any], kept: Path) -> None:
    with OpenAIServer() as server:
        list(opened(server).generate(asks(1)))
        list(opened(server).generate([replace(asks(1)[0], **change)]))
        assert len(server.seen) == 2


def test_with_a_temperature_the_same_seed_gives_the_same_answer_again(kept: Path) -> None:
    with OpenAIServer(rule=lambda path, body: Say(message=f"drawn {len(server.seen)}")) as server:
        texts = [
            next(iter(opened(server).generate(asks(1, temperature=1.0, seed=seed)))).text
            for seed in (1, 2, 1, 2)
        ]
    assert texts == ["drawn 1", "drawn 2", "drawn 1", "drawn 2"]


def test_two_servers_and_two_names_do_not_share_answers(kept: Path) -> None:
    with OpenAIServer() as one, OpenAIServer() as other:
        list(opened(one).generate(asks(1)))
        list(opened(other).generate(asks(1)))
        named = models().open(ModelRef("second", provider="endpoint", endpoint=one.url))
        list(named.generate(asks(1)))
        assert (len(one.seen), len(other.seen)) == (2, 1)


def test_errors_and_prompts_that_do_not_fit_are_not_kept(kept: Path) -> None:
    too_long = Say(400, "maximum context length is 10 tokens")
    with OpenAIServer([Say(400, "bad luck"), too_long]) as server:
        finishes = [next(iter(opened(server).generate(asks(1)))).finish for _ in range(3)]
        assert finishes == ["error", "too_long", "stop"]


def test_without_keeping_everything_is_asked_and_nothing_written(kept: Path) -> None:
    with OpenAIServer() as server:
        for _ in range(2):
            list(opened(server, keep=False).generate(asks(2)))
        assert len(server.seen) == 4
    assert not kept.exists()


def test_what_is_asked_afresh_is_asked_though_it_is_known(kept: Path) -> None:
    with OpenAIServer() as server:
        metered = models()
        ref = ModelRef("toy", provider="endpoint", endpoint=server.url)
        list(metered.open(ref).generate(asks(3)))
        list(Afresh(metered).open(ref).generate(asks(3)))
        assert len(server.seen) == 6
        assert metered.purse.spent.calls == 6


def test_a_server_that_only_the_cache_answered_for_counts_as_never_reached(kept: Path) -> None:
    """Otherwise a dead address would be tried as long as one that is known to live."""
    with OpenAIServer() as server:
        list(opened(server).generate(asks(3)))
        server.always = Say(raw="Sorry, what?")
        (*_, last) = opened(server).generate(asks(4))
        assert (last.finish, last.usage.calls) == ("error", 3)


def test_no_prompt_and_no_key_is_in_the_file(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "sk-very-secret")
    with OpenAIServer() as server:
        ref = ModelRef("toy", provider="endpoint", endpoint=server.url, api_key_env="THE_KEY")
        asked = Request("a", (Message("user", "a private question"),), max_tokens=16)
        list(models().open(ref).generate([asked]))
        assert server.seen[0].authorization == "Bearer sk-very-secret"
    written = b"".join(path.read_bytes() for path in kept.parent.iterdir())
    assert b"A PRIVATE QUESTION" in written  # the answer
    assert b"a private question" not in written
    assert b"secret" not in written


# Budgets


@pytest.mark.parametrize("jobs", [1, 8])
def test_calls_are_kept_to_the_call_and_nothing_is_lost_or_asked_twice(jobs: int, tmp_path: Path) -> None:
    got: list[str] = []
    with OpenAIServer() as server:
        for allowed in (7, 7, 20, 50):
            with Purse(tmp_path / FILE, {"calls": allowed}, PRICES) as purse:
                model = opened(server, purse, jobs=jobs, keep=False)
                left = [r for r in asks(30) if r.id not in got]
                done = list(model.generate(left)) if allowed == 50 else until_spent(model, left)
            got += [c.id for c in done]
            assert len(server.seen) == len(got) == min(allowed, 30)
    assert sorted(got) == sorted(r.id for r in asks(30))
    assert len(set(server.prompts)) == 30
    assert read_spent(tmp_path / FILE, PRICES).calls == 30


def test_attempts_without_an_answer_are_calls(tmp_path: Path) -> None:
    with OpenAIServer([Say(429, "slow"), Say(act="drop")]) as server:
        purse = Purse(None, {"calls": 5}, PRICES)
        got = until_spent(opened(server, purse, keep=False), asks(10))
        assert len(server.seen) == 5
    assert [c.usage.calls for c in got] == [3, 1, 1]
    assert purse.spent.calls == 5


def test_a_request_that_may_not_be_tried_again_is_no_row_in_error() -> None:
    with OpenAIServer(always=Say(500, "oops")) as server:
        assert until_spent(opened(server, Purse(None, {"calls": 3}), keep=False), asks(4)) == []
        assert len(server.seen) == 3


@pytest.mark.parametrize("jobs", [1, 6])
def test_dollars_are_never_passed_whatever_the_answers_length(jobs: int) -> None:
    """A prompt of two words, an answer of at most 16."""

    def rule(path: str, body: Body) -> Say:
        return Say(message="word " * (1 + len(server.seen) % 16))

    with OpenAIServer(rule=rule) as server:
        purse = Purse(None, {"usd": 100}, PRICES)
        got = until_spent(opened(server, purse, jobs=jobs, keep=False), asks(200))
    paid = sum(c.usage.tokens_in + c.usage.tokens_out for c in got)
    assert purse.spent.usd == pytest.approx(paid)
    assert 100 - 24 < paid <= 100
    assert len(got) == purse.spent.calls == len(server.seen)


def test_known_answers_are_given_when_the_budget_is_spent(kept: Path) -> None:
    with OpenAIServer() as server:
        list(opened(server).generate(asks(6)[3:]))
        got = until_spent(opened(server, Purse(None, {"calls": 1})), asks(6))
        assert sorted(c.id for c in got) == ["r0", "r3", "r4", "r5"]


def test_stop_texts_never_stand_in_an_answer() -> None:
    with OpenAIServer(always=Say(message="one. two; three")) as server:
        (got,) = opened(server, keep=False).generate(asks(1, stop=(";", ".")))
    assert got.text == "one"
