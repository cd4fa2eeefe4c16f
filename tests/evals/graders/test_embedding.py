"""`embedding_similarity`: nearness of meaning, by the real embedder, in batches."""

import pytest

from evals.errors import ModelError, TaskError
from evals.graders import embedding
from evals.models import Loader
from evals.types import Example, Prediction
from tests.evals.graders.needed import grade, grader

NEAR = grader("embedding_similarity")


def test_what_means_the_same_is_nearer_than_what_does_not(models: Loader) -> None:
    gold = "The parcel arrived late."
    near = grade(NEAR, "My package was delayed.", gold, models=models).value
    far = grade(NEAR, "Tax law is complicated.", gold, models=models).value
    assert 0 <= far < 0.3 < 0.5 < near < 1


def test_it_is_the_cosine_of_the_embedders_own_vectors_and_the_best_reference_counts(models: Loader) -> None:
    said, golds = "a cat", ["corporate tax law", "a kitten"]
    vectors = models.embedder("minilm").embed([said, *golds])
    cosines = [float(vectors[0] @ vector) for vector in vectors[1:]]
    assert cosines[1] > cosines[0]
    assert grade(NEAR, said, golds[0], models=models).value == pytest.approx(max(cosines[0], 0), abs=2e-5)
    assert grade(NEAR, said, golds[0], golds[1:], models=models).value == pytest.approx(cosines[1], abs=2e-5)


def test_it_is_symmetric_and_1_for_the_gold_answer(models: Loader) -> None:
    one, other = "Reset your password.", "How do I change my login?"
    assert grade(NEAR, one, other, models=models).value == grade(NEAR, other, one, models=models).value
    found = grade(NEAR, f" {one}\n", one, models=models)
    assert (found.value, found.failure) == (1, None)


def test_a_score_does_not_depend_on_the_rows_beside_it(
    models: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        (Example(str(n), "", "A cat sat on the mat."), Prediction(str(n), "A dog lay there. " * n, "stop"))
        for n in range(7)
    ]
    together = [score.value for score in NEAR.grade(rows, models)]
    alone = [score.value for row in rows for score in NEAR.grade([row], models)]
    monkeypatch.setattr(embedding, "BATCH", 3)
    assert together == pytest.approx(alone, abs=2e-5)
    assert together == pytest.approx([score.value for score in NEAR.grade(rows, models)], abs=2e-5)


def test_an_empty_answer_is_of_format_and_needs_no_vector(models: Loader) -> None:
    found = grade(NEAR, " ", "Paris", models=models)
    assert (found.value, found.failure, found.why) == (0, "format", "empty answer")
    assert grade(NEAR, "Paris", "", models=models).value == 0


def test_an_embedder_that_is_not_there_is_named(models: Loader) -> None:
    with pytest.raises(ModelError, match="no-such-embedder"):
        grade(grader("embedding_similarity", model="no-such-embedder"), "a", "a", models=models)
    with pytest.raises(TaskError, match="model is a text that is not empty, not None"):
        grader("embedding_similarity", model=None)
