"""`Decoder`: what is a request, and what of the reply is the answer."""

from __future__ import annotations

import pytest

from baselines.decoding.decoder import Decoder
from baselines.decoding.form import Form
from evals.types import Completion, Message


@pytest.mark.parametrize(
    ("said", "reasoning", "answer"),
    [
        ("So it is.\nFinal answer: 42", "So it is.\n", "42"),
        ("**Final Answer:** 42\nmore", "**", "42"),
        ("Final answer: 1. No.\nfinal answer:\n 2", "Final answer: 1. No.\n", "2"),
        ("42", "", "42"),
    ],
)
def test_the_answer_is_what_follows_the_last_mark(said: str, reasoning: str, answer: str) -> None:
    decoder = Decoder(9, stop=("\n",), answer_after="Final answer:")
    read = decoder.read(Completion("a", said, "stop"))
    assert (read.reasoning, read.text) == (reasoning, answer)
    assert Decoder(9).read(Completion("a", said, "stop")).text == said


def test_a_decoder_that_reads_on_sends_no_stop() -> None:
    """The reasoning may hold the stop string."""
    prompt = (Message("user", "What?"),)
    assert Decoder(9, stop=("\n",)).request("a", prompt).stop == ("\n",)
    assert Decoder(9, stop=("\n",), answer_after="Answer:").request("a", prompt).stop == ()


def test_a_held_answer_follows_the_first_mark_as_it_is_written() -> None:
    form = Form.of("labels", ["yes", "no"])
    decoder = Decoder(9, form=form, held=True, answer_after="Final answer:")
    assert decoder.request("a", (Message("user", "What?"),)).grammar == {
        "labels": ["yes", "no"],
        "after": "Final answer:",
    }
    said = 'the final answer: maybe.\nFinal answer: "Final answer: 1"'
    read = decoder.read(Completion("a", said, "stop"))
    assert (read.reasoning, read.text) == ("the final answer: maybe.\n", '"Final answer: 1"')
