"""What the command line draws of a long step."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workbench.cli.console import Console


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that goes only when it is told to."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    return clock


def train(shown: Console, clock: SimpleNamespace, steps: int, seconds: float) -> None:
    """A training whose loss is another at every step."""
    shown.progress("lora: sft | dev score 0.100", 0, steps)
    for step in range(1, steps + 1):
        clock.now += seconds
        shown.progress(f"lora: sft | loss {9 / step:.3f}, dev score 0.100", step, steps)


def test_figures_that_change_do_not_make_a_step_another_one(
    clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    train(Console(), clock, 100, 0.01)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "lora: sft | dev score 0.100: 0/100"
    assert lines[5] == "lora: sft | loss 0.180, dev score 0.100: 50/100"


def test_a_long_step_says_how_much_time_is_left(
    clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    train(Console(), clock, 100, 6.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].endswith(": 10/100, 9 min left")
    assert lines[9].endswith(": 90/100, 60 s left")
    assert lines[10].endswith(": 100/100")


def test_a_step_that_goes_on_is_timed_from_where_it_goes_on(
    clock: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Console()
    shown.progress("zero_shot: dev", 60, 100)
    clock.now += 40
    shown.progress("zero_shot: dev", 80, 100)
    assert capsys.readouterr().err.splitlines()[-1] == "zero_shot: dev: 80/100, 40 s left"


def test_on_a_terminal_a_step_is_one_line_that_is_redrawn(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    shown = Console()
    train(shown, clock, 10, 6.0)
    shown.progress("lora: reload", 0, 1)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.count("\r") == 12
    assert "5/10, 30 s left" in said
