"""Adapters: what they answer through the engine is what peft's own model answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import (
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    get_peft_model,
)

from evals.errors import ModelError
from evals.models.fingerprint import weights_fingerprint
from evals.models.local import LocalModel, open_local
from evals.models.sources import Live
from evals.types import ModelRef, Request
from tests.evals.models.engine.reference import differing
from tests.tiny import network, tokenizer, words

PROJECTIONS = ["q_proj", "v_proj", "down_proj"]
CONFIGS = {
    "lora": LoraConfig(r=4, target_modules=PROJECTIONS, task_type="CAUSAL_LM"),
    "prefix": PrefixTuningConfig(num_virtual_tokens=7, task_type="CAUSAL_LM"),
    "projected prefix": PrefixTuningConfig(
        num_virtual_tokens=7, prefix_projection=True, encoder_hidden_size=32, task_type="CAUSAL_LM"
    ),
    "prompt": PromptTuningConfig(num_virtual_tokens=7, task_type="CAUSAL_LM"),
    "p-tuning": PromptEncoderConfig(num_virtual_tokens=7, encoder_hidden_size=32, task_type="CAUSAL_LM"),
}


def adapted(kind: str, family: str = "llama") -> Any:
    """A small random model with an adapter that changes what it says."""
    model = get_peft_model(network(family), CONFIGS[kind])
    torch.manual_seed(2)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data.add_(torch.randn_like(parameter) * (0.05 if "lora" in name else 0.3))
    return model.eval()


def asked(n: int = 16, new: int = 16, seed: int = 4) -> list[Request]:
    rng = torch.Generator().manual_seed(seed)
    head = torch.randint(2, 400, (70,), generator=rng).tolist()
    tails = [torch.randint(2, 400, (3 + 2 * i,), generator=rng).tolist() for i in range(n)]
    return [Request(f"r{i}", words(*(head if i % 3 else []), *tail), new) for i, tail in enumerate(tails)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base")
    network().save_pretrained(path)
    tokenizer().save_pretrained(path)
    return path


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        yield


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_a_live_adapter_answers_as_its_own_generate(kind: str, family: str) -> None:
    model = LocalModel(kind, Live(adapted(kind, family), tokenizer()))
    assert model.engine._unfit is None
    assert model.context == (512 if kind == "lora" else 505)
    requests = asked()
    got = list(model.generate(requests))
    assert differing(model, requests, got) == []
    plain = {c.id: c.text for c in LocalModel("base", Live(network(family), tokenizer())).generate(requests)}
    assert sum(plain[c.id] != c.text for c in got) >= 8


@pytest.mark.full
@pytest.mark.parametrize("kind", CONFIGS)
def test_two_hundred_answers_of_a_live_adapter_are_its_own(kind: str) -> None:
    model = LocalModel(kind, Live(adapted(kind), tokenizer()))
    requests = [replace(r, id=f"{n}{r.id}") for n in range(10) for r in asked(20, seed=n)]
    assert differing(model, requests, list(model.generate(requests))) == []


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_saved_adapter_answers_as_the_live_one(kind: str, base: Path, tmp_path: Path) -> None:
    live = adapted(kind)
    live.save_pretrained(tmp_path / "adapter")
    model = open_local(ModelRef(str(base), adapter=str(tmp_path / "adapter"), dtype="float32"))
    wrapped = LocalModel(kind, Live(live, tokenizer()))
    requests = asked(8)
    assert model.context == wrapped.context
    assert {c.id: c.text for c in model.generate(requests)} == {
        c.id: c.text for c in wrapped.generate(requests)
    }
    prompt, answers = words(*range(20, 60)), [" w5 w6", " w5 w7 w8", " w9"]
    assert model.score(prompt, answers) == pytest.approx(wrapped.score(prompt, answers), abs=1e-3)


def test_a_soft_prompt_in_training_is_read_as_it_is_now_and_left_alone() -> None:
    live = adapted("prompt").train()
    model = LocalModel("training", Live(live, tokenizer()))
    before = next(model.generate(asked(1))).text
    for parameter in live.parameters():
        if parameter.requires_grad:
            parameter.data.mul_(-2)
    after = next(model.generate(asked(1))).text
    assert before != after and live.training
    assert differing(model, asked(1), list(model.generate(asked(1)))) == []


def test_merging_lora_is_done_before_rounding(base: Path, tmp_path: Path) -> None:
    adapted("lora").save_pretrained(tmp_path)
    engine = open_local(ModelRef(str(base), adapter=str(tmp_path), dtype="bfloat16")).engine
    whole = PeftModel.from_pretrained(network(), str(tmp_path)).merge_and_unload().to(torch.bfloat16)
    weight = "model.layers.1.mlp.down_proj.weight"
    assert torch.equal(engine.core.model.get_parameter(weight), whole.get_parameter(weight))


@pytest.mark.parametrize("kind", ["lora", "prompt"])
def test_the_frequencies_of_places_are_not_rounded(kind: str, base: Path, tmp_path: Path) -> None:
    """As in the model alone: rounded to bf16 they would turn the keys of long texts away."""
    adapted(kind).save_pretrained(tmp_path)
    name = "rotary_emb.inv_freq"
    for ref in (ModelRef(str(base)), ModelRef(str(base), adapter=str(tmp_path))):
        buffers = dict(open_local(replace(ref, dtype="bfloat16")).source.weights().named_buffers())
        assert [b.dtype for key, b in buffers.items() if key.endswith(name)] == [torch.float32]


def test_the_fingerprint_is_of_both(base: Path, tmp_path: Path) -> None:
    prints = {open_local(ModelRef(str(base))).fingerprint}
    for kind in ("lora", "prompt"):
        adapted(kind).save_pretrained(tmp_path / kind)
        prints.add(open_local(ModelRef(str(base), adapter=str(tmp_path / kind))).fingerprint)
    assert len(prints) == 3


def test_what_is_no_adapter_is_said(base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no adapter at"):
        open_local(ModelRef(str(base), adapter=str(tmp_path / "nowhere")))
    (tmp_path / "adapter_config.json").write_text("{")
    with pytest.raises(ModelError, match="without safetensors"):
        open_local(ModelRef(str(base), adapter=str(tmp_path)))
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    (tmp_path / "probe.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="without safetensors"):
        open_local(ModelRef(str(base), adapter=str(tmp_path)))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be read"):
        open_local(ModelRef(str(base), adapter=str(tmp_path)))


def test_an_adapter_of_another_model_does_not_fit(base: Path, tmp_path: Path) -> None:
    other = get_peft_model(network(hidden_size=48), CONFIGS["lora"])
    other.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "adapter_config.json").read_text())
    assert settings["r"] == 4
    with pytest.raises(ModelError, match="does not fit the model"):
        list(open_local(ModelRef(str(base), adapter=str(tmp_path))).generate(asked(1)))


@pytest.mark.parametrize("layers", [2, 4])
def test_nor_does_one_of_a_model_with_more_or_fewer_layers(layers: int, base: Path, tmp_path: Path) -> None:
    get_peft_model(network(num_hidden_layers=layers), CONFIGS["lora"]).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"does not fit the model .* \(6 matrices without a counterpart"):
        open_local(ModelRef(str(base), adapter=str(tmp_path))).source.weights()


def test_nor_one_that_was_trained_on_other_weights_of_the_same_shape(base: Path, tmp_path: Path) -> None:
    adapted("lora").save_pretrained(tmp_path)
    here = ModelRef(str(base), adapter=str(tmp_path))
    (tmp_path / "base.json").write_text(json.dumps({"weights": weights_fingerprint(base)}))
    open_local(here).source.weights()
    (tmp_path / "base.json").write_text(json.dumps({"weights": "0123456789abcdef"}))
    with pytest.raises(ModelError, match=r"does not fit the model .* \(it was trained on other weights\)"):
        open_local(here).source.weights()


@pytest.mark.parametrize("torn", ["adapter", "base"])
def test_torn_weights_are_told_with_their_folder(torn: str, base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "base")
    adapted("lora").save_pretrained(tmp_path / "adapter")
    path = next((tmp_path / torn).glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        open_local(ModelRef(str(tmp_path / "base"), adapter=str(tmp_path / "adapter"))).source.weights()
    assert error.value.where == tmp_path / torn
