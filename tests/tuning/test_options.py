"""Options of a training as they are typed: what they change, and what is told of a wrong one."""

from __future__ import annotations

import pytest

from evals.errors import TaskError
from tuning.kto import Kto
from tuning.lora import Lora
from tuning.options import recipe_with
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.sft import Sft
from tuning.soft import PrefixTuning


def test_without_options_everything_is_as_it_stands_by_default() -> None:
    assert recipe_with("lora", "sft", ()) == Recipe(Lora(), Sft())


def test_each_option_goes_where_it_belongs() -> None:
    given = ("dora=true", "rank=64", "targets=[q_proj, v_proj]", "beta=0.2", "learning_rate=2e-4", "looks=2")
    assert recipe_with("lora", "kto", given) == Recipe(
        Lora(rank=64, dora=True, targets=["q_proj", "v_proj"]),
        Kto(0.2),
        Settings(learning_rate=2e-4, looks=2),
    )
    assert recipe_with("prefix_tuning", "sft", ("most=8", "tokens=4")).method == PrefixTuning(4, 8)


def test_a_number_is_the_same_however_it_is_written() -> None:
    for one, other in (("epochs=2", "epochs=2.0"), ("learning_rate=1e-2", "learning_rate=0.01")):
        assert repr(recipe_with("lora", "sft", (one,))) == repr(recipe_with("lora", "sft", (other,)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rslora", "'rslora' is not of the form KEY=VALUE"),
        ("rslra=true", "lora towards sft has no option 'rslra'. Did you mean 'rslora'?\nIts options: rank,"),
        ("beta=0.1", "has no option 'beta'"),
        ("rows=3", "has no option 'rows'"),
        ("rank=many", "rank must be a whole number, not 'many'"),
        ("rank=0", "rank and alpha must be at least 1"),
        ("alpha=0", "rank and alpha must be at least 1"),
        ("dropout=-0.1", "dropout is a share, from 0 to below 1"),
        ("targets=[]", "targets must name a layer"),
        ("minutes=0", "minutes must be above 0"),
        ("epochs=-1", "must be above 0"),
        ("epochs=.inf", "epochs must be a number, not inf"),
        ("learning_rate=0", "learning_rate must be above 0"),
        ("warmup=3", "warmup is a share of the steps"),
        ("precision=fp8", "precision is one of auto, float32"),
        ("targets=[", "the value of 'targets' cannot be read"),
    ],
)
def test_a_wrong_option_is_told(text: str, says: str) -> None:
    with pytest.raises(TaskError) as error:
        recipe_with("lora", "sft", [text])
    assert says in str(error.value)
    assert str(error.value).startswith("--set: ")


def test_answers_are_drawn_to_be_compared() -> None:
    with pytest.raises(TaskError, match="samples must be at least 2"):
        recipe_with("lora", "rlhf", ["samples=1"])
