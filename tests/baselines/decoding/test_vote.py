"""Of several samples the commonest answer is taken, all of them asked for at once."""

from __future__ import annotations

from baselines.decoding.decoder import Decoder
from baselines.decoding.form import Form
from tests.baselines.decoding.drawing import Lists, answers

LABELS = Form.of("labels", ["good", "bad"])


def drawn(*texts: str, back: str = "") -> Lists:
    return Lists(**{f"{n}/a": [text] for n, text in enumerate(texts)}, a=[back])


def of(samples: int, form: Form = LABELS, repairs: int = 0) -> Decoder:
    return Decoder(8, temperature=0.7, seed=5, form=form, samples=samples, repairs=repairs)


def said(*texts: str, form: Form = LABELS) -> str:
    return answers(of(len(texts), form), drawn(*texts), "a")["a"].completion.text


def test_the_commonest_answer_wins_and_of_equal_ones_the_first() -> None:
    assert said("bad", "good", "Good.") == "good"
    assert said("bad", "good", "good", "bad") == "bad"


def test_what_fails_the_form_or_is_cut_off_has_no_vote_where_something_is_whole() -> None:
    assert said("fine", "fine", "bad") == "bad"
    assert said("good|length", "good|length", "bad") == "bad"
    assert said("fine", "okay", "okay") == "okay"


def test_json_is_the_same_whatever_the_order_of_its_keys_and_numbers_by_value() -> None:
    assert said('{"a": 1}', '{"b": 2, "a": 1}', '{"a": 1, "b": 2}', form=Form.of("schema", True)) == (
        '{"b": 2, "a": 1}'
    )
    assert said("6 or 7: 8", "so #### 7", "the answer is 7.0", form=Form.of("number", {})) == "so #### 7"


def test_all_samples_of_all_rows_are_one_list_each_with_its_own_id_and_seed() -> None:
    model = Lists(**{f"{n}/{id}": ["good"] for n in range(3) for id in ("a", "b/c")})
    found = answers(of(3), model, "a", "b/c")
    (requests,) = model.lists
    assert [(r.id, r.seed) for r in requests] == [
        (f"{n}/{id}", 5 + n) for id in ("a", "b/c") for n in range(3)
    ]
    assert {id: a.votes for id, a in found.items()} == {"a": 3, "b/c": 3}
    assert found["a"].completion.usage.calls == 3


def test_a_sample_in_error_leaves_the_row_in_error() -> None:
    found = answers(of(3), drawn("good", "good", "|error"), "a")["a"].completion
    assert (found.finish, found.error, found.usage.calls) == ("error", "gone", 3)


def test_rows_that_are_done_are_not_asked_again_and_the_list_is_the_same() -> None:
    model = Lists(**{f"{n}/{id}": ["good"] for n in range(3) for id in "ab"})
    assert list(answers(of(3), model, "a", "b", done={"a"})) == ["b"]
    assert len(model.lists[0]) == 6
    assert all(request.id.endswith("/b") for request in model.asked)


def test_a_winner_that_fails_the_form_is_sent_back() -> None:
    found = answers(of(3, repairs=1), drawn("fine", "fine", "okay", back="good"), "a")["a"]
    assert (found.completion.text, found.completion.usage.calls) == ("good", 4)
    assert [r.text for r in found.rejected] == ["fine"]
