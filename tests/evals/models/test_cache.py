from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evals.errors import ModelError
from evals.models.cache import cache_root, converted, whole
from evals.models.known import KNOWN
from tests.clocks import PATIENCE

PACKAGE = KNOWN["smollm2-135m"].package
OPEN = """
import sys
from pathlib import Path
from evals.models.cache import converted
print(converted("m", Path(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def source() -> Path:
    path = PACKAGE.find() if PACKAGE else None
    if path is None:
        pytest.skip("the package with the model is not installed")
    return path


@pytest.fixture(scope="module")
def raced(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[subprocess.Popen[str]]]:
    """Two processes that start to convert the same file at once, into an empty cache."""
    root = tmp_path_factory.mktemp("cache")
    env = {**os.environ, "WB_CACHE": str(root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", OPEN, str(source)]
    both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = {process.communicate(timeout=2 * PATIENCE)[0].strip() for process in both}
    assert len(said) == 1
    return Path(said.pop()), both


def test_two_processes_at_once_both_have_the_model(raced: tuple[Path, list[subprocess.Popen[str]]]) -> None:
    folder, both = raced
    assert [process.returncode for process in both] == [0, 0]
    assert whole(folder)
    assert [p.name for p in folder.parent.iterdir() if p.is_dir()] == [folder.name]


def test_the_manifest_says_what_it_was_made_of(raced: tuple[Path, object]) -> None:
    manifest = json.loads((raced[0] / "manifest.json").read_text())
    assert manifest["source"].endswith(".gguf") and len(manifest["source_sha256"]) == 64
    assert set(manifest["made_with"]) == {"transformers", "torch", "gguf"}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= set(
        manifest["files"]
    )
    assert "quantization_config" not in json.loads((raced[0] / "config.json").read_text())


@pytest.mark.parametrize("harm", ["missing", "torn", "no manifest", "half a manifest"])
def test_a_damaged_cache_is_not_taken_for_whole(
    raced: tuple[Path, object], harm: str, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(raced[0], folder, copy_function=os.link)
    assert whole(folder)
    file = folder / ("manifest.json" if "manifest" in harm else "tokenizer.json")
    data = file.read_bytes()
    file.unlink()
    if harm in ("torn", "half a manifest"):
        file.write_bytes(data[: len(data) // 2])
    assert not whole(folder)


def test_a_damaged_cache_is_made_again_and_what_a_kill_left_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WB_CACHE", str(tmp_path))
    made: list[Path] = []

    def convert(source: Path, target: Path) -> None:
        made.append(target)
        (target / "model.safetensors").write_bytes(b"weights")

    monkeypatch.setattr("evals.models.cache._convert", convert)
    folder = converted("m", source)
    assert converted("m", source) == folder and len(made) == 1
    (folder / "model.safetensors").write_bytes(b"weig")
    left = folder.parent / f".{folder.name}.killed"
    left.mkdir()
    assert converted("m", source) == folder and len(made) == 2
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert "damaged" in caplog.text and not left.exists()


def test_a_failed_conversion_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    with pytest.raises(ModelError, match="cannot be converted"):
        converted("m", broken)
    assert not [p for p in (tmp_path / "cache" / "models").iterdir() if p.is_dir()]


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_root() == Path("/x/workbench")
    monkeypatch.setenv("WB_CACHE", "/y")
    assert cache_root() == Path("/y")
