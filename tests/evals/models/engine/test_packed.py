"""The few-operator arithmetic gives the transformers model's own numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from evals.models.engine.core import Core
from evals.models.engine.packed import FAMILIES, Packed, unfit
from evals.models.engine.slab import Slab
from tests.tiny import network


def logits(core: Core, ids: torch.Tensor) -> torch.Tensor:
    slab = Slab(len(ids), ids.shape[1])
    slab.span(0, len(ids), 0, ids.shape[1])
    every = torch.arange(ids.shape[1]).expand_as(ids)
    return core.forward(ids, every, slab, every)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tied", [True, False])
def test_logits_are_those_of_transformers(family: str, tied: bool) -> None:
    model = network(family, tie_word_embeddings=tied)
    core = Core(model, 512, pack=True)
    assert core._packed is not None and core.unfit() is None and core._packed is not None
    ids = torch.randint(2, 400, (3, 50), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(ids).logits
    assert (logits(core, ids) - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_a_model_that_somebody_else_may_change_is_not_copied() -> None:
    assert Core(network(), 512)._packed is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"hidden_act": "gelu"}, "its activation is gelu"),
        ({"family": "gemma"}, "it is not one of llama"),
    ],
)
def test_other_models_are_not_computed_so(change: dict[str, Any], why: str) -> None:
    model = network(**change)
    assert why in (unfit(model) or "")
    with pytest.raises(ValueError, match=why):
        Packed(model)
    assert Core(model, 512, pack=True)._packed is None


def test_a_layer_of_another_kind_is_noticed() -> None:
    class Twice(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    model = network()
    model.model.layers[1].mlp.up_proj = Twice(96, 96, bias=False)
    assert unfit(model) == "its projections are Twice"


def test_a_wrong_copy_is_found_by_the_check_and_dropped() -> None:
    core = Core(network(), 512, pack=True)
    assert core._packed is not None
    core._packed.embed = core._packed.embed * 1.01
    core._packed.norm = core._packed.norm * torch.linspace(0.9, 1.1, 96)
    assert core.unfit() is None and core._packed is None
