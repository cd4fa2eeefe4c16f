"""The likeliest label is the answer, by whole label, by character, or less what is usual."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from baselines.decoding.decoder import Decoder, Likelihood
from baselines.decoding.likelihood import BLOCK, choose
from evals.models.local import LocalModel
from evals.types import Message, PromptText
from tests.baselines.decoding.drawing import answers
from tests.scripted import Scripted

LABELS = ("no", "certainly")


class Weighed(Scripted):
    """Counts the prompts it is asked about; likes the first label by as much as the row's number says."""

    def __init__(self, context: int = 4096) -> None:
        super().__init__(lambda request: "", context)
        self.blocks: list[int] = []

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        self.blocks.append(len(asked))
        return [[-float(prompt[0].content.split()[1]), -3.0] for prompt, _ in asked]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("likelihood", "label"),
    [
        (Likelihood(LABELS), "no"),
        (Likelihood(LABELS, per="character"), "certainly"),
        (Likelihood(LABELS, usual=(-1.0, -4.0)), "certainly"),
    ],
)
def test_the_way_of_counting_decides(likelihood: Likelihood, label: str) -> None:
    assert choose(likelihood, (-2.0, -3.0)) == label


def test_of_equal_labels_the_first_wins() -> None:
    assert choose(Likelihood(LABELS), (-2.0, -2.0)) == "no"


def test_nothing_is_written_and_every_row_is_one_call() -> None:
    found = answers(Decoder(8, likelihood=Likelihood(LABELS)), Weighed(), "1", "5")
    assert {id: a.completion.text for id, a in found.items()} == {"1": "no", "5": "certainly"}
    assert all(a.completion.usage.calls == 1 and a.completion.usage.tokens_out == 0 for a in found.values())


def test_a_prompt_that_does_not_fit_is_too_long() -> None:
    found = answers(Decoder(8, likelihood=Likelihood(LABELS)), Weighed(context=18), "1", "22222")
    assert [a.completion.finish for a in found.values()] == ["stop", "too_long"]


def test_a_block_that_was_broken_is_scored_again_whole_and_a_finished_one_not() -> None:
    ids = [str(n) for n in range(BLOCK + 10)]
    model = Weighed()
    done = set(ids[:BLOCK]) | {ids[BLOCK]}
    found = answers(Decoder(8, likelihood=Likelihood(LABELS)), model, *ids, done=done)
    assert model.blocks == [10]
    assert list(found) == ids[BLOCK + 1 :]


def test_the_real_model_answers_with_a_label(smollm: LocalModel) -> None:
    from baselines.decoding.decode import decode

    prompt = (Message("user", "The food was awful, I hated it. Is this review good or bad? One word."),)
    decoder = Decoder(8, likelihood=Likelihood(("good", "bad")))
    (answer,) = decode(decoder, {"1": prompt}, smollm)
    best = max(("good", "bad"), key=lambda label: smollm.score(prompt, [label])[0])
    assert answer.completion.text == best
