"""What many tests share: the loader, the real model, loaded once, and that no clock decides."""

from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, settings

from evals.models import Loader, answers
from evals.models.local import LocalModel
from evals.types import ModelRef
from workbench.cli.commands import NOISY

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", UNHURRIED, derandomize=True)
settings.register_profile("searching", UNHURRIED)
settings.load_profile("same")
"""Examples of properties are the same each time; `make test-full` looks for new ones. None is timed."""


@pytest.fixture(scope="session")
def models() -> Loader:
    """The real door to models."""
    return Loader()


@pytest.fixture(scope="session")
def smollm(models: Loader) -> LocalModel:
    """SmolLM2-135M-Instruct in fp32, in which batching changes no token."""
    model = models.open(ModelRef("smollm2-135m", dtype="float32"))
    assert isinstance(model, LocalModel)
    return model


LEVELS = {name: logging.getLogger(name).level for name in (None, *NOISY)}
"""Of the log and of what says too much, before any command."""


@pytest.fixture(autouse=True)
def log_levels() -> None:
    """Commands set the level of the log for their process, which here is that of many tests and fixtures."""
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(autouse=True)
def no_answer_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every command of a test keeps its answers in a file of its own, not in the user's cache."""
    monkeypatch.setattr(
        answers, "answers_file", lambda: tmp_path_factory.mktemp("answers") / "answers.sqlite"
    )
