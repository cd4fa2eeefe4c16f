"""What many tests share: the loader, and the real model, loaded once."""

from __future__ import annotations

import pytest

from evals.models import Loader
from evals.models.local import LocalModel
from evals.types import ModelRef


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
