"""What a run takes over from an earlier one is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.run import LATENCY_BEGUN
from evals.store import write_json
from workbench.runs import FORMAT, Run, take_over


def a_run(home: Path, name: str) -> Run:
    write_json(home / name / "provenance.json", {"format": FORMAT})
    return Run(home / name)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("approaches", "predictions.jsonl"),
        ("approaches", LATENCY_BEGUN),
        ("fits", "0123456789abcdef.jsonl"),
        ("fits", "inner/0123456789abcdef.jsonl"),
    ],
)
def test_what_is_still_written_to_is_copied(part: str, name: str, tmp_path: Path) -> None:
    """A race that a spent budget cut short goes on in another run."""
    first, second = a_run(tmp_path, "20260101T000000Z-a"), a_run(tmp_path, "20260102T000000Z-a")
    source = first.folder / part / "few_shot-1" / name
    source.parent.mkdir(parents=True)
    source.write_text('{"id": "d1"}\n')
    assert take_over(second, part, "few_shot-1")
    taken = second.folder / part / "few_shot-1" / name
    with taken.open("a") as file:
        file.write('{"id": "d2"}\n')
    assert source.read_text() == '{"id": "d1"}\n'


def test_what_is_only_replaced_whole_is_linked_and_what_is_half_written_left(tmp_path: Path) -> None:
    first, second = a_run(tmp_path, "20260101T000000Z-a"), a_run(tmp_path, "20260102T000000Z-a")
    folder = first.folder / "approaches" / "zero_shot-1"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text("{}")
    (folder / ".scores.jsonl.7.tmp").write_text("half")
    assert take_over(second, "approaches", "zero_shot-1")
    taken = second.folder / "approaches" / "zero_shot-1"
    assert [path.name for path in taken.iterdir()] == ["spec.json"]
    assert (taken / "spec.json").samefile(folder / "spec.json")
    assert not take_over(second, "approaches", "none-such")
