"""Small corpora, made from documents on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from baselines.rag.chunks import Chunking
from baselines.rag.corpus import Corpus, make_corpus, open_corpus
from evals.models import Loader

PETS = {
    "cat": "The cat sleeps on the warm sofa and purrs.",
    "dog": "The dog runs after a ball in the park.",
    "tea": "Boil the water and add two spoons of green tea.",
    "tax": "Corporate income tax is due at the end of the quarter.",
    "car": "My car needs new brakes, tyres and a code E-4711 reset.",
}


def write_documents(folder: Path, texts: Mapping[str, str] = PETS) -> Path:
    path = folder / "documents.jsonl"
    path.write_text("".join(json.dumps({"id": id, "text": text}) + "\n" for id, text in texts.items()))
    return path


def corpus_of(folder: Path, texts: Mapping[str, str] = PETS, tokens: int | None = None) -> Corpus:
    chunking = Chunking(tokens, (tokens or 0) // 6)
    return open_corpus(make_corpus(write_documents(folder, texts), chunking, Loader()).corpus)
