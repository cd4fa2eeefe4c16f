"""The rungs that add to an approach: what they make of it, and when there is nothing to add."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines import COMPOSED, RUNGS
from baselines.approach import Prompted, load, save
from baselines.constrained import Constrained
from baselines.decoding.form import Form, form_of
from baselines.likelihood import ByLikelihood
from baselines.prompts import SystemPrompt
from baselines.repair import Repair
from baselines.self_consistency import SelfConsistency
from evals.errors import ModelError, NotApplicable, TaskError
from evals.models import Loader
from evals.store import plain, write_lines
from evals.task import load_task
from evals.types import Example, ModelRef, Models, Prediction, Request, Work
from tests.scripted import Scripted, ScriptedModels

TASK = """
name: mood
model: smollm2-135m
data: {eval: rows.jsonl}
prompt: {instruction: Say the mood.}
output: OUTPUT
generation: {max_tokens: 5}
requirements: [{metric: METRIC, at_least: 0.8, kind: quality}]
"""
ROWS = [Example(f"r{n}", f"input {n}", "good") for n in range(14)]
RUNG = (Constrained(), ByLikelihood(), Repair(), SelfConsistency())


def right(pairs: list[tuple[Example, Prediction]]) -> float:
    return sum(p.text == e.target for e, p in pairs) / len(pairs)


def work(
    folder: Path,
    answer: Callable[[Request], str] = lambda request: "good",
    output: str = "{labels: [good, bad]}",
    metric: str = "label",
) -> Work:
    folder.mkdir(exist_ok=True)
    (folder / "task.yaml").write_text(TASK.replace("OUTPUT", output).replace("METRIC", metric))
    task = load_task(folder / "task.yaml")
    return Work(folder / "fit", task, ScriptedModels(Scripted(answer)), grade=right)


def started(given: Work, texts: Callable[[int], str]) -> tuple[Work, Prompted]:
    """The work with an approach to begin from, whose dev answers are known."""
    start = SystemPrompt().fit((), ROWS, given)
    known = [Prediction(row.id, texts(n), "stop") for n, row in enumerate(ROWS)]
    write_lines(given.dir / f"{start.hash}.jsonl", [{"split": "dev", **plain(p)} for p in known])
    return replace(given, start=start), start


def asked(given: Work) -> list[Request]:
    assert isinstance(given.models, ScriptedModels)
    return given.models.model.asked


def some_wrong(n: int) -> str:
    return "fine" if n % 7 == 0 else "good"


def test_they_stand_in_the_table_in_the_order_in_which_they_are_added() -> None:
    assert [name for name in RUNGS if name in COMPOSED] == list(COMPOSED)
    assert all(RUNGS.build(name, {}).name == name for name in COMPOSED)


@pytest.mark.parametrize(
    ("name", "options"),
    [("repair", {"times": 0}), ("self_consistency", {"k": 2}), ("self_consistency", {"temperature": 0})],
)
def test_settings_that_mean_nothing_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match=name):
        RUNGS.build(name, options)


def test_constrained_keeps_the_prompt_and_holds_the_answer(tmp_path: Path) -> None:
    given, start = started(work(tmp_path), some_wrong)
    found = Constrained().fit((), ROWS, given)
    assert (found.prompt, found.name) == (start.prompt, "constrained")
    assert found.decoder.request("1", ()).grammar == {"labels": ["good", "bad"]}
    assert start.decoder.request("1", ()).grammar is None
    assert [r.max_tokens for r in asked(given)] == [1]  # whether it can be held is tried with one token


def test_repair_keeps_the_prompt_and_carries_the_validator(tmp_path: Path) -> None:
    given, start = started(work(tmp_path), some_wrong)
    found = Repair(times=3).fit((), ROWS, given)
    assert (found.prompt, found.decoder.repairs) == (start.prompt, 3)
    assert found.decoder.form == Form.of("labels", ["good", "bad"])
    assert asked(given) == []


@pytest.mark.parametrize("rung", [Constrained(), Repair()])
def test_where_no_answer_fails_the_format_nothing_is_added_and_nothing_asked(
    rung: Constrained | Repair, tmp_path: Path
) -> None:
    given, _ = started(work(tmp_path), lambda n: "bad")
    with pytest.raises(NotApplicable, match="of 14 dev answers of system_prompt none fails the format"):
        rung.fit((), ROWS, given)
    assert asked(given) == []


@pytest.mark.parametrize("rung", RUNG)
def test_free_text_has_no_format_to_hold_or_repair_and_nothing_to_count(rung: Any, tmp_path: Path) -> None:
    with pytest.raises(NotApplicable):
        rung.fit((), ROWS, work(tmp_path, output="text\ngraders: [token_f1]", metric="token_f1"))


def test_a_grammar_that_the_model_cannot_hold_is_said_with_its_reason(tmp_path: Path) -> None:
    def refuse(request: Request) -> str:
        raise ModelError("endpoints cannot be held to a grammar")

    with pytest.raises(NotApplicable, match="is out of reach: endpoints cannot"):
        Constrained().fit((), ROWS, work(tmp_path, refuse))


def test_a_missing_package_is_no_reason_to_go_without(tmp_path: Path) -> None:
    def missing(request: Request) -> str:
        raise ModelError("constrained decoding needs xgrammar") from ImportError("xgrammar")

    with pytest.raises(ModelError, match="needs xgrammar"):
        Constrained().fit((), ROWS, work(tmp_path, missing))


def test_a_majority_is_tried_on_a_few_rows_first(tmp_path: Path) -> None:
    given, start = started(work(tmp_path), some_wrong)
    found = SelfConsistency(k=3).fit((), ROWS, given)
    assert (found.decoder.samples, found.decoder.temperature) == (3, 0.7)
    assert found.prompt == start.prompt
    assert len(asked(given)) == 12 * 3
    SelfConsistency(k=3).fit((), ROWS, given)
    assert len(asked(given)) == 12 * 3


def test_where_samples_never_agree_there_is_no_majority(tmp_path: Path) -> None:
    given = work(tmp_path, lambda request: json.dumps({"n": request.id}), "{format: json}", "valid_json")
    with pytest.raises(NotApplicable, match="in 12 of 12 dev rows no two of 5 samples agree"):
        SelfConsistency().fit((), ROWS, given)


def test_likelihood_chooses_the_way_of_counting_on_dev(tmp_path: Path) -> None:
    given = work(tmp_path, output="{labels: [bad, not so good]}")
    rows = [replace(row, target="not so good") for row in ROWS]
    found = ByLikelihood().fit((), rows, given)  # the scripted model's figures are minus the length
    likelihood = found.decoder.likelihood
    assert likelihood is not None and likelihood.labels == ("bad", "not so good")
    told = json.loads((given.dir / "likelihood.json").read_text())
    assert [setting["figure"] for setting in told] == [0.0, 0.0, 0.0]
    assert likelihood.per == "label" and likelihood.usual == ()
    assert asked(given) == []


def test_an_approach_that_chooses_by_likelihood_is_no_start_for_what_is_written(tmp_path: Path) -> None:
    given = work(tmp_path)
    chosen = replace(given, start=ByLikelihood().fit((), ROWS, given))
    for rung in (Constrained(), Repair(), SelfConsistency()):
        with pytest.raises(NotApplicable, match="likelihood chooses them by likelihood"):
            rung.fit((), ROWS, chosen)


def test_endpoints_give_no_likelihoods(tmp_path: Path) -> None:
    given = work(tmp_path)
    task = replace(given.task, model=ModelRef("m", "endpoint"))
    with pytest.raises(NotApplicable, match="endpoints give none"):
        ByLikelihood().fit((), ROWS, replace(given, task=task))


def test_what_they_make_is_the_same_value_when_loaded(tmp_path: Path) -> None:
    given, start = started(work(tmp_path), some_wrong)
    made = [rung.fit((), ROWS, given) for rung in RUNG]
    for number, approach in enumerate(made):
        save(approach, tmp_path / str(number))
        assert load(tmp_path / str(number)) == approach
    assert len({approach.hash for approach in (start, *made)}) == 1 + len(made)


RECORD = """{format: json, schema: {type: object, required: [mood, words], properties: {
  mood: {enum: [good, bad]}, words: {type: integer, minimum: 1, maximum: 9}}}}"""


@pytest.fixture
def reviews(tmp_path: Path) -> tuple[Work, list[Example]]:
    text = TASK.replace("OUTPUT", RECORD).replace("METRIC", "json_fields").replace("5}", "40}")
    (tmp_path / "task.yaml").write_text(
        text.replace("model: smollm2-135m", "model: {name: smollm2-135m, dtype: float32}")
    )
    texts = ["I loved it.", "It broke at once, and nobody answers.", "Fine, I suppose.", "Never again!"]
    rows = [Example(f"r{n}", text, {"mood": "good", "words": 3}) for n, text in enumerate(texts)]
    return Work(tmp_path / "fit", load_task(tmp_path / "task.yaml"), Loader(), grade=lambda pairs: 0.0), rows


def predicted(approach: Prompted, rows: list[Example], models: Models) -> dict[str, Prediction]:
    return {p.id: p for p in approach.predict([row.query() for row in rows], models)}


def test_the_real_model_held_to_a_schema_writes_nothing_else(
    reviews: tuple[Work, list[Example]], models: Loader
) -> None:
    given, rows = reviews
    given = replace(given, models=models)
    free = predicted(SystemPrompt().fit((), rows, given), rows, models)
    approach = Constrained().fit((), rows, given)
    form = approach.decoder.form
    assert form is not None and any(form.fault(p.text) for p in free.values())
    held = predicted(approach, rows, models)
    assert [(p.finish, form.fault(p.text)) for p in held.values()] == [("stop", "")] * 4
    sampled = SelfConsistency(k=3).on(approach, form)
    voted = predicted(sampled, rows, models)
    assert [form.fault(p.text) for p in voted.values()] == [""] * 4
    assert all(p.usage.calls == 3 and 1 <= p.votes <= 3 for p in voted.values())


def test_the_real_model_is_told_what_was_wrong(reviews: tuple[Work, list[Example]], models: Loader) -> None:
    given, rows = reviews
    given = replace(given, models=models)
    approach = Repair(times=1).fit((), rows, given)
    found = predicted(approach, rows, models)
    back = [p for p in found.values() if p.rejected]
    assert back and all(p.usage.calls == 2 for p in back)
    (alone,) = approach.predict([rows[0].query()], models)
    assert alone == replace(found["r0"], usage=alone.usage)


def test_what_a_kill_left_over_is_answered_as_it_would_have_been(
    reviews: tuple[Work, list[Example]], models: Loader
) -> None:
    given, rows = reviews
    form = form_of(given.task)
    start = SystemPrompt().fit((), rows, replace(given, models=models))
    both = replace(SelfConsistency(k=3).on(start, form).decoder, repairs=1, max_tokens=24)
    approach = replace(start, model=replace(start.model, dtype="auto"), decoder=both)
    queries = [row.query() for row in rows]
    whole = list(approach.predict(queries, models))
    assert any(p.rejected for p in whole)
    done = {p.id: p for p in whole[:2]}
    left = list(approach.predict(queries, models, done))
    assert [replace(p, usage=q.usage) for p, q in zip(left, whole[2:], strict=True)] == whole[2:]
    assert [(p.usage.tokens_in, p.usage.calls) for p in left] == [
        (p.usage.tokens_in, p.usage.calls) for p in whole[2:]
    ]
