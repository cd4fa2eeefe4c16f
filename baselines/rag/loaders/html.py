"""HTML pages: their visible text, headings and paragraphs kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.rag.loaders.text import not_empty, read_bytes
from evals.errors import DataError
from evals.types import Document

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

UNSEEN = ("script", "style", "template", "noscript", "head", "title", "svg")
BLOCKS = (
    "address article aside blockquote dd div dl dt fieldset figure footer form header hr main nav ol p "
    "section table ul"
).split()
LINES = ("br", "li", "tr", "caption")
"""Elements that begin a line of their own, but no paragraph."""


def load_html(path: Path, name: str) -> Iterator[Document]:
    """The page as one document, its title first where it has no heading of the first rank. Raises
    DataError when it is binary, too large, nested too deeply, or shows no text."""
    from bs4 import BeautifulSoup

    data = read_bytes(path)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("is binary, not text", where=path)
    try:
        text = visible_text(BeautifulSoup(data, "html.parser"))
    except RecursionError as error:
        raise DataError("is nested too deeply", where=path) from error
    yield Document(name, not_empty(text, path))


def visible_text(page: BeautifulSoup) -> str:
    """The page's text: `#` headings, an empty line between blocks, lines kept in `pre`."""
    from bs4.element import NavigableString

    title = page.title.get_text(" ", strip=True) if page.title else ""
    for tag in page.find_all(UNSEEN):
        tag.decompose()
    for tag in page.find_all("pre"):
        lines = tag.get_text().strip("\r\n").splitlines()
        tag.replace_with("\n\n```\r" + "\r".join(lines) + "\r```\n\n")  # \r: a line end that is kept
    for node in page.find_all(string=True):
        if type(node) is NavigableString and "\n```\r" not in node:  # a comment is of another type
            node.replace_with(re.sub(r"[ \t\r\n]+", " ", node))
    for rank in range(1, 7):
        for tag in page.find_all(f"h{rank}"):
            _surround(tag, f"\n\n{'#' * rank} ", "\n\n")
    for tag in page.find_all(["td", "th"]):
        tag.insert_after(" | ")
    for tag in page.find_all(LINES):
        _surround(tag, "\n- " if tag.name == "li" else "\n", "")
    for tag in page.find_all(BLOCKS):
        _surround(tag, "\n\n", "\n\n")
    text = re.sub(r" *\n *", "\n", page.get_text())
    text = re.sub(r"\n{3,}", "\n\n", text).replace("\r", "\n").strip()
    return f"# {title}\n\n{text}" if title and not re.search(r"^# ", text, re.M) else text


def _surround(tag: Tag, before: str, after: str) -> None:
    tag.insert_before(before)
    tag.insert_after(after)
