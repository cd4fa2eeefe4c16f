"""What a ladder will take: calls that match what a race asks, tokens, minutes, dollars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.approach import Decoder, Prompt, Prompted
from baselines.race import race, race_calls
from evals.data import Data
from evals.task import Task, load_task
from evals.types import Example, ModelRef, Work
from tests.scripted import Scripted, ScriptedModels
from workbench import ladder
from workbench.checks.estimate import SAMPLE, Estimate, estimate, lengths, measure, sample


def rows(prefix: str, n: int) -> tuple[Example, ...]:
    return tuple(Example(f"{prefix}{i}", f"word {i:04}", "answer") for i in range(n))


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Task]:
    def write(more: str) -> Task:
        metric, bound = "label" if "labels" in more else "exact", "at_least: 0.5, kind: quality"
        (tmp_path / "task.yaml").write_text(
            "name: t\ndata: {train: a.jsonl, test: b.jsonl}\nprompt: {instruction: Say it.}\n"
            + ("" if "output: " in more else "output: text\n")
            + more
            + ("" if "requirements" in more else f"requirements: [{{metric: {metric}, {bound}}}]\n")
            + ("" if "model" in more else "model: some-135m\n")
        )
        return load_task(tmp_path / "task.yaml")

    return write


def cost(task: Task, data: Data) -> Estimate:
    model = Scripted(lambda request: "")
    return estimate(task, data, measure(task, data, model), ladder.rungs(task), 20)


def test_lengths_are_those_of_the_sorted_counts() -> None:
    found = lengths([5, 1, 2, 3, 4])
    assert (found.n, found.p50, found.p95, found.most, found.mean) == (5, 3, 5, 5, 3.0)


def test_a_sample_does_not_depend_on_the_order() -> None:
    many = rows("a", SAMPLE + 100)
    assert len(sample(many)) == SAMPLE
    assert sample(many) == sample(many[::-1])


@pytest.mark.parametrize(("settings", "n"), [(4, 80), (4, 13), (4, 5), (3, 60), (2, 100), (1, 50)])
def test_the_calls_of_a_race_are_those_it_asks(tmp_path: Path, settings: int, n: int) -> None:
    model = Scripted(lambda request: "x")
    work = Work(tmp_path, None, ScriptedModels(model), grade=lambda pairs: 0.0)
    prompts = [
        Prompted("p", ModelRef("m"), Prompt("{{ input }}", system=f"s{i}"), Decoder(5))
        for i in range(settings)
    ]
    race(prompts, rows("d", n), work)
    assert race_calls(settings, n) == len(model.asked)


def test_without_training_rows_rungs_that_show_cost_nothing(load: Callable[[str], Task]) -> None:
    data = Data((), rows("d", 40), rows("t", 60))
    assert [step.name for step in cost(load(""), data).steps] == [
        "zero_shot",
        "system_prompt",
        "prompt_variants",
        "self_consistency",
        "2 approaches, on test",
        "diagnosis, if nothing ships",
    ]


def test_composed_rungs_are_counted_by_what_they_ask(load: Callable[[str], Task]) -> None:
    data = Data((), rows("d", 40), rows("t", 60))
    found = {step.name: step for step in cost(load("output: {labels: [a, b]}\n"), data).steps}
    assert list(found)[3:-2] == ["constrained", "likelihood", "repair", "self_consistency"]
    assert (found["constrained"].calls, found["repair"].calls, found["likelihood"].tokens_out) == (40, 20, 0)
    assert found["self_consistency"].calls == 40 * 5 + 12 * 5
    assert found["self_consistency"].fresh == found["constrained"].fresh * 260 // 200


def test_the_sums_are_those_of_the_steps_and_shots_cost_more(load: Callable[[str], Task]) -> None:
    found = cost(load(""), Data(rows("a", 50), rows("d", 40), rows("t", 60)))
    zero, few = (next(s for s in found.steps if s.name == name) for name in ("zero_shot", "few_shot"))
    assert (zero.calls, zero.tokens_in) == (40, 40 * len("Say it.\n\nword 0000"))
    assert few.tokens_in / few.calls > 3 * zero.tokens_in / zero.calls
    assert few.fresh < few.tokens_in
    assert found.calls == sum(step.calls for step in found.steps)
    assert found.tokens_out == sum(step.tokens_out for step in found.steps)
    assert found.minutes > 0


def test_a_ladder_of_ones_own_is_what_is_estimated(load: Callable[[str], Task]) -> None:
    found = cost(load("ladder: [zero_shot]\n"), Data(rows("a", 9), rows("d", 40), rows("t", 60)))
    assert [(step.name, step.calls) for step in found.steps] == [
        ("zero_shot", 40),
        ("1 approaches, on test", 60),
        ("diagnosis, if nothing ships", 40 + 4 * 30),
    ]


def test_a_latency_requirement_is_measured_too(load: Callable[[str], Task]) -> None:
    task = load("requirements: [{metric: p95_seconds, at_most: 2, kind: latency}]\n")
    assert cost(task, Data((), rows("d", 40), rows("t", 60))).steps[-2].calls == 80


def test_a_diagnosis_is_counted_arm_by_arm(load: Callable[[str], Task]) -> None:
    dev = (*rows("d", 140), *(Example(f"g{i}", f"gold {i}", "a", gold_doc_ids=("x",)) for i in range(7)))
    data = Data(rows("a", 50), dev, rows("t", 60))

    def asked(more: str) -> int:
        return cost(load(more), data).steps[-1].calls

    longer, wordings, orders = 100, 2 * 30, 2 * 30
    assert asked("") == longer + wordings + orders
    assert asked("output: {labels: [a, answer]}\n") == 2 * 100 + wordings + orders
    assert asked("model: some-135m\nstronger_model: some-1b\n") == 2 * 100 + wordings + orders


def test_dollars_are_tokens_times_prices_for_an_endpoint_and_hours_for_a_machine(
    load: Callable[[str], Task],
) -> None:
    data = Data((), rows("d", 40), rows("t", 60))
    endpoint = 'model: {endpoint: "https://x.example/v1", name: g}\n'
    assert cost(load(endpoint), data).usd is None
    hosted = cost(load(endpoint + "prices: {input_per_million: 1000, output_per_million: 2000}\n"), data)
    assert hosted.usd == pytest.approx((hosted.tokens_in * 1000 + hosted.tokens_out * 2000) / 1e6, rel=1e-3)
    local = cost(load("prices: {gpu_hour: 6000}\n"), data)
    assert local.usd == pytest.approx(local.minutes * 100, abs=6)


def test_a_larger_local_model_takes_longer(load: Callable[[str], Task]) -> None:
    data = Data((), rows("d", 400), rows("t", 600))
    small, large = (
        cost(load(f"model: owner/name-{size}-instruct\n"), data).minutes for size in ("13.5M", "135M")
    )
    assert large == pytest.approx(10 * small, rel=0.2)
