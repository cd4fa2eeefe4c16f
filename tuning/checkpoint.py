"""Where training stands, on disk: whole or not there, safetensors and JSON only, never a pickle.

    checkpoints/step-000120/{trainable.safetensors, optimizer.safetensors, state.json}

A checkpoint is written beside its place and renamed. `state.json` holds the hashes of the others, so that
one torn by a crash is noticed and the one before it is taken.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from evals.errors import RunError
from evals.store import disk_errors, file_digest, plain, read_json, reading, revive, write_bytes, write_json

log = logging.getLogger(__name__)

TRAINABLE, OPTIMIZER, STATE = "trainable.safetensors", "optimizer.safetensors", "state.json"


@dataclass(frozen=True)
class State:
    """How far training came: steps of the optimizer, and how many rows are computed at once."""

    step: int
    rows: int


def save_checkpoint(
    home: Path, state: State, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> Path:
    """Write a checkpoint; one of that step is replaced. Raises ResumableError on a full disk."""
    target = at(home, state.step)
    staging = home / f".{target.name}.{os.getpid()}.tmp"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        write_bytes(staging / TRAINABLE, save(_own(parameters)))
        write_bytes(staging / OPTIMIZER, save(_optimizer(parameters, optimizer)))
        hashes = {name: file_digest(staging / name) for name in (TRAINABLE, OPTIMIZER)}
        write_json(staging / STATE, {"state": plain(state), "hashes": hashes})
        with disk_errors(target):
            shutil.rmtree(target, ignore_errors=True)
            staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def newest(home: Path) -> Path | None:
    """The last checkpoint that is whole; None when there is none."""
    for folder in sorted(home.glob("step-*"), reverse=True):
        if is_whole(folder):
            return folder
        log.warning("the checkpoint %s is not whole: going on from the one before it", folder)
    return None


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint is there as it was written."""
    try:
        hashes = read_json(folder / STATE)["hashes"]
        return all(file_digest(folder / name) == wanted for name, wanted in hashes.items())
    except (RunError, OSError, KeyError, TypeError, AttributeError):
        return False


def at(home: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return home / f"step-{step:06d}"


def load_checkpoint(
    folder: Path, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> State:
    """Put a checkpoint into the parameters and the optimizer. Raises RunError when it is of others."""
    with reading(folder):
        load_trainable(folder, parameters)
        found = load_file(folder / OPTIMIZER)
        torch.set_rng_state(found.pop("rng"))
        for name, parameter in parameters.items():
            mine = {
                key.rpartition("/")[2]: value for key, value in found.items() if key.startswith(f"{name}/")
            }
            if mine:
                optimizer.state[parameter] = {
                    k: v if k == "step" else v.to(parameter.device) for k, v in mine.items()
                }
        return revive_state(folder)


def revive_state(folder: Path) -> State:
    """A checkpoint's state."""
    with reading(folder / STATE):
        state: State = revive(State, read_json(folder / STATE)["state"])
        return state


def load_trainable(folder: Path, parameters: Mapping[str, Tensor]) -> None:
    """Put a checkpoint's weights into the parameters, in place."""
    found = load_file(folder / TRAINABLE)
    if found.keys() != parameters.keys():
        raise RunError(
            "holds other parameters than are trained",
            where=folder,
            hint="Remove the folder: training then begins anew.",
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(found[name])


def keep_only(home: Path, steps: Collection[int]) -> None:
    """Remove the checkpoints of other steps."""
    for folder in home.glob("step-*"):
        if folder not in {at(home, step) for step in steps}:
            shutil.rmtree(folder, ignore_errors=True)


def size(parameters: int) -> int:
    """About how many bytes a checkpoint takes: the weights and two moments in fp32."""
    return 12 * parameters


def _own(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: parameter.detach().cpu().contiguous() for name, parameter in parameters.items()}


def _optimizer(parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments by "parameter/moment", and the state of the random numbers."""
    found: dict[str, Tensor] = {"rng": torch.get_rng_state()}
    for name, parameter in parameters.items():
        state: Mapping[str, Any] = optimizer.state.get(parameter, {})
        found |= {f"{name}/{key}": value.detach().cpu().contiguous() for key, value in state.items()}
    return found
