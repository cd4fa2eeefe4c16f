"""Recipes: every method learns, starts where it should, and is served as what was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.approach import load, save
from evals.errors import ModelError, NotApplicable, TaskError
from evals.models import Loader
from evals.models.local import LocalModel
from evals.types import Example, ModelRef
from tests.tuning.school import exact, rows, save_model, start, work
from tuning.methods import method_named
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.sft import Sft

RATES = {
    "prompt_tuning": 0.3,
    "p_tuning": 0.1,
    "prefix_tuning": 0.1,
    "lora": 1e-2,
    "qlora": 1e-2,
    "full": 3e-3,
}
TRAIN, DEV = rows("t", 64), rows("d", 16)


def recipe(name: str, options: dict[str, Any] | None = None, **settings: Any) -> Recipe:
    few = {"epochs": 2, "patience": 9, "learning_rate": RATES[name], **settings}
    return Recipe(method_named(name)(**(options or {})), Sft(), Settings(**few))


def looks(folder: Path, stage: str = "sft") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / stage / "curves.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == "dev"]


@pytest.mark.parametrize("name", RATES)
def test_a_method_lowers_the_dev_loss_and_is_served_with_the_weights_of_the_best_look(
    name: str, base: Path, tmp_path: Path
) -> None:
    found = recipe(name).fit(TRAIN, DEV, work(tmp_path, start(base)))
    seen = looks(tmp_path)
    assert seen[-1]["loss"] < seen[0]["loss"] - 1
    best = max(seen, key=lambda line: (line["score"], -line["loss"]))
    models = Loader()
    answers = {p.id: p for p in found.predict([e.query() for e in DEV], models)}
    if name != "qlora":  # is served on weights that are not quantised
        assert exact([(e, answers[e.id]) for e in DEV]) == pytest.approx(best["score"])
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["stages"][0]["best"] == best["step"]
    assert record["rows"] == len(TRAIN)
    assert not list(tmp_path.rglob("*.bin")) and not list(tmp_path.rglob("*.pt"))


def test_lora_learns_the_task(base: Path, tmp_path: Path) -> None:
    found = recipe("lora", {"dora": True, "rslora": True}, epochs=5).fit(
        rows("t", 120), DEV, work(tmp_path, start(base))
    )
    answers = {p.id: p for p in found.predict([e.query() for e in DEV], Loader())}
    assert exact([(e, answers[e.id]) for e in DEV]) >= 0.8
    assert found.prompt.system == ""


@pytest.mark.parametrize("name", ["prompt_tuning", "prefix_tuning"])
def test_a_soft_prompt_starts_at_the_answers_of_the_prompt_it_replaces(
    name: str, base: Path, tmp_path: Path
) -> None:
    begin = start(base)
    plan = recipe(name, epochs=0.01, learning_rate=1e-12)
    tuned = plan.fit(TRAIN, DEV, work(tmp_path, begin))
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["virtual_tokens"] == record["starts_from"] == record["stands_for"] > 8
    models = Loader()
    prompts = begin.prompts([e.query() for e in DEV], models)
    asked = [begin.decoder.request(id, prompt) for id, prompt in prompts.items()]
    before, after = models.open(begin.model), models.open(tuned.model)
    texts = [(request.prompt, [" w120", " w121 w30"]) for request in asked]
    for one, other in zip(before.scores(texts), after.scores(texts), strict=True):
        assert one == pytest.approx(other, abs=1e-3)
    assert {c.id: c.text for c in before.generate(asked)} == {c.id: c.text for c in after.generate(asked)}
    assert before.count(asked[0].prompt) - after.count(asked[0].prompt) == record["virtual_tokens"]


def test_a_head_that_is_too_long_is_cut_and_said(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe("prompt_tuning", {"most": 5}, epochs=0.1).fit(TRAIN, DEV, work(tmp_path, start(base)))
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["virtual_tokens"] == 5 < record["stands_for"]
    assert "starts from 5 of the prompt's" in caplog.text


def test_a_tuned_approach_is_the_same_wherever_its_folder_lies(base: Path, tmp_path: Path) -> None:
    tuned = recipe("lora", epochs=0.1).fit(TRAIN, DEV, work(tmp_path / "fit", start(base)))
    save(tuned, tmp_path / "kept")
    (tmp_path / "kept").rename(tmp_path / "moved")
    again = load(tmp_path / "moved")
    assert again.hash == tuned.hash
    assert again.model.adapter == str(tmp_path / "moved" / "adapter")
    models = Loader()
    assert models.open(again.model).fingerprint == models.open(tuned.model).fingerprint
    assert tuned.hash != start(base).hash


def test_rows_longer_than_the_context_are_left_out_and_named(base: Path, tmp_path: Path) -> None:
    long = Example("long", " ".join(["w30"] * 600), "w31")
    recipe("lora", epochs=0.1).fit([*TRAIN, long], DEV, work(tmp_path, start(base)))
    assert json.loads((tmp_path / "training.json").read_text())["too_long"] == ["long"]
    with pytest.raises(NotApplicable, match="not one training row fits"):
        recipe("lora").fit([long], DEV, work(tmp_path / "other", start(base)))


def test_without_rows_there_is_nothing_to_train_on(base: Path, tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="needs training rows"):
        recipe("lora").fit([], DEV, work(tmp_path, start(base)))


def test_a_model_without_a_chat_template_is_trained_as_it_is_asked(tmp_path: Path) -> None:
    plain = save_model(tmp_path / "model", chat=False)
    found = recipe("lora", epochs=5).fit(rows("t", 120), DEV, work(tmp_path / "fit", start(plain, system="")))
    answers = {p.id: p for p in found.predict([e.query() for e in DEV], Loader())}
    assert exact([(e, answers[e.id]) for e in DEV]) >= 0.8


def test_what_is_hosted_is_not_trained(base: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    hosted = replace(
        start(base), model=ModelRef("toy", provider="endpoint", endpoint="http://127.0.0.1:9/v1")
    )
    with pytest.raises(ModelError, match="is hosted and cannot be trained here"):
        recipe("lora").fit(TRAIN, DEV, work(tmp_path, hosted))


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="rank and alpha must be"):
        method_named("lora")(rank=0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="tokens and most"):
        method_named("prompt_tuning")(tokens=0)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="must be above 0"):
        Settings(batch=0)


def test_a_method_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(TaskError, match="Did you mean 'lora'"):
        method_named("lorra")


def test_an_opened_adapter_names_the_model_it_is_on(base: Path, tmp_path: Path) -> None:
    tuned = recipe("full", epochs=0.1).fit(TRAIN, DEV, work(tmp_path, start(base)))
    model = Loader().open(tuned.model)
    assert isinstance(model, LocalModel) and model.name == str(base)
