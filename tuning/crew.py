"""The processes that share one training: who computes what of a step, and how they stay alike.

Every process holds the whole model and knows all rows. The rows of a batch are dealt out, the gradients that
come of them added up, and each takes the same step: what one process would have taken, but for the order in
which floating-point numbers were added. Only the first process, the main one, writes and looks at dev. A
process by itself is a crew too, in which nothing is exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed

Found = TypeVar("Found")


@dataclass(frozen=True)
class Crew:
    """Process `place` of `size`."""

    place: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and looks."""
        return self.place == 0

    def share(self, batch: Sequence[int], lengths: Sequence[int]) -> list[int]:
        """The rows of a batch that are computed here: every `size`th by length, so that all have alike much
        to do; none where the batch has too few."""
        if self.size == 1:
            return list(batch)
        return sorted(batch, key=lambda i: (lengths[i], i))[self.place :: self.size]

    def sum(self, parameters: Iterable[Tensor], loss: float) -> float:
        """Add up the gradients, in place, and the losses of all processes."""
        if self.size == 1:
            return loss
        found = list(parameters)
        for parameter in found:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        total = torch.tensor([loss], dtype=torch.float64, device=found[0].device)
        sums = [distributed.all_reduce(t, async_op=True) for t in (total, *(p.grad for p in found))]
        for one in sums:
            one.wait()
        return float(total)

    def told(self, find: Callable[[], Found]) -> Found:
        """What the main process finds, in every process; the others wait for it."""
        if self.size == 1:
            return find()
        box = [find() if self.main else None]
        distributed.broadcast_object_list(box)
        return box[0]  # type: ignore[return-value]

    def align(self, parameters: Iterable[Tensor]) -> None:
        """Take over the main process's parameters."""
        if self.size > 1:
            for parameter in parameters:
                distributed.broadcast(parameter.detach(), 0)

    def draw(self, seed: int, step: int) -> None:
        """Let the random numbers of a step (dropout) hang on the step and the process alone, since only the
        main one's are kept in a checkpoint. By itself a process goes on where it was."""
        if self.size > 1:
            torch.manual_seed((seed * 1_000_003 + step) * self.size + self.place)


ALONE = Crew()


def present() -> Crew:
    """The crew that this process belongs to."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return ALONE
    return Crew(distributed.get_rank(), distributed.get_world_size())
