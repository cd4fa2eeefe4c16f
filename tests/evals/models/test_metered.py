"""Models whose calls are counted from outside, answer by answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.errors import BudgetError
from evals.models.metered import Afresh, Metered
from evals.spending import FILE, Purse, read_spent
from evals.task import Prices
from evals.types import Completion, ModelRef, Request
from tests.scripted import Scripted, ScriptedModels
from tests.tiny import tiny, words

REF = ModelRef("m")
HOUR = Prices(gpu_hour=3600.0)


def asks(count: int) -> list[Request]:
    return [Request(f"r{n}", f"say {n}", 4) for n in range(count)]


def metered(model: Scripted, **budget: float) -> Metered:
    return Metered(ScriptedModels(model), Purse(None, budget, HOUR))


def test_every_answer_is_a_call_with_its_tokens() -> None:
    models = metered(Scripted(lambda request: "four"))
    got = list(models.open(REF).generate(asks(3), done={"r1"}))
    assert [c.id for c in got] == ["r0", "r2"]
    spent = models.purse.spent
    assert (spent.calls, spent.tokens_in, spent.tokens_out) == (2, 10, 8)


def test_a_budget_ends_between_two_answers_and_not_after_the_last() -> None:
    model = Scripted(lambda request: "four")
    models = metered(model, calls=3)
    got: list[Completion] = []
    with pytest.raises(BudgetError, match=r"budget.calls is spent \(3 calls\)"):
        got.extend(models.open(REF).generate(asks(5)))
    assert [c.id for c in got] == ["r0", "r1", "r2"]
    assert len(model.asked) == 3
    assert len(list(metered(model, calls=3).open(REF).generate(asks(3)))) == 3


def test_nothing_is_asked_of_a_model_when_the_budget_is_spent() -> None:
    model = Scripted(lambda request: "four")
    models = metered(model, calls=1)
    assert len(list(models.open(REF).generate(asks(1)))) == 1
    for ask in (lambda m: list(m.generate(asks(2))), lambda m: m.score("a", ["b"])):
        with pytest.raises(BudgetError):
            ask(models.open(REF))
    assert list(models.open(REF).generate(asks(1), done={"r0"})) == []  # nothing is to be asked
    assert len(model.asked) == 1


def test_likelihoods_are_a_call_and_the_tokens_of_a_prompt_each() -> None:
    models = metered(Scripted(lambda request: ""))
    assert models.open(REF).scores([("a", ["b", "c"]), ("d", ["e"])]) == [[-1.0, -1.0], [-1.0]]
    assert models.open(REF).score("say", ["bc"]) == [-2.0]
    spent = models.purse.spent
    assert (spent.calls, spent.tokens_in, spent.tokens_out) == (3, 5, 0)


def test_a_model_is_opened_once_and_what_else_it_has_is_reached() -> None:
    model = Scripted(lambda request: "", context=77)
    models = metered(model)
    opened = models.open(REF)
    assert models.open(REF) is opened
    assert (opened.context, opened.fingerprint, opened.count("abc")) == (77, "scripted", 3)
    assert opened.asked is model.asked  # type: ignore[attr-defined]


def test_a_local_model_costs_the_seconds_of_its_waves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a dollar a second: the rows' shares sum to what the waves took, no more than the door was busy."""
    monkeypatch.setattr("time.perf_counter", time.process_time)  # what others compute does not count
    model = tiny()
    requests = [Request(f"r{n}", words(*range(5, 30 + n)), 12) for n in range(24)]
    list(model.generate(requests))  # loads and warms
    busy = model.busy_seconds
    with Purse(tmp_path / FILE, {}, HOUR) as purse:
        got = list(Metered(_Given(model), purse).open(REF).generate(requests))
    shares = sum(c.usage.seconds for c in got)
    assert purse.spent.usd == pytest.approx(shares, abs=0.01)
    assert read_spent(tmp_path / FILE, HOUR).usd == pytest.approx(shares, abs=0.01)
    assert 0.5 * (model.busy_seconds - busy) < shares <= model.busy_seconds - busy


class _Given(ScriptedModels):
    def __init__(self, model: object) -> None:
        super().__init__(model)  # type: ignore[arg-type]


def test_asking_afresh_marks_the_requests_and_nothing_else() -> None:
    model = Scripted(lambda request: "x")
    door = Afresh(ScriptedModels(model)).open(REF)
    assert [c.id for c in door.generate(asks(2), done={"r0"})] == ["r1"]
    assert [r.fresh for r in model.asked] == [True]
    assert (door.context, door.count("ab"), door.score("a", ["b"])) == (4096, 2, [-1.0])


def test_an_answer_that_is_not_taken_is_not_asked_for() -> None:
    model = Scripted(lambda request: "x")
    answers: Iterator[Completion] = metered(model).open(REF).generate(asks(5))
    next(answers)
    assert len(model.asked) == 1
