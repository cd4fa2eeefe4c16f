"""Answers that are programs are run with their row's tests, where the command allows it."""

from __future__ import annotations

import sys

import pytest

from evals.errors import DataError, RunError, TaskError
from evals.graders import sandbox
from evals.models import Loader
from evals.store import canonical
from evals.types import Score
from tests.clocks import computes_within
from tests.evals.graders.contained import contained
from tests.evals.graders.needed import grade, grader
from tests.evals.graders.test_hostile import HOSTILE

ADD = "def add(a, b):\n    return a + b"
TESTS = ["assert add(1, 2) == 3", "assert add(-1, 1) == 0"]
ALLOWED = Loader(allows_code=True)


def graded(
    text: str, tests: object = TESTS, *, more: dict[str, str] | None = None, **options: object
) -> Score:
    fields = {"tests": tests, **(more or {})}
    return grade(
        grader("python_tests", **{"timeout": 60, **options}), text, ADD, fields=fields, models=ALLOWED
    )


def test_code_does_not_run_unless_the_command_allows_it() -> None:
    with pytest.raises(TaskError, match="runs code that a model wrote, and this command may not"):
        grade(grader("python_tests"), ADD, fields={"tests": TESTS}, models=Loader())


def test_code_does_not_run_where_it_cannot_be_contained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    sandbox.refusal.cache_clear()
    try:
        with pytest.raises(RunError, match="cannot be contained on this machine: .* this is darwin"):
            graded(ADD)
    finally:
        sandbox.refusal.cache_clear()


def test_an_empty_answer_needs_no_permission() -> None:
    found = grade(grader("python_tests"), "", fields={"tests": TESTS}, models=Loader())
    assert (found.value, found.failure, found.counts) == (0, "format", {"tests": (0, 2)})


@contained
@pytest.mark.parametrize(
    "text",
    [ADD, f"```python\n{ADD}\n```", f"Here you are:\n\n```\n{ADD}\n```\nUse it so:\n```python\nadd(1)\n```"],
    ids=["bare", "fenced", "with a block that fails behind it"],
)
def test_code_that_passes_all_tests_is_right(text: str) -> None:
    found = graded(text)
    assert (found.value, found.failure, found.counts) == (1, None, {"tests": (2, 2)})
    assert found.answer == ADD or found.answer == ADD + "\n"


@contained
def test_the_share_of_tests_passed_is_pooled_and_the_first_that_failed_is_named() -> None:
    found = graded("def add(a, b):\n    return 3")
    assert (found.value, found.failure, found.why) == (0, "wrong", "test 2: AssertionError")
    assert found.counts == {"tests": (1, 2)}


@contained
def test_what_is_no_python_is_a_failure_of_format() -> None:
    found = graded("I would write a function that adds.")
    assert (found.failure, found.why[:11]) == ("format", "SyntaxError")
    assert graded("```python\n\n```").why == "no code"


@contained
def test_options_choose_the_block_and_what_stands_above() -> None:
    text = f"```python\nraise ValueError\n```\nor\n```python\n{ADD}\n```"
    assert graded(text).why == "ValueError"
    assert graded(text, block="last").value == 1
    head = {"head": "def add(a, b):"}
    assert graded("    return a + b", more=head, before="head").value == 1


@contained
def test_tests_may_be_one_text_or_a_list_as_a_table_has_it() -> None:
    assert graded(ADD, "assert add(1, 2) == 3").counts == {"tests": (1, 1)}
    assert graded(ADD, '["assert add(1, 2) == 3", "assert add(1, 2) == 4"]').counts == {"tests": (1, 2)}


def test_a_row_without_tests_is_an_error_of_the_data() -> None:
    with pytest.raises(DataError, match="no column 'tests'"):
        grade(grader("python_tests"), "", models=ALLOWED)


@contained
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_fail_their_tests_and_can_be_written(text: str) -> None:
    found = graded(text, ["assert add(1, 2) == 3"], timeout=4)
    assert (found.value, found.counts) == (0, {"tests": (0, 1)})
    assert found.failure and found.why and len(found.why) <= 300
    canonical(found).encode()


@pytest.mark.parametrize("text", ["```" + "a" * 100_000, "``` " * 25_000, (" " * 50 + "\n```\n") * 1500])
def test_code_is_found_in_a_text_of_fences_without_delay(text: str) -> None:
    with computes_within(2):
        grader("python_tests")._code(text)


@contained
def test_half_a_surrogate_pair_and_null_bytes_are_only_bad_code() -> None:
    assert graded("x = '\ud800'\n" + ADD).value == 1
    assert graded("\x00" + ADD).failure == "format"
