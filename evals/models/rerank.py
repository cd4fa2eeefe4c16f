"""Scores pairs of texts, with a sentence-transformers cross-encoder on this machine."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from evals.models.cache import quiet
from evals.models.files import find_folder
from evals.models.fingerprint import folder_fingerprint
from evals.models.sources import loading

UNTRUSTED = "No command runs the code of a reranker: take one of a family that transformers knows."
BATCH = 32


@lru_cache(maxsize=2)
def open_reranker(name: str) -> Reranker:
    """A hub id or a folder. Raises ModelError when it is not there."""
    return Reranker(name, find_folder(name, "reranker"))


class Reranker:
    """A cross-encoder; the weights are loaded at the first pair."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder

    @cached_property
    def _model(self) -> Any:
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        with loading(self.folder, UNTRUSTED):
            from sentence_transformers import CrossEncoder

            return CrossEncoder(str(self.folder), local_files_only=True, trust_remote_code=False)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when the scores could."""
        return folder_fingerprint(self.folder, "float32")

    @property
    def context(self) -> int:
        """How many tokens of a pair count, those that mark its parts too."""
        return int(self._model.max_seq_length)

    def lengths(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        """Each pair's tokens, those that mark its parts too; nothing is cut."""
        if not pairs:
            return []
        with quiet():
            rows = self._model.tokenizer([a for a, _ in pairs], [b for _, b in pairs], truncation=False)
        return [len(row) for row in rows["input_ids"]]

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How well the second text of each pair answers the first; higher is better."""
        if not pairs:
            return []
        scores = self._model.predict(list(pairs), batch_size=BATCH, show_progress_bar=False)
        return [float(score) for score in scores]
