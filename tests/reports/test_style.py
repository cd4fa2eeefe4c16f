"""The style sheet in both schemes: contrast as WCAG 2.2 AA asks, computed from its own colours."""

from __future__ import annotations

import re

import pytest

from reports.html import TEMPLATES

STYLE = (TEMPLATES / "report.css").read_text(encoding="utf-8")
TEXT = [
    (ink, ground)
    for ink in ("text", "muted", "link", "good", "bad", "unsure")
    for ground in ("page", "panel")
] + [("good", "good-soft"), ("bad", "bad-soft")]
MARKS = [(mark, "page") for mark in ("strong-line", "mark", "point", "good", "bad", "unsure", "link")]
MARKS += [
    ("strong-line", "panel"),
    ("mark", "wanted"),
    ("good", "wanted"),
    ("bad", "wanted"),
    ("unsure", "wanted"),
]


def colours(scheme: str) -> dict[str, str]:
    """Custom properties of a scheme: dark overrides light."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    chosen = blocks[:1] if scheme == "light" else blocks[:2]
    return {k: v for block in chosen for k, v in re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_defines_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(scheme: str, ink: str, ground: str) -> None:
    known = colours(scheme)
    assert contrast(known[ink], known[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARKS)
def test_marks_can_be_seen(scheme: str, mark: str, ground: str) -> None:
    known = colours(scheme)
    assert contrast(known[mark], known[ground]) >= 3


def test_the_dark_scheme_sets_every_colour_anew() -> None:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    names = [set(re.findall(r"--([\w-]+):", block)) for block in (light, dark)]
    assert names[0] == names[1]


def test_the_style_serves_motion_print_and_keyboard() -> None:
    for needed in ("prefers-reduced-motion", "@media print", ":focus-visible", "color-scheme: light dark"):
        assert needed in STYLE
    assert not re.search(r"outline: (none|0)", STYLE)
    assert "url(" not in STYLE
