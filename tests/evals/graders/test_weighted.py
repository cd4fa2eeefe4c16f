"""`weighted`: one score of several graders."""

import pytest

from evals.errors import TaskError
from evals.graders import grader_hash
from evals.output import OutputSpec
from tests.evals.graders.needed import grade, grader


def test_the_score_is_the_weighted_mean_and_each_part_is_kept() -> None:
    built = grader("weighted", graders=["edit_similarity", {"name": "length", "max": 1}], weights=[3, 1])
    assert built.metrics == ("weighted", "weighted.edit_similarity", "weighted.length")
    found = grade(built, "Par is", "Paris")
    assert found.value == pytest.approx((3 * 5 / 6 + 0) / 4)
    assert found.counts == {"edit_similarity": (pytest.approx(5 / 6), 1), "length": (0, 1)}
    assert (found.failure, found.answer) == ("wrong", "Par is")
    assert found.why == "edit_similarity: 0.83 to 'Paris'; length: 2 words, wanted at most 1"


def test_weights_are_equal_when_left_out_and_a_perfect_answer_is_exactly_1() -> None:
    built = grader("weighted", graders=["exact", "token_f1", "contains"])
    assert grade(built, "the Paris", "Paris").value == pytest.approx(2 / 3)
    odd = grader("weighted", graders=["exact", "token_f1", "contains"], weights=[0.1, 0.2, 0.3])
    found = grade(odd, "Paris", "Paris")
    assert (found.value, found.failure, found.why) == (1, None, "")


def test_a_grader_may_stand_twice_and_have_the_general_options() -> None:
    built = grader(
        "weighted",
        graders=[
            {"name": "contains", "value": "thanks"},
            {"name": "contains", "value": "sorry", "not": True},
        ],
        pass_at=0.5,
    )
    assert built.metrics[1:] == ("weighted.contains", "weighted.contains_2")
    assert grade(built, "thanks").value == 1
    found = grade(built, "thanks and sorry")
    assert (found.value, found.failure) == (0.5, None)


def test_it_may_stand_within_itself_and_be_turned_around() -> None:
    inner = {"name": "weighted", "graders": ["exact", "contains"]}
    built = grader("weighted", graders=[inner, "exact"], not_=True)
    assert grade(built, "in Paris", "Paris").value == pytest.approx(0.75)


def test_an_answer_that_one_of_them_cannot_read_is_of_format_unless_it_passes() -> None:
    members = [{"name": "regex", "pattern": r"\d+"}, "contains"]
    assert grade(grader("weighted", graders=members), "in Paris", "Paris").failure == "format"
    assert grade(grader("weighted", graders=members, pass_at=0.5), "in Paris", "Paris").failure is None


def test_its_hash_follows_its_graders_their_options_and_the_weights() -> None:
    hashes = {
        grader_hash(grader("weighted", OutputSpec("json"), **options))
        for options in (
            {"graders": ["exact"]},
            {"graders": ["valid_json"]},
            {"graders": [{"name": "exact", "normalise": True}]},
            {"graders": [{"name": "exact", "pass_at": 0.5}]},
            {"graders": ["exact", "valid_json"]},
            {"graders": ["exact", "valid_json"], "weights": [2, 1]},
        )
    }
    schema = OutputSpec("json", schema={"type": "object"})
    hashes.add(grader_hash(grader("weighted", schema, graders=["valid_json"])))
    assert len(hashes) == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "graders is a list of graders, each a name or"),
        ({"graders": "exact"}, "graders is a list of graders"),
        ({"graders": [3]}, r"graders\[0\] is a name or {name: ..., option: ...}, not 3"),
        ({"graders": [{"value": "x"}]}, r"graders\[0\] is a name or"),
        (
            {"graders": ["exakt"]},
            r"graders\[0\]: there is no grader 'exakt'. Did you mean 'exact'.*Available",
        ),
        ({"graders": ["exact", {"name": "length"}]}, r"graders\[1\]: the grader 'length': needs min, max"),
        ({"graders": [{"name": "exact", "x": 1}]}, ".*no option 'x'.* Its options: ignore_case"),
        (
            {"graders": [{"name": "exact", "not": 1}]},
            r"graders\[0\]: the grader 'exact': not is true or false",
        ),
        ({"graders": ["exact"], "weights": [1, 2]}, "weights is a list of 1 numbers"),
        ({"graders": ["exact"], "weights": [0]}, r"weights\[0\] is a number above 0"),
        ({"graders": ["exact"], "weights": ["1"]}, r"weights\[0\] is a number above 0"),
    ],
)
def test_a_wrong_option_is_named(options: dict, message: str) -> None:
    with pytest.raises(TaskError, match=f"the grader 'weighted': {message}"):
        grader("weighted", **options)
