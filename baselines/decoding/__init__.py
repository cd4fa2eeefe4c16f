"""How an answer is drawn from a model, beyond one request: what any rung may add to an approach.

decoder.py      the value that says how (part of spec.json)
form.py         what a whole answer looks like: validator, grammar, and when two answers are the same
decode.py       requests in, answers out:  repair.py, vote.py, likelihood.py
"""
