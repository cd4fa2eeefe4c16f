"""The model in training as it would be served now: what a look at dev asks.

A copy with the adapter merged runs from packed weights as a served model does, and gives the answers that
would be served; making it costs half a second at 135 million parameters, and 32 answers of 40 tokens then
take three quarters of the time. Soft prompts leave the weights alone, so these are packed as they are. What
is too large to copy, lies on a GPU or is held in four bits is asked where it is.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from evals.models.adapter import rounded
from evals.models.engine.memory import machine
from evals.models.local import LocalModel
from evals.models.sources import Live
from evals.types import Models
from tuning.selection import Meanwhile
from tuning.student import Student

BYTES = 10
"""What a copy takes a parameter while it is made: fp32 to merge in, the served weights, the packed ones."""
SHARE = 0.2
"""The copy may take so much of the machine's memory."""


def as_served(student: Student) -> Models:
    """The student's models, with the one in training as it is now; later steps do not change it."""
    model = _still(student)
    if model is None:
        return student.models
    source = student.live.source
    live = LocalModel(student.live.name, Live(model, source.tokenizer(), source.head(), frozen=True))
    return Meanwhile(student.models, student.approach.model, live)


def taken(parameters: int) -> int:
    """The bytes that a copy of a model takes while it is made; 0 where it is too large for one."""
    most = BYTES * parameters
    return most if most <= SHARE * machine() else 0


def _still(student: Student) -> Any:
    """The module to ask; None for the one in training itself."""
    model: Any = student.model
    if model.device.type != "cpu" or getattr(model, "is_quantized", False):
        return None
    if student.reader.virtual:
        return model
    if not taken(sum(parameter.numel() for parameter in model.parameters())):
        return None
    copied = copy.deepcopy(model).float()
    if hasattr(copied, "merge_and_unload"):
        copied = copied.merge_and_unload()
    return rounded(copied.eval(), torch.bfloat16 if student.reader.autocast else torch.float32)
