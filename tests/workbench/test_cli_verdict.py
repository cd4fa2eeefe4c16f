"""The verdict on the terminal after a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.types import Decision
from tests.reports.decisions import trained
from workbench.cli.console import Console
from workbench.cli.verdict import show


def test_what_was_trained_is_told_before_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    found = trained()
    for requirement in found["requirements"]:
        requirement["label"] = requirement["metric"]
    show(Console(color=False), Path("run"), Decision(**found))
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("lora, as it was trained")
    assert lines[place + 1].startswith("  trained         LoRA (sft), on 200 rows")
    assert (
        "  more data       with twice the data (400 rows) expect +7 [+5, +7] points of json_fields" in lines
    )
    assert any(line.startswith("  economics       Training lora took 8.4 min and $0.280") for line in lines)
    assert lines[-1].startswith("✓ Ship lora")
