"""Which method the rows allow."""

from __future__ import annotations

import pytest

from tuning import METHODS, recommend


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


def test_methods_are_listed_by_the_rows_they_need() -> None:
    assert [m.fewest_rows for m in METHODS] == sorted(m.fewest_rows for m in METHODS)
