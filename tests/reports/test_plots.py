"""The pictures: intervals against thresholds, quality against cost."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from reports.plots import Axes, Point, cost_plot, dominated, interval_bar
from reports.view import requirement_lines
from tests.reports.decisions import decision, requirement

AXES = Axes("exact", "exact on dev", "usd_per_1k", "$ per 1,000 calls (log)", 0.8, 0.1)
POINTS = [
    Point("cheap", 0.01, 0.4, 0.3, 0.5),
    Point("dear and worse", 0.2, 0.3, 0.2, 0.4),
    Point("best", 0.1, 0.9, 0.85, 0.95, chosen=True),
]


def bar(
    status: str, seen: tuple[float | None, float | None, float | None], bound: float = 0.8
) -> ElementTree.Element:
    found = decision("stop", "■", requirements=[requirement("exact", bound, status, seen)])
    return ElementTree.fromstring(str(interval_bar(requirement_lines(found)[0])))


def place(picture: ElementTree.Element, name: str, attribute: str) -> float:
    (mark,) = [m for m in picture.iter() if m.get("class") == name]
    return float(mark.get(attribute, "nan"))


def test_an_interval_lies_on_its_side_of_the_threshold() -> None:
    missed, met = bar("not met", (0.61, 0.55, 0.67)), bar("met", (0.9, 0.86, 0.93))
    assert place(missed, "span", "x") + place(missed, "span", "width") < place(missed, "threshold", "x1")
    assert place(met, "span", "x") > place(met, "threshold", "x1")
    assert place(met, "wanted", "x") == place(met, "threshold", "x1")
    assert met.get("aria-label") == "0.90 [0.86, 0.93] against exact ≥ 0.80: met"


def test_everything_stays_inside_the_picture() -> None:
    for seen in ((0.0, 0.0, 0.03), (1.0, 0.98, 1.0), (0.5, 0.0, 1.0)):
        for bound in (0.001, 0.5, 0.999):
            picture = bar("insufficient evidence", seen, bound)
            for mark in picture.iter():
                for attribute in ("x", "x1", "x2", "cx"):
                    assert 0 <= float(mark.get(attribute, 0)) <= 168


def test_without_a_value_there_is_no_bar() -> None:
    found = decision("stop", "■", requirements=[requirement("exact", 0.8, "error", (None, None, None))])
    assert interval_bar(requirement_lines(found)[0]) == ""


def test_a_dominated_approach_is_hollow() -> None:
    assert [dominated(p, POINTS) for p in POINTS] == [False, True, False]
    picture = str(cost_plot(POINTS, AXES))
    assert picture.count('class="hollow"') == 1
    assert picture.count('class="solid"') == 2
    assert "best (chosen)" in picture


def test_both_thresholds_are_lines_and_cost_is_logarithmic() -> None:
    picture = ElementTree.fromstring(str(cost_plot(POINTS, AXES)))
    lines = [m for m in picture.iter() if m.get("class") == "threshold"]
    assert len(lines) == 2
    dots = {m.findtext("title"): float(m.get("cx", 0)) for m in picture.iter() if m.tag == "circle"}
    cheap, dear, best = (dots[t] for t in ("cheap: 0.40", "dear and worse: 0.30, dominated", "best: 0.90"))
    assert abs((best - cheap) / (dear - best) - 3.3219) < 0.05


def test_labels_do_not_cover_each_other() -> None:
    crowd = [Point(f"approach_{i}", 0.1 + 0.002 * i, 0.8 + 0.01 * i, None, None) for i in range(6)]
    texts = re.findall(
        r'class="name" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)"', str(cost_plot(crowd, AXES))
    )
    boxes = [(float(x) - (67 if side == "end" else 0), float(y)) for x, y, side in texts]
    assert len(boxes) == 6
    for i, (x, y) in enumerate(boxes):
        assert all(abs(x - a) >= 60 or abs(y - b) >= 8 for a, b in boxes[:i])


def test_a_name_apart_from_its_point_is_tied_to_it() -> None:
    crowd = [Point(f"approach_{i}", 500 + i, 0.02 * i, 0.0, 0.1) for i in range(7)]
    picture = ElementTree.fromstring(str(cost_plot(crowd, AXES)))
    dots = [(float(m.get("cx", 0)), float(m.get("cy", 0))) for m in picture.iter() if m.tag == "circle"]
    lines = [m for m in picture.iter() if m.get("class") == "leader"]
    assert lines
    for line in lines:
        start = float(line.get("x1", 0)), float(line.get("y1", 0))
        assert min(math.dist(start, dot) for dot in dots) < 6
    beside = str(cost_plot(POINTS, AXES))
    assert "leader" not in beside


def test_one_approach_is_no_comparison() -> None:
    assert cost_plot(POINTS[:1], AXES) == ""
    same = [Point("a", 5, 0.5, None, None), Point("b", 5, 0.5, None, None)]
    assert "<svg" in cost_plot(same, AXES)
