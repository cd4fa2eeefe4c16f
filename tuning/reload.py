"""Whether what was saved is what was trained: loaded again in a fresh process, its logits compared.

A DoRA adapter loaded the short way, a merge in the wrong dtype, a base that is another: each gives a
model that answers, only not as the one that was chosen. So nothing is scored before this has passed.

    python -m tuning.reload [--trust-remote-code] FOLDER...

prints the largest difference of each, as a share of the logits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import ModelError, RunError
from evals.store import plain, read_json, reading, revive, write_bytes, write_json
from evals.types import ModelRef

if TYPE_CHECKING:
    from tuning.pieces import Piece
    from tuning.student import Student

ROOT = Path(__file__).resolve().parents[1]
TRAINING, ADAPTER = "training.json", "adapter"
"""What a fit leaves: the record, and the weights."""
PROBE, ASKED = "probe.safetensors", "probe.json"
TRUSTED = "--trust-remote-code"
ROWS = 4
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.05, "float16": 0.01}
"""Merging rounds once, and bf16 rounds at every layer."""


def keep_probe(student: Student, ref: ModelRef, rows: Sequence[Piece], folder: Path, method: str) -> None:
    """Write what the trained model says of a few rows: its logits of their answers."""
    from safetensors.torch import save

    some = list(rows[:ROWS])
    write_bytes(folder / PROBE, save({"logits": _logits(student.reader, some)}))
    dtype = str(student.reader.model.dtype).removeprefix("torch.")
    pieces = [[p.id, [int(i) for i in p.prompt], [int(i) for i in p.answer]] for p in some]
    asked = {"ref": plain(ref), "dtype": dtype, "method": method, "autocast": student.reader.autocast}
    write_json(folder / ASKED, {**asked, "pieces": pieces})


def check_reload(folders: Sequence[Path], trusted: bool = False) -> list[float]:
    """The largest difference of each folder's probe, as a share of its largest logit, found by one fresh
    process, in which code that the model brings along is run if `trusted`. Raises ModelError when one is
    larger than rounding explains, RunError when that process fails."""
    words = [*([TRUSTED] if trusted else []), *map(str, folders)]
    found = subprocess.run(
        [sys.executable, "-P", "-m", "tuning.reload", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
    )
    if found.returncode != 0:
        why = (found.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RunError(f"the trained model cannot be loaded in a fresh process ({why})", where=folders[0])
    differences: list[float] = json.loads(found.stdout.strip().splitlines()[-1])
    for folder, difference in zip(folders, differences, strict=True):
        with reading(folder / ASKED):
            limit = TOLERANCE.get(read_json(folder / ASKED)["dtype"], 0.05)
        if not difference <= limit:
            raise ModelError(
                f"loaded again, its logits differ by {difference:.2g} of their size from what was trained",
                where=folder,
                hint="What was trained cannot be served as it is; try another method.",
            )
    return differences


def _logits(reader: Any, rows: Sequence[Piece]) -> Any:
    import torch

    from tuning.forward import collate, evaluating

    with torch.no_grad(), evaluating(reader.whole):
        return reader.logits(collate(rows, reader.device)).float().cpu().contiguous()


def _difference(folder: Path, trusted: bool) -> float:
    """How far the saved model's logits are from the probe."""
    asked = read_json(folder / ASKED)
    import numpy as np
    from safetensors.torch import load_file

    from tuning.forward import Reader
    from tuning.pieces import Piece

    with reading(folder / ASKED):
        rows = [Piece(i, np.array(p, np.int32), np.array(a, np.int32)) for i, p, a in asked["pieces"]]
        reader = Reader(_weights(asked, trusted).eval(), asked["autocast"])
    wanted = load_file(folder / PROBE)["logits"]
    got = _logits(reader, rows)
    return float((got - wanted).abs().max() / wanted.abs().max().clamp(min=1e-9))


def _weights(asked: Mapping[str, Any], trusted: bool) -> Any:
    """The saved model as it will be served; QLoRA's on the quantised weights that it was trained on."""
    from dataclasses import replace

    from evals.models.adapter import Adapted
    from evals.models.local import open_local

    ref: ModelRef = replace(revive(ModelRef, asked["ref"]), dtype=asked["dtype"])
    source = open_local(ref, trusts_code=trusted).source
    if asked["method"] != "qlora" or not isinstance(source, Adapted):
        return source.weights()
    from peft import PeftModel

    from tuning.lora import Qlora

    return PeftModel.from_pretrained(Qlora().load(source.base, asked["dtype"]), str(source.folder))


if __name__ == "__main__":
    asked_for = sys.argv[1:]
    trusted_here = asked_for[:1] == [TRUSTED]
    found = [_difference(Path(folder), trusted_here) for folder in asked_for[trusted_here:]]
    sys.stdout.write(json.dumps(found) + "\n")
