"""The resamples are fair and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.draws import DRAWS, drawn, resampled, resampled_sums


def test_resamples_spread_around_the_mean_as_the_sample_says() -> None:
    values = np.random.default_rng(0).random(80)
    means = resampled(values, np.ones(80))
    assert len(means) == DRAWS
    assert means.mean() == pytest.approx(values.mean(), abs=0.003)
    assert means.std() == pytest.approx(values.std() / 80**0.5, rel=0.05)


def test_they_are_the_same_every_time() -> None:
    values = np.arange(60) / 60
    assert (resampled(values, np.ones(60)) == resampled(values, np.ones(60))).all()


def test_columns_are_summed_over_the_same_resamples() -> None:
    values = np.random.default_rng(1).random((50, 2))
    sums = resampled_sums(np.column_stack([values, values.sum(axis=1)]), 300)
    assert sums[:, 2] == pytest.approx(sums[:, 0] + sums[:, 1])


def test_every_resample_takes_as_many_units_as_there_are() -> None:
    for block in drawn(9000, 600):
        assert (block.sum(axis=1, dtype=np.int64) == 9000).all()


def test_what_is_too_large_to_keep_is_drawn_again_alike() -> None:
    values = np.random.default_rng(2).random((40_000, 1))
    many, few = resampled_sums(values, 900), resampled_sums(values, 100)
    assert few == pytest.approx(many[:100])


def test_no_unit_sums_to_nothing() -> None:
    assert (resampled_sums(np.empty((0, 2)), 5) == 0).all()
