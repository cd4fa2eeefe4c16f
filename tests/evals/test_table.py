"""Names in tables are found, misspelt ones are answered, options are those of the thing named."""

from __future__ import annotations

import pytest

from evals.errors import TaskError
from evals.table import Table
from evals.types import Usage

TABLE = Table("thing", {"usage": "evals.types:Usage", "counter": "collections:Counter"})
SEARCH = Table("thing", {"contains": "evals.graders.assertions:Contains"})


def test_an_entry_is_built_with_its_options() -> None:
    assert TABLE.build("usage", {"calls": 3}) == Usage(calls=3)


def test_what_the_workbench_gives_is_no_option_of_the_user() -> None:
    with pytest.raises(TaskError, match="no option 'calls'"):
        TABLE.build("usage", {"calls": 3}, calls=1)


def test_a_misspelt_name_is_answered_with_the_nearest_one_and_all_there_are() -> None:
    with pytest.raises(TaskError, match=r"Did you mean 'usage'\?\nAvailable: usage, counter\."):
        TABLE.load("usge")


def test_a_wrong_option_is_answered_with_the_right_ones() -> None:
    with pytest.raises(
        TaskError, match=r"no option 'cals'\. Did you mean 'calls'\?\nIts options: .*tokens_in"
    ):
        TABLE.build("usage", {"cals": 1}, where="task.yaml", key="graders")


def test_an_option_that_is_a_word_of_python_is_written_without_the_underscore() -> None:
    assert SEARCH.build("contains", {"from": "city"}).identity["options"]["from"] == "city"
    with pytest.raises(TaskError, match=r"'from_'\. Did you mean 'from'\?\nIts options: value, from, ignore"):
        SEARCH.build("contains", {"from_": "city"})


def test_options_that_the_caller_has_taken_out_are_offered_too() -> None:
    with pytest.raises(TaskError, match=r"Did you mean 'passes'\?\nIts options: .*, passes\."):
        SEARCH.build("contains", {"passe": 1}, also=["passes"])
