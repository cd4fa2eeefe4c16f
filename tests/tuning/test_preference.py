"""DPO and ORPO: the losses are TRL's, the wanted answer gains, and nothing that is judged is learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from baselines.approach import Decoder, Prompt, Prompted
from evals.errors import NotApplicable
from evals.models import Loader
from evals.models.local import LocalModel
from evals.preferences import learnable, load_pairs, unjudged
from evals.task import Task
from evals.types import Example, ModelRef
from tests.tiny import network, tokenizer
from tests.tuning.school import preferences, preferring, rows, start, work
from tuning import OBJECTIVES, forgetting
from tuning.curves import Curves
from tuning.forward import Reader
from tuning.methods import method_named
from tuning.pieces import Pair, Piece
from tuning.preference import Odds, Preferred, log_likelihoods
from tuning.recipe import Recipe
from tuning.settings import Settings

TRAIN, DEV = rows("t", 24), rows("d", 8)
RATES = {
    "prompt_tuning": 0.3,
    "prefix_tuning": 0.1,
    "p_tuning": 0.03,
    "lora": 1e-2,
    "qlora": 1e-2,
    "full": 3e-3,
}


def pieces(count: int = 6, prompt: int = 5, seed: int = 3) -> list[Pair]:
    """Random pairs of unequal lengths."""
    rng = np.random.default_rng(seed)

    def ids(n: int) -> Any:
        return rng.integers(2, 400, n).astype(np.int32)

    found = []
    for n in range(count):
        asked = ids(prompt + n % 3 if prompt > 1 else 1)
        found.append(Pair(*(Piece(f"{n}", asked, ids(size)) for size in (2 + n % 4, 1 + (2 * n) % 5))))
    return found


def two_models(**changes: Any) -> tuple[Any, Any]:
    """A reference, and a policy that has moved away from it."""
    reference, policy = (network(seed=1, initializer_range=0.08, **changes) for _ in range(2))
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return reference, policy


def examples(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """The pairs as TRL's collators take them."""
    return [
        {
            "prompt_ids": pair.chosen.prompt.tolist(),
            "chosen_ids": pair.chosen.answer.tolist(),
            "rejected_ids": pair.rejected.answer.tolist(),
        }
        for pair in pairs
    ]


def trl_options(folder: Path) -> dict[str, Any]:
    """What a TRL trainer needs where there is no GPU."""
    few = {"use_cpu": True, "bf16": False, "report_to": [], "per_device_train_batch_size": 4}
    return {"output_dir": str(folder), "max_length": None, **few}


def trl_rows() -> Any:
    from datasets import Dataset

    return Dataset.from_list([{"prompt": "w5 ", "chosen": "w6", "rejected": "w7"}] * 4)


def test_the_loss_of_dpo_is_that_of_trl(tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    reference, policy = two_models()
    pairs = pieces()
    known = log_likelihoods(Reader(reference), pairs)
    lesson = Preferred(Reader(policy), pairs, 0.3, known)
    with torch.no_grad():
        mine = float(lesson.loss(range(len(pairs)))) / lesson.weight(range(len(pairs)))
        cut = sum(float(lesson.loss(part)) for part in ([4, 0], [1], [5, 2, 3])) / len(pairs)
    trainer = DPOTrainer(
        policy, reference, DPOConfig(beta=0.3, **trl_options(tmp_path)),
        train_dataset=trl_rows(), processing_class=tokenizer(),
    )  # fmt: skip
    theirs = trainer.compute_loss(trainer.model.eval(), trainer.data_collator(examples(pairs)))
    assert mine == pytest.approx(theirs.item(), rel=1e-4)
    assert cut == pytest.approx(mine, rel=1e-5)
    assert abs(mine - np.log(2)) > 0.01


def test_the_loss_of_orpo_is_that_of_trl_behind_prompts_of_one_token(tmp_path: Path) -> None:
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    _, policy = two_models()
    options = trl_options(tmp_path) | {"max_length": 64, "padding_value": 1}
    trainer = ORPOTrainer(
        policy, ORPOConfig(beta=0.2, **options), train_dataset=trl_rows(), processing_class=tokenizer()
    )
    reader = Reader(policy.eval())
    with torch.no_grad():
        for pair in pieces(prompt=1):
            mine = float(Odds(reader, [pair], 0.2).loss([0]))
            theirs = trainer.get_batch_loss_metrics(policy, _orpo_batch([pair]))[0]
            assert mine == pytest.approx(theirs.item(), rel=1e-4)
        long = pieces(prompt=5)
        said = log_likelihoods(reader, long)
        sizes = torch.tensor([[len(p.chosen.answer), len(p.rejected.answer)] for p in long])
        mean = said / sizes
        odds = trainer.odds_ratio_loss(mean[:, 0], mean[:, 1])[0]
        whole = float(Odds(reader, long, 0.2).loss(range(len(long))))
        assert whole == pytest.approx(float((-mean[:, 0] - odds).sum()), rel=1e-4)


def _orpo_batch(pairs: Sequence[Pair]) -> dict[str, Any]:
    batch = {}
    for side in ("chosen", "rejected"):
        texts = [getattr(pair, side) for pair in pairs]
        ids = [torch.tensor([*text.prompt.tolist(), *text.answer.tolist()]) for text in texts]
        batch[f"{side}_input_ids"] = torch.stack(ids)
        batch[f"{side}_attention_mask"] = torch.ones_like(batch[f"{side}_input_ids"])
        batch[f"{side}_labels"] = torch.stack(
            [torch.tensor([-100] * len(text.prompt) + text.answer.tolist()) for text in texts]
        )
    return batch


def test_what_is_certain_has_a_finite_loss() -> None:
    class Sure(Reader):
        def likelihoods(self, batch: Any) -> Any:
            return torch.zeros(batch.rows, requires_grad=True)

    loss = Odds(Sure(network()), pieces(2), 0.1).loss([0, 1])
    assert torch.isfinite(loss)


def fitted(
    objective: str, method: str, task: Task, folder: Path, base: Path, **settings: Any
) -> tuple[Prompted, dict[str, Any]]:
    """What came of a training, and its record."""
    few = {"epochs": 2, "patience": 9, "learning_rate": 20 * RATES[method], **settings}
    recipe = Recipe(method_named(method)(), OBJECTIVES.load(objective)(), Settings(**few))
    found = recipe.fit(TRAIN, DEV, work(folder, start(base), task=task))
    return found, json.loads((folder / "training.json").read_text())


def preferred(approach: Prompted, task: Task) -> float:
    """The mean of how much likelier the chosen answers of the dev pairs are."""
    models, pairs = Loader(), load_pairs(task).dev
    prompts = approach.prompts([pair.query() for pair in pairs], models)
    asked = [(prompts[pair.id], (" " + pair.chosen, " " + pair.rejected)) for pair in pairs]
    said = models.open(approach.model).scores(asked)
    return float(np.mean([chosen - rejected for chosen, rejected in said]))


def _looks(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "curves.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == "dev"]


def weights(folder: Path) -> dict[str, Any]:
    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


def stopped_at(monkeypatch: pytest.MonkeyPatch, line: int) -> None:
    """Training is interrupted behind so many lines of its curves."""
    true, lines = Curves.add, iter(range(line))

    def stopped(self: Curves, line: Any) -> None:
        true(self, line)
        if next(lines, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(Curves, "add", stopped)


CASES = [
    ("dpo", "lora"),
    ("dpo", "full"),
    ("dpo", "prefix_tuning"),
    ("orpo", "lora"),
    ("orpo", "prompt_tuning"),
    ("kto", "lora"),
    ("kto", "full"),
    ("kto", "prompt_tuning"),
    ("orpo", "full"),
    ("dpo", "qlora"),
    ("sft_then_dpo", "p_tuning"),
]


@pytest.mark.parametrize(("objective", "method"), CASES)
def test_the_wanted_answers_gain_and_what_was_best_on_dev_is_served(
    objective: str, method: str, task: Task, base: Path, tmp_path: Path
) -> None:
    found, record = fitted(objective, method, task, tmp_path, base)
    assert found.name == f"{method}_{objective}"
    assert preferred(found, task) > preferred(start(base), task) + 0.5
    assert record["objective"] == objective
    assert record["rows"] == (len(TRAIN) if "sft" in objective else 0)
    assert record["pairs"] == len(load_pairs(task).train)
    losses = [look["loss"] for look in _looks(tmp_path / record["stages"][-1]["name"])]
    assert min(losses[1:]) < losses[0]
    if "dpo" in objective:
        assert losses[0] == pytest.approx(np.log(2), abs=1e-3)


def test_interrupted_and_started_again_it_ends_with_the_same_weights(
    task: Task, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted("kto", "lora", task, tmp_path / "calm", base)
    with monkeypatch.context() as patch:
        stopped_at(patch, 7)
        with pytest.raises(KeyboardInterrupt):
            fitted("kto", "lora", task, tmp_path / "killed", base)
    fitted("kto", "lora", task, tmp_path / "killed", base)
    calm, killed = weights(tmp_path / "calm"), weights(tmp_path / "killed")
    assert all(torch.equal(calm[name], killed[name]) for name in calm)


def test_dpo_after_sft_begins_at_its_best_and_survives_a_kill_in_either_stage(
    task: Task, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(folder: Path) -> dict[str, Any]:
        return fitted("sft_then_dpo", "lora", task, folder, base, learning_rate=0.02)[1]

    calm = train(tmp_path / "calm")
    assert [stage["name"] for stage in calm["stages"]] == ["sft", "dpo"]
    assert (calm["rows"], calm["pairs"]) == (len(TRAIN), len(load_pairs(task).train))
    first, then = (_looks(tmp_path / "calm" / stage) for stage in ("sft", "dpo"))
    assert then[0]["loss"] == pytest.approx(np.log(2), abs=1e-3)
    assert then[0]["score"] == max(look["score"] for look in first)
    assert min(look["loss"] for look in then[1:]) < then[0]["loss"]
    for line in (4, 15):
        folder = tmp_path / str(line)
        with monkeypatch.context() as patch:
            stopped_at(patch, line)
            with pytest.raises(KeyboardInterrupt):
                train(folder)
        assert (folder / "dpo").is_dir() == (line == 15)
        train(folder)
        assert all(torch.equal(weights(folder)[name], w) for name, w in weights(tmp_path / "calm").items())


def test_pairs_whose_input_is_judged_are_left_out_and_named(base: Path, tmp_path: Path) -> None:
    plain = preferring(tmp_path, base, preferences(40))
    first = load_pairs(plain).train[0]
    path = tmp_path / "test.jsonl"
    path.write_text(
        path.read_text() + json.dumps({"id": "x", "input": first.input.upper(), "output": "w30"}) + "\n"
    )
    found, copies = learnable(plain)
    assert copies == (first.id,)
    assert first not in found.train
    assert len(found.train) == len(load_pairs(plain).train) - 1


def test_rows_whose_answer_may_stand_in_a_judged_pair_are_not_trained_on(base: Path, tmp_path: Path) -> None:
    asked = [{"metric": "preference_accuracy", "at_least": 0.7, "kind": "quality"}]
    judged = preferring(tmp_path, base, preferences(40), requirements=asked)
    pairs = load_pairs(judged)
    copies = [
        Example(f"c{n}", pair.input.upper(), pair.chosen) for n, pair in enumerate((*pairs.dev, *pairs.test))
    ]
    own = [Example(f"o{n}", pair.input, pair.chosen) for n, pair in enumerate(pairs.train)]
    assert list(unjudged(judged, [*copies, *own, *TRAIN])) == [*own, *TRAIN]
    plain = preferring(tmp_path, base, preferences(40))
    assert list(unjudged(plain, copies)) == copies


def test_without_pairs_there_is_nothing_to_learn_preferences_from(base: Path, tmp_path: Path) -> None:
    bare = preferring(tmp_path / "task", base, [])
    with pytest.raises(NotApplicable, match="learns from pairs of answers, and the task has none"):
        fitted("dpo", "lora", bare, tmp_path / "fit", base)


def test_pairs_that_are_too_long_are_left_out_and_named(base: Path, tmp_path: Path) -> None:
    found = preferences(30)
    long = preferring(tmp_path / "task", base, found)
    cut = load_pairs(long).train[0].id
    for pair in found:
        if pair["id"] == cut:
            pair["rejected"] = " ".join(["w30"] * 600)
    long = preferring(tmp_path / "task", base, found)
    _, record = fitted("dpo", "lora", long, tmp_path / "fit", base, epochs=0.2)
    assert record["too_long"] == [cut]


def test_options_that_mean_nothing_are_refused() -> None:
    for name, options in (("dpo", {"beta": 0}), ("orpo", {"weight": -1}), ("kto", {"beta": 0})):
        with pytest.raises(ValueError, match="must be above 0"):
            OBJECTIVES.load(name)(**options)


def test_a_real_model_learns_to_prefer_in_a_few_steps(
    smollm: LocalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PASSAGES", 2)
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "today"]
    pairs = [
        {
            "input": f"We meet {day} at 9:30.",
            "chosen": f"The meeting is {day} at 9:30.",
            "rejected": f"meet {day} 9:30 ok?",
        }
        for day in days
    ]
    small = preferring(tmp_path / "task", Path("smollm2-135m"), pairs)
    begin = Prompted(
        "zero_shot",
        ModelRef("smollm2-135m", dtype="float32"),
        Prompt("Say it politely: {{ input }}"),
        Decoder(4),
    )
    plan = Settings(epochs=2, batch=2, learning_rate=0.02, dev_rows=3, patience=9)
    recipe = Recipe(method_named("lora")(rank=4), OBJECTIVES.load("dpo")(), plan)  # type: ignore[call-arg]
    found = recipe.fit([], DEV[:2], work(tmp_path / "fit", begin, task=small))
    train = load_pairs(small).train
    prompts = begin.prompts([pair.query() for pair in train], Loader())
    asked = [(prompts[pair.id], (pair.chosen, pair.rejected)) for pair in train]
    before, after = smollm.scores(asked), Loader().open(found.model).scores(asked)
    gained = [(a[0] - a[1]) - (b[0] - b[1]) for a, b in zip(after, before, strict=True)]
    assert sum(gained) > 0
    assert Curves.read(tmp_path / "fit" / "dpo" / "curves.jsonl", 4).best > 0
