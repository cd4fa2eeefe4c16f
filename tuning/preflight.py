"""What a training will take, and what speaks against it, said before anything is trained.

Figures are predictions: memory as `tuning.memory` counts it, minutes from the multiplications needed and a
short measurement of how fast this machine multiplies. The run records what it then took.
"""

from __future__ import annotations

import functools
import math
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from baselines.approach import Prompted
from evals.types import Example, Work
from tuning.preference import FEWEST_PAIRS

if TYPE_CHECKING:
    from evals.models.sources import Saved
    from tuning.recipe import Recipe

EFFICIENCY = 0.4
"""The share of the multiplying speed that training reaches: the rest is reading and writing."""
CHECKPOINTS = 4
SPEED_SECONDS = 1.0
"""How long the machine's speed is measured for: of a shorter time other processes may leave nothing."""


@dataclass(frozen=True)
class Preflight:
    """`rows` and `pairs` are those that fit; `tokens` are a text's, median and longest, `answer` its answer's
    median; memory and disk in bytes. `problems` stand in the way, `notes` are to be known."""

    recipe: str
    rows: int
    fewest_rows: int
    too_long: tuple[str, ...]
    tokens: tuple[int, int]
    answer: int
    steps: int
    trainable: int
    memory: int
    memory_free: int
    disk: int
    disk_free: int
    minutes: float
    pairs: int = 0
    fewest_pairs: int = 0
    copies: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def preflight(
    recipe: Recipe, train: Sequence[Example], work: Work, seconds_a_row: float = 0.0, dev: int = 0
) -> Preflight:
    """What `recipe` would take; `seconds_a_row` is what one dev answer took so far, `dev` how many rows
    dev has. Loads the tokenizer and no weights. Raises what loading those raises."""
    from evals.models.chat import Renderer
    from evals.models.sources import Saved, pick_dtype
    from tuning.memory import Shape, foreseen, read_at_once
    from tuning.recipe import served_by
    from tuning.texts import count_texts

    served = served_by(recipe.method, cast(Prompted, work.start), recipe.name)
    ref, settings = served.model, recipe.settings
    dtype = pick_dtype(ref.dtype if settings.precision == "auto" else settings.precision)
    source = Saved.of(ref, str(dtype).removeprefix("torch."), work.models)
    texts = count_texts(recipe.objective, served, train, work, Renderer(source.tokenizer(), ref.name))
    lengths, longest = texts.lengths, texts.longest
    model, learn = _sizes(recipe, source, longest)
    size = sum(p.numel() for p in model.parameters())
    at_once = settings.rows * (2 if texts.pairs else 1)
    together = max(1, min(at_once, settings.tokens // max(1, longest)))
    places = longest - texts.answer + served.decoder.max_tokens
    read, asked = read_at_once(longest, texts.pairs > 0), min(dev, settings.dev_rows)
    shape = Shape(together, longest, texts.longest_answer, read, asked, places)
    share, memory = _shared(recipe, foreseen(model, learn, shape, dtype))
    passes = 6 if recipe.method.name == "full" else 4
    stages = sum(1 for count in (texts.rows, texts.pairs) if count)
    epochs = settings.epochs + (1 if texts.pairs else 0)  # the reference reads every answer once
    drawn = getattr(recipe.objective, "samples", 0)  # answers that are drawn to a row, and then learned from
    seconds = epochs * max(1, drawn) * sum(lengths) * passes * size / (EFFICIENCY * multiplying(dtype))
    seconds /= share
    seconds += settings.epochs * drawn * texts.rows * seconds_a_row
    looks = stages * (settings.epochs * settings.looks + 1)
    seconds += looks * asked * seconds_a_row
    left = 4 * size if recipe.method.name == "full" else 4 * learn
    disk = CHECKPOINTS * 12 * learn + stages * left
    report = Preflight(
        recipe=recipe.name,
        rows=texts.rows,
        fewest_rows=recipe.method.fewest_rows if recipe.objective.answers else 0,
        too_long=texts.too_long,
        tokens=(lengths[len(lengths) // 2], longest),
        answer=texts.answer,
        steps=sum(settings.steps(count) for count in (texts.rows, texts.pairs) if count),
        trainable=learn,
        memory=memory,
        memory_free=_free_memory(),
        disk=disk,
        disk_free=_free_disk(work.dir),
        minutes=seconds / 60,
        pairs=texts.pairs,
        fewest_pairs=FEWEST_PAIRS if recipe.objective.preferences else 0,
        copies=texts.copies,
    )
    return _judged(report)


def _shared(recipe: Recipe, memory: int) -> tuple[int, int]:
    """How many share the work, and the memory that all take of what is free: GPUs have theirs each, and
    processes on a CPU share its cores, which one would use alone."""
    import torch

    count = 1 if recipe.launch is None else recipe.launch.count()
    return (count, memory) if torch.cuda.is_available() else (1, count * memory)


def _judged(report: Preflight) -> Preflight:
    """The report with what stands in the way, and what is to be known."""
    problems, notes = [], []
    if report.rows < report.fewest_rows:
        problems.append(
            f"{report.rows} training rows, and {report.fewest_rows} are the fewest worth trying "
            f"{report.recipe} with"
        )
    if report.pairs < report.fewest_pairs:
        problems.append(
            f"{report.pairs} pairs of answers to train on, and {report.fewest_pairs} are the fewest worth "
            f"trying {report.recipe} with"
        )
    if report.memory > report.memory_free:
        problems.append(
            f"about {_shown(report.memory)} of memory are needed and {_shown(report.memory_free)} are free"
        )
    if report.disk > report.disk_free:
        problems.append(
            f"about {_shown(report.disk)} of disk are needed and {_shown(report.disk_free)} are free"
        )
    if report.too_long:
        what = "training rows or pairs" if report.fewest_pairs else "training rows"
        notes.append(f"{len(report.too_long)} {what} are longer than the context and are left out")
    if report.copies:
        notes.append(f"{len(report.copies)} pairs are left out: dev or test rows have their input")
    if 0 < report.steps < 100:
        notes.append(f"{report.steps} steps of the optimizer are few: 100 are the least that is recommended")
    return replace(report, problems=tuple(problems), notes=tuple(notes))


def forced(report: Preflight) -> Preflight:
    """The report for a training that is begun all the same: what stood in its way is to be known, unless
    there is nothing to learn from."""
    if (report.fewest_rows and not report.rows) or (report.fewest_pairs and not report.pairs):
        return report
    passed = tuple(f"{problem}: --force trains all the same" for problem in report.problems)
    return replace(report, problems=(), notes=(*report.notes, *passed))


def _shown(count: int) -> str:
    """Bytes in GiB, and in MiB where that is little."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**29 else f"{count / 2**20:.1f} MiB"


def _sizes(recipe: Recipe, source: Saved, longest: int) -> tuple[Any, int]:
    """The model as it would learn, without memory, and how many parameters would."""
    import torch

    from tuning.method import Head, frozen

    model = source.bare()
    if recipe.method.name == "full":
        return model, sum(p.numel() for p in model.parameters())
    text = source.config().get_text_config(decoder=True)
    if recipe.method.soft:
        length = min(getattr(recipe.method, "most", 0), longest)
        heads = getattr(text, "num_key_value_heads", text.num_attention_heads)
        wide = text.hidden_size * heads // text.num_attention_heads
        each = (
            2 * text.num_hidden_layers * wide if recipe.method.name == "prefix_tuning" else text.hidden_size
        )
        return frozen(model), length * each
    with torch.device("meta"):
        wrapped = recipe.method.wrap(model, Head(), 0)
    return wrapped, sum(p.numel() for p in wrapped.parameters() if p.requires_grad)


@functools.cache
def multiplying(dtype: Any) -> float:
    """Floating point operations a second of a matrix product in this dtype, the best of a second; measured
    once a process."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    a = torch.ones(512, 1024, dtype=dtype, device=device)
    b = torch.ones(1024, 1024, dtype=dtype, device=device)
    best, begun = math.inf, time.perf_counter()
    while math.isinf(best) or time.perf_counter() - begun < SPEED_SECONDS:
        start = time.perf_counter()
        (a @ b).sum().item()
        best = min(best, time.perf_counter() - start)
    return 2 * 512 * 1024 * 1024 / best


def _free_memory() -> int:
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return int(text.partition("MemAvailable:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _free_disk(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
