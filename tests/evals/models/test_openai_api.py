from __future__ import annotations

import json
import time
from email.utils import formatdate

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.models.openai_api import Reply, Trouble, read_error, read_models, read_reply, shorten

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "text", "content", "refusal", "usage", "data", "id"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_either_a_reply_or_nonsense(answer: object) -> None:
    found = reply_or_trouble(answer)
    assert isinstance(found.text, str) if isinstance(found, Reply) else found.kind == "nonsense"


def reply_or_trouble(answer: object) -> Reply | Trouble:
    try:
        return read_reply(json.dumps(answer))
    except Trouble as trouble:
        return trouble


@given(JSON)
def test_any_json_is_read_as_models_or_as_none(answer: object) -> None:
    assert isinstance(read_models(json.dumps(answer)), dict)


def error_of(status: int, text: str = "{}", **headers: str) -> openai.APIStatusError:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, text=text, headers=names, request=httpx2.Request("POST", "http://x"))
    return openai.APIStatusError("said", response=response, body=None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"error": {"message": "plain"}}', "500: plain"),
        ('{"message": "bare"}', "500: bare"),
        ('{"detail": "starlette"}', "500: starlette"),
        ('{"error": "a string"}', "500: a string"),
        ("<html><style>p{}</style><p>Bad\n Gateway</p></html>", "500: Bad Gateway"),
        ("", "500: no text"),
    ],
)
def test_the_servers_words_are_found_in_any_form(text: str, said: str) -> None:
    assert read_error(error_of(500, text), {}).said == said


@pytest.mark.parametrize(
    ("value", "wait"), [("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("soon", None), ("nan", 0.0)]
)
def test_retry_after_is_read_as_seconds(value: str, wait: float | None) -> None:
    assert read_error(error_of(429, retry_after=value), {}).wait == wait


def test_retry_after_is_read_as_a_date() -> None:
    wait = read_error(error_of(429, retry_after=formatdate(time.time() + 60, usegmt=True)), {}).wait
    assert wait is not None
    assert 0 < wait <= 60


def test_long_texts_are_cut() -> None:
    assert len(shorten("word " * 1000)) == 300
