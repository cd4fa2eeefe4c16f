"""How much memory a training will hold at once, counted before anything is loaded.

A step keeps what its backward pass needs: that is counted on a forward pass of tensors without memory, since
it hangs on the method (LoRA adds a copy of every layer's input, frozen weights need none) and on the family.
On a CPU the C library holds more than that: freed blocks of one step do not fit those of the next, whose
texts are of other lengths, and each length has its own plans (`HOLES`, `PLANS`). A look at dev begins with
the holes given back. It holds a copy of the model that is served, and the keys and values of the rows that
it answers at once, up to twice: they grow as answers do, and what they grow out of is not free at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

WAVE = 128
"""Rows that are answered at once at most (`evals.models.engine.plan.Budget`)."""
READ, READ_TOKENS = 16, 8192
"""Rows, or pairs of answers, and tokens that are read at once without learning from them
(`tuning.loop.mean_of`, `tuning.preference.log_likelihoods`)."""
LOGIT = 12
"""Bytes of a logit of an answer: its log-probability, the gradient of that and of the logit, in fp32."""
HOLES = 1.3
"""Bytes in holes of the heap for a byte that a step keeps, on a CPU. Measured with glibc 2.36 over steps of
mixed lengths (LoRA on the layers of SmolLM2-135M, texts of 130 to 390 tokens): 0.9 to 1.7."""
PLANS = 160 << 20
"""Bytes of the plans that oneDNN keeps (`evals.models.engine.memory.keep_freed`), measured on the same."""
UNIT = 34
"""Bytes a token, layer and hidden unit in 16 bits (Korthikanti et al. 2022), for what cannot be counted."""


@dataclass(frozen=True)
class Shape:
    """What is computed at once: `rows` texts of `width` tokens in training, with answers of `answer`; `read`
    of them where nothing is learned; and in a look `asked` rows of at most `places` tokens, prompt and
    answer."""

    rows: int
    width: int
    answer: int
    read: int
    asked: int
    places: int


def read_at_once(width: int, paired: bool) -> int:
    """How many texts of `width` tokens are read at once, those of a pair counted as two."""
    return max(1, min(2 * READ if paired else READ, READ_TOKENS // max(1, width)))


def foreseen(model: Any, learn: int, shape: Shape, dtype: Any) -> int:
    """The bytes of a training of `model`, which is without memory and wrapped as it learns `learn` of its
    parameters: weights, gradients and moments, and the largest of a step, the loss on dev and a look's
    answers. `dtype` is what is computed in."""
    import torch

    from tuning.snapshot import taken

    on_cpu = not torch.cuda.is_available()
    size = sum(p.numel() for p in model.parameters())
    config = _inner(model).config.get_text_config(decoder=True)
    held = (
        sum(p.numel() * (4 if p.requires_grad else dtype.itemsize) for p in model.parameters()) + 12 * learn
    )
    logits = LOGIT * shape.answer * int(config.vocab_size)
    step = kept(model, shape.rows, shape.width, dtype) * (1 + HOLES * on_cpu) + logits * shape.rows
    answers = 2 * _slab(config, min(shape.asked, WAVE) * shape.places, dtype) + on_cpu * taken(size)
    return int(held + PLANS * on_cpu + max(step, logits * shape.read, answers))


def kept(model: Any, rows: int, width: int, dtype: Any) -> int:
    """The bytes that a forward pass over `rows` texts of `width` tokens leaves for its backward pass, up to
    the logits."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    found: dict[int, Any] = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found[storage._cdata] = storage
        return tensor

    bare = _inner(model)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16)
    hooks = torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            _without_memory(model, dtype)
            weights = {p.untyped_storage()._cdata for p in model.parameters()}
            size = bare.get_input_embeddings().weight.shape[1]
            text = torch.empty(rows, width, size, dtype=dtype, requires_grad=True)
            with hooks, autocast:
                bare.base_model(inputs_embeds=text, use_cache=False)
            return sum(s.nbytes() for key, s in found.items() if key not in weights)
    except Exception as error:  # code of any model, which need not run without memory
        log.debug("what a step keeps is not counted: %s", error)
        config = bare.config.get_text_config(decoder=True)
        each = UNIT * dtype.itemsize // 2
        return int(each * rows * width * config.hidden_size * config.num_hidden_layers)


def _without_memory(model: Any, dtype: Any) -> None:
    """Give a model on torch's meta device tensors of the CPU that take no memory either, for which autocast
    is what it would be: what learns in fp32, the rest in `dtype`. Those that modules share stay shared."""
    import torch

    made: dict[int, Any] = {}
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for name, old in table.items():
                if old is None:
                    continue
                if id(old) not in made:
                    wide = old.requires_grad or not old.is_floating_point()
                    new: Any = torch.empty(old.shape, dtype=old.dtype if wide else dtype)
                    if table is module._parameters:
                        new = torch.nn.Parameter(new, old.requires_grad)
                    made[id(old)] = (new, old)  # the old one too: its id must stay its own
                table[name] = made[id(old)][0]


def _slab(config: Any, places: int, dtype: Any) -> int:
    """The bytes of so many tokens' keys and values, at most those that a wave may hold (`room`)."""
    from evals.models.engine.memory import machine

    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * dim * dtype.itemsize
    return int(min(token * places, machine() / 8, 1 << 32))


def _inner(model: Any) -> Any:
    """The transformers model that peft may have wrapped."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
