"""The memory that a training finds free, and how much it added to what the process held before it: what a
forecast is compared with."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from evals.types import Models

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def make_room(models: Models) -> None:
    """Let the models that were asked before go: a training has its own, and they are loaded again when they
    are asked. What they and their answers leave in the heap goes back to the system."""
    from evals.models.engine.memory import give_back

    rest = getattr(models, "rest", None)
    if rest is not None:
        rest()
    give_back()


class Added:
    """Measures the block it is entered for. `bytes` is then the largest that the process, or the accelerator
    where there is one, held above what it held at the start; None where the system does not tell."""

    def __init__(self) -> None:
        self.bytes: int | None = None
        self._held: int | None = None

    def __enter__(self) -> Added:
        with contextlib.suppress(OSError):
            RESET.write_text("5", encoding="ascii")  # the peak counts from here on
        self._held = _kept("VmRSS")
        if (device := _accelerator()) is not None:
            device.reset_peak_memory_stats()
            self._held = int(device.memory_allocated())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        device = _accelerator()
        peak = _kept("VmHWM") if device is None else int(device.max_memory_allocated())
        if peak is not None and self._held is not None:
            self.bytes = max(0, peak - self._held)


def _kept(key: str) -> int | None:
    """A figure of the process in bytes; None where the system has no such file."""
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _accelerator() -> Any:
    """`torch.cuda` where it is in use, else None."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
