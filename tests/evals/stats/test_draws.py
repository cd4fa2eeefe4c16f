"""The resamples are fair and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from evals.stats.draws import DRAWS, resampled


def test_resamples_spread_around_the_mean_as_the_sample_says() -> None:
    values = np.random.default_rng(0).random(80)
    means = resampled(values, np.ones(80))
    assert len(means) == DRAWS
    assert means.mean() == pytest.approx(values.mean(), abs=0.003)
    assert means.std() == pytest.approx(values.std() / 80**0.5, rel=0.05)


def test_they_are_the_same_every_time() -> None:
    values = np.arange(60) / 60
    assert (resampled(values, np.ones(60)) == resampled(values, np.ones(60))).all()
