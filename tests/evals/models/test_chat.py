from __future__ import annotations

import pytest

from evals.errors import ModelError
from evals.models.chat import Renderer
from evals.types import Message
from tests.tiny import tokenizer

CHAT = (Message("system", "w5"), Message("user", "w6"))
TURNS = "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}<assistant>"
NO_SYSTEM = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
NO_SYSTEM += "<{{ m.role }}> {{ m.content }} {% endfor %}"
DROPS_SYSTEM = "{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}> {{ m.content }} {% endif %}"
DROPS_SYSTEM += "{% endfor %}"


def test_text_is_left_as_it_is() -> None:
    assert Renderer(tokenizer(TURNS), "m").text(" w5  w6\n") == " w5  w6\n"


def test_messages_go_through_the_chat_template() -> None:
    assert Renderer(tokenizer(TURNS), "m").text(CHAT) == "<system> w5 <user> w6 <assistant>"


@pytest.mark.parametrize("template", [NO_SYSTEM, DROPS_SYSTEM])
def test_where_a_template_takes_no_system_role_its_text_stands_before_the_users(
    template: str, caplog: pytest.LogCaptureFixture
) -> None:
    renderer = Renderer(tokenizer(template), "m")
    assert [renderer.text(CHAT) for _ in range(2)] == ["<user> w5\n\nw6 "] * 2
    assert caplog.text.count("no system role") == 1


def test_a_system_text_alone_becomes_a_users(caplog: pytest.LogCaptureFixture) -> None:
    assert Renderer(tokenizer(NO_SYSTEM), "m").text(CHAT[:1]) == "<user> w5 "


def test_a_template_that_refuses_the_prompt_is_an_error() -> None:
    with pytest.raises(ModelError, match="refuses the prompt"):
        Renderer(tokenizer("{{ raise_exception('never') }}"), "m").text(CHAT)


def test_without_a_template_turns_are_plain_text_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    renderer = Renderer(tokenizer(), "m")
    assert [renderer.text(CHAT) for _ in range(2)] == ["System: w5\n\nUser: w6\n\nAssistant:"] * 2
    assert caplog.text.count("no chat template") == 1


def test_prompts_are_tokenised_in_their_order_and_an_empty_one_has_a_token() -> None:
    rows = Renderer(tokenizer("{{ messages[0].content }}"), "m").ids(["w7", (Message("user", "w8 w9"),), ""])
    assert [row.tolist() for row in rows] == [[7], [8, 9], [0]]
