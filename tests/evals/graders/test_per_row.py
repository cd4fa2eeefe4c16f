"""`assertions`: each row is held against its own list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.errors import DataError
from evals.graders import build_one, gold_prediction
from evals.models import Loader
from evals.output import OutputSpec
from evals.types import Example, Json, Prediction, Score


def grader() -> Any:
    return build_one("assertions", {}, OutputSpec("text"), Path("task.yaml"))


def judged(asked: Json, said: str) -> Score:
    row = Example("a", "question", "", fields={"assertions": asked})
    (score,) = grader().grade([(row, Prediction("a", said, "stop"))], Loader())
    return score


ROME = {"name": "contains", "value": "Rome"}
SHORT = {"name": "length", "max": 3}


def test_a_row_is_right_when_all_that_it_asks_holds() -> None:
    assert judged([ROME, SHORT], "It is Rome").value == 1
    failed = judged([ROME, SHORT], "It is Paris")
    assert (failed.value, failed.failure, failed.why) == (0, "wrong", "contains: 'Rome' is missing")
    assert failed.counts == {"score": (0.5, 1.0)}


def test_a_threshold_asks_for_a_weighted_share() -> None:
    asked: dict[str, Json] = {"assertions": [{**ROME, "weight": 3}, SHORT], "threshold": 0.75}
    assert judged(asked, "Rome it is, they say").value == 1
    assert judged({**asked, "threshold": 0.76}, "Rome it is, they say").value == 0
    assert judged({**asked, "threshold": 0}, "what is there to say").value == 1


def test_a_set_in_a_list_counts_as_one() -> None:
    either: Json = {
        "assertions": [ROME, {"name": "contains", "value": "Roma"}],
        "threshold": 0.5,
        "weight": 2,
    }
    assert judged([either, SHORT], "Roma").value == 1
    assert judged([either, SHORT], "Roma").counts == {"score": (pytest.approx(2 / 3), 1.0)}
    assert judged([either, SHORT], "Paris").value == 0


def test_rows_of_one_batch_are_held_against_their_own() -> None:
    rows = [
        (Example(city, "", "", fields={"assertions": [{"name": "equals", "value": city}]}), city)
        for city in ("Rome", "Paris")
    ]
    scores = grader().grade([(row, Prediction(row.id, "Rome", "stop")) for row, _ in rows], Loader())
    assert [score.value for score in scores] == [1, 0]


def test_a_row_may_bring_its_own_schema() -> None:
    asked: Json = [{"name": "valid_json", "schema": {"required": ["city"]}}]
    assert judged(asked, '{"city": "Rome"}').value == 1
    assert judged(asked, '{"town": "Rome"}').failure == "format"


def test_a_row_without_a_gold_answer_has_none() -> None:
    asked = {"assertions": [ROME]}
    assert gold_prediction(grader(), Example("a", "", "", fields=asked)) is None
    known = gold_prediction(grader(), Example("a", "", "Rome", fields=asked))
    assert known is not None and known.text == "Rome"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (
            [{"name": "contians", "value": "x"}],
            r"assertions\[0\]: there is no grader 'contians'.* 'contains'",
        ),
        ([{"name": "length", "maximum": 3}], r"assertions\[0\]: .*no option 'maximum'"),
        (
            [{"name": "judge", "criteria": "kind?", "model": "smollm2-135m"}],
            "asks a model: it stands under graders only",
        ),
        ([{"name": "python_tests"}], "runs code"),
        ([], "a list of at least one assertion"),
        ("", "there is no grader ''|is a text that is not empty"),
        (3, "is a grader or {assertions"),
        ([{"assertions": [ROME], "min": 1}], "is a set and has no min"),
        ([{**ROME, "weight": 0}], "weight is a number above 0"),
        ({"assertions": [ROME], "threshold": 2}, "threshold is a number"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(asked: Json, why: str) -> None:
    with pytest.raises(DataError, match=why) as error:
        judged(asked, "Rome")
    assert "row 'a'" in str(error.value)


def test_a_row_without_the_column_is_named() -> None:
    row = Example("a", "", "", fields={"assertion": []})
    with pytest.raises(DataError, match="no column 'assertions'.*Did you mean 'assertion'"):
        grader().gold(row)
