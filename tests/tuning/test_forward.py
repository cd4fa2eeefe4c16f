"""What is computed of a batch: the same losses as the model's own, whatever stands beside a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from tests.evals.models.test_adapter import CONFIGS, adapted
from tests.tiny import network
from tuning.forward import Reader, collate
from tuning.pieces import Piece


def pieces(count: int = 5) -> list[Piece]:
    rng = np.random.default_rng(3)

    def ids(n: int) -> Any:
        return rng.integers(2, 400, n).astype(np.int32)

    return [Piece(f"p{n}", ids(3 + 4 * n), ids(1 + n % 3)) for n in range(count)]


def one_by_one(model: Any, rows: list[Piece]) -> list[torch.Tensor]:
    """Each row's losses by the model's own forward pass, without padding."""
    found = []
    for piece in rows:
        text = torch.from_numpy(np.concatenate([piece.prompt, piece.answer])).long()[None]
        logits = model(input_ids=text, attention_mask=torch.ones_like(text)).logits[0, -len(text[0]) :]
        wanted = text[0, len(piece.prompt) :]
        found.append(
            torch.nn.functional.cross_entropy(logits[len(piece.prompt) - 1 : -1], wanted, reduction="none")
        )
    return found


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_losses_of_a_padded_batch_are_those_of_the_rows_alone(kind: str, family: str) -> None:
    model, rows = adapted(kind, family), pieces()
    with torch.no_grad():
        got = Reader(model).losses(collate(rows, "cpu"))
        assert torch.allclose(got, torch.cat(one_by_one(model, rows)), rtol=1e-3, atol=1e-3)


def test_a_head_that_is_adapted_or_changed_is_noticed() -> None:
    model = network("llama")
    true = model.forward

    def capped(**inputs: Any) -> Any:
        found = true(**inputs)
        found.logits = 3 * torch.tanh(found.logits / 3)
        return found

    model.forward = capped
    rows = pieces()
    with torch.no_grad():
        got = Reader(model).losses(collate(rows, "cpu"))
        assert torch.allclose(got, torch.cat(one_by_one(model, rows)), rtol=1e-3, atol=1e-3)


def test_gradients_reach_what_learns_and_nothing_else() -> None:
    model = get_peft_model(network(), LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    Reader(model).losses(collate(pieces(), "cpu")).sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == ("lora" in name)
