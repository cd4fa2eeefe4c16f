"""Which training method the task's rows and model allow, and which one to try first.

The limits are orders of magnitude taken from the literature (soft prompts: Lester et al. 2021, Li
and Liang 2021; LoRA: Hu et al. 2022; full fine-tuning of models under 300 million parameters often
ends below few-shot prompting: arXiv 2606.06920). They choose what to measure first; the measured
score decides whether it was worth it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tuning.method import Method
from tuning.preference import FEWEST_PAIRS
from tuning.tables import METHODS

CLIMB = ("prefix_tuning", "lora", "full")
"""The methods that are tried one after the other, cheapest first; the others are variants of these."""

BEYOND_SFT = "DPO from what SFT made learns what people prefer"


@dataclass(frozen=True)
class Recommendation:
    """A method to train first, towards what, and why; `method` is None when nothing can be trained, with the
    reason."""

    method: type[Method] | None
    why: tuple[str, ...]
    objective: str = "sft"


def recommend(train_rows: int, *, hosted: bool, pairs: int = 0, preferred: bool = False) -> Recommendation:
    """What to train first on `train_rows` rows and `pairs` of answers, when prompts alone do not meet the
    requirements; `preferred` where one of these asks for what people prefer."""
    if hosted:
        return Recommendation(
            None,
            (
                "the model is hosted and its weights cannot be trained here: name a tune_model, or let the "
                "provider train it (`wb export fine-tuning` writes the file)",
            ),
        )
    fewest = min(method_named(name).fewest_rows for name in METHODS)
    if train_rows < fewest and pairs >= FEWEST_PAIRS:
        few = (
            f"{train_rows} training rows are too few, and ORPO learns from the {pairs} pairs of answers alone"
        )
        return Recommendation(method_named("lora"), (few,), "orpo")
    if train_rows < fewest:
        return Recommendation(
            None, (f"the task has {train_rows} training rows and {fewest} are the fewest worth training on",)
        )
    method = method_named("lora" if train_rows >= method_named("lora").fewest_rows else "prefix_tuning")
    why = (f"{train_rows} training rows: {method.title} {method.expect}",)
    if preferred and pairs >= FEWEST_PAIRS:
        return Recommendation(method, (*why, f"{pairs} pairs of answers: {BEYOND_SFT}"), "sft_then_dpo")
    return Recommendation(method, why)


def above(name: str, train_rows: int) -> type[Method] | None:
    """The next method to climb to from this one that the rows allow; None when there is none."""
    return next((method for method in higher(name) if train_rows >= method.fewest_rows), None)


def higher(name: str) -> list[type[Method]]:
    """The methods that a climb from this one may come to, the next one first."""
    base = {"prompt_tuning": "prefix_tuning", "p_tuning": "prefix_tuning", "qlora": "lora"}.get(name, name)
    return [method_named(other) for other in CLIMB[CLIMB.index(base) + 1 :]] if base in CLIMB else []


def method_named(name: str) -> type[Method]:
    """The class of a method. Raises TaskError when there is none of that name."""
    found: type[Method] = METHODS.load(name, key="--method")
    return found
