"""Answers that fail their form are sent back with the fault, counted, and continued after a kill."""

from __future__ import annotations

import pytest

from baselines.decoding.decoder import Decoder
from baselines.decoding.form import Form
from evals.types import Message, Prediction
from tests.baselines.decoding.drawing import Lists, answers

LABELS = Form.of("labels", ["good", "bad"])
TWICE = Decoder(8, form=LABELS, repairs=2)


def test_a_wrong_format_is_sent_back_with_its_fault_until_it_is_right() -> None:
    model = Lists(a=["good"], b=["fine", "okay", "bad"])
    found = answers(TWICE, model, "a", "b")
    assert {id: a.completion.text for id, a in found.items()} == {"a": "good", "b": "bad"}
    assert [r.text for r in found["b"].rejected] == ["fine", "okay"]
    assert found["a"].rejected == ()
    asked = model.asked[-1].prompt
    assert [m.role for m in asked] == ["user", "assistant", "user", "assistant", "user"]  # type: ignore[union-attr]
    assert asked[1] == Message("assistant", "fine")
    assert asked[2] == Message(
        "user",
        "This answer cannot be used: not in the list of labels: 'fine'.\n"
        "Answer again with exactly one of these and nothing else: good, bad.",
    )


def test_the_usage_is_that_of_all_calls() -> None:
    found = answers(TWICE, Lists(b=["fine", "okay", "bad"]), "b")["b"].completion
    assert (found.usage.calls, found.usage.tokens_in, found.usage.tokens_out) == (3, 30, 11)


def test_it_ends_after_so_many_turns_or_when_the_model_repeats_itself() -> None:
    found = answers(TWICE, model := Lists(a=["x", "y", "z", "good"], b=["x", "x", "good"]), "a", "b")
    assert found["a"].completion.text == "z" and found["a"].completion.usage.calls == 3
    assert found["b"].completion.text == "x" and found["b"].completion.usage.calls == 2
    assert [len(requests) for requests in model.lists] == [2, 2, 1]


def test_what_was_cut_off_is_sent_back_and_what_was_refused_is_not() -> None:
    found = answers(
        TWICE, Lists(a=["good, as|length", "good"], b=["|refused"], c=["|too_long"]), "a", "b", "c"
    )
    assert found["a"].rejected[0].why.startswith("it was cut off, being too long; not in the list")
    assert (found["b"].completion.finish, found["c"].completion.finish) == ("refused", "too_long")


@pytest.mark.parametrize("finish", ["too_long", "refused"])
def test_when_the_conversation_gets_no_answer_the_one_before_stands(finish: str) -> None:
    found = answers(TWICE, Lists(a=["fine", f"|{finish}"]), "a")["a"]
    assert (found.completion.text, found.completion.finish, found.completion.usage.calls) == (
        "fine",
        "stop",
        2,
    )
    assert found.rejected == ()


def test_a_call_that_gets_no_answer_leaves_the_row_in_error() -> None:
    found = answers(TWICE, Lists(a=["fine", "|error"]), "a")["a"].completion
    assert (found.finish, found.error) == ("error", "gone")


def test_an_empty_answer_stands_in_the_conversation_as_a_turn() -> None:
    answers(TWICE, model := Lists(a=["", "good"]), "a")
    assert model.asked[-1].prompt[1] == Message("assistant", "(no answer)")  # type: ignore[comparison-overlap]


def test_nothing_is_sent_back_without_a_form_or_turns() -> None:
    for decoder in (Decoder(8), Decoder(8, form=LABELS), Decoder(8, repairs=2)):
        assert answers(decoder, Lists(a=["fine"]), "a")["a"].completion.text == "fine"


@pytest.mark.parametrize("killed_after", [0, 1, 2, 3, 4])
def test_a_killed_run_asks_what_is_missing_in_the_company_it_would_have_had(killed_after: int) -> None:
    ids = ("a", "b", "c", "d")
    texts = {"a": ["good"], "b": ["fine", "okay", "bad"], "c": ["so", "good"], "d": ["hm", "ha", "he"]}
    whole = Lists(**texts)
    wanted = list(answers(TWICE, whole, *ids).values())
    done = {
        a.completion.id: Prediction(a.completion.id, a.completion.text, "stop", rejected=a.rejected)
        for a in wanted[:killed_after]
    }
    again = Lists(**texts)
    found = answers(TWICE, again, *ids, done=done)
    assert list(found.values()) == wanted[killed_after:]
    assert again.lists == whole.lists[: len(again.lists)]
    assert all(request.id not in done for request in again.asked)


def test_what_is_sent_back_is_in_the_order_of_the_rows() -> None:
    model = Lists(a=["x", "good"], b=["y", "bad"])
    assert list(answers(TWICE, model, "b", "a")) == ["b", "a"]
    assert [request.id for request in model.lists[1]] == ["b", "a"]
