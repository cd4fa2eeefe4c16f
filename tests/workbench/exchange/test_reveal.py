"""Test rows leave a run as text only on demand, and the ledger says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.looks import REVEALED
from tests.workbench.mood import Mood, share
from workbench.cli.main import run
from workbench.evidence import read_looks

FORMS = {"jsonl": "rows.jsonl", "parquet": "rows.parquet", "inspect": "log.json", "lm-eval": "folder"}


@pytest.fixture
def done(tmp_path: Path) -> Path:
    return Mood(tmp_path / "mood").run(share(0.8), "a")


@pytest.mark.parametrize("form", FORMS)
def test_test_rows_are_refused_unless_they_are_asked_for_by_name(
    form: str, done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, ledger = tmp_path / FORMS[form], tmp_path / "mood" / "looks.jsonl"
    before = ledger.read_bytes()
    assert run(["export", form, str(done), "--split", "test", "-o", str(target)]) == 2
    assert "add --reveal-test" in capsys.readouterr().err
    assert not target.exists() and ledger.read_bytes() == before


def test_what_was_revealed_stands_in_the_ledger_once_and_costs_nothing(done: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "mood" / "looks.jsonl"
    before = read_looks(ledger)
    words = ["export", "jsonl", str(done), "--split", "test", "--reveal-test"]
    assert run([*words, "-o", str(tmp_path / "a.jsonl")]) == 0
    assert run([*words, "-o", str(tmp_path / "b.jsonl")]) == 0
    (*first, last) = read_looks(ledger)
    assert first == list(before)
    assert (last.approach, last.name, last.alpha) == (REVEALED, "wb export jsonl", 0.0)
    assert set(last.rows) == set(before[0].rows)


def test_without_the_task_beside_it_nothing_is_revealed(done: Path, tmp_path: Path) -> None:
    (tmp_path / "mood" / "task.yaml").rename(tmp_path / "elsewhere.yaml")
    target = tmp_path / "a.jsonl"
    words = ["export", "jsonl", str(done), "--split", "test", "--reveal-test", "-o", str(target)]
    assert run(words) == 1 and not target.exists()


def test_dev_rows_need_no_ledger(done: Path, tmp_path: Path) -> None:
    before = (tmp_path / "mood" / "looks.jsonl").read_bytes()
    assert run(["export", "jsonl", str(done), "-o", str(tmp_path / "a.jsonl")]) == 0
    assert (tmp_path / "mood" / "looks.jsonl").read_bytes() == before
