"""The rung that rewords: the same task asked in the ways that are known to matter, raced on dev.

Where the instruction stands (above the input, in the system message, under the input), whether the wanted
format is spelled out and shown in a worked example from train, whether the model thinks before it answers,
and then, in the best of these, the user's own wordings (`prompt.variants`). Two races in place of a
product of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baselines.approach import Prompted
from baselines.notes import keep_chosen
from baselines.race import keep_spread, race, race_calls
from baselines.recipe import PLACEMENTS, Placement, Recipe, form_of, typical
from evals.models.known import parameters_in
from evals.task import Task
from evals.types import Example, Work

FEWEST_PARAMETERS = 1e9
"""A model of fewer is not asked to reason before it answers, unless `steps` says so."""


@dataclass(frozen=True)
class PromptVariants:
    """The best of a few prompts without shots. `placements` are raced with the format and a worked
    example, the first of them also without the example and, with `steps`, with up to `reasoning_tokens`
    of reasoning before the answer. `steps` left out: unless the model's name says that it is small, as
    reasoning aloud helps large models only (Wei et al., NeurIPS 2022) and costs the most by far.

    Calls: two races, of four settings (five with `steps`) and of the wordings. With the defaults on 80 dev
    rows 120 calls (140), and with two variants 40 more.
    """

    placements: Sequence[Placement] | Placement = PLACEMENTS
    steps: bool | None = None
    reasoning_tokens: int = 160
    name: str = "prompt_variants"

    def __post_init__(self) -> None:
        wrong = [place for place in self._placements() if place not in PLACEMENTS]
        if wrong or not self._placements():
            raise ValueError(f"placements are {', '.join(PLACEMENTS)}, not {', '.join(wrong) or 'none'}")
        if self.reasoning_tokens < 1:
            raise ValueError("reasoning_tokens is 1 or more; to do without reasoning write steps: false")

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Prompted:
        task: Task = work.task
        recipes = self.recipes(task, train)
        asked = self._cooked(recipes, work)
        best = race(list(asked.values()), dev, work)
        keep_spread("placement and format", asked, dev, work)
        name = next(name for name, setting in asked.items() if setting is best)
        recipe = recipes[name]
        worded = {"the instruction": recipe}
        for number, wording in enumerate(task.prompt.variants, 1):
            worded[f"variant {number}"] = replace(recipe, wording=wording)
        said = self._cooked(worded, work)
        found = race(list(said.values()), dev, work)
        keep_spread("wording", said, dev, work)
        wording = next(wording for wording, setting in said.items() if setting is found)
        keep_chosen(work, f"{wording} {name}")
        return found

    def recipes(self, task: Task, train: Sequence[Example]) -> dict[str, Recipe]:
        """The settings of the first race by name, those of the fewest tokens first."""
        first = self._placements()[0]
        plain = Recipe(task.prompt.instruction, first, form_of(task.output, train))
        example = typical(train)
        found: dict[str, Recipe] = {first: plain} if plain.form or example is None else {}
        if example is not None:
            for placement in self._placements():
                shown = replace(plain, placement=placement, example=example)
                found[f"{placement}, with an example"] = shown
        else:
            found |= {place: replace(plain, placement=place) for place in self._placements()}
        if self.reasons(task):
            found[f"{first}, step by step"] = replace(plain, reasoning=self.reasoning_tokens)
        return found

    def asks(self, task: Task, train: int, dev: int) -> int:
        """The calls that fitting makes, at most."""
        settings = len(self._placements()) + (train > 0) + self.reasons(task)
        return race_calls(settings, dev) + race_calls(1 + len(task.prompt.variants), dev)

    def reasons(self, task: Task) -> bool:
        """Whether reasoning before the answer is tried."""
        if self.steps is not None:
            return self.steps
        size = parameters_in(task.model.name)
        return size is None or size >= FEWEST_PARAMETERS

    def _placements(self) -> tuple[Placement, ...]:
        return (self.placements,) if isinstance(self.placements, str) else tuple(self.placements)

    def _cooked(self, recipes: dict[str, Recipe], work: Work) -> dict[str, Prompted]:
        """The approaches by the names of their recipes, no approach twice."""
        cooked = {name: r.approach(self.name, work.task, work.seed) for name, r in recipes.items()}
        first = {setting.hash: name for name, setting in reversed(cooked.items())}
        return {name: setting for name, setting in cooked.items() if first[setting.hash] == name}
