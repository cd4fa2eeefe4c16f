"""A small base model, and a task with pairs of answers for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.task import Task
from tests.tuning.school import preferences, preferring, save_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def task(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Task:
    return preferring(tmp_path_factory.mktemp("task"), base, preferences(60))
