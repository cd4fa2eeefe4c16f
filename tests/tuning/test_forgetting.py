"""Forgetting: general text that is the same before and after, and a loss that a changed model pays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from evals.models.local import LocalModel
from tests.tiny import network
from tests.tuning.school import rows, save_model, start, work
from tuning.forgetting import PASSAGES, TOKENS, passages, text_loss
from tuning.forward import Reader
from tuning.full import Full
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.sft import Sft


def test_the_text_is_general_and_always_the_same(smollm: LocalModel) -> None:
    found = passages(smollm.renderer, 500)
    assert len(found) == PASSAGES == len({piece.id for piece in found})
    assert all(len(piece) == TOKENS for piece in found)
    assert [len(p) for p in passages(smollm.renderer, 50)] == [50] * PASSAGES


def test_the_loss_is_nats_a_token_and_rises_with_damage(smollm: LocalModel) -> None:
    text = passages(smollm.renderer, 40)[:4]
    torch.manual_seed(0)
    model = network(vocab_size=smollm.renderer.tokenizer.vocab_size, initializer_range=0.02)
    loss = text_loss(Reader(model), text)
    blank = loss.mean
    assert loss.tokens == (39,) * 4
    assert blank == pytest.approx(sum(loss.nats) / 4)
    assert blank == pytest.approx(torch.log(torch.tensor(float(model.config.vocab_size))).item(), abs=0.3)


def test_what_a_training_forgets_stands_in_its_record(tmp_path: Path) -> None:
    base = save_model(tmp_path / "base")
    plan = Settings(epochs=2, learning_rate=3e-2, patience=9)
    Recipe(Full(), Sft(), plan).fit(rows("t", 32), rows("d", 6), work(tmp_path / "fit", start(base)))
    found = json.loads((tmp_path / "fit" / "training.json").read_text())["forgetting"]
    assert found["loss"] == pytest.approx(found["after"] - found["before"], abs=2e-4)
    assert found["loss"] > 0.1
    rises = [after - before for _, before, after in found["passages"]]
    assert sum(rises) / len(rises) == pytest.approx(found["loss"], abs=1e-3)
