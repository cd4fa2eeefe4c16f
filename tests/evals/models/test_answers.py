"""Answers that are kept: found again, shared between processes, and never in the way."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from evals.models import answers
from evals.models.answers import Answers, key_of, size_of
from evals.types import Completion, Usage
from tests.clocks import PATIENCE

ROOT = Path(__file__).parents[3]
ANSWER = Completion("r1", "three\n„Wörter“ \x00 here", "stop", Usage(7, 2, 3, 1, 0.25))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers" / "answers.sqlite"


def test_what_is_kept_is_found_again_as_it_was(path: Path) -> None:
    kept = Answers(path)
    kept.put("k", ANSWER)
    kept.close()
    again = Answers(path)
    assert again.get("k") == ANSWER
    assert again.get("other") is None


def test_a_key_holds_everything_that_is_asked_and_where() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 0, "temperature": 0.0}
    keys = {
        key_of("https://a/v1", "/chat/completions", body),
        key_of("https://b/v1", "/chat/completions", body),
        key_of("https://a/v1", "/completions", body),
        *(key_of("https://a/v1", "/chat/completions", {**body, "seed": seed}) for seed in (1, 2)),
    }
    assert len(keys) == 5
    assert key_of("https://a/v1", "/chat/completions", dict(reversed(body.items()))) in keys


def test_many_threads_may_use_it(path: Path) -> None:
    kept = Answers(path)

    def use(n: int) -> Completion | None:
        kept.put(f"k{n}", ANSWER)
        return kept.get(f"k{n}")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(use, range(100))) == [ANSWER] * 100


WRITER = """
import sys
from pathlib import Path
from evals.models.answers import Answers
from evals.types import Completion
kept = Answers(Path(sys.argv[1]))
for n in range(100):
    kept.put(f"{sys.argv[2]}{n}", Completion("r", sys.argv[2] * 50, "stop"))
    assert kept.get(f"{sys.argv[2]}{n}").text == sys.argv[2] * 50
    kept.put("shared", Completion("r", sys.argv[2], "stop"))
"""


def test_many_may_begin_the_file_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two that switch a new file to its log at the same moment would find it locked."""
    for turn in range(10):
        begun = [Answers(tmp_path / f"{turn}" / "answers.sqlite") for _ in range(6)]
        gate = Barrier(len(begun))

        def begin(kept: Answers, gate: Barrier = gate) -> Completion | None:
            gate.wait(PATIENCE)
            kept.put("k", ANSWER)
            return kept.get("k")

        with ThreadPoolExecutor(len(begun)) as threads:
            assert list(threads.map(begin, begun)) == [ANSWER] * len(begun)
    assert caplog.text == ""


def test_two_processes_write_at_a_time_and_nothing_is_lost(path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], cwd=ROOT, stderr=subprocess.PIPE)
        for name in "ab"
    ]
    for process in started:
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, b"")
    kept = Answers(path)
    found = [kept.get(f"{name}{n}") for name in "ab" for n in range(100)]
    assert [c.text for c in found if c] == ["a" * 50] * 100 + ["b" * 50] * 100
    assert size_of(path)[0] == 201


def wreck_head(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def wreck_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize("wreck", [wreck_head, wreck_middle])
def test_a_damaged_file_is_set_aside_with_a_notice_and_a_new_one_begun(
    wreck: object, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Answers(path)
    for n in range(200):
        kept.put(f"k{n}", ANSWER)
    kept.close()
    assert callable(wreck)
    wreck(path)
    after = Answers(path)
    assert after.get("k1") is None
    after.put("k1", ANSWER)
    assert after.get("k1") == ANSWER
    (notice,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "is damaged" in notice.getMessage()
    assert "set aside as answers.sqlite.damaged-1" in notice.getMessage()
    assert path.with_name("answers.sqlite.damaged-1").is_file()


def test_a_changed_byte_in_an_answer_is_no_answer(path: Path) -> None:
    kept = Answers(path)
    kept.put("k", ANSWER)
    kept.close()
    file = sqlite3.connect(path)
    file.execute("UPDATE answers SET answer = replace(answer, 'three', 'seven')")
    file.commit()
    file.close()
    assert Answers(path).get("k") is None


def test_an_answer_of_another_shape_is_no_answer(path: Path) -> None:
    kept = Answers(path)
    kept.put("k", ANSWER)
    kept.close()
    text = json.dumps({"id": "r"})
    file = sqlite3.connect(path)
    file.execute("UPDATE answers SET answer = ?, mark = ?", (text, answers._mark("k", text)))
    file.commit()
    file.close()
    assert Answers(path).get("k") is None


def test_a_place_that_cannot_be_used_is_done_without_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "answers").write_text("a file where the folder should be")
    kept = Answers(tmp_path / "answers" / "answers.sqlite")
    kept.put("k", ANSWER)
    assert [kept.get("k"), kept.get("k")] == [None, None]
    assert caplog.text.count("answers are not kept in this run") == 1


def test_the_oldest_answers_go_when_the_file_is_too_large(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Answers(path)
    for n in range(300):
        kept.put(f"k{n}", Completion("r", "x" * 1000, "stop"))
    kept.close()
    monkeypatch.setattr(answers, "MOST_BYTES", 200_000)
    smaller = Answers(path)
    assert smaller.get("k0") is None
    assert smaller.get("k299") is not None
    smaller.close()
    assert path.stat().st_size <= 200_000


def test_size_is_that_of_all_its_files(path: Path) -> None:
    assert size_of(path) == (0, 0)
    kept = Answers(path)
    kept.put("k", ANSWER)
    count, taken = size_of(path)
    assert count == 1
    assert taken >= path.stat().st_size
