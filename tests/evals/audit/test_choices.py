"""What a task asks to choose, and how its values are spread."""

from __future__ import annotations

from evals.audit.choices import balance, choices
from evals.data import Data
from evals.output import OutputSpec
from evals.types import Example


def rows(*targets: object) -> tuple[Example, ...]:
    return tuple(Example(str(i), "x", target) for i, target in enumerate(targets))  # type: ignore[arg-type]


def test_labels_and_enumerated_fields_are_choices() -> None:
    (label,) = choices(OutputSpec("labels", labels=("a", "b")))
    assert (label.name, label.values, label.of(rows("b")[0])) == ("the label", ("a", "b"), "b")
    schema = {
        "properties": {"team": {"enum": ["x", "y"]}, "one": {"enum": ["x"]}, "free": {"type": "string"}}
    }
    (team,) = choices(OutputSpec("json", schema))
    assert (team.name, team.of(rows({"team": "y"})[0]), team.of(rows("no object")[0])) == (
        "team",
        "y",
        "None",
    )


def test_a_handful_of_answers_in_many_rows_is_a_choice_and_free_text_is_none() -> None:
    (answer,) = choices(OutputSpec("text"), rows(*["yes", "no", "maybe"] * 30))
    assert answer.values == ("maybe", "no", "yes")
    assert list(choices(OutputSpec("text"), rows(*map(str, range(90))))) == []


def test_a_test_split_unlike_train_is_told_from_chance() -> None:
    (label,) = choices(OutputSpec("labels", labels=("a", "b")))
    train = rows(*["a"] * 90, *["b"] * 90)
    unlike = balance(label, Data(train, rows("a"), rows(*["a"] * 90, *["b"] * 10)))
    assert unlike.counts["test"] == {"a": 90, "b": 10}
    assert unlike.shift == 0.4
    assert balance(label, Data(train, rows("a"), rows(*["a"] * 6, *["b"] * 4))).shift is None
    assert balance(label, Data((), rows("a"), rows("a", "b"))).shift is None
