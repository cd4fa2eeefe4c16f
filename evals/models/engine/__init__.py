"""Runs a transformers decoder over a whole list of requests, without changing the model.

plan.py       cuts the list into waves: same shared prefix, like lengths, one memory budget
attention.py  attention in parts (shared prefix, own tokens), merged by their log-sum-exp
slab.py       the keys and values of a wave, written in place; the prefix's, kept once
core.py       one forward pass of the model through the slab, and the check that it is right
rows.py       one request in the making: tokens, end, stop strings, sampling
decode.py     one wave: prompts in chunks, then token by token
score.py      log-likelihoods of continuations of one prompt
plain.py      the same answers by transformers' own `generate`, for models the slab cannot serve
engine.py     all of it together
"""

from evals.models.engine.engine import Engine

__all__ = ["Engine"]
