"""KTO: the loss is TRL's on the same answers and strangers, however a batch is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import tokenizer
from tests.tuning.test_preference import pieces, trl_options, trl_rows, two_models
from tuning.forward import Reader
from tuning.kto import strangers, wanted
from tuning.pieces import Pair, Piece


def test_the_loss_is_that_of_trl_however_the_batch_is_cut(tmp_path: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    reference, policy = two_models()
    pairs = pieces()
    lesson = wanted(Reader(reference), pairs, 0.3, 99)
    lesson.reader = Reader(policy)
    found = []
    with torch.no_grad():
        for parts in ([range(6)], [[4, 0], [1], [5, 2, 3]]):
            lesson.begin(0, parts)
            found.append(sum(float(lesson.loss(part)) for part in parts) / lesson.weight(range(6)))
    options = trl_options(tmp_path) | {"per_device_train_batch_size": 12}
    trainer = KTOTrainer(
        policy, reference, KTOConfig(beta=0.3, **options),
        train_dataset=trl_rows(), processing_class=tokenizer(),
    )  # fmt: skip
    rows = [
        {
            "prompt_ids": pair.chosen.prompt.tolist(),
            "completion_ids": getattr(pair, side).answer.tolist(),
            "KL_completion_ids": getattr(strange, side).answer.tolist(),
            "label": side == "chosen",
        }
        for side in ("chosen", "rejected")
        for pair, strange in zip(pairs, lesson.strangers, strict=True)
    ]
    theirs = trainer.compute_loss(trainer.model.eval(), trainer.data_collator(rows)).item()
    assert found == [pytest.approx(theirs, rel=1e-4)] * 2
    assert abs(theirs - 0.5) > 1e-3


def test_how_far_the_model_moved_counts_only_upwards() -> None:
    reference, policy = two_models()
    pairs = pieces()
    lesson = wanted(Reader(policy), pairs, 0.3, 99)
    lesson.begin(0, [range(6)])
    assert lesson.moved == pytest.approx(0, abs=1e-5)
    lesson.reader = Reader(reference)
    lesson.strange_reference = lesson.strange_reference - 50
    lesson.begin(0, [range(6)])
    assert lesson.moved > 10
    lesson.strange_reference = lesson.strange_reference + 999
    lesson.begin(0, [range(6)])
    assert lesson.moved == 0


def test_a_stranger_belongs_to_another_prompt_and_fits() -> None:
    def pair(name: str, prompt: list[int], size: int) -> Pair:
        sides = (Piece(name, np.array(prompt, np.int32), np.full(size, n, np.int32)) for n in (7, 8))
        return Pair(*sides)

    pairs = [pair("a", [1, 2], 2), pair("b", [1, 2], 2), pair("c", [3], 9), pair("d", [4], 3)]
    found = strangers(pairs, 6)
    assert [len(p.chosen.answer) for p in found] == [3, 3, 3, 2]
    assert all(p.chosen.prompt is q.chosen.prompt for p, q in zip(found, pairs, strict=True))
    assert len(strangers(pairs[:1], 6)[0].chosen.answer) == 2
