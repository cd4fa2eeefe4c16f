"""A cross-encoder from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import ModelError
from evals.models.rerank import open_reranker
from tests.evals.models.cross_encoder import LONGEST, tiny_cross_encoder


def test_pairs_are_scored_in_their_order_whatever_stands_beside_them(tmp_path: Path) -> None:
    model = open_reranker(str(tiny_cross_encoder(tmp_path / "m")))
    pairs = [("cat", "the cat is on the sofa"), ("tax", "a dog"), ("tea", "green tea")]
    alone = [model.score([pair])[0] for pair in pairs]
    assert model.score(pairs) == pytest.approx(alone, abs=1e-5)
    assert len({round(score, 4) for score in alone}) == 3
    assert model.score([]) == []


def test_it_knows_how_much_it_reads(tmp_path: Path) -> None:
    model = open_reranker(str(tiny_cross_encoder(tmp_path / "m")))
    assert model.context == LONGEST
    assert model.lengths([("cat", "the dog"), ("cat", "dog " * 50)]) == [6, 54]
    assert model.lengths([]) == []


def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"reranker '.*nothing' is not there.*\nA hub id .* works\."):
        open_reranker(str(tmp_path / "nothing"))
