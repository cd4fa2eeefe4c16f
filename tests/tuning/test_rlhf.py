"""Reinforcement learning: the gradient is TRL's, what is rewarded gains, a reward model reads pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.approach import Prompted
from evals.models import Loader
from evals.preferences import load_pairs
from evals.task import Task
from evals.types import Example, Prediction
from tests.tiny import network, tokenizer
from tests.tuning.school import rows, start, work
from tests.tuning.test_preference import pieces, stopped_at, trl_options, weights
from tuning import OBJECTIVES
from tuning.curves import Curves
from tuning.forward import Reader
from tuning.methods import method_named
from tuning.recipe import Recipe
from tuning.rlhf import Draws, Rlhf, advantages
from tuning.settings import Settings

TRAIN, DEV = rows("t", 24), rows("d", 16)


def low_words(pairs: Sequence[tuple[Example, Prediction]]) -> float:
    """The share of said words that stand in the first half of the vocabulary."""
    said = [int(word[1:]) for _, answer in pairs for word in answer.text.split() if word[1:].isdigit()]
    return sum(number < 200 for number in said) / max(1, len(said))


def fitted(
    objective: str, method: str, task: Task, folder: Path, base: Path, **settings: Any
) -> tuple[Prompted, dict[str, Any]]:
    plan = Settings(**{"epochs": 3, "patience": 9, "learning_rate": 0.2, **settings})
    recipe = Recipe(method_named(method)(), OBJECTIVES.load(objective)(), plan)
    found = recipe.fit(TRAIN, DEV, work(folder, start(base), task=task, grade=low_words))
    return found, json.loads((folder / "training.json").read_text())


def rewarded(approach: Prompted) -> float:
    answers = {p.id: p for p in approach.predict([row.query() for row in DEV], Loader())}
    return low_words([(row, answers[row.id]) for row in DEV])


def test_an_advantage_is_told_from_the_other_answers_to_the_row() -> None:
    assert advantages([1.0, 1.0, 1.0]) == [0.0, 0.0, 0.0]
    found = advantages([0.0, 1.0, 1.0, 0.0])
    assert sum(found) == pytest.approx(0) and found[1] == pytest.approx(0.5 / 0.57735, rel=1e-3)


def test_the_gradient_is_that_of_trl(tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    model = network(seed=1, initializer_range=0.08)
    drawn = [side for pair in pieces(4) for side in (pair.chosen, pair.rejected)]
    weighed = [0.7, -1.2, 0.1, 0.4, -0.3, 1.1, 0.9, -0.8]
    lesson = Draws.__new__(Draws)
    lesson.options = Rlhf(samples=2)
    lesson.student = type("Behind", (), {"reader": Reader(model)})()  # type: ignore[assignment]
    lesson._drawn = {i: [(drawn[2 * i + k], weighed[2 * i + k]) for k in range(2)] for i in range(4)}
    (lesson.loss(range(4)) / lesson.weight(range(4))).backward()  # type: ignore[no-untyped-call]
    mine = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()

    options = trl_options(tmp_path) | {"per_device_train_batch_size": 8}
    options.pop("max_length")
    config = GRPOConfig(
        num_generations=2, beta=0.0, loss_type="grpo", gradient_checkpointing=False, **options
    )
    rows_ = Dataset.from_list([{"prompt": "w5"}] * 8)
    trainer = GRPOTrainer(
        model, lambda completions, **_: [0.0] * len(completions), config,
        train_dataset=rows_, processing_class=tokenizer(),
    )  # fmt: skip

    def padded(ids: list[Any], left: bool) -> tuple[torch.Tensor, torch.Tensor]:
        wide = max(map(len, ids))
        fill = [[1] * (wide - len(one)) for one in ids]
        lines = [f + list(one) if left else list(one) + f for f, one in zip(fill, ids, strict=True)]
        mask = [[0] * len(f) + [1] * len(one) if left else [1] * len(one) + [0] * len(f)
                for f, one in zip(fill, ids, strict=True)]  # fmt: skip
        return torch.tensor(lines), torch.tensor(mask)

    prompt, prompt_mask = padded([piece.prompt.tolist() for piece in drawn], True)
    answer, answer_mask = padded([piece.answer.tolist() for piece in drawn], False)
    batch = {
        "prompt_ids": prompt, "prompt_mask": prompt_mask,
        "completion_ids": answer, "completion_mask": answer_mask,
        "advantages": torch.tensor(weighed), "num_items_in_batch": answer_mask.sum(),
    }  # fmt: skip
    trainer.current_gradient_accumulation_steps = 1
    trainer.compute_loss(trainer.model, batch).backward()
    theirs = {name: p.grad for name, p in trainer.model.named_parameters() if p.grad is not None}
    for name, gradient in mine.items():
        assert torch.allclose(gradient, theirs[name], atol=2e-6, rtol=1e-3), name


@pytest.mark.parametrize("method", ["lora", "full", "prefix_tuning"])
def test_what_is_rewarded_becomes_likelier(method: str, task: Task, base: Path, tmp_path: Path) -> None:
    rate = {"lora": 0.2, "full": 0.05, "prefix_tuning": 2.0}[method]
    found, record = fitted("rlhf", method, task, tmp_path, base, learning_rate=rate)
    assert found.name == f"{method}_rlhf" and record["objective"] == "rlhf"
    assert rewarded(found) > rewarded(start(base)) + 0.2


def test_killed_and_continued_it_ends_with_the_same_weights(
    task: Task, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted("rlhf", "lora", task, tmp_path / "calm", base, epochs=2)
    true = Curves.add
    stopped_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        fitted("rlhf", "lora", task, tmp_path / "killed", base, epochs=2)
    monkeypatch.setattr(Curves, "add", true)
    fitted("rlhf", "lora", task, tmp_path / "killed", base, epochs=2)
    calm, killed = weights(tmp_path / "calm"), weights(tmp_path / "killed")
    assert all(torch.equal(value, killed[name]) for name, value in calm.items())


def test_a_reward_model_learns_from_the_pairs_and_is_kept(
    task: Task, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, record = fitted("rlhf_preferences", "lora", task, tmp_path, base, epochs=1)
    assert record["pairs"] == len(load_pairs(task).train) and record["rows"] == len(TRAIN)
    figures = json.loads((tmp_path / "reward" / "figures.json").read_text())
    assert (
        figures["dev_pairs"] == len(load_pairs(task).dev) and 0 <= figures["in_order"] <= figures["dev_pairs"]
    )
    assert (tmp_path / "reward" / "adapter_model.safetensors").is_file()
    assert not list(tmp_path.glob(".reward*"))
    assert capsys.readouterr().out == ""


def test_fewer_than_two_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="samples must be at least 2"):
        Rlhf(samples=1)
    with pytest.raises(ValueError, match="temperature must be above 0"):
        Rlhf(temperature=0)
