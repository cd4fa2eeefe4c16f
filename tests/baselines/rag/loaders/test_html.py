"""Pages as their visible text."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.rag.loaders.html import load_html
from evals.errors import DataError

PAGE = """<!doctype html><html><head><title>The guide</title><style>p {color: red}</style></head><body>
<script>let hidden = 1</script><!-- a comment -->
<h2>Install</h2><p>Run   the
<b>installer</b>.</p><ul><li>first</li><li>second</li></ul>
<pre>  if x:
      go()</pre>
<table><tr><th>key</th><th>value</th></tr><tr><td>a</td><td>1</td></tr></table>
<h3>Later</h3>Update it &amp; rest.</body></html>"""


def text_of(folder: Path, page: str | bytes) -> str:
    path = folder / "a.html"
    path.write_bytes(page if isinstance(page, bytes) else page.encode())
    (document,) = load_html(path, "a.html")
    return document.text


def test_structure_is_kept_and_what_nobody_sees_is_not(tmp_path: Path) -> None:
    assert text_of(tmp_path, PAGE).splitlines() == [
        "# The guide",
        "",
        "## Install",
        "",
        "Run the installer.",
        "",
        "- first",
        "- second",
        "",
        "```",
        "  if x:",
        "      go()",
        "```",
        "",
        "key | value |",
        "a | 1 |",
        "",
        "### Later",
        "",
        "Update it & rest.",
    ]


def test_a_page_with_its_own_heading_needs_no_title(tmp_path: Path) -> None:
    page = "<title>Site</title><h1>Topic</h1><p>Text</p>"
    assert text_of(tmp_path, page) == "# Topic\n\nText"


def test_the_encoding_that_the_page_names_is_used(tmp_path: Path) -> None:
    page = '<meta charset="latin-1"><p>Grüße</p>'.encode("latin-1")
    assert text_of(tmp_path, page) == "Grüße"


@pytest.mark.parametrize(
    ("page", "why"),
    [("", "is empty"), ("<script>x</script>", "is empty"), ("\0\1\2", "is binary")],
)
def test_a_page_that_shows_nothing_is_said(tmp_path: Path, page: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        text_of(tmp_path, page)


def test_tags_without_end_do_not_break_it(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<div>" * 2_000 + "deep") == "deep"
