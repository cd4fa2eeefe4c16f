"""The matrix of methods and objectives: every pair is allowed or has its reason."""

from __future__ import annotations

import pytest

from evals.errors import TaskError
from tuning import METHODS, OBJECTIVES
from tuning.matrix import REFUSED, check_pair, matrix


def test_every_pair_goes_together_or_says_why_not() -> None:
    assert len(matrix()) == len(METHODS) * len(OBJECTIVES)
    for method, objective, why in matrix():
        if why:
            with pytest.raises(TaskError, match=f"{method} does not go with {objective}: {why[:20]}"):
                check_pair(method, objective)
        else:
            check_pair(method, objective)


def test_every_method_is_trained_towards_answers() -> None:
    assert not [method for method, objective in REFUSED if objective == "sft"]


def test_what_does_not_exist_is_named_with_what_does() -> None:
    with pytest.raises(TaskError, match="no objective 'sfft'. Did you mean 'sft'"):
        check_pair("lora", "sfft")
