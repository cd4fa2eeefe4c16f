"""A diagnosis on the command line, at an endpoint: what it prints, and how it is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evals.models.openai_server import OpenAIServer
from tests.workbench.small_task import SmallTask, able

HARD = [{"metric": "label", "at_least": 0.95, "kind": "quality"}]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(rule=able) as server:
        yield server


def test_the_terminal_says_why_and_what_it_took(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url, requirements=HARD)
    assert task.assess("-q") == 3
    before, out = len(server.seen), capsys.readouterr().out
    assert "Why, measured on dev\n  On dev label ≥ 0.95 blocks all 2 approaches.\n" in out
    assert "  This took 24 calls on dev rows, in 2 arms.\n" in out
    assert before == 48  # two approaches and two wordings on 12 dev rows


def test_without_it_no_more_is_asked_and_the_terminal_says_so(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url, requirements=HARD)
    assert task.assess("-q", "--no-diagnosis") == 3
    assert "Not diagnosed (--no-diagnosis)" in capsys.readouterr().out
    assert len(server.seen) == 24
