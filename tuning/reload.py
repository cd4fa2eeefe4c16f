"""Whether what was saved is what was trained: loaded again in a fresh process, its logits compared.

A DoRA adapter loaded the short way, a merge in the wrong dtype, a base that is another: each gives a
model that answers, only not as the one that was chosen. So nothing is scored before this has passed.

An adapter is read twice: beside the weights that it was trained on, where nothing but the order of sums may
differ, and as it will be served, where merging has rounded the weights once.

    python -m tuning.reload [--trust-remote-code] FOLDER...

prints the differences of each, as shares of its logits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
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
TRAINED, SERVED = "as_trained", "as_served"
LIMITS = {
    TRAINED: {"float32": 1e-3, "bfloat16": 0.03, "float16": 2e-3},
    SERVED: {"float32": 1e-3, "bfloat16": 0.1, "float16": 0.02},
}
"""Root mean squares of the differences over those of the logits. Merged and rounded to bf16, LoRA of
SmolLM2-135M came to 0.03; without its adapter to 0.8 and more. As trained LoRA came to 0.0 and P-tuning to
0.018: its encoder computes in bf16 in training, and once in fp32 when it is saved."""


def keep_probe(student: Student, ref: ModelRef, rows: Sequence[Piece], folder: Path, method: str) -> None:
    """Write what the trained model says of a few rows: its logits of their answers."""
    from safetensors.torch import save

    some = list(rows[:ROWS])
    write_bytes(folder / PROBE, save({"logits": _logits(student.reader, some)}))
    dtype = str(student.reader.model.dtype).removeprefix("torch.")
    pieces = [[p.id, [int(i) for i in p.prompt], [int(i) for i in p.answer]] for p in some]
    asked = {"ref": plain(ref), "dtype": dtype, "method": method, "autocast": student.reader.autocast}
    write_json(folder / ASKED, {**asked, "pieces": pieces})


def check_reload(folders: Sequence[Path], trusted: bool = False) -> list[dict[str, float]]:
    """How far the logits of each folder's model lie from its probe, as trained and as served, found by one
    fresh process, in which code that the model brings along is run if `trusted`. Raises ModelError when a
    difference is larger than rounding explains, RunError when that process fails."""
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
    differences: list[dict[str, float]] = json.loads(found.stdout.strip().splitlines()[-1])
    for folder, forms in zip(folders, differences, strict=True):
        with reading(folder / ASKED):
            dtype = read_json(folder / ASKED)["dtype"]
        for form, difference in forms.items():
            if not difference <= LIMITS[form].get(dtype, LIMITS[form]["bfloat16"]):
                raise ModelError(
                    f"loaded again {form.replace('_', ' ')}, its logits differ by {difference:.2g} of their"
                    " size from what was trained",
                    where=folder,
                    hint="What was trained cannot be served as it is; try another method.",
                )
    return differences


def _logits(reader: Any, rows: Sequence[Piece]) -> Any:
    import torch

    from tuning.forward import collate, evaluating

    with torch.no_grad(), evaluating(reader.whole):
        return reader.logits(collate(rows, reader.device)).float().cpu().contiguous()


def _differences(folder: Path, trusted: bool) -> dict[str, float]:
    """How far the saved model's logits are from the probe, in each form."""
    asked = read_json(folder / ASKED)
    import numpy as np
    from safetensors.torch import load_file

    from tuning.forward import Reader
    from tuning.pieces import Piece

    with reading(folder / ASKED):
        rows = [Piece(i, np.array(p, np.int32), np.array(a, np.int32)) for i, p, a in asked["pieces"]]
    wanted = load_file(folder / PROBE)["logits"]
    found = {}
    for form, model in _forms(asked, trusted):
        got = _logits(Reader(model.eval(), asked["autocast"]), rows)
        share = float((got - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())
        found[form] = float(f"{share:.3g}")
    return found


def _forms(asked: Mapping[str, Any], trusted: bool) -> Iterator[tuple[str, Any]]:
    """The saved model as it was trained, where that is an adapter, and as it will be served; not as QLoRA's
    is served, on weights other than the quantised ones that it was trained on."""
    from dataclasses import replace

    from evals.models.adapter import Adapted
    from evals.models.local import open_local

    ref: ModelRef = replace(revive(ModelRef, asked["ref"]), dtype=asked["dtype"])
    source = open_local(ref, trusts_code=trusted).source
    if isinstance(source, Adapted):
        from peft import PeftModel

        from tuning.methods import method_named

        base = method_named(asked["method"])().load(source.base, asked["dtype"])
        yield TRAINED, PeftModel.from_pretrained(base, str(source.folder), local_files_only=True)
    if asked["method"] != "qlora":
        yield SERVED, source.weights()


if __name__ == "__main__":
    asked_for = sys.argv[1:]
    trusted_here = asked_for[:1] == [TRUSTED]
    found = [_differences(Path(folder), trusted_here) for folder in asked_for[trusted_here:]]
    sys.stdout.write(json.dumps(found) + "\n")
