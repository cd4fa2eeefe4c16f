"""docs/retrieval.md says what the code does."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from baselines.rag import RETRIEVERS, dense
from baselines.rag.bm25 import K1, B
from baselines.rag.fusion import CONSTANT, DEPTH
from baselines.rag.loaders import LOADERS
from baselines.rag.loaders.text import MOST_BYTES
from baselines.rag.passages import RERANKED
from baselines.rag.rung import Rag

PAGE = (Path(__file__).parents[2] / "docs" / "retrieval.md").read_text(encoding="utf-8")
OPTIONS = {f.name: f.default for f in dataclasses.fields(Rag) if f.name != "name"}


@pytest.mark.parametrize("suffix", LOADERS)
def test_every_kind_of_document_is_named(suffix: str) -> None:
    assert f"`{suffix}`" in PAGE


@pytest.mark.parametrize("name", RETRIEVERS)
def test_every_retriever_is_explained(name: str) -> None:
    assert f"\n| `{name}` |" in PAGE


def test_every_option_stands_with_its_default() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \| ", PAGE.split("| option of `rag`")[1], re.M))
    assert told.keys() == OPTIONS.keys()
    for name, default in OPTIONS.items():
        shown = f"[{', '.join(map(str, default))}]" if isinstance(default, tuple) else str(default)
        assert default is None or told[name].strip("`") == shown.removesuffix(".0")


def test_the_figures_are_those_of_the_code() -> None:
    assert f"k1 {K1}, b {B}" in PAGE
    assert f"the constant {CONSTANT}, {DEPTH} ranks deep" in PAGE
    assert f"exact up to {dense.FLAT:,} chunks" in PAGE
    assert f"the first {RERANKED} in" in PAGE
    assert f"behind the last {dense.BLOCK} chunks" in PAGE
    assert f"over {MOST_BYTES >> 20} MB" in PAGE
    assert dense.LONG == 600
