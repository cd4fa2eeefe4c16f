"""The same answers by transformers' own `generate`, for models the slab cannot serve: encoders with
decoders, position biases, windows shorter than the text. Slower: no prefix is shared, and a batch
ends with its last row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from evals.models.chat import Ids
from evals.models.engine.rows import Row
from evals.models.engine.score import Told


def run_plain(model: Any, rows: Sequence[Row], ends: frozenset[int]) -> Iterator[Row]:
    """Yield each row once: greedy rows as one batch, sampled ones by themselves with their own seed."""
    greedy = [row for row in rows if row.request.temperature <= 0]
    for batch in [greedy, *([row] for row in rows if row.request.temperature > 0)]:
        if not batch:
            continue
        start = time.perf_counter()
        for row, tokens in zip(batch, _generate(model, batch, ends), strict=True):
            row.say(tokens)
        for row in batch:
            row.seconds += (time.perf_counter() - start) / len(batch)
        yield from batch


def _generate(model: Any, rows: Sequence[Row], ends: frozenset[int]) -> list[list[int]]:
    ids, mask = _left_padded([row.prompt for row in rows], model.device)
    temperature = rows[0].request.temperature
    config = GenerationConfig(
        max_new_tokens=max(row.request.max_tokens for row in rows),
        do_sample=temperature > 0,
        eos_token_id=sorted(ends) or None,
        pad_token_id=min(ends, default=0),
        decoder_start_token_id=model.generation_config.decoder_start_token_id,
        **({"temperature": temperature, "top_k": 0} if temperature > 0 else {}),
    )
    begin = 1 if model.config.is_encoder_decoder else ids.shape[1]
    held = LogitsProcessorList([Held(rows, begin)] if any(row.matcher for row in rows) else [])
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(int(rows[0].chance() * 2**53))
        out = model.generate(inputs=ids, attention_mask=mask, generation_config=config, logits_processor=held)
    tokens: list[list[int]] = out[:, begin:].tolist()
    return tokens


class Held(LogitsProcessor):  # type: ignore[misc]
    """Holds each row to its grammar; `begin` is where the answers begin."""

    def __init__(self, rows: Sequence[Row], begin: int) -> None:
        self.matchers = [row.matcher for row in rows]
        self.seen = begin
        for matcher in self.matchers:
            if matcher is not None:
                matcher.reset()

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """scores [rows, vocabulary] after the tokens [rows, n]."""
        from evals.models.grammar import apply, fill, masks

        for place in range(self.seen, input_ids.shape[1]):
            for matcher, token in zip(self.matchers, input_ids[:, place].tolist(), strict=True):
                if matcher is not None:
                    matcher.accept(token)
        self.seen = input_ids.shape[1]
        bitmask = masks(len(self.matchers), scores.shape[1])
        fill(bitmask, self.matchers)
        apply(scores, bitmask)
        return scores


def _left_padded(prompts: Sequence[Ids], device: Any) -> tuple[Tensor, Tensor]:
    width = max(len(p) for p in prompts)
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, prompt in enumerate(prompts):
        ids[i, width - len(prompt) :] = torch.from_numpy(prompt)
        mask[i, width - len(prompt) :] = 1
    return ids.to(device), mask.to(device)


def score_plain(model: Any, prompt: Ids, tails: Sequence[Ids], begins: Sequence[int]) -> list[Told]:
    """As `score.score_trees`, each continuation by a pass of its own."""
    found = []
    for tail, begin in zip(tails, begins, strict=True):
        tokens = torch.from_numpy(tail).long().to(model.device)
        before = torch.from_numpy(prompt).long().to(model.device)
        with torch.inference_mode():
            if model.config.is_encoder_decoder:
                logits = model(before[None], labels=tokens[None]).logits[0]
            else:
                logits = model(torch.cat([before, tokens])[None]).logits[0, len(before) - 1 : -1]
        normal, nexts = logits[begin:].float().log_softmax(-1), tokens[begin:, None]
        value = float(normal.gather(-1, nexts).double().sum())
        found.append((value, bool((normal.argmax(-1, keepdim=True) == nexts).all())))
    return found
