"""Which training method the task's rows and model allow, and which one to try first.

The limits are orders of magnitude taken from the literature (soft prompts: Lester et al. 2021, Li
and Liang 2021; LoRA: Hu et al. 2022; full fine-tuning of models under 300 million parameters often
ends below few-shot prompting: arXiv 2606.06920). They choose what to measure first; the measured
score decides whether it was worth it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """A way to train: `title` for people, the fewest training rows it is worth trying with, and
    what to expect of it."""

    name: str
    title: str
    fewest_rows: int
    expect: str


METHODS: tuple[Method, ...] = (
    Method("prompt_tuning", "prompt tuning", 20, "holds a format with tens of rows; the weights stay"),
    Method(
        "prefix_tuning", "prefix tuning", 20, "holds a format or a style with tens of rows; the weights stay"
    ),
    Method(
        "lora",
        "LoRA",
        100,
        "learns format and content from hundreds of rows, without the shots in the prompt",
    ),
    Method(
        "full", "full fine-tuning", 2000, "competes with LoRA only with thousands of rows and a small model"
    ),
)


@dataclass(frozen=True)
class Recommendation:
    """A method to train first, and why; `method` is None when nothing can be trained, with the reason."""

    method: Method | None
    why: tuple[str, ...]


def recommend(train_rows: int, *, hosted: bool) -> Recommendation:
    """What to train first on `train_rows` rows, when prompts alone do not meet the requirements."""
    if hosted:
        return Recommendation(
            None, ("the model is hosted and its weights cannot be trained here: name a tune_model",)
        )
    fewest = min(method.fewest_rows for method in METHODS)
    if train_rows < fewest:
        return Recommendation(
            None, (f"the task has {train_rows} training rows and {fewest} are the fewest worth training on",)
        )
    method = _method("lora" if train_rows >= _method("lora").fewest_rows else "prefix_tuning")
    return Recommendation(method, (f"{train_rows} training rows: {method.title} {method.expect}",))


def _method(name: str) -> Method:
    return next(method for method in METHODS if method.name == name)
