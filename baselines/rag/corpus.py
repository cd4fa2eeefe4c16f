"""A corpus on disk: the chunks of a task's documents, in one file that is named by its own hash.

    $WB_CACHE/documents/
      made/<key>.json              what was read and cut, and which corpus came of it
      <corpus>/chunks.jsonl        {"id", "text"} a line; its SHA-256 is the folder's name
      <corpus>/bm25-…, dense-…     the indexes built on it, each beside its manifest

The key covers the documents' bytes, the chunking and the versions of what reads them, so that nothing
is read or cut twice. A saved approach carries a link to `chunks.jsonl`: everything else can be made
again from it. Texts are read from the disk when they are asked for; memory holds their places alone.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from baselines.rag.chunks import FORMAT, Chunking, cut
from baselines.rag.counting import WordCounter
from baselines.rag.documents import PassedOver, read_documents
from baselines.rag.notices import silent
from baselines.rag.shelf import HASH, sound
from evals.documents import documents_digest
from evals.errors import RunError
from evals.models.cache import cache_root
from evals.store import digest, disk_errors, file_digest, plain, read_json, revive, write_json
from evals.types import Document, Models, Progress

log = logging.getLogger(__name__)

CHUNKS = "chunks.jsonl"
SCAN = 16 << 20


@dataclass(frozen=True)
class Made:
    """What became of a task's documents: which corpus, of how many documents and chunks, and which files
    gave nothing."""

    corpus: str
    chunking: Chunking
    documents: int
    chunks: int
    passed_over: tuple[PassedOver, ...] = ()
    sources: str = ""
    versions: tuple[str, ...] = ()


class Corpus:
    """The chunks of one corpus, by position."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with (folder / CHUNKS).open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        ends = [
            np.flatnonzero(np.frombuffer(self._bytes[at : at + SCAN], np.uint8) == ord("\n")) + at
            for at in range(0, len(self._bytes), SCAN)
        ]
        self._ends = np.concatenate(ends).astype(np.int64)

    @property
    def id(self) -> str:
        return self.folder.name

    def __len__(self) -> int:
        return len(self._ends)

    def chunk(self, position: int) -> Document:
        """The chunk at a position from 0."""
        start = 0 if position == 0 else int(self._ends[position - 1]) + 1
        return Document(**json.loads(self._bytes[start : int(self._ends[position])].decode()))

    def ids(self) -> Iterator[str]:
        """The ids of all chunks."""
        return (self.chunk(position).id for position in range(len(self)))

    def texts(self, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """The texts of chunks [start, stop), one after the other."""
        ends: list[int] = self._ends[start:stop].tolist()
        begin = 0 if start == 0 else int(self._ends[start - 1]) + 1
        for end in ends:
            text: str = json.loads(self._bytes[begin:end].decode())["text"]
            begin = end + 1
            yield text


def home() -> Path:
    """The folder of all corpora."""
    return cache_root() / "documents"


def open_corpus(id: str) -> Corpus:
    """A corpus that was made here or kept here. Raises RunError when it is not there or damaged."""
    return _opened(str(home() / id))


@lru_cache(maxsize=4)
def _opened(folder: str) -> Corpus:
    path = Path(folder)
    if not sound(path / CHUNKS, path.name):
        raise RunError(
            "the chunks of these documents are missing or damaged",
            where=path,
            hint="Run `wb assess` again: it cuts the documents anew.",
        )
    return Corpus(path)


def make_corpus(path: Path, chunking: Chunking, models: Models, progress: Progress = silent) -> Made:
    """Read and cut the documents at `path`, unless that was done before. Raises DataError."""
    embedder = models.embedder(chunking.counter) if chunking.counter else None
    sources = documents_digest(path)
    versions = tuple(f"{name} {version(name)}" for name in ("pypdf", "beautifulsoup4"))
    key = digest([FORMAT, sources, chunking, embedder.fingerprint if embedder else None, versions])
    record = home() / "made" / f"{key}.json"
    if (made := _made_before(record)) is not None:
        return made
    count = WordCounter(embedder.lengths) if embedder else WordCounter()
    log.info("reading and cutting %s", path)
    made = _make(path, chunking, count, progress)
    made = replace(made, sources=sources, versions=versions)
    write_json(record, made)
    return made


def _made_before(record: Path) -> Made | None:
    """What the record says, where its corpus is there and whole."""
    try:
        made: Made = revive(Made, read_json(record))
    except RunError:
        return None
    return made if sound(home() / made.corpus / CHUNKS, made.corpus) else None


def _make(path: Path, chunking: Chunking, count: WordCounter, progress: Progress) -> Made:
    """Write the chunks of all documents to a file, then give it its hash for a name."""
    passed_over: list[PassedOver] = []
    documents = chunks = 0
    draft = home() / f".{os.getpid()}.tmp"
    with disk_errors(draft):
        draft.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                for document in read_documents(path, passed_over, progress):
                    for chunk in cut(document, chunking, count):
                        file.write(json.dumps(plain(chunk), ensure_ascii=False).encode() + b"\n")
                        chunks += 1
                    documents += 1
                file.flush()
                os.fsync(file.fileno())
            corpus = file_digest(draft, HASH)
            (home() / corpus).mkdir(exist_ok=True)
            draft.replace(home() / corpus / CHUNKS)
        finally:
            draft.unlink(missing_ok=True)
    _opened.cache_clear()
    return Made(corpus, chunking, documents, chunks, tuple(passed_over))


def give_chunks(corpus: str, target: Path) -> None:
    """Put a corpus's chunks at `target`: what a saved approach needs to be whole in itself."""
    open_corpus(corpus)
    _place(home() / corpus / CHUNKS, target)


def keep_chunks(source: Path, corpus: str) -> None:
    """Take the chunks that a saved approach carries into the cache, unless they are there.

    Raises RunError when they are needed and not what they were.
    """
    target = home() / corpus / CHUNKS
    if sound(target, corpus):
        return
    if not sound(source, corpus):
        raise RunError(
            "is missing or damaged, and so are the chunks in the cache",
            where=source,
            hint="Run `wb assess` again: it cuts the documents anew.",
        )
    _place(source, target)
    _opened.cache_clear()


def _place(source: Path, target: Path) -> None:
    """A hard link, or else a copy; whole, or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        try:
            try:
                os.link(source, draft)
            except OSError:
                shutil.copyfile(source, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
