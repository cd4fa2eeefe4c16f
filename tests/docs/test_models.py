"""docs/models.md says what the code does."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest

from evals.models import PROVIDERS
from evals.models.endpoint import CONTEXT, MAX_STOPS, open_endpoint
from evals.models.known import KNOWN
from evals.models.local import DTYPES
from evals.models.patience import FEW_RETRIES, OUTAGE_AFTER
from evals.types import ModelRef

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_name_stands_with_its_licence_and_package(name: str) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` ")]
    assert f"| {KNOWN[name].licence} |" in line
    package = KNOWN[name].package
    if package:
        assert f"`{package.distribution}`" in line
        assert f"{package.distribution}=={package.version}" in PAGE


@pytest.mark.parametrize("key", [f.name for f in dataclasses.fields(ModelRef)])
def test_every_key_of_a_model_is_explained(key: str) -> None:
    assert f"\n| `{key}` |" in PAGE


@pytest.mark.parametrize("word", [*DTYPES, *PROVIDERS])
def test_every_dtype_and_provider_is_named(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_endpoints_figures_are_those_of_the_code() -> None:
    defaults = {k: p.default for k, p in inspect.signature(open_endpoint).parameters.items()}
    assert f"**At once** {defaults['jobs']} requests" in PAGE
    assert f"up to {defaults['retries']} times; up to {FEW_RETRIES} times after a timeout" in PAGE
    assert (
        f"may take {defaults['connect_seconds']:.0f} seconds, an answer {defaults['read_seconds']:.0f}"
        in PAGE
    )
    assert f"After {OUTAGE_AFTER} such rows in a row" in PAGE
    assert f"more than {MAX_STOPS} stop texts" in PAGE
    assert f"else {CONTEXT:,} tokens" in PAGE
