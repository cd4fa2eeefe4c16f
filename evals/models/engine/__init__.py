"""Runs a transformers decoder over a whole list of requests, without changing the model.

plan.py       cuts the list into waves: a radix tree of shared prefixes, like lengths, one memory budget
attention.py  attention to keys in several places (shared prefix, own tokens), in two ways
slab.py       the keys and values of a wave, written in place; a prefix's, kept once
packed.py     the Llama family's arithmetic in few operators, from weights laid out for the CPU
soft.py       models that peft wraps, and what soft prompts put before the text
core.py       one forward pass through the slab, and the check that it is right
rows.py       one request in the making: tokens, end, stop strings, grammar, sampling
lookup.py     drafts by prompt lookup, for the few rows that are left
decode.py     one wave: prompts in chunks, then step by step
score.py      log-likelihoods: the continuations of a prompt as one tree
plain.py      the same answers by transformers' own `generate`, for models the slab cannot serve
memory.py     how much of it a wave may take
engine.py     all of it together
"""

from evals.models.engine.engine import Engine

__all__ = ["Engine"]
