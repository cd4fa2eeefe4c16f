"""Which rungs a task's ladder has, in which order, and how it would be run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from baselines import COMPOSED, ON_DEMAND, RUNGS
from evals.errors import TaskError
from evals.task import Task, load_task
from workbench import ladder
from workbench.ladder import BEST, Planned

Load = Callable[..., Task]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def write(**keys: Any) -> Task:
        task = {
            "name": "t",
            "model": "some-135m",
            "data": {"train": "a.jsonl", "test": "b.jsonl"},
            "prompt": {"instruction": "Say it."},
            "output": {"labels": ["a", "b"]},
            "requirements": [{"metric": "label", "at_least": 0.5, "kind": "quality"}],
            **keys,
        }
        (tmp_path / "task.yaml").write_text(yaml.safe_dump(task, sort_keys=False))
        return load_task(tmp_path / "task.yaml")

    return write


DEFAULT = [name for name in RUNGS if name not in ON_DEMAND]


def names(task: Task) -> list[str]:
    return [rung.name for rung in ladder.rungs(task)]


def found(task: Task, name: str, has_train: bool = True) -> Planned:
    return next(rung for rung in ladder.planned(task, has_train) if rung.name == name)


def test_the_default_ladder_has_every_rung_prompt_rungs_first(load: Load) -> None:
    mine = names(load())
    assert mine == DEFAULT == names(load(ladder="default"))
    assert tuple(mine[-len(COMPOSED) :]) == COMPOSED


def test_a_rung_on_demand_is_there_where_it_is_named_and_missed_nowhere(load: Load) -> None:
    assert names(load(ladder=["default", "prompt_search"])) == list(RUNGS)
    assert ladder.left_out(load(ladder=["default"]), has_train=True) == []


def test_rungs_may_be_listed_dropped_and_configured(load: Load) -> None:
    assert names(load(ladder=["repair", "zero_shot"])) == ["zero_shot", "repair"]
    without = load(ladder={"without": ["repair", "self_consistency"]})
    assert set(DEFAULT) - set(names(without)) == {"repair", "self_consistency"}
    task = load(
        ladder=["default", {"name": "self_consistency", "k": 9}, {"stop": "first", "without": ["rag"]}]
    )
    assert names(task) == [name for name in DEFAULT if name != "rag"]
    assert (ladder.rungs(task)[-1].k, task.stop_first) == (9, True)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (["default", "repair", {"without": ["repair"]}], "named and left out"),
        ({"without": ["repairs"]}, "Did you mean 'repair'"),
        (["default", "default"], "stands twice"),
        ({"without": list(RUNGS)}, "leaves out every rung"),
        (["default", {"name": "repair", "turns": 3}], "no option 'turns'"),
        (["default", {"name": "self_consistency", "k": 1}], "k is at least 3"),
        ({"without": []}, "ladder"),
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(value: Any, says: str, load: Load) -> None:
    with pytest.raises(TaskError, match=says):
        ladder.rungs(load(ladder=value))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            {"name": "few_shot", "k": "four"},
            'k: must be a whole number, or a list of whole numbers, not "four"',
        ),
        ({"name": "few_shot", "k": [2, None]}, "k: must be a whole number, or a list of whole numbers, not"),
        ({"name": "prompt_variants", "steps": "yes"}, 'steps: must be true or false, not "yes"'),
        ({"name": "rag", "minutes": "10"}, 'minutes: must be a number, not "10"'),
        ({"name": "rag", "k": 0}, ": the rung 'rag': at least one retriever and a k of 1 or more are needed"),
        ({"name": "repair", "tims": 3}, ": the rung 'repair' has no option 'tims'. Did you mean 'times'?"),
    ],
)
def test_a_wrong_option_is_an_error_with_file_line_and_key(value: Any, says: str, load: Load) -> None:
    task = load(ladder=["zero_shot", value])
    with pytest.raises(TaskError) as raised:
        ladder.rungs(task)
    key = "ladder[1]" if says.startswith(":") else f"ladder[1].{says.split(':')[0]}"
    text = f"ladder[1]{says}" if says.startswith(":") else f"ladder[1].{says}"
    assert str(raised.value).startswith(f"{task.path}:{task.file.lines[key]}: {text}")
    assert raised.value.hint or "rag" in says


def test_only_what_is_dropped_changes_the_identity_of_a_task(load: Load) -> None:
    assert "without" not in load().identity()
    assert load().identity() == load(ladder="default").identity()
    assert load(ladder={"without": ["rag"]}).identity() != load().identity()


def test_what_is_planned_says_what_each_adds_to_and_how_often_it_asks(load: Load) -> None:
    task = load()
    assert [p.name for p in ladder.planned(task, True)] == names(task)
    assert found(task, "few_shot") == Planned("few_shot", "", True, "", (1, 1))
    assert found(task, "self_consistency").calls == (5, 5)
    assert found(task, "repair").calls == (1, 3)
    constrained = found(task, "constrained")
    assert (constrained.start, constrained.applies) == (BEST, True)
    assert constrained.why == "where an answer of the best approach so far fails the format on dev"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("few_shot", "needs training rows"),
        ("rag", "needs documents"),
        ("constrained", "the answers are free text"),
        ("repair", "the answers are free text"),
        ("likelihood", "needs labels"),
        ("self_consistency", "these are free text"),
    ],
)
def test_what_does_not_apply_says_why_in_a_sentence(name: str, why: str, load: Load) -> None:
    quality = [{"metric": "token_f1", "at_least": 0.5, "kind": "quality"}]
    rung = found(load(output="text", graders=["token_f1"], requirements=quality), name, has_train=False)
    assert not rung.applies
    assert why in rung.why


def test_endpoints_weigh_no_labels(load: Load) -> None:
    task = load(model={"endpoint": "https://x.example/v1", "name": "g"})
    assert "endpoints give none" in found(task, "likelihood").why
    assert found(task, "constrained").applies


def test_what_a_ladder_leaves_out_is_what_would_apply(load: Load) -> None:
    task = load(ladder=["zero_shot", "constrained"])
    missing = ladder.left_out(task, has_train=False)
    tried = ("zero_shot", "constrained", "few_shot", "knn_few_shot", "rag")
    assert missing == [name for name in DEFAULT if name not in tried]
    assert ladder.left_out(load(), has_train=True) == []
