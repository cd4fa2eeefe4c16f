"""A reward model: the base model with LoRA and one output, which learns from pairs what people prefer.

TRL's `RewardTrainer` trains it: -log sigmoid(reward(chosen) - reward(rejected)) (Bradley and Terry 1952;
Ouyang et al. 2022). It stands in `reward/` of the fit, and a fit that goes on loads it from there.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import ModelError
from evals.models.cache import quiet
from evals.models.sources import Saved
from evals.store import write_json
from tuning.pieces import Pair, Piece

if TYPE_CHECKING:
    from torch import Tensor

    from tuning.student import Material, Student

log = logging.getLogger(__name__)

FOLDER, FIGURES = "reward", "figures.json"
RATE, EPOCHS, BATCH, RANK = 1e-4, 1, 8, 16
"""TRL's rate for LoRA; more than one epoch is known to overfit (Ouyang et al. 2022)."""


@dataclass
class RewardModel:
    """Gives a text one number. `pad` fills batches."""

    model: Any
    pad: int

    @classmethod
    def trained(cls, student: Student, material: Material) -> RewardModel:
        """Learn from the training pairs, unless that was done before. `figures.json` keeps how many dev pairs
        it puts in order. Raises ModelError without trl."""
        folder = student.home / FOLDER
        tokenizer = student.live.renderer.tokenizer
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        ref = student.approach.model
        bare = _bare(Saved.of(ref, "float32", student.models), int(pad))
        if (folder / FIGURES).is_file():
            from peft import PeftModel

            return cls(PeftModel.from_pretrained(bare, str(folder)).eval(), int(pad))
        judge = cls(_learned(bare, tokenizer, material.pairs, folder, student.seed), int(pad))
        right = sum(judge.prefers(pair) for pair in material.dev_pairs)
        log.info("the reward model puts %d of %d dev pairs in order", right, len(material.dev_pairs))
        judge.model.save_pretrained(str(folder), safe_serialization=True)
        (folder / "README.md").unlink(missing_ok=True)
        write_json(folder / FIGURES, {"dev_pairs": len(material.dev_pairs), "in_order": right})
        return judge

    def prefers(self, pair: Pair) -> bool:
        """Whether the chosen answer is worth more."""
        chosen, rejected = self.rewards([pair.chosen, pair.rejected])
        return chosen > rejected

    def rewards(self, pieces: Sequence[Piece]) -> list[float]:
        """A figure for each prompt with its answer."""
        import torch

        found: list[float] = []
        with torch.no_grad():
            for some in _parts(pieces):
                ids = [torch.tensor([*piece.prompt, *piece.answer], dtype=torch.long) for piece in some]
                wide: Tensor = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=self.pad)
                mask = torch.zeros_like(wide)
                for row, text in enumerate(ids):
                    mask[row, : len(text)] = 1
                wide, mask = wide.to(self.model.device), mask.to(self.model.device)
                found += self.model(input_ids=wide, attention_mask=mask).logits[:, 0].float().tolist()
        return found


def _bare(source: Saved, pad: int) -> Any:
    """The base model with a new output of one number."""
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(0)  # the new output begins at random
    model = source.read(
        AutoModelForSequenceClassification, num_labels=1, dtype=torch.float32, use_safetensors=True
    )
    model.config.pad_token_id = pad
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def _learned(model: Any, tokenizer: Any, pairs: Sequence[Pair], folder: Path, seed: int) -> Any:
    """The model after TRL's trainer."""
    try:
        from datasets import Dataset
        from trl import RewardConfig, RewardTrainer
    except ImportError as error:
        raise ModelError(
            f"a reward model needs trl ({error})",
            hint="pip install 'tuning-workbench[tune]', or use rlhf, which the task's graders reward.",
        ) from error
    import torch
    from peft import LoraConfig
    from transformers.trainer_callback import PrinterCallback

    lora = LoraConfig(
        r=RANK,
        lora_alpha=2 * RANK,
        target_modules="all-linear",
        task_type="SEQ_CLS",
        modules_to_save=["score"],
    )
    scratch = folder.with_name(f".{folder.name}.trl")
    options = RewardConfig(
        output_dir=str(scratch),
        use_cpu=not torch.cuda.is_available(),
        bf16=False,
        activation_checkpointing=False,
        learning_rate=RATE,
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=BATCH,
        max_length=None,
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=seed,
    )
    rows = [{"chosen_ids": _ids(pair.chosen), "rejected_ids": _ids(pair.rejected)} for pair in pairs]
    try:
        with quiet():
            trainer = RewardTrainer(
                model,
                options,
                train_dataset=Dataset.from_list(rows),
                processing_class=tokenizer,
                peft_config=lora,
            )
            trainer.remove_callback(PrinterCallback)  # it prints to stdout, where results go
            trainer.train()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return trainer.model.eval()


def _ids(piece: Piece) -> list[int]:
    return [int(token) for token in (*piece.prompt, *piece.answer)]


def _parts(pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    for start in range(0, len(pieces), BATCH):
        yield pieces[start : start + BATCH]
