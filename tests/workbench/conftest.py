"""One loopback endpoint a test file, and what an undisturbed run at it decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.evals.models.openai_server import OpenAIServer
from tests.workbench.small_task import SmallTask, able

Calm = Callable[..., dict[str, Any]]
"""The decision of a run that nothing goes wrong in, for a task with these keys."""


@pytest.fixture(scope="module")
def listening() -> Iterator[OpenAIServer]:
    with OpenAIServer(rule=able) as server:
        yield server


@pytest.fixture
def server(listening: OpenAIServer) -> OpenAIServer:
    """An endpoint that does the small task, until its rule is changed."""
    listening.rule, listening.seen, listening.models = able, [], {"toy": {}}
    return listening


@pytest.fixture(scope="module")
def calm(listening: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    known: dict[str, dict[str, Any]] = {}

    def decision(**keys: Any) -> dict[str, Any]:
        name = json.dumps(keys)
        if name not in known:
            listening.rule = able
            task = SmallTask(tmp_path_factory.mktemp("calm"), listening.url, **keys)
            assert task.assess("-q") == 0
            known[name] = task.decision()
        return known[name]

    return decision
