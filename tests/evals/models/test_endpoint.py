"""The endpoint against a real HTTP server on this machine."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ModelError, OutageError
from evals.models.endpoint import CONTEXT, Endpoint, open_endpoint
from evals.types import Completion, Message, Model, ModelRef, Request
from tests.clocks import PATIENCE
from tests.evals.models.openai_server import OpenAIServer, Say, nobody_listening

KEY = "sk-secret-0123456789"


class Pauses:
    """Stands in for the clock's pauses and remembers them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def ref(server: OpenAIServer, **more: Any) -> ModelRef:
    return ModelRef("toy", provider="endpoint", endpoint=server.url, **more)


def model_at(server: OpenAIServer, **options: Any) -> Endpoint:
    return open_endpoint(ref(server), **{"jobs": 1, "sleep": Pauses(), **options})


def ask(id: str, text: str | None = None, **more: Any) -> Request:
    return Request(id, (Message("user", text or f"say {id}"),), max_tokens=16, **more)


def asks(count: int) -> list[Request]:
    return [ask(f"r{n}") for n in range(count)]


def one(server: OpenAIServer, **options: Any) -> Completion:
    (completion,) = model_at(server, **options).generate([ask("a")])
    return completion


def until(
    model: Endpoint, requests: Sequence[Request], error: type[Exception]
) -> tuple[list[Completion], str]:
    """What came before the expected error, and its text."""
    got: list[Completion] = []
    with pytest.raises(error) as raised:
        got.extend(model.generate(requests))
    return got, str(raised.value)


# Answers


def test_every_request_is_answered_once_under_its_own_id() -> None:
    with OpenAIServer() as server:
        got = list(model_at(server, jobs=8).generate(asks(200)))
    assert {c.id: c.text for c in got} == {f"r{n}": f"SAY R{n}" for n in range(200)}
    assert len(got) == 200
    assert len(server.seen) == 200


def test_what_is_done_is_not_asked_again() -> None:
    with OpenAIServer() as server:
        got = list(model_at(server).generate(asks(5), done={"r0", "r3"}))
    assert sorted(c.id for c in got) == ["r1", "r2", "r4"]
    assert sorted(server.prompts) == ["say r1", "say r2", "say r4"]


def test_the_settings_of_a_request_are_sent() -> None:
    request = Request(
        "a", (Message("system", "be brief"), Message("user", "hi")), 7, stop=("\n",), temperature=0.5, seed=3
    )
    with OpenAIServer() as server:
        list(model_at(server).generate([request]))
    assert server.seen[0].path == "/v1/chat/completions"
    assert server.seen[0].body == {
        "model": "toy",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "max_tokens": 7,
        "stop": ["\n"],
        "temperature": 0.5,
        "seed": 3,
    }


def test_plain_text_goes_to_completions_without_a_chat_template() -> None:
    with OpenAIServer() as server:
        (completion,) = model_at(server).generate([Request("a", "once upon", max_tokens=4)])
    assert completion.text == "ONCE UPON"
    assert server.seen[0].path == "/v1/completions"
    assert server.seen[0].body["prompt"] == "once upon"


@pytest.mark.parametrize(
    ("say", "finish", "text"),
    [
        (Say(finish="stop"), "stop", "SAY A"),
        (Say(finish="length"), "length", "SAY A"),
        (Say(finish="content_filter"), "refused", "SAY A"),
        (Say(finish="something_new"), "stop", "SAY A"),
        (Say(raw='{"choices": [{"message": {"content": null, "refusal": "no"}}]}'), "refused", "no"),
        (Say(raw='{"choices": [{"message": {"content": [{"type": "text", "text": "hi"}]}}]}'), "stop", "hi"),
        (Say(raw='{"choices": [{"message": {"content": "half \\ud83d"}}]}'), "stop", "half ?"),
    ],
)
def test_why_an_answer_ended_is_told(say: Say, finish: str, text: str) -> None:
    with OpenAIServer(always=say) as server:
        completion = one(server)
    assert (completion.finish, completion.text) == (finish, text)


def test_usage_is_what_the_server_reports() -> None:
    start = time.perf_counter()
    with OpenAIServer(always=Say(message="three words here", cached=1)) as server:
        usage = one(server).usage
    assert (usage.tokens_in, usage.tokens_cached, usage.tokens_out, usage.calls) == (2, 1, 3, 1)
    assert 0 < usage.seconds < time.perf_counter() - start


def test_missing_usage_is_estimated_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with OpenAIServer(always=Say(usage=False, message="x" * 9)) as server:
        model = model_at(server)
        got = list(model.generate(asks(3)))
    assert [c.usage.tokens_out for c in got] == [3, 3, 3]
    assert [c.usage.tokens_in for c in got] == [model.count(r.prompt) for r in asks(3)]
    assert caplog.text.count("reports no token counts") == 1


def test_busy_seconds_cover_the_wait_for_the_network_and_not_the_caller() -> None:
    with OpenAIServer() as server:
        model = model_at(server)
        start = time.perf_counter()
        list(model.generate(asks(5)))
        assert 0 < model.busy_seconds <= time.perf_counter() - start


# Trying again


@pytest.mark.parametrize(
    "first",
    [
        Say(429, "slow down"),
        Say(500, "oops"),
        Say(503, raw="<html><body>maintenance</body></html>", content_type="text/html"),
        Say(act="drop"),
        Say(act="cut"),
        Say(raw="Sorry, what?"),
        Say(raw="<html>hello</html>", content_type="text/html"),
        Say(raw='{"choices": []}'),
        Say(raw="[1, 2]"),
        Say(raw='{"choices": [{}]}'),
    ],
)
def test_a_passing_trouble_is_tried_again_and_counted(first: Say) -> None:
    with OpenAIServer([first]) as server:
        completion = one(server)
    assert (completion.text, completion.finish, completion.error) == ("SAY A", "stop", None)
    assert completion.usage.calls == 2
    assert len(server.seen) == 2


def test_a_silent_server_is_given_up_after_the_read_timeout_and_tried_again() -> None:
    with OpenAIServer([Say(act="hang")]) as server:
        completion = one(server, read_seconds=1.0)
    assert (completion.text, completion.usage.calls) == ("SAY A", len(server.seen))
    assert completion.usage.calls > 1


def test_the_server_decides_how_long_to_wait() -> None:
    pauses = Pauses()
    with OpenAIServer([Say(429, "slow", retry_after="7"), Say(503, "slow", retry_after="11")]) as server:
        one(server, sleep=pauses)
    assert 7 <= pauses.seconds[0] <= 8
    assert 11 <= pauses.seconds[1] <= 13


def test_pauses_grow_and_are_spread() -> None:
    pauses = Pauses()
    with OpenAIServer(always=Say(500, "down")) as server:
        completion = one(server, sleep=pauses, retries=6)
    assert completion.usage.calls == 7
    assert all(0 <= s <= 2**n for n, s in enumerate(pauses.seconds))
    assert len(set(pauses.seconds)) == 6


def test_a_wait_of_an_hour_is_not_waited_for() -> None:
    pauses = Pauses()
    with OpenAIServer(always=Say(429, "come back tomorrow", retry_after="3600")) as server:
        completion = one(server, sleep=pauses)
    assert completion.finish == "error"
    assert completion.error == "429: come back tomorrow"
    assert pauses.seconds == []


def test_without_retries_the_first_trouble_is_the_last() -> None:
    with OpenAIServer([Say(500, "oops")]) as server:
        completion = one(server, retries=0)
    assert (completion.finish, completion.error, completion.usage.calls) == ("error", "500: oops", 1)


# Rows that get no answer


def test_a_row_without_an_answer_is_an_error_and_the_others_go_on() -> None:
    def rule(path: str, body: dict[str, Any]) -> Say | None:
        return Say(500, "bad luck") if body["messages"][-1]["content"] == "say r1" else None

    with OpenAIServer(rule=rule) as server:
        got = {c.id: c for c in model_at(server, retries=2).generate(asks(4))}
    assert got["r1"].finish == "error"
    assert got["r1"].error == "500: bad luck"
    assert got["r1"].usage.calls == 3
    assert [got[i].finish for i in ("r0", "r2", "r3")] == ["stop"] * 3


@pytest.mark.parametrize(
    "say",
    [
        Say(400, "too much", code="context_length_exceeded"),
        Say(400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"),
        Say(400, "'max_tokens' or 'max_completion_tokens' is too large: the maximum context length is 9"),
        Say(413, "prompt is too long: 210000 tokens > 200000 maximum"),
        Say(500, "the request exceeds the available context size", code="exceed_context_size_error"),
    ],
)
def test_a_prompt_that_does_not_fit_is_too_long_and_not_tried_again(say: Say) -> None:
    with OpenAIServer(always=say) as server:
        completion = one(server)
    assert (completion.finish, completion.error, completion.usage.calls) == ("too_long", None, 1)


def test_a_prompt_stopped_by_a_content_filter_is_refused() -> None:
    with OpenAIServer(always=Say(400, "filtered", code="content_filter")) as server:
        completion = one(server)
    assert (completion.finish, completion.error) == ("refused", None)


def test_a_rejected_request_is_an_error_row_and_not_tried_again() -> None:
    with OpenAIServer([Say(400, "no such role")]) as server:
        got = list(model_at(server).generate(asks(2)))
    assert [(c.finish, c.error) for c in got] == [("error", "400: no such role"), ("stop", None)]


def test_a_server_that_rejects_everything_is_an_error_at_once() -> None:
    with OpenAIServer(always=Say(400, "temperature is not supported")) as server:
        got, message = until(model_at(server), asks(100), ModelError)
    assert len(got) == 8
    assert "rejects every request (400: temperature is not supported)" in message


def test_the_newer_name_of_max_tokens_is_used_once_the_server_asks_for_it() -> None:
    def rule(path: str, body: dict[str, Any]) -> Say | None:
        return Say(400, "Unsupported: use 'max_completion_tokens' instead.") if "max_tokens" in body else None

    with OpenAIServer(rule=rule) as server:
        got = list(model_at(server).generate(asks(3)))
    assert [c.finish for c in got] == ["stop"] * 3
    assert [c.usage.calls for c in got] == [2, 1, 1]
    assert server.seen[-1].body["max_completion_tokens"] == 16


# Giving up


def test_eight_failed_rows_in_a_row_are_an_outage_that_can_be_resumed() -> None:
    answered = [Say()] * 5
    with OpenAIServer(answered, always=Say(503, "down")) as server:
        got, message = until(model_at(server, retries=1), asks(50), OutageError)
    assert OutageError.exit_code == 5
    assert [c.finish for c in got] == ["stop"] * 5 + ["error"] * 8
    assert "8 requests in a row got no answer (503: down); 5 were answered before" in message
    assert "same command" in message


def test_an_answer_between_failures_is_no_outage() -> None:
    with OpenAIServer(([Say(500, "x")] * 7 + [Say()]) * 3) as server:
        got = list(model_at(server, retries=0).generate(asks(24)))
    assert [c.finish for c in got].count("error") == 21


def test_failures_are_counted_over_single_requests_too() -> None:
    with OpenAIServer(always=Say(500, "down")) as server:
        model = model_at(server, retries=0)
        for n in range(7):
            assert [c.finish for c in model.generate([ask(f"r{n}")])] == ["error"]
        with pytest.raises(OutageError):
            list(model.generate([ask("r7")]))


def test_nobody_listening_is_an_outage_said_soon() -> None:
    with nobody_listening() as port:
        address = f"http://127.0.0.1:{port}/v1"
        model = open_endpoint(ModelRef("toy", endpoint=address), jobs=1, sleep=Pauses())
        got, message = until(model, asks(20), OutageError)
    assert {c.usage.calls for c in got} == {3}
    assert "refused" in message
    assert address in message


@pytest.mark.parametrize("status", [401, 403])
def test_a_denied_key_stops_at_once_and_names_its_variable(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KEY", KEY)
    with OpenAIServer(always=Say(status, "no access")) as server:
        model = open_endpoint(ref(server, api_key_env="TOY_KEY"), jobs=1)
        got, message = until(model, asks(9), ModelError)
    assert got == []
    assert f"denies access ({status}: no access)" in message
    assert "TOY_KEY" in message


def test_a_denied_request_without_a_key_says_how_to_name_one() -> None:
    with OpenAIServer(always=Say(401, "who are you")) as server:
        _, message = until(model_at(server), asks(1), ModelError)
    assert "api_key_env" in message


def test_an_unknown_model_is_answered_with_what_there_is() -> None:
    with OpenAIServer(always=Say(404, "no toy here"), models={"toys": {}, "other": {}}) as server:
        got, message = until(model_at(server), asks(3), ModelError)
    assert got == []
    assert "has no model 'toy' (404: no toy here). Did you mean 'toys'?" in message
    assert "toys, other" in message


def test_a_wrong_path_says_how_addresses_end() -> None:
    page = Say(404, raw="<h1>Not Found</h1>", content_type="text/html")
    with OpenAIServer(always=page, models=page) as server:
        _, message = until(model_at(server), asks(3), ModelError)
    assert "there is no such place (404: Not Found)" in message
    assert "/v1" in message


def test_another_service_does_not_speak_the_api() -> None:
    page = Say(raw="<html><title>Router</title>Welcome</html>", content_type="text/html")
    with OpenAIServer(always=page) as server:
        got, message = until(model_at(server), asks(50), ModelError)
    assert [c.finish for c in got] == ["error"] * 4
    assert "does not speak the OpenAI API (the answer is not JSON: Router Welcome)" in message


@pytest.mark.parametrize("say", [Say(402, "no credit"), Say(429, "quota", code="insufficient_quota")])
def test_an_empty_account_stops_at_once_and_can_be_resumed(say: Say) -> None:
    with OpenAIServer([Say()], always=say) as server:
        got, message = until(model_at(server), asks(9), OutageError)
    assert len(got) == 1
    assert "1 requests were answered before" in message


# The key


def test_the_key_comes_from_its_variable_and_goes_into_the_header_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOY_KEY", KEY + "\n")
    caplog.set_level(logging.DEBUG)
    echo = [Say(500, f"Bearer {KEY} broke us"), Say(400, f"{KEY} is odd"), Say(401, f"wrong key {KEY}")]
    with OpenAIServer(echo) as server:
        model = open_endpoint(ref(server, api_key_env="TOY_KEY"), jobs=1, sleep=Pauses())
        got, message = until(model, asks(3), ModelError)
    assert server.seen[0].authorization == f"Bearer {KEY}"
    assert got[0].error == "400: [key] is odd"
    assert "wrong key [key]" in message
    assert "broke us" in caplog.text
    for text in (caplog.text, repr(got), repr(model), message, *map(repr, (s.body for s in server.seen))):
        assert KEY not in text


def test_a_missing_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOY_KEY", raising=False)
    with pytest.raises(ModelError, match="TOY_KEY is not set"):
        open_endpoint(ModelRef("toy", endpoint="http://127.0.0.1:9/v1", api_key_env="TOY_KEY"))


def test_a_key_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_KEY", "sk-ключ")
    with pytest.raises(ModelError, match="TOY_KEY") as raised:
        open_endpoint(ModelRef("toy", endpoint="http://127.0.0.1:9/v1", api_key_env="TOY_KEY"))
    assert "ключ" not in str(raised.value)


def test_another_programs_key_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with OpenAIServer() as server:
        one(server)
    assert KEY not in str(server.seen[0].authorization)


def test_a_password_in_the_address_is_not_shown() -> None:
    address = "http://me:hunter2@127.0.0.1:9/v1"
    assert "hunter2" not in repr(open_endpoint(ModelRef("toy", endpoint=address)))


# Concurrency


def test_no_more_requests_are_on_their_way_than_allowed() -> None:
    with OpenAIServer() as server:
        list(model_at(server, jobs=3).generate(asks(60)))
        assert 1 <= server.most_at_once <= 3


def test_requests_are_sent_only_as_their_answers_are_taken() -> None:
    with OpenAIServer() as server:
        answers = model_at(server, jobs=2).generate(asks(1000))
        for _ in range(10):
            next(answers)
        answers.close()
        assert 10 <= len(server.seen) <= 14


def test_a_slow_row_does_not_hold_up_the_others() -> None:
    def rule(path: str, body: dict[str, Any]) -> Say | None:
        return Say(act="hang") if body["messages"][-1]["content"] == "say r0" else None

    with OpenAIServer(rule=rule) as server:
        answers = model_at(server, jobs=2).generate(asks(20))
        first = [next(answers).id for _ in range(19)]
        answers.close()
    assert sorted(first) == sorted(f"r{n}" for n in range(1, 20))


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored when the tests run in the background
from evals.models.endpoint import open_endpoint
from evals.types import ModelRef, Request, Message
requests = [Request(str(n), (Message("user", "x"),), 4) for n in range(20)]
list(open_endpoint(ModelRef("toy", endpoint=sys.argv[1]), jobs=4).generate(requests))
"""


def test_ctrl_c_ends_the_process_while_the_server_is_silent() -> None:
    root = Path(__file__).parents[3]
    with OpenAIServer(always=Say(act="hang")) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, server.url],
            env={**os.environ, "PYTHONPATH": str(root)},
            stderr=subprocess.PIPE,
        )
        assert server.arrived.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert b"KeyboardInterrupt" in errors
    assert process.returncode in (1, -signal.SIGINT)


# What it is


def test_it_is_a_model() -> None:
    with OpenAIServer() as server:
        model: Model = model_at(server)
        assert model.context == CONTEXT


@pytest.mark.parametrize(
    ("models", "context"),
    [
        ({"toy": {"max_model_len": 4096}, "other": {"max_model_len": 1}}, 4096),
        ({"toy": {"context_length": 8192}}, 8192),
        ({"/models/toy-on-disk": {"max_model_len": 2048}}, 2048),
        ({"a": {"max_model_len": 1}, "b": {}}, CONTEXT),
        (Say(500, raw="down"), CONTEXT),
        (Say(raw="<html>", content_type="text/html"), CONTEXT),
    ],
)
def test_the_context_is_what_the_server_tells(models: Any, context: int) -> None:
    with OpenAIServer(models=models) as server:
        assert model_at(server).context == context


def test_tokens_are_estimated_without_a_tokenizer() -> None:
    model = open_endpoint(ModelRef("toy", endpoint="http://127.0.0.1:9/v1"))
    assert model.count("x" * 41) == 11
    assert model.count((Message("system", "x" * 8), Message("user", "x" * 4))) == 4 + 2 + 4 + 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.score("a", ["b"]), "log-likelihoods"),
        (lambda m: m.generate([ask("a", stop=tuple("abcde"))]), "5 stop texts; this API takes at most 4"),
    ],
)
def test_what_an_endpoint_cannot_do_is_said(call: Callable[[Endpoint], object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call(open_endpoint(ModelRef("toy", endpoint="http://127.0.0.1:9/v1")))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (ModelRef("toy"), "not an address"),
        (ModelRef("toy", endpoint="api.example.com/v1"), "https://host/v1"),
        (ModelRef("toy", endpoint="http://127.0.0.1:9/v1", adapter="out/adapter"), "adapter"),
    ],
)
def test_a_reference_that_makes_no_endpoint_is_refused(made: ModelRef, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        open_endpoint(made)
