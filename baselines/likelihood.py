"""The rung that lets the model weigh the labels instead of writing one.

How log-likelihoods become a choice (whole, by character, or less what a label usually has) is chosen on
dev; all of them read the same figures, so that nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from baselines.approach import Prompted
from baselines.decoding.decoder import Likelihood
from baselines.decoding.likelihood import choose, scores
from baselines.start import begin
from evals.store import write_json
from evals.task import Task
from evals.types import Example, Prediction, Work


@dataclass(frozen=True)
class ByLikelihood:
    """The best approach so far, answering with the likeliest of the task's labels."""

    name: str = "likelihood"

    def excluded(self, task: Task) -> str:
        """Why this task has nothing for it; "" when it has."""
        if not task.output.labels:
            return "needs labels (output.labels) and the task has none"
        if task.model.provider == "endpoint":
            return "needs log-likelihoods, and endpoints give none"
        return ""

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        task: Task = work.task
        start = begin(self, train, dev, work)
        found = self._scores(start, task.output.labels, dev, work)
        settings = _settings(task.output.labels, list(found.values()))
        figures = [work.grade(_answers(setting, found, dev)) for setting in settings]
        chosen = settings[figures.index(max(figures))]
        told = [
            {"per": s.per, "less_usual": bool(s.usual), "figure": f}
            for s, f in zip(settings, figures, strict=True)
        ]
        write_json(work.dir / "likelihood.json", told)
        decoder = replace(start.decoder, form=None, held=False, repairs=0, samples=1, likelihood=chosen)
        return replace(start, name=self.name, decoder=decoder)

    def _scores(
        self, start: Prompted, labels: Sequence[str], dev: Sequence[Example], work: Work
    ) -> Mapping[str, Sequence[float]]:
        """The labels' log-likelihoods on the dev rows that fit the context."""
        prompts = start.prompts([row.query() for row in dev], work.models)
        model = work.models.open(start.model)
        found = {}
        for number, scored in enumerate(scores(labels, prompts, model), 1):
            work.progress(f"{self.name}: dev", number, len(dev))
            if scored.of is not None:
                found[scored.id] = scored.of
        return found


def _settings(labels: Sequence[str], found: Sequence[Sequence[float]]) -> list[Likelihood]:
    """The ways to choose, the plainest first. What is usual is the mean over the rows."""
    plain = Likelihood(tuple(labels))
    usual = tuple(round(fmean(column), 4) for column in zip(*found, strict=True))
    return [plain, replace(plain, per="character"), *([replace(plain, usual=usual)] if usual else [])]


def _answers(
    setting: Likelihood, found: Mapping[str, Sequence[float]], dev: Sequence[Example]
) -> list[tuple[Example, Prediction]]:
    return [
        (row, Prediction(row.id, choose(setting, found[row.id]), "stop"))
        if row.id in found
        else (row, Prediction(row.id, "", "too_long"))
        for row in dev
    ]
