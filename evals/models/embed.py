"""Texts to unit vectors, with a sentence-transformers model on this machine."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from evals.models.cache import quiet
from evals.models.files import find_folder
from evals.models.fingerprint import folder_fingerprint
from evals.models.sources import loading

UNTRUSTED = "No command runs the code of an embedder: take one of a family that transformers knows."
BATCH = 64


def open_embedder(name: str) -> SentenceEmbedder:
    """A known name, a hub id or a folder. Raises ModelError when it is not there."""
    folder = find_folder(name, "embedder")
    return SentenceEmbedder(name, folder)


class SentenceEmbedder:
    """Implements `evals.types.Embedder`; the weights are loaded at the first text.

    `busy_seconds` is the wall time spent embedding, `load_seconds` the time it took to load.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.busy_seconds = 0.0
        self.load_seconds = 0.0

    @cached_property
    def _model(self) -> Any:
        start = time.perf_counter()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        with loading(self.folder, UNTRUSTED):
            from sentence_transformers import SentenceTransformer

            model = SentenceTransformer(str(self.folder), local_files_only=True, trust_remote_code=False)
        model.eval()
        self.load_seconds += time.perf_counter() - start
        return model

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the vectors could: with the weights or the tokenizer."""
        return folder_fingerprint(self.folder, "float32")

    @property
    def context(self) -> int:
        """How many tokens of a text count, without those that mark its start and end."""
        tokenizer = self._model.tokenizer
        limit = self._model.max_seq_length or tokenizer.model_max_length
        return int(limit) - int(tokenizer.num_special_tokens_to_add())

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Each text's tokens, without those that mark its start and end; nothing is cut."""
        if not texts:
            return []
        with quiet():
            rows = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False)
        return [len(row) for row in rows["input_ids"]]

    def embed(self, texts: Sequence[str]) -> Any:
        """float32 array [len(texts), dim], rows of length one; the same texts give the same array."""
        import numpy as np

        model = self._model
        start = time.perf_counter()
        try:
            if not texts:
                return np.zeros((0, model.get_embedding_dimension()), np.float32)
            vectors = model.encode(
                list(texts),
                batch_size=BATCH,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            return np.ascontiguousarray(vectors, dtype=np.float32)
        finally:
            self.busy_seconds += time.perf_counter() - start
