"""Which method the rows allow."""

from __future__ import annotations

import pytest

from tuning import METHODS, recommend
from tuning.methods import above, method_named


@pytest.mark.parametrize(
    ("rows", "name"), [(20, "prefix_tuning"), (99, "prefix_tuning"), (100, "lora"), (9000, "lora")]
)
def test_hundreds_of_rows_ask_for_lora_and_tens_for_a_soft_prompt(rows: int, name: str) -> None:
    found = recommend(rows, hosted=False)
    assert found.method is not None
    assert found.method.name == name
    assert str(rows) in found.why[0]


def test_too_few_rows_train_nothing_and_the_reason_has_the_figures() -> None:
    found = recommend(7, hosted=False)
    assert found.method is None
    assert "7 training rows" in found.why[0]
    assert "20" in found.why[0]


def test_a_hosted_model_is_not_trained() -> None:
    found = recommend(5000, hosted=True)
    assert found.method is None
    assert "tune_model" in found.why[0]


@pytest.mark.parametrize(
    ("rows", "pairs", "asked", "found"),
    [
        (200, 60, True, ("lora", "sft_then_dpo")),
        (40, 60, True, ("prefix_tuning", "sft_then_dpo")),
        (200, 60, False, ("lora", "sft")),
        (200, 49, True, ("lora", "sft")),
        (0, 60, False, ("lora", "orpo")),
    ],
)
def test_pairs_of_answers_are_learned_from_where_preference_is_asked_for_or_rows_are_missing(
    rows: int, pairs: int, asked: bool, found: tuple[str, str]
) -> None:
    step = recommend(rows, hosted=False, pairs=pairs, preferred=asked)
    assert step.method is not None
    assert (step.method.name, step.objective) == found
    assert any(str(pairs) in why for why in step.why) == (step.objective != "sft")


def test_methods_are_listed_by_the_rows_they_need() -> None:
    needs = [method_named(name).fewest_rows for name in METHODS]
    assert needs == sorted(needs)


def test_a_method_is_listed_under_its_own_name() -> None:
    assert [method_named(name).name for name in METHODS] == list(METHODS)


@pytest.mark.parametrize(
    ("name", "rows", "next_one"),
    [
        ("prompt_tuning", 50, None),
        ("p_tuning", 300, "lora"),
        ("prefix_tuning", 50, None),
        ("prefix_tuning", 300, "lora"),
        ("qlora", 300, None),
        ("lora", 3000, "full"),
        ("full", 9000, None),
    ],
)
def test_a_climb_goes_to_the_next_method_that_the_rows_allow(
    name: str, rows: int, next_one: str | None
) -> None:
    found = above(name, rows)
    assert (found and found.name) == next_one
