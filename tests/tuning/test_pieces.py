"""Training rows are what is served: the rendered prompt, the answer, and the token that ends a turn."""

from __future__ import annotations

from evals.models.chat import Renderer
from evals.models.local import LocalModel
from evals.types import Message
from tests.tiny import tokenizer
from tests.tuning.school import CHAT
from tuning.method import cut_head, shared_head
from tuning.pieces import Asked, end_token, pieces


def test_prompt_and_answer_of_a_real_model_are_its_chat_template_cut_in_two(smollm: LocalModel) -> None:
    renderer = smollm.renderer
    turns = [Message("system", "Be brief."), Message("user", "Which colour?")]
    (piece,), long = pieces([Asked("a", turns, "deep blue")], renderer, 400)
    whole = renderer.tokenizer.apply_chat_template(
        [{"role": t.role, "content": t.content} for t in turns]
        + [{"role": "assistant", "content": "deep blue"}],
        tokenize=False,
    )
    assert renderer.tokenizer.decode([*piece.prompt, *piece.answer]) == whole.rstrip("\n")
    assert piece.answer[-1] in smollm.engine.ends
    assert long == []


def test_the_end_is_that_of_an_assistants_turn_where_the_template_has_a_special_one() -> None:
    assert end_token(Renderer(tokenizer(CHAT), "tiny")) == 1
    assert end_token(Renderer(tokenizer(), "tiny")) == 1
    ends = CHAT.replace("</s>", "<s>")
    assert end_token(Renderer(tokenizer(ends), "tiny")) == 0


def test_a_row_that_does_not_fit_is_left_out_whole() -> None:
    asked = [Asked("short", "w5 w6", "w7"), Asked("long", "w5 " * 9, "w7")]
    found, long = pieces(asked, Renderer(tokenizer(), "tiny"), 9)
    assert [p.id for p in found] == ["short"] and long == ["long"]
    assert list(found[0].prompt) == [5, 6] and list(found[0].answer) == [7, 1]


def test_a_head_is_what_all_prompts_begin_with_and_leaves_each_a_token() -> None:
    assert shared_head([[1, 2, 3, 4], [1, 2, 9], [1, 2, 3, 7]]) == (1, 2)
    assert shared_head([[1, 2], [1, 2, 3]]) == (1,)
    assert shared_head([]) == ()


def test_a_long_head_is_cut_at_the_end_of_a_turn_and_keeps_the_opening_of_the_next() -> None:
    head = [5, 6, 7, 0, 8, 9, 10, 0, 20, 21]
    assert cut_head(head, 10, frozenset({0})) == tuple(head)
    assert cut_head(head, 7, frozenset({0})) == (5, 6, 7, 0, 20, 21)
    assert cut_head(head, 3, frozenset({0})) == (0, 20, 21)
    assert cut_head(head, 4, frozenset()) == (10, 0, 20, 21)


def test_a_renderer_cuts_its_head_and_never_the_last_token() -> None:
    renderer = Renderer(tokenizer(), "tiny", (5, 6, 7))
    assert [list(ids) for ids in renderer.ids(["w5 w6 w7 w9", "w5 w6 w8", "w5 w6 w7", "w9"])] == [
        [9],
        [8],
        [7],
        [9],
    ]
