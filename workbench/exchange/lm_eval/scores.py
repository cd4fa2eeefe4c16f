"""Answers that lm-eval collected, scored by our graders: what the utils.py of an exported task calls.

lm-eval hands over texts and not how they ended. That an answer was cut off at `max_tokens`, which scores 0
here, is seen from its length, by the tokenizer of the model that the approach stands on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.decoding.decoder import Decoder
from baselines.decoding.likelihood import choose
from evals.graders import of_task
from evals.models import Loader
from evals.run import grade_rows
from evals.store import read_json, reading, revive, write_json
from evals.task import load_task
from evals.types import Completion, Example, ModelRef, Prediction

SETTINGS = "scoring.json"
"""Beside the exported task.yaml: what scoring needs of the approach."""


@dataclass(frozen=True)
class Settings:
    """`graders` are those whose scores are carried, `task_file` where the paths in their options begin."""

    decoder: Decoder
    model: ModelRef
    graders: tuple[str, ...]
    task_file: str


def write_settings(folder: Path, settings: Settings) -> None:
    """Write SETTINGS."""
    write_json(folder / SETTINGS, settings)


class Scorer:
    """Scores the rows of an exported task; `folder` is where it was exported to."""

    def __init__(self, folder: Path) -> None:
        with reading(folder / SETTINGS):
            self.settings: Settings = revive(Settings, read_json(folder / SETTINGS))
        graders = of_task(load_task(folder / "task.yaml"), Path(self.settings.task_file))
        self.graders = [grader for grader in graders if grader.name in self.settings.graders]
        self.models = Loader()

    def process_results(self, doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """lm-eval's figures of one row: each grader's value, and (right, all) for each pooled part."""
        row = json.loads(doc["row"])
        example = revive(Example, row["example"])
        answer = self._answer(example.id, results)
        prediction = Prediction(
            answer.id, answer.text, answer.finish, sources=tuple(row["sources"]), shown=row["shown"]
        )
        scores = grade_rows(self.graders, [(example, prediction)], self.models)[example.id]
        found: dict[str, Any] = {}
        for grader in self.graders:
            score = scores[grader.name]
            found[grader.name] = score.value
            for metric in grader.metrics[1:]:
                found[metric] = score.counts.get(metric.removeprefix(f"{grader.name}."), (0.0, 0.0))
        return found

    def _answer(self, id: str, results: Sequence[Any]) -> Completion:
        """What the approach makes of lm-eval's answer: (log-likelihood, greedy) of every label, or a text."""
        decoder = self.settings.decoder
        if decoder.likelihood is not None:
            return Completion(id, choose(decoder.likelihood, [float(value) for value, _ in results]), "stop")
        text = str(results[0])
        cut = self._tokens(text) >= decoder.max_tokens
        return decoder.read(Completion(id, text, "length" if cut else "stop"))

    def _tokens(self, text: str) -> int:
        model: Any = self.models.open(self.settings.model)
        (ids,) = model.renderer.text_ids([text], special=False)
        return len(ids)


def pooled(items: Iterable[tuple[float, float]]) -> float:
    """The sum of the first over the sum of the second; 0 where there is nothing to count."""
    pairs = list(items)
    size = sum(den for _, den in pairs)
    return sum(right for right, _ in pairs) / size if size else 0.0
