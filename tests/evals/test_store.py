"""What is on disk is whole or absent, whatever interrupted its writing."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import ResumableError, RunError
from evals.store import (
    Appender,
    canonical,
    digest,
    disk_errors,
    lock,
    plain,
    read_lines,
    revive,
    write_json,
    write_lines,
)
from evals.types import Example, Message, ModelRef, Prediction, Request, Score, Usage
from tests.clocks import PATIENCE

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_torn_last_line_is_ignored_by_readers_and_cut_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n{"a":')
    assert read_lines(path) == [{"a": 1}, {"a": 2}]
    with Appender(path) as file:
        file.write({"a": 3})
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'


def test_a_last_line_that_only_lacks_its_newline_is_kept_by_readers_and_writers(tmp_path: Path) -> None:
    path = tmp_path / "looks.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}')
    assert read_lines(path) == [{"a": 1}, {"a": 2}]
    with Appender(path) as file:
        file.write({"a": 3})
    assert read_lines(path) == [{"a": 1}, {"a": 2}, {"a": 3}]


@given(cut=st.integers(min_value=0, max_value=60))
def test_wherever_a_file_is_torn_the_whole_lines_before_it_are_read(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("torn") / "rows.jsonl"
    write_lines(path, [{"n": n, "text": "é\n" * n} for n in range(4)])
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    ends = [n for n, byte in enumerate(data) if byte == ord("\n")]
    assert [row["n"] for row in read_lines(path)] == list(range(sum(end <= cut for end in ends)))


def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a":1}\nnonsense\n{"a":2}\n')
    with pytest.raises(RunError, match=r"rows\.jsonl:2"):
        read_lines(path)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"old": True})
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"new": float("nan")})
    assert json.loads(path.read_text()) == {"old": True}
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_a_full_disk_is_resumable_and_says_what_to_do() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(ResumableError, match="Free some space") as raised,
        disk_errors(full),
        full.open("w") as f,
    ):
        f.write("x" * 100_000)
        f.flush()
    assert raised.value.exit_code == 5


def _hold(
    path: Path, held: multiprocessing.synchronize.Event, end: multiprocessing.synchronize.Event
) -> None:
    with lock(path):
        held.set()
        end.wait(PATIENCE)


def test_a_second_writer_is_told_which_process_is_first(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, end = context.Event(), context.Event()
    first = context.Process(target=_hold, args=(tmp_path / ".lock", held, end))
    first.start()
    try:
        assert held.wait(PATIENCE)
        with pytest.raises(RunError, match=f"process {first.pid}"), lock(tmp_path / ".lock"):
            pass
    finally:
        end.set()
        first.join(PATIENCE)
    with lock(tmp_path / ".lock"):
        assert str(first.pid) not in (tmp_path / ".lock").read_text()


def test_a_lone_surrogate_comes_back_as_it_was(tmp_path: Path) -> None:
    write_lines(tmp_path / "rows.jsonl", [{"text": "a\ud800b"}])
    assert read_lines(tmp_path / "rows.jsonl") == [{"text": "a\ud800b"}]
    assert digest("a\ud800b") != digest("ab")


@given(json_values)
def test_equal_values_have_one_canonical_text(value: object) -> None:
    assert json.loads(canonical(value)) == value
    assert digest(value) == digest(json.loads(json.dumps(value)))


def test_the_order_of_keys_does_not_change_a_digest() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})


@pytest.mark.parametrize(
    "value",
    [
        Example("1", "in", {"a": [1, None]}, ("x",), "g", ("d",), {"n": 1}),
        Prediction("1", "t", "stop", Usage(1, 2, 3, 4, 0.5), None, ("s",), 2),
        Score("1", "g", 0.5, {"a": 1}, "wrong", "why", {"micro": (1.0, 2.0)}, 1),
        Request("1", (Message("user", "hi"),), 5, ("stop",)),
        ModelRef("m", adapter="a"),
    ],
)
def test_a_value_comes_back_from_its_json_form(value: object) -> None:
    assert revive(type(value), json.loads(json.dumps(plain(value)))) == value


def test_a_value_of_another_version_is_refused() -> None:
    with pytest.raises(RunError, match="Prediction"):
        revive(Prediction, {"id": "1", "text": "", "finish": "stop", "mood": "good"})
