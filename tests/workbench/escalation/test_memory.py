"""What a step added to the memory of the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.escalation import memory
from workbench.escalation.memory import Added


def test_what_a_block_held_is_counted_though_it_was_let_go_and_what_was_held_before_is_not() -> None:
    before = bytearray(64 * 2**20)
    with Added() as added:
        block = bytearray(48 * 2**20)
        block[:: 2**12] = bytes(len(block) // 2**12)
        del block
    assert len(before) == 64 * 2**20
    assert added.bytes is not None
    assert 44 * 2**20 <= added.bytes <= 60 * 2**20


def test_where_the_system_does_not_tell_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    with Added() as added:
        pass
    assert added.bytes is None
