"""Self-consistency: several answers drawn to each prompt, the commonest taken (Wang et al. 2022, arXiv
2203.11171).

Which texts give the same answer is the form's to say. Samples that are whole and fit the form vote, or,
where there are none, whatever is whole; of equally common answers the one drawn first wins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

from baselines.decoding.decoder import Answer, Chat, Decoder
from baselines.decoding.form import Form
from evals.types import Completion, Model


def commonest(
    decoder: Decoder, asked: Mapping[str, Chat], model: Model, done: Collection[str]
) -> Iterator[Answer]:
    """The commonest of `decoder.samples` answers to each prompt not in `done`, as soon as all are there.

    All samples of all prompts are one list of requests; the usage of an answer is that of its samples. A
    row of which a sample ended in an error is in error.
    """
    numbers = range(decoder.samples)
    draws = [(id, number) for id in asked for number in numbers]
    requests = [decoder.request(_name(id, number), asked[id], number) for id, number in draws]
    drawn: dict[str, dict[int, Completion]] = {id: {} for id in asked}
    for completion in model.generate(requests, {_name(id, number) for id in done for number in numbers}):
        number, _, id = completion.id.partition("/")
        drawn[id][int(number)] = decoder.read(completion)
        if len(drawn[id]) == decoder.samples:
            samples = drawn.pop(id)
            yield vote(id, [samples[n] for n in numbers], decoder.form or Form("text"))


def vote(id: str, samples: Sequence[Completion], form: Form) -> Answer:
    """One answer out of samples in the order they were drawn."""
    usage = reduce(add, (sample.usage for sample in samples))
    lost = [s.error or "no answer" for s in samples if s.finish == "error" or s.error is not None]
    if lost:
        return Answer(Completion(id, "", "error", usage, lost[0]))
    whole = [sample for sample in samples if sample.finish == "stop"]
    voting = [sample for sample in whole if not form.fault(sample.text)] or whole or samples
    answers = [form.same(sample.text) for sample in voting]
    counts = Counter(answers)
    most = max(counts, key=counts.__getitem__)
    winner = voting[answers.index(most)]
    return Answer(replace(winner, id=id, usage=usage), votes=counts[most])


def _name(id: str, number: int) -> str:
    """A sample's own id: what stands before the first stroke is its number."""
    return f"{number}/{id}"
