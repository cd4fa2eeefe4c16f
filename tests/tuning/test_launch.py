"""Two processes of `accelerate launch` train as one does, and end together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.torch import load_file

from evals.errors import NotApplicable, ResumableError, RunError, TaskError
from evals.types import Progress
from tests.clocks import PATIENCE
from tests.tuning.school import exact, preferences, preferring, rows, save_model, start, work
from tuning.launch import LOG, Launch
from tuning.methods import method_named
from tuning.recipe import Recipe
from tuning.settings import Settings
from tuning.sft import Sft
from tuning.tables import METHODS, OBJECTIVES

WEIGHTS = "adapter/adapter_model.safetensors"
TWO = Launch(processes=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("base"))


def lora(launch: Launch | None, **settings: Any) -> Recipe:
    plan = {"epochs": 2, "patience": 9, "looks": 2, "learning_rate": 1e-2, "dev_rows": 6, **settings}
    return Recipe(method_named("lora")(), Sft(), Settings(**plan), launch=launch)


def trained(recipe: Recipe, folder: Path, base: Path, progress: Progress = lambda *told: None) -> Path:
    """61 rows in batches of 8: the last of an epoch has fewer."""
    recipe.fit(rows("t", 61), rows("d", 6), work(folder, start(base), progress=progress))
    return folder


@pytest.fixture(scope="module")
def pair(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same training by one process and by two."""
    home = tmp_path_factory.mktemp("pair")
    return trained(lora(None), home / "one", base), trained(lora(TWO), home / "two", base)


def curve(folder: Path, kind: str, stage: str = "sft") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / stage / "curves.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def losses(folder: Path, stage: str = "sft") -> list[float]:
    return [line["loss"] for kind in ("train", "dev") for line in curve(folder, kind, stage)]


def close(one: Path, two: Path, name: str = WEIGHTS) -> float:
    """The largest difference of weights, as a share of the largest weight."""
    mine, theirs = load_file(one / name), load_file(two / name)
    assert mine.keys() == theirs.keys()
    worst = max(float((mine[key] - theirs[key]).abs().max()) for key in mine)
    return worst / max(float(tensor.abs().max()) for tensor in mine.values())


def test_two_processes_make_of_a_batch_what_one_does(pair: tuple[Path, Path]) -> None:
    one, two = pair
    assert losses(two) == pytest.approx(losses(one), abs=1e-4)
    assert [line["score"] for line in curve(two, "dev")] == [line["score"] for line in curve(one, "dev")]
    assert close(one, two) < 1e-4
    record = json.loads((two / "training.json").read_text())
    assert (record["processes"], record["rows"]) == (2, 61)
    assert {p.name for p in two.iterdir()} - {p.name for p in one.iterdir()} == {LOG}


def test_a_member_that_is_killed_and_a_launcher_that_is_end_the_whole_and_it_goes_on_to_the_same_weights(
    base: Path, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    met: list[psutil.Process] = []

    def killing(at: int, choose: Callable[[list[psutil.Process]], psutil.Process]) -> Progress:
        def progress(step: str, done: int, total: int) -> None:
            if done == at:
                family = psutil.Process().children(recursive=True)
                met.extend(one for one in family if "tuning.member" in one.cmdline())
                choose(met).kill()

        return progress

    def last_member(found: list[psutil.Process]) -> psutil.Process:
        return next(one for one in found if one.environ().get("RANK") == "1")

    def launcher(found: list[psutil.Process]) -> psutil.Process:
        return next(one for one in found if "accelerate.commands.launch" in one.cmdline())

    for at, choose in ((3, last_member), (11, launcher)):
        with pytest.raises(
            ResumableError, match=r"a process of the training ended.*\n.*from the last checkpoint"
        ):
            trained(lora(TWO), tmp_path, base, killing(at, choose))
        assert len(met) == 3
        _, alive = psutil.wait_procs(met, timeout=PATIENCE)
        assert not alive
        met.clear()
    assert not (tmp_path / "training.json").exists()
    trained(lora(TWO), tmp_path, base)
    assert (tmp_path / WEIGHTS).read_bytes() == (pair[1] / WEIGHTS).read_bytes()
    assert losses(tmp_path) == losses(pair[1])


def test_what_goes_wrong_there_is_told_here_and_what_grading_raises_ends_it(
    base: Path, tmp_path: Path
) -> None:
    long = [replace(row, input=" ".join(["w30"] * 600)) for row in rows("t", 4)]
    with pytest.raises(NotApplicable, match="not one training row fits the context"):
        lora(TWO).fit(long, rows("d", 2), work(tmp_path / "long", start(base)))

    def broken(pairs: Any) -> float:
        raise RunError("is away", where="the judge")

    with pytest.raises(RunError, match="the judge: is away"):
        lora(TWO).fit(rows("t", 16), rows("d", 2), work(tmp_path / "grade", start(base), grade=broken))


def test_what_draws_its_answers_is_refused_before_anything_loads() -> None:
    for name in ("rlhf", "rlhf_preferences"):
        with pytest.raises(TaskError, match=f"{name} does not go with --launch: .*\n.*sft_then_dpo"):
            Recipe(method_named("lora")(), OBJECTIVES.load(name)(), launch=TWO)


def test_a_configuration_file_is_handed_on_and_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "accelerate.yaml"
    path.write_text("distributed_type: MULTI_GPU\nnum_processes: 3\nmain_process_port: 0\n")
    launch = Launch(path)
    assert launch.count() == 3
    words = launch.command(tmp_path / "door")
    assert words[words.index("--config_file") + 1] == str(path)
    assert "--num_processes" not in words and "--mixed_precision" not in words
    assert Launch(path, 2).count() == 2


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, "cannot be read as a configuration of accelerate"),
        ("a: [", "cannot be read as a configuration of accelerate"),
        ("- a list", "is no configuration of accelerate"),
        ("num_machines: 2", "asks for 2 machines, and training runs on one"),
        ("num_machines: two", "num_machines is 'two' and must be a whole number"),
        ("num_processes: 1.5", "num_processes is 1.5 and must be a whole number"),
    ],
)
def test_a_file_that_is_none_or_asks_for_more_machines_is_refused(
    text: str | None, match: str, tmp_path: Path
) -> None:
    path = tmp_path / "accelerate.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RunError, match=match):
        Launch(path).settings()


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in METHODS if name != "lora"])
def test_every_method_ends_where_one_process_does(name: str, base: Path, tmp_path: Path) -> None:
    plan = Settings(epochs=1, patience=9, learning_rate=1e-3, dev_rows=6)
    alone = Recipe(method_named(name)(), Sft(), plan)
    one = trained(alone, tmp_path / "one", base)
    two = trained(replace(alone, launch=TWO), tmp_path / "two", base)
    assert losses(two) == pytest.approx(losses(one), abs=1e-3)
    assert close(one, two, "adapter/model.safetensors" if name == "full" else WEIGHTS) < 1e-3


@pytest.mark.full
@pytest.mark.parametrize("name", ["orpo", "kto", "sft_then_dpo"])
def test_pairs_are_learned_as_by_one_process_from_a_configuration_file(
    name: str, base: Path, tmp_path: Path
) -> None:
    path = tmp_path / "accelerate.yaml"
    path.write_text("distributed_type: MULTI_GPU\nnum_processes: 2\nnum_machines: 1\nmain_process_port: 0\n")
    task = preferring(tmp_path / "task", base, preferences(60))
    plan = Settings(epochs=1, patience=9, learning_rate=1e-2, dev_rows=6)
    alone = Recipe(method_named("lora")(), OBJECTIVES.load(name)(), plan)
    for folder, recipe in (("one", alone), ("two", replace(alone, launch=Launch(path)))):
        recipe.fit(rows("t", 24), rows("d", 6), work(tmp_path / folder, start(base), task=task, grade=exact))
    stage = "dpo" if name == "sft_then_dpo" else name
    one, two = tmp_path / "one", tmp_path / "two"
    assert losses(two, stage) == pytest.approx(losses(one, stage), abs=1e-3)
    assert close(one, two) < 1e-3
