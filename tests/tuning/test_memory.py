"""What a training will hold is counted from what it does, without weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from tests.tiny import network
from tuning.memory import Shape, foreseen, kept
from tuning.method import Head
from tuning.methods import method_named


def wrapped(method: str) -> Any:
    """The tiny model without memory, as it learns by the method."""
    with torch.device("meta"):
        return method_named(method)().wrap(AutoModelForCausalLM.from_config(network().config), Head(), 0)


def really_kept(rows: int, width: int) -> int:
    """The bytes that torch keeps for the backward pass of the model with its weights."""
    model, found = network().train(), {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        found[tensor.untyped_storage().data_ptr()] = (tensor.untyped_storage().nbytes(), tensor)
        return tensor

    text = torch.zeros(rows, width, model.config.hidden_size, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model.base_model(inputs_embeds=text, use_cache=False)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    return sum(size for place, (size, _) in found.items() if place not in weights)


def test_what_a_step_keeps_is_about_what_torch_keeps() -> None:
    assert kept(wrapped("full"), 3, 40, torch.float32) == pytest.approx(really_kept(3, 40), rel=0.2)


def test_lora_keeps_the_inputs_of_its_matrices_and_grows_with_the_texts() -> None:
    short, long = (kept(wrapped("lora"), 2, width, torch.float32) for width in (32, 128))
    assert 3.5 * short < long < 4.5 * short


def test_what_cannot_run_without_memory_is_reckoned_by_the_rule() -> None:
    model = wrapped("full")
    model.model.forward = None
    config = model.config
    assert kept(model, 2, 10, torch.bfloat16) == 34 * 20 * config.hidden_size * config.num_hidden_layers


def test_a_look_holds_a_copy_and_twice_the_keys_and_values_of_its_rows() -> None:
    config = LlamaConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=100
    )

    def taken(asked: int) -> int:
        with torch.device("meta"):
            model = method_named("full")().wrap(AutoModelForCausalLM.from_config(config), Head(), 0)
        return foreseen(model, 0, Shape(1, 8, 1, asked, 500), torch.float32)

    token = 2 * 2 * 2 * 16 * 4  # keys and values of two layers, two heads of 16, in fp32
    assert taken(120) - taken(60) == 2 * 60 * 500 * token
