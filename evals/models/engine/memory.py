"""Memory: how much of it a wave may take, when it was not enough, and how it is kept between passes."""

from __future__ import annotations

import ctypes
import math
import os
import sys
from functools import cache
from typing import Any

import torch

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""glibc's names in mallopt(3)."""
_LARGE = 1 << 25
"""What is larger, such as a slab's layer in a large wave, goes back to the system at once: in the heap it
would leave holes."""
_SHAPES = 256


def machine() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def room(model: Any, config: Any) -> int:
    """How many tokens' keys and values a wave may hold: on a GPU half of what the weights leave, else
    an eighth of the machine's memory, at most 4 GiB; rounded down to a power of two, so that
    machines of about the same size cut the same waves."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * dim * model.dtype.itemsize
    if model.device.type == "cuda":
        weights = sum(p.numel() * p.element_size() for p in model.parameters())
        free = (torch.cuda.get_device_properties(model.device).total_memory - weights) / 2
    else:
        free = min(machine() / 8, 1 << 32)
    return (1 << int(math.log2(max(free, 1 << 26)))) // int(token)


def ran_out(error: BaseException) -> bool:
    """Whether an error means that there was not enough memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return any(s in str(error) for s in ("not enough memory", "DefaultCPUAllocator", "out of memory"))


@cache
def keep_freed() -> None:
    """Let the C library keep what is freed for the next tensor of the size. By default it gives large
    blocks back to the system, which hands every page of the next one out anew: a third of the time of
    attention over 500 tokens. And let oneDNN, which keeps code for every shape it has met, keep less
    of it than its 1,024 shapes. Only with glibc; elsewhere nothing happens."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_SHAPES))
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def give_back() -> None:
    """What a wave, or training between two looks, has left in the heap goes back to the system (20 ms, or
    0.1 s a GiB), before the holes that it leaves make the next one grow the heap."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
