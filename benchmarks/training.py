"""How fast LoRA is trained, against TRL's SFTTrainer: rows a second, and the dev loss both end with.

    python benchmarks/training.py             120 rows of examples/tickets, three rounds, alternating
    python benchmarks/training.py --short     24 rows, one round
    python benchmarks/training.py --loss 3    also trains both for three epochs under three seeds
    … --json                                  one object for each figure on stdout

Both get the same rows as prompt and completion, LoRA of rank 16 on all linear layers, AdamW, batches of 8
rows and loss on the completions alone. TRL runs in fp32 without activation checkpointing at the best of
its micro-batches (each tried once, which also warms it), and again with bf16 autocast; ours runs as it
does in `wb escalate`: bf16 where the hardware multiplies it. Settings are printed on stderr.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.approach import Decoder, Prompt, Prompted
from evals.data import load_data
from evals.graders import answer_text
from evals.models import Loader
from evals.task import load_task
from evals.types import Example, Work
from tuning.loop import Course, Trainer
from tuning.lora import Lora
from tuning.recipe import Recipe, enroll, served_by
from tuning.settings import Settings
from tuning.sft import Answers, Sft, mean_loss
from tuning.student import Student

TASK = Path(__file__).parents[1] / "examples" / "tickets" / "task.yaml"
MICRO = (2, 4, 8)
RATE = 1e-3


@dataclass(frozen=True)
class Rows:
    """What both train on and are measured on."""

    start: Prompted
    train: Sequence[Example]
    dev: Sequence[Example]


def rows(count: int) -> Rows:
    task = load_task(TASK)
    data = load_data(task)
    start = Prompted("zero_shot", task.model, Prompt(task.prompt.template), Decoder(64))
    return Rows(start, data.train[:count], data.dev[:40])


def student(given: Rows, precision: str, seed: int) -> Student:
    """Our model, with LoRA, as a recipe makes it."""
    recipe = Recipe(Lora(), Sft(), Settings(precision=precision))
    work = Work(Path(), None, Loader(), lambda pairs: 0.0, seed=seed, start=given.start)
    return enroll(recipe, served_by(recipe.method, given.start, "lora"), given.train, work)


def ours(given: Rows, precision: str, epochs: float, seed: int) -> tuple[float, float]:
    """(rows a second of the steps alone, dev loss at the end)."""
    learner = student(given, precision, seed)
    plan = Settings(epochs=epochs, patience=99, looks=1 / epochs, warmup=0.1)
    lesson = Answers(learner.reader, learner.pieces(given.train)[0])
    with tempfile.TemporaryDirectory() as folder:
        ticks: list[tuple[float, int]] = []

        def tick(step: str, done: int, total: int) -> None:
            ticks.append((time.perf_counter(), done))

        golden = learner.pieces(given.dev)[0]
        course = Course(Path(folder), plan, RATE, seed, lambda: (1.0, float(len(ticks))), tick)
        begin = time.perf_counter()
        Trainer(learner.parameters, lesson, course).run()
        seconds = ticks[-1][0] - begin
        return epochs * len(given.train) / seconds, mean_loss(learner.reader, golden)


def theirs(given: Rows, micro: int, bf16: bool, epochs: float, seed: int) -> tuple[float, float]:
    """The same of TRL's SFTTrainer."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    learner = student(given, "float32", seed)
    tokenizer = learner.live.renderer.tokenizer
    model = learner.reader.model if not hasattr(learner.model, "unload") else learner.model.unload()
    golden = learner.pieces(given.dev)[0]
    texts = [
        {
            "prompt": tokenizer.decode(piece.prompt),
            "completion": answer_text(row.target) + tokenizer.eos_token,
        }
        for row, piece in zip(given.train, learner.pieces(given.train)[0], strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        plan = SFTConfig(
            folder,
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=8 // micro,
            num_train_epochs=epochs,
            learning_rate=RATE,
            lr_scheduler_type="cosine",
            warmup_steps=0.1,
            max_length=1024,
            completion_only_loss=True,
            activation_checkpointing=False,
            use_cpu=not torch.cuda.is_available(),
            bf16=bf16,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            seed=seed,
        )
        lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        trainer = SFTTrainer(
            model, plan, train_dataset=Dataset.from_list(texts), processing_class=tokenizer, peft_config=lora
        )
        begin = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begin
        from tuning.forward import Reader

        return epochs * len(given.train) / seconds, mean_loss(Reader(trainer.model), golden)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def figure(workload: str, unit: str, ours: float, theirs: float, ratio: float, runs: int) -> dict[str, Any]:
    return {
        "bench": "training",
        "workload": workload,
        "peer": "trl SFTTrainer",
        "unit": unit,
        "ours": round(ours, 4),
        "theirs": round(theirs, 4),
        "ratio": round(ratio, 3),
        "runs": runs,
    }


def speed(count: int, runs: int, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Rows a second of both, alternating; TRL at its best micro-batch."""
    given = rows(count)
    tried = {micro: theirs(given, micro, False, 1, 0)[0] for micro in sizes}
    micro = max(tried, key=lambda size: tried[size])
    say(f"TRL fp32, rows a second by micro-batch: {tried}; taken: {micro}")
    ours(given, "auto", 1, 0)
    found: dict[str, list[float]] = {"ours": [], "ours fp32": [], "fp32": [], "bf16": []}
    for seed in range(runs):
        found["ours"].append(ours(given, "auto", 1, seed)[0])
        found["fp32"].append(theirs(given, micro, False, 1, seed)[0])
        found["ours fp32"].append(ours(given, "float32", 1, seed)[0])
        found["bf16"].append(theirs(given, micro, True, 1, seed)[0])
    middle = {name: statistics.median(values) for name, values in found.items()}
    say(f"rows a second: {middle}")
    return [
        figure(f"LoRA SFT, {name}", "rows/s", middle[mine], middle[peer], middle[mine] / middle[peer], runs)
        for name, mine, peer in (
            ("against fp32", "ours", "fp32"),
            ("both fp32", "ours fp32", "fp32"),
            ("against bf16 autocast", "ours", "bf16"),
        )
    ]


def losses(count: int, seeds: int) -> dict[str, Any]:
    """The dev loss (nats a token) that both end with after three epochs, mean over seeds."""
    given = rows(count)
    found: list[tuple[float, float]] = []
    for seed in range(seeds):
        found.append((ours(given, "auto", 3, seed)[1], theirs(given, 8, False, 3, seed)[1]))
        say(f"dev loss, seed {seed}: ours {found[-1][0]:.4f}, TRL fp32 {found[-1][1]:.4f}")
    mine, peer = (statistics.mean(values) for values in zip(*found, strict=True))
    return figure("dev loss after 3 epochs", "nats/token", mine, peer, peer / mine, seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--loss", type=int, default=0, metavar="SEEDS")
    asked = parser.parse_args()
    found = speed(24 if asked.short else 120, 1 if asked.short else 3, (8,) if asked.short else MICRO)
    if asked.loss:
        found.append(losses(120, asked.loss))
    for one in found:
        if asked.json:
            print(json.dumps(one))
        else:
            ends = f"{one['ours']:.3g} against {one['theirs']:.3g} {one['unit']}"
            print(f"{one['workload']}: {ends} (x {one['ratio']:.2f})")


if __name__ == "__main__":
    main()
