"""Cuts documents into chunks: along headings and paragraphs, at most so many tokens, with an overlap.

A chunk is a stretch of its document, with the headings above it in front, and is named
`<document id>#<n>`, n from 1. Paragraphs are kept whole where they fit; a longer one is cut between
sentences, a long sentence between words. Within a section a chunk begins with the last sentences of
the one before. A new section begins a new chunk unless the last is still less than half full.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from baselines.rag.counting import WORD, WordCounter
from baselines.rag.structure import paragraphs, sentences
from evals.types import Document

FORMAT = 1
"""Raised when the same document would be cut otherwise than before."""


@dataclass(frozen=True)
class Chunking:
    """At most `tokens` a chunk (None: a document is one chunk), of which up to `overlap` repeat the last.
    `counter` is the embedder whose tokenizer counts; None: a cheap count."""

    tokens: int | None = 240
    overlap: int = 40
    counter: str | None = None

    def __post_init__(self) -> None:
        if self.tokens is not None and not 0 <= self.overlap <= self.tokens // 2:
            raise ValueError(f"an overlap of {self.overlap} tokens is not within half of {self.tokens}")


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is not cut any further: a sentence, or a part of one. `keep` is how far the text should stay
    together: to the paragraph's end where the unit begins one that fits a chunk, else to its own."""

    start: int
    end: int
    keep: int
    section: tuple[str, ...]


def cut(document: Document, chunking: Chunking, count: WordCounter) -> Iterator[Document]:
    """The chunks of a document, in order; a document without text has none."""
    text = document.text
    if chunking.tokens is None:
        stretches = [(text.strip(), "")] if text.strip() else []
    else:
        measure = _Measure(text, count)
        units = _units(measure, chunking.tokens, chunking.overlap)
        filled = _fill(units, chunking.tokens, chunking.overlap, measure)
        stretches = [(text[c[0].start : c[-1].end], measure.above(c[0], chunking.tokens)[0]) for c in filled]
    for number, (body, above) in enumerate(stretches, 1):
        yield Document(f"{document.id}#{number}", f"{above}\n\n{body}" if above else body)


class _Measure:
    """The tokens of a text's stretches and headings."""

    def __init__(self, text: str, count: WordCounter) -> None:
        self.text, self._count = text, count
        self.words = [match.span() for match in WORD.finditer(text)]
        self._starts = [start for start, _ in self.words]
        self._sums = [0, *accumulate(count([text[start:end] for start, end in self.words]))]
        self._above: dict[tuple[str, ...], tuple[str, int]] = {}

    def tokens(self, start: int, end: int) -> int:
        return self._sums[bisect_left(self._starts, end)] - self._sums[bisect_left(self._starts, start)]

    def parts(self, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
        """The stretch cut between words into parts of at most `most` tokens (or one word)."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        while first < last:
            stop = max(first + 1, bisect_left(self._sums, self._sums[first] + most + 1) - 1)
            stop = min(stop, last)
            yield self.words[first][0], self.words[stop - 1][1]
            first = stop

    def above(self, first: _Unit, limit: int) -> tuple[str, int]:
        """The line of headings in front of a chunk that begins with this unit, and its tokens: as many of
        the innermost headings as take no more than a quarter of the chunk."""
        if first.section not in self._above:
            lines = [" > ".join(first.section[n:]) for n in range(len(first.section))]
            sizes = [(line, sum(self._count(WORD.findall(line)))) for line in lines]
            self._above[first.section] = next((s for s in sizes if s[1] <= limit // 4), ("", 0))
        return self._above[first.section]

    def chunk(self, first: _Unit, end: int, limit: int) -> int:
        """The tokens of a chunk from this unit to `end`, its headings too."""
        return self.above(first, limit)[1] + self.tokens(first.start, end)


def _units(measure: _Measure, limit: int, overlap: int) -> Iterator[_Unit]:
    """The document's sentences in order; one of more than half a chunk in parts."""
    text = measure.text
    for paragraph in paragraphs(text):
        fits = measure.tokens(paragraph.start, paragraph.end) <= limit
        for start, end in sentences(text, paragraph.start, paragraph.end):
            long = measure.tokens(start, end) > limit // 2
            for a, b in measure.parts(start, end, overlap or limit // 2) if long else [(start, end)]:
                keep = paragraph.end if fits and a == paragraph.start else b
                yield _Unit(a, b, keep, paragraph.headings)


def _fill(units: Iterator[_Unit], limit: int, overlap: int, measure: _Measure) -> Iterator[list[_Unit]]:
    """Units gathered into chunks, each with the tail of the one before where the section goes on."""
    chunk: list[_Unit] = []
    repeated = 0
    for unit in units:
        if len(chunk) > repeated:
            full = measure.chunk(chunk[0], unit.keep, limit) > limit
            other = unit.section != chunk[-1].section
            if full or (other and measure.tokens(chunk[0].start, chunk[-1].end) >= limit // 2):
                yield chunk
                chunk = [] if other else _tail(chunk, overlap, measure)
                if chunk and measure.chunk(chunk[0], unit.keep, limit) > limit:
                    chunk = []
                repeated = len(chunk)
        chunk.append(unit)
    if chunk:
        yield chunk


def _tail(chunk: list[_Unit], overlap: int, measure: _Measure) -> list[_Unit]:
    """The last units that together have at most `overlap` tokens, never the whole chunk."""
    end = chunk[-1].end
    return [unit for unit in chunk[1:] if measure.tokens(unit.start, end) <= overlap]
