"""A small model on disk and a task that it can learn in seconds: say the partner of the last word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from baselines.approach import Decoder, Prompt, Prompted
from evals.models import Loader
from evals.task import Task, load_task
from evals.types import Example, ModelRef, Prediction, Work
from tests.tiny import network, tokenizer

CHAT = (
    "{% for m in messages %}<s> {{ m['role'] == 'user' and 'w2' or m['role'] == 'system' and 'w3' or 'w4' }} "
    "{{ m['content'] }} </s> {% endfor %}{% if add_generation_prompt %}<s> w4 {% endif %}"
)
"""A chat template for the tiny tokenizer, whose words are tokens."""

PARTNERS = {f"w{n}": f"w{n + 100}" for n in range(20, 26)}


def save_model(folder: Path, family: str = "llama", chat: bool = True, **changes: Any) -> Path:
    """A random model with weights of the usual size, which learns, unlike the wide ones of `tests.tiny`."""
    network(family, **{"initializer_range": 0.08, **changes}).save_pretrained(folder)
    tokenizer(CHAT if chat else None).save_pretrained(folder)
    return folder


def rows(name: str, count: int) -> list[Example]:
    """Rows of two to six words; the answer is the partner of the last."""
    words = list(PARTNERS)
    found = []
    for n in range(count):
        text = [f"w{30 + (7 * n + k) % 40}" for k in range(1 + n % 5)] + [
            words[(n * n + n // 3) % len(words)]
        ]
        found.append(Example(f"{name}{n}", " ".join(text), PARTNERS[text[-1]]))
    return found


def exact(pairs: Sequence[tuple[Example, Prediction]]) -> float:
    """The share of answers that are right."""
    return sum(e.target == p.text.strip() for e, p in pairs) / max(1, len(pairs))


def start(model: Path, system: str = "w5 w6 w7 w8 w9 w10 w11", dtype: str = "float32") -> Prompted:
    """The approach to begin from."""
    return Prompted(
        "system_prompt", ModelRef(str(model), dtype=dtype), Prompt("{{ input }}", system), Decoder(4)
    )


def work(folder: Path, begin: Prompted, **changes: Any) -> Work:
    """What a recipe is given."""
    return Work(
        **{
            "dir": folder,
            "task": SimpleNamespace(requirements=(), forgetting=None),
            "models": Loader(),
            "grade": exact,
            "start": begin,
            **changes,
        }
    )


def preferences(count: int) -> list[dict[str, str]]:
    """Pairs on inputs of other words: wanted is the partner of the last word, not wanted its neighbour's."""
    words = list(PARTNERS)
    found = []
    for n in range(count):
        place = (5 * n + n // 4) % len(words)
        text = f"w{300 + n // 40} w{310 + n % 40} {words[place]}"
        other = words[(place + 1 + n % 4) % len(words)]
        found.append(
            {
                "id": f"p{n}",
                "input": text,
                "chosen": PARTNERS[words[place]],
                "rejected": f"{PARTNERS[other]} w30",
            }
        )
    return found


def preferring(folder: Path, model: Path, pairs: Sequence[dict[str, str]], **keys: Any) -> Task:
    """A task on disk with pairs of answers."""
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for split, count in {"train": 40, "dev": 12, "test": 12}.items():
        found = rows(split, first + count)[first:]
        lines = [
            {"id": e.id, "input": f"w{200 + n} {e.input}", "output": e.target}
            for n, e in enumerate(found, first)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        first += count
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    asked = {
        "name": "partners",
        "model": {"name": str(model), "dtype": "float32"},
        "data": {**{s: f"{s}.jsonl" for s in ("train", "dev", "test")}, "preferences": "pairs.jsonl"},
        "prompt": {"instruction": "w5 w6 w7"},
        "output": "text",
        "requirements": [{"metric": "exact", "at_least": 0.7, "kind": "quality"}],
        "generation": {"max_tokens": 4},
        **keys,
    }
    (folder / "task.yaml").write_text(json.dumps(asked))
    return load_task(folder / "task.yaml")
