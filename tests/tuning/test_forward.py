"""What is computed of a batch: the same losses as the model's own, whatever stands beside a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import Mamba2Config, Mamba2ForCausalLM

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


def learned_from(model: Any, packs: bool) -> tuple[Any, dict[str, Any]]:
    """Losses and gradients of a batch, its rows packed or padded."""
    reader, rows = Reader(model), collate(pieces(), "cpu")
    assert reader._packs
    reader.__dict__["_packs"] = packs
    model.zero_grad(set_to_none=True)
    losses = reader.losses(rows)
    losses.mean().backward()
    return losses.detach(), {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma"])
def test_rows_that_are_packed_teach_what_padded_ones_do(family: str) -> None:
    model = get_peft_model(
        network(family, initializer_range=0.2),
        LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False),
    ).train()
    (mine, learned), (theirs, taught) = (learned_from(model, packs) for packs in (True, False))
    assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    assert learned.keys() == taught.keys() and len(learned) > 10
    for name, gradient in learned.items():
        assert torch.allclose(gradient, taught[name], rtol=1e-3, atol=1e-5 * float(taught[name].abs().max()))


def test_packed_rows_leave_the_attention_of_the_model_as_it_was() -> None:
    model = network("llama")
    before = model.config._attn_implementation
    Reader(model).losses(collate(pieces(), "cpu"))
    assert model.config._attn_implementation == before


def test_soft_prompts_stand_before_padded_rows() -> None:
    assert not Reader(adapted("prompt"))._packs


def test_a_model_that_carries_a_state_from_token_to_token_is_padded() -> None:
    """Rows would see each other where a layer mixes tokens otherwise than by attention."""
    sizes = {"hidden_size": 32, "state_size": 8, "num_heads": 4, "head_dim": 16, "n_groups": 1}
    model = Mamba2ForCausalLM(Mamba2Config(vocab_size=400, num_hidden_layers=2, **sizes)).eval()
    reader = Reader(model)
    assert not reader._packs
    assert torch.isfinite(reader.losses(collate(pieces(), "cpu"))).all()


@pytest.mark.parametrize(("sliding", "packs"), [(4, False), (512, True)])
def test_rows_longer_than_a_window_are_padded(sliding: int, packs: bool) -> None:
    """And either way what a row alone gives."""
    model, rows = network("mistral", sliding_window=sliding), pieces()
    reader = Reader(model)
    with torch.no_grad():
        got = reader.losses(collate(rows, "cpu"))
        assert torch.allclose(got, torch.cat(one_by_one(model, rows)), rtol=1e-3, atol=1e-3)
    assert (reader._window is not None and reader._window >= max(map(len, rows))) == packs
