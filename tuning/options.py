"""Options of a training as they are typed, KEY=VALUE: fields of its method, its objective and settings."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import yaml

from evals.errors import TaskError
from evals.table import nearest
from evals.typed import fits, hints_of, in_words
from tuning.launch import Launch
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.tables import METHODS, OBJECTIVES

KEY = "--set"
SETTINGS = (
    *("epochs", "batch", "learning_rate", "warmup", "decay", "precision"),
    *("looks", "patience", "dev_rows", "minutes"),
)
"""Those of `tuning.settings.Settings` that are a person's to choose; the others follow from the machine."""


def recipe_with(method: str, objective: str, given: Sequence[str], launch: Launch | None = None) -> Recipe:
    """The recipe with the options `given`, each KEY=VALUE. Raises TaskError for one that there is not, or
    whose value does not fit."""
    parts: list[Any] = [METHODS.load(method, key="--method"), OBJECTIVES.load(objective, key="--objective")]
    takes = [[field.name for field in fields(part)] for part in parts]
    parts, takes = [*parts, Settings], [*takes, list(SETTINGS)]
    there = [name for names in takes for name in names]
    chosen: list[dict[str, Any]] = [{} for _ in parts]
    for name, value in _read(given).items():
        place = next((place for place, names in enumerate(takes) if name in names), None)
        if place is None:
            raise TaskError(
                f"{method} towards {objective} has no option {name!r}.{nearest(name, there)}",
                key=KEY,
                hint=f"Its options: {', '.join(there)}.",
            )
        chosen[place][name] = _fitting(name, value, hints_of(parts[place])[name])
    try:
        moves, towards, settings = (part(**options) for part, options in zip(parts, chosen, strict=True))
    except ValueError as error:
        raise TaskError(str(error), key=KEY) from error
    return Recipe(moves, towards, settings, launch=launch)


def _read(given: Sequence[str]) -> Mapping[str, Any]:
    """Names and values, which are written as in YAML."""
    found = {}
    for text in given:
        name, sign, value = text.partition("=")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise TaskError(f"the value of {name!r} cannot be read: {value}", key=KEY) from error
        if not sign:
            raise TaskError(f"{text!r} is not of the form KEY=VALUE", key=KEY)
    return found


def _fitting(name: str, value: Any, kind: Any) -> Any:
    """The value, where it is of the type that is wanted. YAML takes 1e-3 for a text, and 2 and 2.0 are one
    number: what was trained with the one is found by the other."""
    if isinstance(value, str | int) and not isinstance(value, bool) and fits(0.5, kind):
        with contextlib.suppress(ValueError):
            value = float(value)
    if not fits(value, kind) or (isinstance(value, float) and not math.isfinite(value)):
        raise TaskError(f"{name} must be {in_words(kind)}, not {value!r}", key=KEY)
    return value
