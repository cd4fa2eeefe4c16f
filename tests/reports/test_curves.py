"""The curves of a training: everything inside the picture, the chosen checkpoint marked."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from reports.curves import loss_plot, score_plot
from tests.reports.decisions import record

STAGE: dict[str, Any] = record()["curves"][0]
HARD: list[dict[str, Any]] = [
    {**STAGE, "dev": [[0, 6.4, 0.0], [1, 0.001, 0.0]], "best": 0},
    {**STAGE, "dev": [[0, 1.0, 0.5], [90_000, 1.0, 0.5]], "train": [[90_000, 12.5]], "best": 90_000},
    {**STAGE, "dev": [[n, 1000.0 - n, -n / 10] for n in range(40)], "best": 39},
]


def marks(picture: str, name: str) -> list[ElementTree.Element]:
    return [m for m in ElementTree.fromstring(picture).iter() if m.get("class") == name]


@pytest.mark.parametrize("stage", [STAGE, *HARD])
def test_everything_stays_inside_the_picture(stage: dict[str, Any]) -> None:
    for picture in map(str, (loss_plot(stage), score_plot(stage))):
        for mark in ElementTree.fromstring(picture).iter():
            for attribute, most in (
                ("x", 350),
                ("x1", 350),
                ("cx", 350),
                ("y", 212),
                ("y1", 212),
                ("cy", 212),
            ):
                assert 0 <= float(mark.get(attribute, 0)) <= most
            places = [float(v) for point in mark.get("points", "").split() for v in point.split(",")]
            assert all(0 <= value <= 350 for value in places)


def test_the_chosen_checkpoint_is_the_only_filled_mark_and_is_named() -> None:
    for picture in map(str, (loss_plot(STAGE), score_plot(STAGE))):
        (chosen,), others = marks(picture, "solid"), marks(picture, "hollow")
        assert len(others) == len(STAGE["dev"]) - 1
        (line,) = marks(picture, "threshold")
        assert line.get("x1") == chosen.get("cx")
        assert "chosen: step 75" in picture


def test_training_and_dev_loss_are_told_apart_without_colour() -> None:
    picture = str(loss_plot(STAGE))
    assert [len(marks(picture, name)) for name in ("pass", "look")] == [1, 1]
    assert "train (line)" in picture
    assert "dev (marks)" in picture
    words = ElementTree.fromstring(picture).get("aria-label")
    assert words == (
        "Loss, nats a token by step: train from 1.83 to 0.242, dev from 1.94 to 0.41; step 75 was chosen. "
        "The looks at dev stand in a table below."
    )


def test_a_single_look_is_no_curve() -> None:
    assert score_plot({"dev": [[0, 1.0, 0.1]], "train": [], "best": 0}) == ""
    assert loss_plot({}) == ""
