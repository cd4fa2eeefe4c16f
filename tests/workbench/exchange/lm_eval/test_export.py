"""Approaches exported to lm-eval: its own `hf` model and ours find there what the run found, row by row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.errors import ModelError, RunError
from evals.models import Loader
from evals.models.local import LocalModel
from tests import harness
from tests.workbench.mood import Mood, share
from workbench.assess import assess
from workbench.cli.main import run
from workbench.exchange.lm_eval.export import Exported, export_task
from workbench.runs import Scope
from workbench.session import Plan

CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Japan": "Tokyo", "Spain": "Madrid", "Canada": "Ottawa",
    "Peru": "Lima", "Kenya": "Nairobi", "Norway": "Oslo",
}  # fmt: skip
ANIMALS = {
    "a dog that barks": "animal", "an oak with leaves": "plant", "a granite pebble": "stone",
    "a rose in bloom": "plant", "a cat": "animal", "a piece of marble": "stone", "a cow": "animal",
}  # fmt: skip
SHOTS = {"Egypt": "Cairo", "Poland": "Warsaw", "Chile": "Santiago"}


def assessed(folder: Path, models: Loader, rows: Mapping[str, Any], **keys: Any) -> Path:
    """The run folder of a task of these rows (input: output), dev only."""
    folder.mkdir(parents=True, exist_ok=True)
    unseen = {f"{asked}, once more": said for asked, said in rows.items()}
    for split, some in {"dev": rows, "test": unseen, "train": SHOTS}.items():
        lines = [
            json.dumps({"id": f"{split}{n}", "input": i, "output": o})
            for n, (i, o) in enumerate(some.items())
        ]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    task = {
        "model": {"name": "smollm2-135m", "dtype": "float32"},
        "data": {split: f"{split}.jsonl" for split in ("train", "dev", "test")[keys["name"] == "kinds" :]},
        **keys,
    }
    (folder / "task.yaml").write_text(json.dumps(task))
    run, _ = assess(Plan(folder / "task.yaml", folder / "runs", Scope(dev_only=True)), models)
    return run.folder


@pytest.fixture(scope="module")
def capitals(models: Loader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some answers are right, some wrong, some cut off."""
    return assessed(
        tmp_path_factory.mktemp("capitals"),
        models,
        CAPITALS,
        name="capitals",
        prompt={"instruction": "What is the capital of this country?"},
        output="text",
        generation={"max_tokens": 9},
        graders=["exact", "token_f1", {"name": "token_f1", "as": "half", "pass_at": 0.5}],
        requirements=[{"metric": "exact", "at_least": 0.5, "kind": "quality"}],
        ladder=[{"name": "zero_shot"}, {"name": "few_shot", "k": 3, "draws": 1}],
    )


@pytest.fixture(scope="module")
def kinds(models: Loader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labels, chosen by their likelihood."""
    return assessed(
        tmp_path_factory.mktemp("kinds"),
        models,
        ANIMALS,
        name="kinds",
        prompt={"instruction": "Is this an animal, a plant or a stone?"},
        output={"labels": ["animal", "plant", "stone"]},
        requirements=[{"metric": "label", "at_least": 0.5, "kind": "quality"}],
        ladder=[{"name": "zero_shot"}, {"name": "constrained"}, {"name": "likelihood"}],
    )


def with_graders(source: Path, folder: Path, graders: Sequence[Any]) -> Path:
    """A copy of a run whose task has other graders."""
    copy = folder / source.name
    shutil.copytree(source, copy)
    task = json.loads((copy / "task.yaml").read_text())
    (copy / "task.yaml").write_text(json.dumps({**task, "graders": graders}))
    return copy


def found(source: Path, approach: str, grader: str) -> list[float]:
    """The run's own scores of an approach, by row."""
    (folder,) = source.glob(f"approaches/{approach}-*")
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    return [line["score"]["value"] for line in lines if line["score"]["grader"] == grader]


def theirs(exported: Exported, model: LocalModel, metric: str) -> dict[str, list[float]]:
    """lm-eval's scores, by row, of its own model and of ours."""
    values = {}
    for name, lm in harness.both(model).items():
        results = harness.run(lm, exported.file.parent, [exported.task])
        samples = sorted(results["samples"][exported.task], key=lambda sample: sample["doc_id"])
        values[name] = [float(sample[metric]) for sample in samples]
        (figure,) = [v for k, v in results["results"][exported.task].items() if k.split(",")[0] == metric]
        assert figure == pytest.approx(sum(values[name]) / len(values[name]))
    return values


@pytest.mark.parametrize("approach", ["zero_shot", "few_shot"])
def test_a_stock_metric_gives_the_same_where_one_is_equivalent(
    capitals: Path, approach: str, models: Loader, smollm: LocalModel, tmp_path: Path
) -> None:
    source = with_graders(capitals, tmp_path, ["exact"])
    exported = export_task(source, approach, tmp_path / "out", models, split="dev")
    assert exported.stock and sorted(p.name for p in exported.file.parent.iterdir()) == [
        f"capitals_{approach}.yaml",
        "rows.jsonl",
    ]
    ours = found(capitals, approach, "exact")
    assert theirs(exported, smollm, "exact_match") == {"hf": ours, "workbench": ours}
    assert approach == "zero_shot" or 0 < sum(ours) < len(ours)


def test_our_graders_score_there_what_no_stock_metric_does(
    capitals: Path, models: Loader, smollm: LocalModel, tmp_path: Path
) -> None:
    exported = export_task(capitals, "zero_shot", tmp_path / "out", models, split="dev")
    assert not exported.stock and exported.metrics == ("exact", "token_f1", "half")
    predictions = next(capitals.glob("approaches/zero_shot-*")) / "predictions.jsonl"
    finishes = {json.loads(line)["finish"] for line in predictions.read_text().splitlines()}
    ours = found(capitals, "zero_shot", "token_f1")
    assert finishes == {"stop", "length"} and len(set(ours)) > 1
    for values in theirs(exported, smollm, "token_f1").values():
        assert values == pytest.approx(ours)


def test_labels_by_likelihood_are_a_multiple_choice(
    kinds: Path, models: Loader, smollm: LocalModel, tmp_path: Path
) -> None:
    exported = export_task(kinds, "likelihood", tmp_path / "out", models, split="dev")
    ours = found(kinds, "likelihood", "label")
    metric = exported.metrics[0]
    assert theirs(exported, smollm, metric) == {"hf": ours, "workbench": ours}
    more = export_task(
        with_graders(kinds, tmp_path, ["label", "exact"]),
        "likelihood",
        tmp_path / "more",
        models,
        split="dev",
    )
    assert not more.stock
    assert theirs(more, smollm, "label") == {"hf": ours, "workbench": ours}


def test_a_way_of_answering_that_lm_eval_lacks_is_refused(
    kinds: Path, models: Loader, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="constrained is held to a grammar, which lm-eval cannot do"):
        export_task(kinds, "constrained", tmp_path / "out", models, split="dev")
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_written_over(kinds: Path, models: Loader, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="has something in it"):
        export_task(kinds, "zero_shot", tmp_path, models, split="dev")
    assert export_task(kinds, "zero_shot", tmp_path, models, split="dev", force=True).rows == len(ANIMALS)


def test_an_approach_of_an_endpoint_has_no_rendered_prompts(tmp_path: Path) -> None:
    mood = Mood(tmp_path / "task", keys={"model": {"endpoint": "http://127.0.0.1:9/v1", "name": "toy"}})
    source = mood.run(share(0.9), dev_only=True)
    with pytest.raises(ModelError, match="toy is behind an endpoint"):
        export_task(source, "zero_shot", tmp_path / "out", Loader(), split="dev")


def test_the_command_says_what_it_wrote_and_how_to_go_on(
    kinds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = kinds.parents[2] / "task.yaml"
    words = ["export", "lm-eval", str(task), "--out", str(kinds.parents[1]), "--approach", "zero_shot"]
    assert run([*words, "-o", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "kinds_zero_shot.yaml: 7 dev rows, label by our graders (utils.py)" in said
    assert f"--tasks kinds_zero_shot --include_path {tmp_path / 'out'}" in said
    assert run([*words, "-o", str(tmp_path / "again"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["task"], told["rows"], told["stock"], told["left_out"]) == ("kinds_zero_shot", 7, False, [])
    config = yaml.safe_load(
        (tmp_path / "again" / "kinds_zero_shot.yaml").read_text().replace("!function", "")
    )
    assert config["metadata"]["approach"] == "zero_shot" and config["generation_kwargs"]["do_sample"] is False
