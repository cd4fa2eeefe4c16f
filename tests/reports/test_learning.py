"""The learning curve as a picture."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from reports.learning import learning_plot
from tests.reports.decisions import learning


def marks(picture: str, name: str) -> list[ElementTree.Element]:
    return [m for m in ElementTree.fromstring(picture).iter() if m.get("class") == name]


def test_every_subset_is_hollow_and_the_forecast_filled_with_its_interval() -> None:
    picture = str(learning_plot(learning()))
    (ahead,), (whisker,) = marks(picture, "solid"), marks(picture, "whisker")
    assert len(marks(picture, "hollow")) == 6
    assert whisker.get("x1") == ahead.get("cx")
    assert float(whisker.get("y2", 0)) <= float(ahead.get("cy", 0)) < float(whisker.get("y1", 0))
    assert all(float(m.get("cx", 0)) < float(ahead.get("cx", 0)) for m in marks(picture, "hollow"))
    assert learning()["sentence"] in str(ElementTree.fromstring(picture).get("aria-label"))


@pytest.mark.parametrize(
    ("score", "gain"), [(0.0, (0.0, 0.0, 0.0)), (1.0, (0.0, -0.4, 0.0)), (0.5, (0.2, -0.5, 0.5))]
)
def test_everything_stays_inside_the_picture(score: float, gain: tuple[float, float, float]) -> None:
    found: dict[str, Any] = learning()
    found["points"] = [[rows, score] for rows, _ in found["points"]]
    found["gain"] |= {"score": score, **dict(zip(("value", "low", "high"), gain, strict=True))}
    for mark in ElementTree.fromstring(str(learning_plot(found))).iter():
        for attribute, most in (("x", 350), ("x1", 350), ("cx", 350), ("y", 212), ("y1", 212), ("cy", 212)):
            assert 0 <= float(mark.get(attribute, 0)) <= most


def test_without_a_forecast_there_is_no_picture() -> None:
    assert learning_plot({**learning(), "gain": None}) == ""
    assert learning_plot({"points": [], "gain": None, "sentence": "too few rows"}) == ""
