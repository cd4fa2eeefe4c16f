"""Which inputs may be labelled beside the rows that decide."""

from __future__ import annotations

from evals.data import Data
from evals.types import Example
from workbench.distillation.inputs import EVAL, GROUP, NEAR, TRAIN, TWICE, apart

LONG = (
    "the printer on the third floor next to the kitchen says that there is no paper since the morning of day"
)


def row(id: str, text: str, **more: object) -> Example:
    return Example(id, text, None, **more)  # type: ignore[arg-type]


def data(train: tuple[str, ...] = (), dev: tuple[str, ...] = (), test: tuple[str, ...] = ()) -> Data:
    splits = {"train": train, "dev": dev, "test": test}
    made = [tuple(row(f"{s}{n}", text) for n, text in enumerate(of)) for s, of in splits.items()]
    return Data(made[0], made[1], made[2])


def test_every_reason_is_counted_once_and_the_first_of_repeated_inputs_stays() -> None:
    given = ["a dev row", " A  DEV row", "a test row", "a train row", "new one", "New one", "other"]
    beside = data(("a train row",), ("a dev row",), ("a test row",))
    kept, left_out = apart([row(str(n), text) for n, text in enumerate(given)], beside, ("input",))
    assert [one.input for one in kept] == ["new one", "other"]
    assert left_out == {EVAL: 3, TRAIN: 1, TWICE: 1}


def test_all_near_copies_of_an_eval_row_go_not_only_the_nearest() -> None:
    near = [row(f"near{n}", LONG + "!" * n) for n in range(1, 4)]
    far = [row(f"far{n}", f"question {n} about the {n * 37} windows of building {n * 11}") for n in range(6)]
    kept, left_out = apart([*near, *far], data(dev=(LONG,)), ("input",))
    assert kept == far and left_out == {NEAR: 3}


def test_what_the_template_does_not_show_makes_no_two_inputs_different() -> None:
    rows = [row("a", "x", fields={"place": "here"}), row("b", "y", fields={"place": "HERE"})]
    kept, left_out = apart(rows, Data((), (), ()), ("place",))
    assert [one.id for one in kept] == ["a"] and left_out == {TWICE: 1}


def test_a_row_of_a_group_that_dev_or_test_has_goes() -> None:
    beside = Data((), (row("d", "one thing", group="g"),), (row("t", "another thing"),))
    kept, left_out = apart([row("a", "x", group="g"), row("b", "y", group="h")], beside, ("input",))
    assert [one.id for one in kept] == ["b"] and left_out == {GROUP: 1}
