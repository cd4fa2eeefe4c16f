"""Every test has a cache of its own, so that none finds what another built."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
