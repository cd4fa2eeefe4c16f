"""The arithmetic of the Llama family (Llama, Mistral, Qwen2, Qwen3) in few operators, for the CPU.

The same numbers as the transformers model gives, from a copy of its weights laid out for oneDNN once
(torch lays them out again in every call), with projections of one input side by side, and activation,
product and residual written by the matrix product itself. A decode step has a dozen operators a layer
instead of some fifty. Whether a model is computed rightly this way is checked when it is loaded
(core.py), like everything here that is not transformers' own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from evals.models.engine.memory import machine
from evals.models.engine.slab import Slab

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
TYPICAL = 64
"""Rows for which oneDNN chooses the layout of the weights; it serves all."""
SHARE = 0.2
"""The copy may take so much of the machine's memory."""


class Linear:
    """x @ weight.T + bias, with what follows it."""

    def __init__(self, *layers: nn.Linear) -> None:
        weight = torch.cat([layer.weight.detach() for layer in layers])
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), TYPICAL)
        biases = [layer.bias for layer in layers]
        self.bias = None if biases[0] is None else torch.cat([b.detach() for b in biases])

    def __call__(self, x: Tensor, then: str = "none") -> Tensor:
        """x [tokens, in] -> [tokens, out]; `then` is an activation."""
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, then, [], "")
        return out

    def with_(self, other: Tensor, x: Tensor, how: str) -> Tensor:
        """The same, `how` ("add" or "mul") with other [tokens, out]."""
        out: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, self.weight, self.bias, how)
        return out


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer's weights."""

    before: Tensor
    qkv: Linear
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Linear
    after: Tensor
    gate: Linear
    up: Linear
    down: Linear


class Packed:
    """A decoder as packed layers. Raises ValueError when the model is not one of these families."""

    def __init__(self, model: Any) -> None:
        if why := unfit(model):
            raise ValueError(why)
        config = self.config = model.config
        self.heads, self.kv = config.num_attention_heads, config.num_key_value_heads
        self.dim = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.eps = float(config.rms_norm_eps)
        self.embed = model.model.embed_tokens.weight.detach()
        self.rotary = model.model.rotary_emb
        self.norm = model.model.norm.weight.detach()
        with torch.inference_mode():
            self.layers = [_layer(layer) for layer in model.model.layers]
            self.head = Linear(model.lm_head)

    def forward(self, ids: Tensor, positions: Tensor, slab: Slab, keep: Tensor) -> Tensor:
        """Logits [rows, kept, vocabulary] of new tokens `ids` [rows, new] at `positions` [rows, new], of
        those at the indices `keep` [rows, kept]. Tokens that the slab does not write are not computed."""
        rows, new = ids.shape
        some = slab.some
        if some is not None:
            flat_ids, flat_positions = ids[some], positions[some]
        else:
            flat_ids, flat_positions = ids.flatten(), positions.flatten()
        x = self._through(flat_ids, flat_positions, slab, rows, new)
        if some is not None:
            places = some.flatten().cumsum(0).view(rows, new) - 1
            kept = x[places.gather(1, keep).clamp_(min=0)]
        else:
            kept = x.view(rows, new, -1).gather(1, keep[..., None].expand(-1, -1, x.shape[-1]))
        kept = rms_norm(kept, kept.shape[-1:], self.norm, self.eps)
        logits: Tensor = self.head(kept.flatten(0, 1))
        return logits.view(rows, keep.shape[1], -1)

    def _through(self, ids: Tensor, positions: Tensor, slab: Slab, rows: int, new: int) -> Tensor:
        """Hidden states [tokens, size] before the last norm."""
        x: Tensor = self.embed[ids]
        cos, sin = (t[0, :, None] for t in self.rotary(x, positions[None]))
        half = self.dim // 2
        sin = torch.cat([-sin[..., :half], sin[..., half:]], -1)
        shape, scale = (x.shape[-1],), self.dim**-0.5
        for number, layer in enumerate(self.layers):
            qkv = layer.qkv(rms_norm(x, shape, layer.before, self.eps))
            qkv = qkv.view(len(x), self.heads + 2 * self.kv, self.dim)
            turned, value = qkv[:, : -self.kv], qkv[:, -self.kv :]
            if layer.q_norm is not None:
                turned = self._normed(turned, layer)
            turned = torch.addcmul(turned * cos, turned.roll(half, -1), sin)
            query, key = turned[:, : self.heads], turned[:, self.heads :]
            mixed = self._attend(slab, number, (query, key, value), rows, new, scale)
            x = layer.out.with_(x, mixed.reshape(len(x), -1), "add")
            seen = rms_norm(x, shape, layer.after, self.eps)
            x = layer.down.with_(x, layer.up.with_(layer.gate(seen, "swish"), seen, "mul"), "add")
        return x

    def _normed(self, turned: Tensor, layer: Layer) -> Tensor:
        parts = zip(torch.split(turned, [self.heads, self.kv], 1), (layer.q_norm, layer.k_norm), strict=True)
        return torch.cat([rms_norm(part, (self.dim,), weight, self.eps) for part, weight in parts], 1)

    def _attend(
        self, slab: Slab, layer: int, qkv: tuple[Tensor, Tensor, Tensor], rows: int, new: int, scale: float
    ) -> Tensor:
        """Put keys and values into the slab and attend; tensors [tokens, heads, dim]."""
        query, key, value = qkv
        some = slab.some
        if some is None:
            query, key, value = (t.view(rows, new, *t.shape[1:]) for t in qkv)
        slab.write(layer, key, value)
        if some is not None:
            padded = query.new_zeros(rows, new, *query.shape[1:])
            padded[some] = query
            query = padded
        mixed = slab.attend(layer, query.transpose(1, 2), scale).transpose(1, 2)
        return mixed if some is None else mixed[some]


def _layer(layer: Any) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    norms = [getattr(attention, name, None) for name in ("q_norm", "k_norm")]
    return Layer(
        before=layer.input_layernorm.weight.detach(),
        qkv=Linear(attention.q_proj, attention.k_proj, attention.v_proj),
        q_norm=None if norms[0] is None else norms[0].weight.detach(),
        k_norm=None if norms[1] is None else norms[1].weight.detach(),
        out=Linear(attention.o_proj),
        after=layer.post_attention_layernorm.weight.detach(),
        gate=Linear(mlp.gate_proj),
        up=Linear(mlp.up_proj),
        down=Linear(mlp.down_proj),
    )


def unfit(model: Any) -> str | None:
    """Why a model is not computed this way, or None."""
    if getattr(model.config, "model_type", None) not in FAMILIES:
        return f"it is not one of {', '.join(FAMILIES)}"
    if model.device.type != "cpu" or not torch._C._has_mkldnn:
        return "it does not run on a CPU with oneDNN"
    bf16 = model.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if model.dtype != torch.float32 and not bf16:
        return f"oneDNN has no {model.dtype} on this CPU"
    if model.config.hidden_act != "silu":
        return f"its activation is {model.config.hidden_act}"
    odd = {
        type(m).__name__ for n, m in model.named_modules() if n.endswith("_proj") and type(m) is not nn.Linear
    }
    if odd:
        return f"its projections are {', '.join(sorted(odd))}"
    if sum(p.numel() * p.element_size() for p in model.parameters()) > SHARE * machine():
        return "a copy of its weights would take too much memory"
    return None
