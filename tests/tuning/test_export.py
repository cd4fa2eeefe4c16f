"""What training leaves behind is whole, or as it was before."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors import SafetensorError

from evals.errors import ResumableError
from tuning.export import export
from tuning.method import Head


@pytest.mark.parametrize(
    ("full", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (
            SafetensorError("Error while serializing: I/O error: No space left"),
            "the weights cannot be written",
        ),
    ],
)
def test_a_full_disk_can_be_resumed_and_leaves_what_was_there(
    full: Exception, message: str, tmp_path: Path
) -> None:
    def half(folder: str, **options: object) -> None:
        (Path(folder) / "adapter_model.safetensors").write_bytes(b"half")
        raise full

    before = tmp_path / "adapter" / "adapter_config.json"
    before.parent.mkdir()
    before.write_text("{}")
    with pytest.raises(ResumableError, match=message):
        export(SimpleNamespace(peft_config={}, save_pretrained=half), None, before.parent, Head())
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")] == [before.relative_to(tmp_path)]
