"""A student that learns from inputs which a stronger model labelled, from the labelling to the decision."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.data import load_data
from evals.errors import DataError, TaskError
from evals.task import load_task
from tests.evals.models.openai_server import Body, OpenAIServer, Say
from tests.tuning.school import PARTNERS, rows, save_model
from tests.workbench.escalation.lab import Lab, quick
from workbench.distillation.distill import Labelled, Labelling, distill
from workbench.escalation import training
from workbench.escalation.lessons import lessons
from workbench.escalation.order import Order
from workbench.evidence import conclude

FRESH = 130


def partner(path: str, body: Body) -> Say:
    """The endpoint's rule that does what the small model does not."""
    return Say(message=PARTNERS.get(str(body["messages"][-1]["content"]).split()[-1], "w9"))


@pytest.fixture(scope="module")
def strong() -> Iterator[OpenAIServer]:
    with OpenAIServer(rule=partner, models={"strong": {}}) as server:
        yield server


@pytest.fixture(scope="module")
def lab(strong: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """An assessed task with too few training rows, and inputs without answers beside it."""
    folder = tmp_path_factory.mktemp("lab")
    keys = {"stronger_model": {"endpoint": strong.url, "name": "strong"}}
    counts = {"train": 10, "dev": 24, "test": 120}
    made = Lab(folder / "task", save_model(folder / "model"), keys, counts).write()
    _, decision = made.assess()
    assert decision.binding and decision.recommendation["action"] == "collect_train"
    inputs = [
        {"input": f"w{330 + n // 20} w{350 + n % 20} {e.input}"} for n, e in enumerate(rows("f", FRESH))
    ]
    text = "".join(json.dumps(row) + "\n" for row in inputs)
    (made.folder / "fresh.jsonl").write_text(text)
    return made


@pytest.fixture(scope="module")
def labelled(lab: Lab) -> Labelled:
    folder = lab.folder
    files = (folder / "task.yaml", folder / "fresh.jsonl", folder / "made.jsonl")
    wish = Labelling(*files, folder / "runs")
    return distill(wish, lab.models)


def test_the_stronger_model_labels_every_input(labelled: Labelled) -> None:
    assert labelled.rows == FRESH and labelled.by["model"] == "strong"
    assert labelled.worth.all.value == 1.0


def test_a_student_trained_on_the_labels_is_judged_beside_the_baselines_and_its_labeller(
    lab: Lab, labelled: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "recipe_of", quick)
    assert lab.escalate().trained == ()
    acted = lab.escalate(distilled=labelled.file)
    decision = json.loads((acted.run.folder / "decision.json").read_text())
    tuned = decision["approaches"][-1]
    assert (tuned["name"], tuned["kind"], tuned["state"]) == ("lora_distilled", "tuned", "scored")
    assert (decision["verdict"], decision["approach"]) == ("ship", "lora_distilled")
    assert tuned["delta"]["exact"]["split"] == "test" and tuned["delta"]["exact"]["low"] > 0
    record = tuned["training"]
    who = f"{labelled.by['approach']} {labelled.by['hash']}"
    assert record["rows"] == FRESH + 10 and record["distilled"]["labelled_by"] == {who: FRESH}
    beside = record["beside_labeller"]
    assert (beside["vs"], beside["split"], beside["n"]) == (labelled.by["approach"], "dev", 24)
    assert beside["value"] == pytest.approx(tuned["dev"]["exact"]["value"] - 1)
    assert decision["provenance"]["distilled"]["hash"] == record["distilled"]["hash"]
    assert (
        f"trained on rows that were labelled by a model ({FRESH} by {who}) beside 10 training rows"
        in (decision["notes"])
    )
    assert "Labelled rows" in (acted.run.folder / "report.html").read_text()
    before = (acted.run.folder / "decision.json").read_bytes()
    conclude(acted.run, lab.models)
    assert (acted.run.folder / "decision.json").read_bytes() == before


def order(lab: Lab, **more: object) -> Order:
    return Order(lab.folder / "task.yaml", lab.folder / "runs", **more)  # type: ignore[arg-type]


def test_labelled_rows_join_the_training_rows_or_stand_alone(lab: Lab, labelled: Labelled) -> None:
    task = load_task(lab.folder / "task.yaml")
    data = load_data(task)
    beside = lessons(order(lab, distilled=labelled.file), task, data)
    alone = lessons(order(lab, distilled=labelled.file, distilled_only=True), task, data)
    assert (len(beside.data.train), len(alone.data.train)) == (FRESH + 10, FRESH)
    assert beside.data.hash == alone.data.hash == data.hash
    assert len({beside.taught, alone.taught, lessons(order(lab), task, data).taught}) == 3
    assert lessons(order(lab), task, data).data == data
    with pytest.raises(TaskError, match="--distilled-only needs a file"):
        lessons(order(lab, distilled_only=True), task, data)


def test_rows_that_nobody_says_to_have_labelled_are_refused_before_anything_is_trained(lab: Lab) -> None:
    with pytest.raises(DataError, match="has no 'labelled_by'"):
        lab.escalate(distilled=lab.folder / "train.jsonl", force=True)


def test_the_command_that_continues_names_the_file(lab: Lab) -> None:
    words = order(lab, distilled=Path("a b.jsonl"), distilled_only=True).command()
    assert "--distilled 'a b.jsonl'" in words and words.endswith("--distilled-only")
