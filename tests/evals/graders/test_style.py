"""A style is learned from gold answers and other texts, and says so when there is none to see."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path

import numpy as np
import pytest

from evals.asked import check_metrics
from evals.errors import DataError, TaskError
from evals.graders import of_task
from evals.graders.style import auc, fit, learn
from evals.models import Loader
from evals.task import load_task
from evals.types import Example, Prediction

THINGS = "order invoice parcel refund account password delivery cancellation voucher address".split()
FORMAL = [
    f"Dear customer, your {t} number {n} has been processed. Kind regards." for n in range(4) for t in THINGS
]
CASUAL = [f"hey!! ur {t} {n} is done lol" for n in range(4) for t in THINGS]


def write(folder: Path, others: list[str] = CASUAL, train: int = 40) -> Path:
    rows = [{"input": f"q{n}", "output": said} for n, said in enumerate(FORMAL[:train])]
    for name, some in (
        ("train", rows),
        ("dev", [{"input": "d", "output": "x"}]),
        ("test", [{"input": "t", "output": "x"}]),
    ):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    (folder / "others.txt").write_text("\n".join(others) + "\n\n")
    (folder / "others.jsonl").write_text("".join(json.dumps({"text": said}) + "\n" for said in others))
    (folder / "task.yaml").write_text(
        "{name: t, model: m, data: {train: train.jsonl, dev: dev.jsonl, test: test.jsonl}, "
        "prompt: {instruction: x}, output: text, graders: [exact, {name: style, others: others.txt}], "
        "requirements: [{metric: style, at_least: 0.5, kind: quality, tier: advisory}]}"
    )
    return folder / "task.yaml"


def graded(path: Path, models: Loader, *texts: str) -> list[float]:
    grader = of_task(load_task(path))[1]
    pairs = [(Example(str(n), "", ""), Prediction(str(n), said, "stop")) for n, said in enumerate(texts)]
    return [score.value for score in grader.grade(pairs, models)]


def test_new_texts_are_told_apart_by_their_style_and_not_their_topic(tmp_path: Path, models: Loader) -> None:
    path = write(tmp_path)
    formal, casual, empty = graded(
        path,
        models,
        "Dear guest, your booking has been confirmed. Kind regards.",
        "hey ur booking is ok lol!!",
        " ",
    )
    assert formal > 0.8 > 0.2 > casual
    assert empty == 0
    path.write_text(path.read_text().replace("others.txt", "others.jsonl"))
    assert graded(path, models, "Dear guest, your booking has been confirmed. Kind regards.") == [formal]


def test_texts_of_one_style_are_said_to_be_hardly_told_apart(
    models: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(0)
    texts = [
        f"Dear customer, your {t} number {chance.randint(100, 999)} has been processed."
        for t in THINGS
        for _ in range(6)
    ]
    chance.shuffle(texts)
    with caplog.at_level(logging.WARNING):
        assert learn(FORMAL, CASUAL, models.embedder("minilm")).auc > 0.95
        assert not caplog.text
        assert learn(texts[:30], texts[30:], models.embedder("minilm")).auc < 0.7
    assert "the gold answers and the other texts are hardly told apart" in caplog.text


def test_too_little_to_learn_from_is_an_error(tmp_path: Path, models: Loader) -> None:
    with pytest.raises(DataError, match=r"others\.txt: has 5 texts, and a style is learned from at least 20"):
        graded(write(tmp_path, CASUAL[:5]), models, "x")
    with pytest.raises(TaskError, match="learns from at least 20 training rows; there are 8"):
        graded(write(tmp_path, train=8), models, "x")
    path = write(tmp_path)
    (tmp_path / "others.txt").unlink()
    with pytest.raises(DataError, match="cannot be read as text"):
        graded(path, models, "x")


def test_it_may_advise_and_not_decide(tmp_path: Path) -> None:
    path = write(tmp_path)
    task = load_task(path)
    check_metrics(task, of_task(task))
    path.write_text(path.read_text().replace(", tier: advisory", ""))
    task = load_task(path)
    with pytest.raises(TaskError, match="'style' may advise and not decide"):
        check_metrics(task, of_task(task))


def test_the_regression_finds_the_weights_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    given = rng.normal(size=(4000, 3))
    labels = (rng.random(4000) < 1 / (1 + np.exp(-given @ np.array([2.0, -1.0, 0.0])))).astype(float)
    found = fit(given, labels, 1e-6)
    np.testing.assert_allclose(found.weights[:3] / found.scale, [2, -1, 0], atol=0.2)
    assert auc(found.probability(given), labels) > 0.85


def test_the_area_under_the_curve_counts_ties_half() -> None:
    assert auc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])) == 0.875
