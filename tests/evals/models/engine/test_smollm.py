"""The engine on a real model."""

from __future__ import annotations

import random

import pytest
import torch

from evals.models.local import LocalModel
from evals.types import Message, PromptText, Request
from tests.evals.models.engine.reference import differing

THINGS = "river stone cloud apple house tiger lemon bread train glass horse night paper ocean clock".split()
SHOTS = "\n".join(f"{word} -> {word.upper()}, {word[::-1]}, {len(word)} letters" for word in THINGS)
WORDS = "please refund the broken order that arrived late and close my account today thanks".split()


def prompts() -> list[PromptText]:
    rng = random.Random(3)
    tails = [" ".join(rng.choices(WORDS, k=n)) for n in (3, 9, 20, 5, 31, 12, 7, 15)]
    shared: list[PromptText] = [(Message("system", SHOTS), Message("user", tail)) for tail in tails]
    chat: list[PromptText] = [(Message("user", f"Say it shorter: {tail}"),) for tail in tails[:4]]
    return [*shared, *chat, "Once upon a time", f"{SHOTS}\ndog ->", "1, 2, 3, 4,", "Ein Häuschen ist ein 小"]


def test_sixteen_prompts_are_answered_as_by_generate_one_by_one(smollm: LocalModel) -> None:
    requests = [Request(f"p{i}", prompt, 16) for i, prompt in enumerate(prompts())]
    got = list(smollm.generate(requests))
    assert len(got) == 16 and sum(c.usage.tokens_cached > 0 for c in got) >= 7
    assert differing(smollm, requests, got) == []


@pytest.mark.full
def test_two_hundred_prompts_are_answered_as_by_generate_one_by_one(smollm: LocalModel) -> None:
    rng = random.Random(5)
    requests = []
    for i in range(200):
        tail = " ".join(rng.choices(WORDS + THINGS, k=rng.randint(2, 60)))
        system = (Message("system", SHOTS),) if i % 3 else ()
        requests.append(Request(f"p{i}", (*system, Message("user", tail)), 24))
    assert differing(smollm, requests, list(smollm.generate(requests))) == []


def test_weights_are_packed_and_the_check_agrees(smollm: LocalModel) -> None:
    assert smollm.engine.core._packed is not None and smollm.engine._unfit is None


def test_scores_are_transformers_own(smollm: LocalModel) -> None:
    prompt = (Message("system", SHOTS), Message("user", "Is a tiger an animal? Answer yes or no."))
    answers = ["yes", "no", "Yes, a tiger is an animal."]
    tokenizer, text = smollm.renderer.tokenizer, smollm.renderer.text(prompt)
    begin = len(tokenizer(text)["input_ids"])
    for answer, score in zip(answers, smollm.score(prompt, answers), strict=True):
        ids = torch.tensor([tokenizer(text + answer)["input_ids"]])
        with torch.no_grad():
            logits = smollm.engine.core.model(ids).logits[0].log_softmax(-1)
        own = logits[begin - 1 : -1].gather(1, ids[0, begin:, None]).sum()
        assert score == pytest.approx(float(own), abs=1e-4)


def test_a_stop_string_inside_a_token_cuts_the_text(smollm: LocalModel) -> None:
    request = Request("a", "one two three four five six seven", 12)
    whole = next(smollm.generate([request])).text
    middle = whole[4:8]
    got = next(smollm.generate([Request("a", request.prompt, 12, (middle,))]))
    assert got.finish == "stop" and got.text == whole[: whole.index(middle)]


def test_time_inside_the_model_is_counted(smollm: LocalModel) -> None:
    before = smollm.busy_seconds
    got = list(smollm.generate([Request(str(i), "The sea", 2) for i in range(3)]))
    assert 0 < sum(c.usage.seconds for c in got) <= smollm.busy_seconds - before
