"""What a text is made of: sections under headings, paragraphs, sentences, each as a stretch of it.

Headings are `#` lines, or lines underlined as in Markdown and reStructuredText; a fenced block is one
paragraph, whatever stands in it. Nothing is copied: a stretch is [start, end) of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*$")
UNDERLINE = re.compile(r"([=\-*~^\"+])\1{2,}$")
FENCE = re.compile(r" {0,3}(```|~~~)")
SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))\s+|\n+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """text[start:end], and the headings above it from the outermost in."""

    start: int
    end: int
    headings: tuple[str, ...]


def paragraphs(text: str) -> list[Paragraph]:
    """The paragraphs in their order. A heading is none of its own unless nothing stands under it."""
    reader = _Reader(text)
    place = 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip()
        reader.line(bare, place, place + len(bare))
        place += len(line)
    reader.close()
    reader.leave(0)
    return reader.found


class _Reader:
    """Takes a text line by line; `found` are the paragraphs closed so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Paragraph] = []
        self._above: list[tuple[int, str]] = []
        self._lone: tuple[int, int] | None = None
        self._lines: list[tuple[int, int]] = []
        self._fence = ""
        self._marks: list[str] = []

    def line(self, bare: str, start: int, end: int) -> None:
        if self._fence or FENCE.match(bare):
            self._fenced(bare, start, end)
        elif heading := HEADING.match(bare):
            self.close()
            self._head(len(heading[1]), heading[2], start, end)
        elif len(self._lines) == 1 and UNDERLINE.match(bare) and self._underlines(bare):
            start, end = self._lines.pop()
            self._head(self._marks.index(bare[0]) + 1, self.text[start:end].strip(), start, end)
        elif bare:
            self._lines.append((start, end))
        else:
            self.close()

    def _underlines(self, bare: str) -> bool:
        """Whether this is the underline of the line before: as long as it, or Markdown's = or -. Which mark
        is of which rank is told by which came first."""
        start, end = self._lines[0]
        found = bare[0] in "=-" or len(bare) >= len(self.text[start:end].strip())
        if found and bare[0] not in self._marks:
            self._marks.append(bare[0])
        return found

    def close(self) -> None:
        """The paragraph ends here."""
        if self._lines:
            self.found.append(Paragraph(self._lines[0][0], self._lines[-1][1], self._headings()))
            self._lines, self._lone = [], None

    def leave(self, rank: int) -> None:
        """The sections of this rank and below end here; a heading with nothing under it is kept."""
        if self._lone is not None and self._above[-1][0] >= rank:
            self.found.append(Paragraph(*self._lone, self._headings()[:-1]))
            self._lone = None
        self._above = [heading for heading in self._above if heading[0] < rank]

    def _head(self, rank: int, title: str, start: int, end: int) -> None:
        self.leave(rank)
        self._above.append((rank, title))
        self._lone = (start, end)

    def _headings(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._above)

    def _fenced(self, bare: str, start: int, end: int) -> None:
        """A line of a fenced block, the fences too."""
        if not self._fence:
            self.close()
            self._fence = bare.lstrip()[:3]
        elif bare.lstrip().startswith(self._fence):
            self._fence = ""
        self._lines.append((start, end))
        if not self._fence:
            self.close()


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """[start, end) of each sentence or line of a paragraph, the space between them left out."""
    begin = start
    for gap in SENTENCE_END.finditer(text, start, end):
        if gap.start() > begin:
            yield begin, gap.start()
        begin = gap.end()
    if begin < end:
        yield begin, end
