"""The rung that looks things up: the approach so far, with the best passages of the task's documents.

What is retrieved, and how the model is told to use it, is chosen on dev. Where dev rows name their gold
documents, retrieval is chosen by them (choice.py) and no language model is asked; else the task's own
score decides between a few settings. Where the answer is text, the wording above the passages is raced. Then,
where the approach shows solved examples, whether it does better without them, as these were solved without
passages. What was tried is written to `retrieval.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from baselines.approach import Prompted
from baselines.notes import keep_chosen
from baselines.prompts import ZeroShot
from baselines.race import MOST_SETTINGS, race
from baselines.rag import RETRIEVERS
from baselines.rag.choice import best, in_words, race_of
from baselines.rag.grounding import instruct
from baselines.rag.passages import Passages
from baselines.rag.trial import Trial, Tried
from evals.errors import NotApplicable
from evals.models.rerank import open_reranker
from evals.store import plain, write_json
from evals.table import nearest
from evals.task import Task
from evals.types import Example, Models, Work


@dataclass(frozen=True)
class Rag:
    """Passages from the task's documents.

    `retrievers` (keys of RETRIEVERS), `k` (passages in the prompt) and `chunk_tokens` (0: whole documents)
    are tried on dev; `reranker`, a cross-encoder, puts what is found in order anew. `cite` asks for the
    passages' numbers in the answer (left out: both ways are tried), `absent` is what to answer where the
    passages do not hold it. Beyond the first chunk size embedding takes at most about `minutes`.
    """

    retrievers: Sequence[str] | str = ("bm25", "dense", "hybrid")
    k: Sequence[int] | int = (1, 3, 5, 8)
    chunk_tokens: Sequence[int] | int = (240, 120)
    embedder: str = "minilm"
    reranker: str | None = None
    cite: bool | None = None
    absent: str | None = "Not in the documents."
    minutes: float = 10.0
    name: str = "rag"

    def __post_init__(self) -> None:
        tried = self._tried()
        if not tried.retrievers or min(tried.ks, default=0) < 1:
            raise ValueError("at least one retriever and a k of 1 or more are needed")
        if min(tried.sizes, default=-1) < 0:
            raise ValueError("chunk_tokens are numbers of tokens, or 0 for whole documents")
        for name in tried.retrievers:
            if name not in RETRIEVERS:
                there = ", ".join(RETRIEVERS)
                raise ValueError(
                    f"there is no retriever {name!r}.{nearest(name, RETRIEVERS)} There are: {there}"
                )

    def excluded(self, task: Task) -> str:
        """Why this task has nothing for it; "" when it has."""
        if task.data.documents is None:
            return "needs documents and the task names none (data.documents)"
        return ""

    def look_for_models(self, task: Task, models: Models) -> None:
        """Raises ModelError where a model that it needs beside the task's is not there."""
        tried = self._tried(task.path.parent)
        if tried.retrievers != ("bm25",):
            models.embedder(tried.embedder)
        if tried.reranker:
            open_reranker(tried.reranker)

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        task: Task = work.task
        if task.data.documents is None:
            raise NotApplicable(self.excluded(task))
        start = cast(Prompted, work.start or ZeroShot().fit(train, dev, work))
        trial = Trial(self._tried(task.path.parent), task.path.parent / task.data.documents, start, dev, work)
        settings, wordings = trial.settings(), self._wordings(task)
        if settings[0].recalls:
            chosen = trial.approach(best(settings), wordings[0], self.name)
        else:
            plans = race_of(settings, MOST_SETTINGS)
            chosen = race([trial.approach(s, wordings[0], self.name) for s in plans], dev, work)
        passages = cast(Passages, chosen.prompt.passages)
        worded = [chosen.with_passages(self.name, replace(passages, instruction=w)) for w in wordings]
        found = race(worded, dev, work)
        found = race([found, *_without_shots(found)], dev, work)
        by = "gold ids" if settings[0].recalls else "the task's score"
        told = {**trial.told, "chosen_by": by, "chosen": found.prompt.passages}
        write_json(work.dir / "retrieval.json", plain(told))
        dropped = "" if found.prompt.shots == start.prompt.shots else "without the solved examples"
        keep_chosen(work, *in_words(cast(Passages, found.prompt.passages), settings), dropped)
        return found

    def _tried(self, base: Path | None = None) -> Tried:
        retrievers = (self.retrievers,) if isinstance(self.retrievers, str) else tuple(self.retrievers)
        ks = (self.k,) if isinstance(self.k, int) else tuple(sorted(set(self.k)))
        sizes = (self.chunk_tokens,) if isinstance(self.chunk_tokens, int) else tuple(self.chunk_tokens)
        reranker = self.reranker
        if reranker and base and (base / reranker).is_dir():
            reranker = str((base / reranker).resolve())
        return Tried(sizes, retrievers, ks, self.embedder, reranker, self.minutes)

    def _wordings(self, task: Task) -> list[str]:
        """What may stand above the passages, no wording twice, what asks for most first."""
        text = task.output.format == "text"
        cites = (True, False) if self.cite is None else (self.cite,)
        pairs = [(cite, self.absent) for cite in cites] + [(cites[-1], None)]
        return list(dict.fromkeys(instruct(text=text, cite=cite, absent=absent) for cite, absent in pairs))


def _without_shots(approach: Prompted) -> list[Prompted]:
    """The approach without its solved examples; nothing where it has none."""
    if approach.prompt.shots is None:
        return []
    return [replace(approach, prompt=replace(approach.prompt, shots=None))]
