"""Why nothing ships: variants of the best approach, each with one thing changed, asked on dev rows.

    ask.py       which arms there are to ask, and asking them; what was asked stands in arms.json
    foreseen.py  the calls it may take, before anything is known
    oracle.py    the gold documents' passages in the prompt        grammar.py   the answer held to a grammar
    wordings.py  other wordings of the instruction, other orders of the shots, made by typed edits
    lenient.py   saved answers read as a person would read them: no call
    effects.py   what an arm changes on the same rows, with its interval
    reading.py   an arm read back from disk    failing.py   rows that every approach and every arm fails
    sentences.py what was found, in words      cure.py      what it makes of the next step
    found.py     all of it together, for decision.json

Only dev rows are asked. Everything said is read from the run folder, so it can be said again.
"""
