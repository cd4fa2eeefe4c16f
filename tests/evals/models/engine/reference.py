"""What a model answers by transformers' own `generate`, one request at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import GenerationConfig

from evals.models.local import LocalModel
from evals.types import Completion, Request

NEAR_TIE = 1e-3


def differing(model: LocalModel, requests: Sequence[Request], got: Sequence[Completion]) -> list[str]:
    """The ids whose greedy text is another than one-by-one `generate`'s, near-ties (the two best logits
    less than 1e-3 apart where the texts part) printed and left out, one in 100 at most."""
    texts = {c.id: c.text for c in got}
    wrong, ties = [], 0
    for request in requests:
        tokens, margins = greedy(model, request)
        said = [
            model.renderer.tokenizer.decode(tokens[: n + 1], skip_special_tokens=True)
            for n in range(len(tokens))
        ]
        # A character whose bytes are not all there yet is written as U+FFFD.
        starts = (text.rstrip("\ufffd") for text in said)
        parts = next((n for n, text in enumerate(starts) if not texts[request.id].startswith(text)), None)
        if parts is None and said[-1] == texts[request.id]:
            continue
        if parts is not None and margins[parts] < NEAR_TIE:
            print(f"near-tie: {request.id} at token {parts}, logits {margins[parts]:.1e} apart")
            ties += 1
        else:
            wrong.append(request.id)
    assert ties <= max(1, len(requests) // 100)
    return wrong


def greedy(model: LocalModel, request: Request) -> tuple[list[int], list[float]]:
    """The tokens of `generate`, and how far apart the two best logits were at each."""
    engine = model.engine
    ids = torch.from_numpy(model.renderer.ids([request.prompt])[0]).long()[None]
    config = GenerationConfig(
        max_new_tokens=request.max_tokens,
        do_sample=False,
        eos_token_id=sorted(engine.ends) or None,
        pad_token_id=1,
        output_logits=True,
        return_dict_in_generate=True,
    )
    out = engine.core.whole.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config
    )
    best = torch.cat(out.logits).float().topk(2).values
    return out.sequences[0, ids.shape[1] :].tolist(), (best[:, 0] - best[:, 1]).tolist()
