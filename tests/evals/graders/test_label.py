"""`label`: the whole answer is one label of the list."""

import pytest

from evals.errors import DataError
from evals.graders.label import Label
from evals.output import OutputSpec
from evals.types import Example, Prediction, Score

LABELS = OutputSpec("labels", labels=("Billing", "late parcel", "C#", "C"))


def score(text: str, target: object = "Billing", references: tuple = ()) -> Score:
    row = (Example("r7", "", target, references), Prediction("r7", text, "stop"))
    (found,) = Label(LABELS).grade([row], None)
    return found


@pytest.mark.parametrize("text", ["Billing", " billing\n", '"BILLING".', "(Billing)", "‘billing’"])
def test_case_punctuation_quotes_and_spaces_do_not_count(text: str) -> None:
    found = score(text)
    assert (found.value, found.failure, found.answer) == (1, None, "Billing")


@pytest.mark.parametrize(
    "text", ["The label is billing", "billing, late parcel", "billing\nbecause", "bill", "**"]
)
def test_an_answer_that_is_not_a_label_is_a_failure_of_format(text: str) -> None:
    found = score(text)
    assert (found.value, found.failure) == (0, "format")
    assert found.why.startswith("not in the list of labels: ")


def test_another_label_is_wrong_and_named() -> None:
    found = score("Late  parcel")
    assert (found.value, found.failure, found.why) == (0, "wrong", "late parcel, not Billing")


def test_labels_that_differ_in_a_sign_are_kept_apart() -> None:
    assert score("c#", "C").failure == "wrong"
    assert score("c#", "C#").failure is None


def test_a_reference_counts_and_an_empty_answer_is_named() -> None:
    assert score("C", references=("C",)).value == 1
    assert score("").why == "empty answer"


def test_a_gold_label_outside_the_list_is_an_error_of_the_data() -> None:
    with pytest.raises(
        DataError, match="row 'r7': 'refunds' is not in the list of labels\nThe labels are Billing"
    ):
        score("Billing", "refunds")


def test_labels_are_needed_and_must_differ() -> None:
    with pytest.raises(ValueError, match="needs a list of labels"):
        Label(OutputSpec("text"))
    with pytest.raises(ValueError, match="'spam' and 'SPAM!' read the same"):
        Label(OutputSpec("labels", labels=("spam", "SPAM!")))
