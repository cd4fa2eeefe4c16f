"""The rows of an example, and how much two texts share."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@cache
def splits(example: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of the files train, dev and test."""
    return {split: lines(EXAMPLES / example / f"{split}.jsonl") for split in ("train", "dev", "test")}


def every(example: str) -> list[dict[str, Any]]:
    """The rows of all three."""
    return [row for rows in splits(example).values() for row in rows]


def most_shared(texts: Sequence[str]) -> float:
    """The largest share of word 3-grams that two of the texts have in common (Jaccard)."""
    grams, having = [], defaultdict(list)
    for number, text in enumerate(texts):
        words = re.findall(r"\w+", text.lower())
        grams.append(set(zip(words, words[1:], words[2:], strict=False)))
        for gram in grams[-1]:
            having[gram].append(number)
    shared = Counter((a, b) for found in having.values() for a in found for b in found if a < b)
    return max(n / len(grams[a] | grams[b]) for (a, b), n in shared.items())
