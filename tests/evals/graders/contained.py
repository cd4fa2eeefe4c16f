"""A mark for tests that run code: they are left out where it cannot be contained."""

from __future__ import annotations

import pytest

from evals.graders.sandbox import refusal

contained = pytest.mark.skipif(bool(refusal()), reason=f"code cannot be contained here: {refusal()}")
