"""Folders made once, checked by their hashes, mended when damaged."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from baselines.rag.shelf import MANIFEST, damage, ensure


class Maker:
    """Writes two files; the first only where it is not there."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, folder: Path) -> None:
        for name in ("dear", "cheap"):
            if name == "cheap" or not (folder / name).is_file():
                (folder / name).write_text(name)
                self.made.append(name)


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    for _ in range(2):
        ensure(tmp_path / "index", {"of": "this"}, make)
    assert make.made == ["dear", "cheap"]
    assert damage(tmp_path / "index") == []


@pytest.mark.parametrize(
    ("name", "made"), [("cheap", ["cheap"]), ("dear", ["dear", "cheap"]), (MANIFEST, ["dear", "cheap"])]
)
def test_a_damaged_file_is_said_and_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, made: list[str]
) -> None:
    make, folder = Maker(), tmp_path / "index"
    ensure(folder, {}, make)
    (folder / name).write_text("garbage")
    make.made.clear()
    with caplog.at_level(logging.WARNING):
        ensure(folder, {}, make)
    assert f"{folder} is damaged" in caplog.text and name in caplog.text
    assert make.made == made
    assert [(folder / n).read_text() for n in ("dear", "cheap")] == ["dear", "cheap"]


def test_a_missing_file_is_damage_and_an_unfinished_folder_is_none(tmp_path: Path) -> None:
    ensure(tmp_path / "index", {}, Maker())
    (tmp_path / "index" / "cheap").unlink()
    assert damage(tmp_path / "index") == ["cheap"]
    (tmp_path / "index" / MANIFEST).unlink()
    assert damage(tmp_path / "index") is None


def test_a_killed_make_is_finished_by_the_next(tmp_path: Path) -> None:
    def killed(folder: Path) -> None:
        (folder / "dear").write_text("dear")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(tmp_path / "index", {}, killed)
    make = Maker()
    ensure(tmp_path / "index", {}, make)
    assert make.made == ["cheap"]
