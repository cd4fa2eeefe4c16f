"""What a training will hold is counted from what it does, without weights."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from evals.models.engine.memory import keep_freed
from evals.models.sources import pick_dtype
from tests.tiny import network
from tuning.forward import Reader, collate
from tuning.memory import HOLES, READ, Shape, foreseen, kept, read_at_once
from tuning.method import Head, trainable
from tuning.methods import method_named
from tuning.pieces import Piece
from workbench.escalation.memory import Added


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
        return foreseen(model, 0, Shape(1, 8, 1, 1, asked, 500), torch.float32)

    token = 2 * 2 * 2 * 16 * 4  # keys and values of two layers, two heads of 16, in fp32
    assert taken(120) - taken(60) == 2 * 60 * 500 * token


def test_a_step_of_longer_texts_holds_what_it_keeps_and_the_holes_beside_it() -> None:
    model = wrapped("lora")
    short, long = (foreseen(model, 0, Shape(8, n, 4, 8, 8, 1), torch.float32) for n in (2000, 4000))
    more = kept(model, 8, 4000, torch.float32) - kept(model, 8, 2000, torch.float32)
    assert long - short == pytest.approx((1 + HOLES) * more, rel=0.01)


def test_texts_are_read_in_as_many_as_their_tokens_allow_and_a_pair_is_two() -> None:
    assert read_at_once(100, False) == READ and read_at_once(100, True) == 2 * READ
    assert read_at_once(2048, True) == 4 and read_at_once(10000, True) == 1


def steps(layers: int, widths: list[int]) -> tuple[int, int]:
    """The bytes foreseen for steps of eight texts of these widths through LoRA on layers as those of
    SmolLM2-135M, and those that they take of this process."""
    keep_freed()
    torch.manual_seed(0)
    dtype = pick_dtype("auto")
    config = LlamaConfig(
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=layers,
        num_attention_heads=9,
        num_key_value_heads=3,
        vocab_size=4096,
        tie_word_embeddings=True,
    )
    lora = method_named("lora")()
    with torch.device("meta"):
        bare = lora.wrap(AutoModelForCausalLM.from_config(config), Head(), 0)
    learn = sum(p.numel() for p in bare.parameters() if p.requires_grad)
    told = foreseen(bare, learn, Shape(8, max(widths), 8, 8, 0, 0), dtype)
    with Added() as added:
        model = lora.wrap(AutoModelForCausalLM.from_config(config, dtype=dtype), Head(), 0).train()
        reader = Reader(model, autocast=dtype == torch.bfloat16)
        optimizer = torch.optim.AdamW(list(trainable(model).values()), fused=True)
        for width in widths:
            row = Piece("", np.arange(5, width - 3, dtype=np.int32), np.arange(5, 13, dtype=np.int32))
            optimizer.zero_grad()
            reader.losses(collate([row] * 8, "cpu")).sum().backward()
            optimizer.step()
    return told, added.bytes or 0


@pytest.mark.full
@pytest.mark.skipif(torch.cuda.is_available(), reason="the model would learn elsewhere")
def test_steps_of_mixed_lengths_take_between_three_quarters_of_what_is_foreseen_and_an_eighth_more() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        fresh.submit(steps, 1, [16]).result()  # what is imported is no part of it
        told, taken = fresh.submit(steps, 4, [128, 168, 216, 160, 272, 144, 200, 320, 176, 152]).result()
    assert 0.75 * told < taken < 1.125 * told
