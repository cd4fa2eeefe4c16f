"""What every training method is: a recipe for the parameters that move, as options that are fields.

A method says how the base weights are loaded, which parameters are added or freed, and how fast they
may move. It knows nothing of losses, rows or scores. Its module imports nothing heavy until `load`
or `wrap` is called, so that the table of methods can be read anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from evals.models.sources import Saved


@dataclass(frozen=True)
class Head:
    """The tokens that every prompt begins with, and those of them that a soft prompt starts from.

    `tokens` are cut from every prompt when the soft prompt stands in their place; `start` is the part
    of them that its virtual tokens are initialised with, all of it unless it was too long.
    """

    tokens: tuple[int, ...] = ()
    start: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the soft prompt begins as exactly what it replaces."""
        return bool(self.tokens) and self.tokens == self.start


class Method(Protocol):
    """A way to train. `title` is for people, `fewest_rows` the fewest training rows worth trying with,
    `expect` what to expect of it; `soft` says that it learns what stands before the text and leaves
    the weights alone; `most` bounds that in tokens (0 for other methods)."""

    name: ClassVar[str]
    title: ClassVar[str]
    fewest_rows: ClassVar[int]
    expect: ClassVar[str]
    soft: ClassVar[bool]

    def rate(self, parameters: int) -> float:
        """The learning rate to begin with for a model of so many parameters."""

    def load(self, source: Saved, dtype: Any) -> Any:
        """The base model with weights of `dtype`."""

    def wrap(self, model: Any, head: Head, seed: int) -> Any:
        """The model with its trainable parameters, all in fp32, and everything else frozen."""


REFERENCE = 135e6
"""Parameters of the model that rates are given for."""


def scaled(rate: float, parameters: int, lowest: float) -> float:
    """A learning rate found on a model of 135 million parameters, for another size: it falls with the
    root of the size, which goes through both ends of what is used (LoRA: 1e-3 there and 2e-4 for
    billions; full: 2e-4 there and 2e-5 for billions)."""
    return max(lowest, rate * math.sqrt(REFERENCE / max(parameters, 1)))


def frozen(model: Any) -> Any:
    """The model with no parameter that learns."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def trainable(model: Any) -> dict[str, Any]:
    """The parameters that learn, by name, in the model's order."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def shared_head(prompts: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The tokens that all prompts begin with; at least one token of each is left out of it."""
    if not prompts:
        return ()
    low, high = min(map(tuple, prompts)), max(map(tuple, prompts))
    room = min(len(prompt) for prompt in prompts) - 1
    same = next(
        (n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high))
    )
    return low[: max(0, min(same, room))]


def cut_head(tokens: Sequence[int], most: int, ends: frozenset[int]) -> tuple[int, ...]:
    """At most `most` of a head's tokens to start from: whole turns from its beginning and what follows the
    last turn (the opening of the user's), or its last tokens where not even that fits."""
    whole = tuple(tokens)
    if len(whole) <= most:
        return whole
    turns = [place + 1 for place, token in enumerate(whole) if token in ends]
    tail = whole[turns[-1] :] if turns else whole
    fitting = [place for place in turns if place + len(tail) <= most]
    return whole[: fitting[-1]] + tail if fitting else whole[-most:]
