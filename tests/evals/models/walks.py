"""Texts against a matcher: whether it lets a text through, and texts of its own, drawn at random."""

from __future__ import annotations

import random
from typing import Any

import torch

from evals.models.grammar import Matcher, masks

CLOSING = ('"', "}", "]", '"}', "0", " ", ",")
"""What a walk prefers when it is to come to an end."""


def allowed(matcher: Matcher, size: int) -> list[int]:
    """The tokens that may come next."""
    bitmask = masks(1, size)
    matcher.fill(bitmask, 0)
    return ((bitmask[0][:, None] >> torch.arange(32)) & 1).flatten()[:size].nonzero().flatten().tolist()


def admits(matcher: Matcher, tokenizer: Any, text: str) -> bool:
    """Whether the text, and an end behind it, is let through from the beginning."""
    matcher.reset()
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    return all(matcher.accept(token) for token in tokens) and matcher.accept(tokenizer.eos_token_id)


def walk(matcher: Matcher, tokenizer: Any, size: int, rng: random.Random, steps: int = 40) -> str | None:
    """A text that the masks lead to; after `steps` it hurries to an end. None when it finds none."""
    matcher.reset()
    tokens: list[int] = []
    hurry = {tokenizer(c, add_special_tokens=False)["input_ids"][0]: i for i, c in enumerate(CLOSING)}
    while len(tokens) < 6 * steps:
        jump = matcher.forced() if rng.random() < 0.3 else []
        for token in jump:
            assert matcher.accept(token)
        tokens += jump
        ways = allowed(matcher, size)
        assert ways
        ends = tokenizer.eos_token_id in ways
        if ends and (len(ways) == 1 or len(tokens) > steps or rng.random() < 0.3):
            assert matcher.finished == (len(ways) == 1)
            assert matcher.accept(tokenizer.eos_token_id) and matcher.finished
            return str(tokenizer.decode(tokens, skip_special_tokens=True))
        if len(tokens) > steps or rng.random() < 0.3:
            token = min(ways, key=lambda way: (hurry.get(way, len(hurry)), rng.random()))
        else:
            token = rng.choice(ways)
        if token == tokenizer.eos_token_id:
            continue
        assert matcher.accept(token)
        tokens.append(token)
    return None
