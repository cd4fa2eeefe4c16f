"""Eval rows that stand in prompts and documents."""

from __future__ import annotations

from evals.audit.quoted import Quote, Sought
from evals.types import Example

ASKED = "How do I reset the password of the guest account?"
ROW = Example("q1", ASKED, "open the console and choose forget user")
LABEL = Example("q2", "My parcel has not arrived since last Tuesday", "delivery")
SHORT = Example("q3", "Hello there", "greeting")
SOUGHT = Sought([("test", ROW), ("dev", LABEL), ("test", SHORT)])


def test_a_document_with_question_and_answer_is_told_from_one_with_the_question_alone() -> None:
    faq = f"Questions.\n{ASKED.upper()}\nTo do so, open the console and choose *forget user*."
    assert list(SOUGHT.in_document("faq", faq)) == [Quote("faq", "test", "q1", True)]
    assert list(SOUGHT.in_document("faq", f"Nobody knows: {ASKED}")) == [Quote("faq", "test", "q1", False)]
    assert list(SOUGHT.in_document("faq", "How do I reset the password of my own account?")) == []


def test_a_short_answer_must_stand_right_behind_its_question() -> None:
    said = "The difference between next and step is that step stops inside a called function"
    turn = Example("q4", "difference between next and step", "step stops inside a called function")
    assert list(Sought([("test", turn)]).in_document("manual", said)) == []
    beside = "my parcel has not arrived since last tuesday -> delivery"
    far = "My parcel has not arrived since last Tuesday. I am cross with you and your delivery."
    assert [q.answered for q in SOUGHT.in_document("x", beside)] == [True]
    assert [q.answered for q in SOUGHT.in_document("x", far)] == [False]


def test_a_prompt_may_hold_no_eval_input_and_no_long_answer() -> None:
    (quote,) = SOUGHT.in_prompt("prompt.system", f"For example: {LABEL.input}.")
    assert (quote.split, quote.id, quote.is_prompt) == ("dev", "q2", True)
    long = Example(
        "q9", "Say it politely please, my friend", "we are sorry to hear that and will call you back soon"
    )
    assert [q.id for q in Sought([("test", long)]).in_prompt("p", f"Answer like: {long.target}!")] == ["q9"]
    assert list(SOUGHT.in_prompt("p", "Answer with delivery or greeting. Hello there!")) == []


def test_scripts_without_spaces_are_sought_by_their_characters() -> None:
    row = Example("zh", "请问明天早上北京的天气怎么样会不会下雨我想出门散步", "晴")
    (quote,) = Sought([("test", row)]).in_document("d", "问:" + row.input + "? 晴。")
    assert quote.answered
