"""The engine on small random models: the same as one-by-one `generate`, whatever the batch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import ModelError
from evals.models.engine import engine as engine_module
from evals.models.engine.core import Core
from evals.models.engine.plan import Budget
from evals.models.engine.rows import Row
from evals.models.engine.slab import Slab
from evals.models.local import LocalModel
from evals.types import Completion, Request
from tests.evals.models.engine.reference import differing, greedy
from tests.tiny import WORDS, network, tiny, tokenizer, words


@pytest.fixture(scope="module")
def llama() -> LocalModel:
    return tiny()


def asked(n: int, new: int = 32, seed: int = 0, stop: tuple[str, ...] = ()) -> list[Request]:
    """Requests of mixed lengths; two in three begin with the same 60 tokens."""
    rng = random.Random(seed)
    head = [rng.randrange(2, WORDS) for _ in range(60)]
    tails = [[rng.randrange(2, WORDS) for _ in range(rng.randint(1, 40))] for _ in range(n)]
    prompts = [words(*(head if i % 3 else []), *tail) for i, tail in enumerate(tails)]
    return [Request(f"r{i}", prompt, new, stop) for i, prompt in enumerate(prompts)]


def ran(model: LocalModel, requests: list[Request], done: set[str] | None = None) -> list[Completion]:
    return list(model.generate(requests, done or ()))


def texts(completions: list[Completion]) -> dict[str, tuple[str, str]]:
    return {c.id: (c.text, c.finish) for c in completions}


FAMILIES = ["llama", "qwen2", "gemma", "mistral"]


@pytest.mark.full
@pytest.mark.parametrize("family", [*FAMILIES, "qwen3"])
@pytest.mark.parametrize("pack", [False, True])
def test_two_hundred_answers_are_those_of_generate_one_by_one(family: str, pack: bool) -> None:
    model = tiny(family, pack=pack, **({"sliding_window": None} if family == "mistral" else {}))
    requests = asked(200, seed=3)
    assert differing(model, requests, ran(model, requests)) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_answers_are_those_of_generate_one_by_one(family: str) -> None:
    model = tiny(family, **({"sliding_window": None} if family == "mistral" else {}))
    assert model.engine._unfit is None
    requests = asked(24)
    got = ran(model, requests)
    assert differing(model, requests, got) == []
    varied = [len(set(c.text.split())) >= 16 for c in got if c.usage.tokens_out == 32]
    assert len(varied) >= 12 and sum(varied) >= 0.8 * len(varied)


def test_the_prefix_is_computed_once_and_counted_so(llama: LocalModel) -> None:
    requests = [r for i, r in enumerate(asked(12, new=3)) if i % 3]
    got = ran(llama, requests)
    assert sorted(c.usage.tokens_cached for c in got) == [0] + [60] * 7
    assert all(c.usage.tokens_in == len(r.prompt.split()) for c, r in _paired(got, requests))
    assert all(c.usage.calls == 1 and c.usage.seconds > 0 for c in got)


def _paired(got: list[Completion], requests: list[Request]) -> list[tuple[Completion, Request]]:
    by_id = {r.id: r for r in requests}
    return [(c, by_id[c.id]) for c in got]


@pytest.mark.parametrize("tokens", [60, 400, 100_000])
def test_waves_of_any_size_answer_the_same(llama: LocalModel, tokens: int) -> None:
    requests = asked(15, new=12)
    expected = texts(ran(llama, requests))
    other = LocalModel("again", llama.source)
    other.engine.budget = Budget(tokens, rows=5)
    assert texts(ran(other, requests)) == expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_interrupted_run_ends_as_an_undisturbed_one(dtype: torch.dtype) -> None:
    model = tiny()
    model.source.weights().to(dtype)
    model.engine.budget = Budget(400, rows=4)
    requests = asked(14, new=20)
    expected = {c.id: replace(c, usage=replace(c.usage, seconds=0)) for c in ran(model, requests)}
    for stop_after in (1, 5, 9):
        rows = model.generate(requests)
        got = [next(rows) for _ in range(stop_after)]
        rows.close()
        done = {c.id for c in got}
        rest = ran(model, requests, done)
        assert sorted([*done, *(c.id for c in rest)]) == sorted(expected)
        assert {c.id: replace(c, usage=replace(c.usage, seconds=0)) for c in [*got, *rest]} == expected


def test_nothing_is_computed_when_everything_is_done() -> None:
    model = tiny()
    assert ran(model, asked(3), {"r0", "r1", "r2"}) == []
    assert "engine" not in vars(model)


def test_rows_come_as_soon_as_they_are_finished(llama: LocalModel) -> None:
    requests = [Request("long", words(5, 6, 7), 200), Request("short", words(8, 9), 1)]
    assert next(llama.generate(requests)).id == "short"


def test_two_generators_of_one_model_do_not_disturb_each_other(llama: LocalModel) -> None:
    one, two = asked(6, new=10), asked(6, new=10, seed=1)
    expected = texts(ran(llama, one)), texts(ran(llama, two))
    a, b = llama.generate(one), llama.generate(two)
    first, second = [], []
    for left, right in zip(a, b, strict=True):
        first.append(left)
        second.append(right)
    assert (texts(first), texts(second)) == expected


@pytest.mark.parametrize("take", [slice(3, None), slice(0, 4), slice(1, -1)])
def test_text_ends_before_a_stop_string_that_begins_or_ends_inside_a_token(
    llama: LocalModel, take: slice
) -> None:
    request = asked(1)[0]
    whole = ran(llama, [request])[0].text
    said = whole.split()
    stop = f"{said[4]} {said[5]}"[take]
    got = ran(llama, [replace(request, stop=("never said", "", stop))])[0]
    assert got.finish == "stop" and got.text == whole[: whole.index(stop)]
    assert got.usage.tokens_out < 32


def test_the_earliest_of_several_stop_strings_counts(llama: LocalModel) -> None:
    request = asked(1)[0]
    said = ran(llama, [request])[0].text.split()
    got = ran(llama, [replace(request, stop=(said[7], said[2]))])[0]
    assert got.text == words(*(int(w[1:]) for w in said[:2])) + " "


def test_the_end_token_ends_an_answer_and_is_not_part_of_it() -> None:
    model = tiny()
    request = asked(1)[0]
    tokens, _ = greedy(model, request)
    model.engine.ends = frozenset({tokens[6]})
    got = ran(model, [request])[0]
    at = tokens.index(tokens[6])
    assert (got.text, got.finish, got.usage.tokens_out) == (words(*tokens[:at]), "stop", at + 1)


def test_no_token_asked_is_an_empty_answer(llama: LocalModel) -> None:
    got = {c.id: c for c in ran(llama, [Request("a", words(4, 5), 0), Request("b", words(4, 5), 2)])}
    assert (got["a"].text, got["a"].finish, got["a"].usage.tokens_out) == ("", "length", 0)
    assert got["b"].usage.tokens_out == 2


def test_a_prompt_that_leaves_no_room_is_refused_and_the_others_go_on(llama: LocalModel) -> None:
    long = words(*([7] * 500))
    requests = [Request("fits", long, 12), Request("long", long, 13), Request("short", words(3), 2)]
    got = {c.id: c for c in ran(llama, requests)}
    assert (got["long"].finish, got["long"].text, got["long"].usage.tokens_out) == ("too_long", "", 0)
    assert got["fits"].usage.tokens_out == 12 and got["short"].usage.tokens_out == 2


def test_an_empty_prompt_is_the_beginning_of_a_text(llama: LocalModel) -> None:
    got = ran(llama, [Request("empty", "", 8)])[0]
    assert got.usage.tokens_out == 8
    assert got.text == ran(llama, [Request("bos", "<s>", 8)])[0].text


def test_a_sampled_answer_depends_on_its_seed_and_id_and_not_on_the_others(llama: LocalModel) -> None:
    hot = [replace(r, temperature=1.5) for r in asked(9, new=12)]
    together = texts(ran(llama, hot))
    assert together == texts(ran(llama, hot))
    assert texts(ran(llama, [hot[4]]))["r4"] == together["r4"]
    assert texts(ran(llama, [replace(hot[4], seed=1)]))["r4"] != together["r4"]
    assert texts(ran(llama, [replace(hot[4], id="other")]))["other"] != together["r4"]
    assert texts(ran(llama, asked(9, new=12)))["r4"] != together["r4"]


def test_a_low_temperature_says_the_likeliest(llama: LocalModel) -> None:
    cold = [replace(r, temperature=1e-4) for r in asked(4, new=8)]
    assert texts(ran(llama, cold)) == texts(ran(llama, asked(4, new=8)))


@pytest.mark.parametrize("few", [0, 100])
def test_drafts_change_no_answer(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny(seed=4, initializer_range=0.2)  # repeats itself, so that drafts are often right
    requests = [replace(r, max_tokens=40) for r in asked(10)]
    monkeypatch.setattr("evals.models.engine.decode.FEW", few)
    steps: list[Any] = []
    step = Core.step

    def counted(self: Core, *given: Any) -> torch.Tensor:
        steps.append(given)
        return step(self, *given)

    monkeypatch.setattr(Core, "step", counted)
    got = ran(model, requests)
    assert differing(model, requests, got) == []
    assert any(any(drafts) for _, drafts, *_ in steps) == bool(few)


def test_a_draft_ends_with_the_answer(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    request = asked(1)[0]
    whole = ran(llama, [request])[0]
    said = whole.text.split()
    monkeypatch.setattr(Row, "draft", lambda row, most: _next(row, said, most))
    for stop in ((), (said[9],)):
        got = ran(llama, [replace(request, stop=stop)])[0]
        assert got.text == (whole.text if not stop else whole.text[: whole.text.index(said[9])])
        assert got.usage.tokens_out == (32 if not stop else 10)


def _next(row: Row, said: list[str], most: int) -> list[int]:
    """A draft that is always right."""
    at = len(row.tokens)
    room = min(most, row.request.max_tokens - at - 1)
    return [int(word[1:]) for word in said[at : at + room]] if row.finish is None else []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_any_tree_of_prompts_lengths_and_stops_is_answered_as_one_by_one(
    llama: LocalModel, data: st.DataObject
) -> None:
    token = st.integers(2, WORDS - 1)
    trunk = data.draw(st.lists(token, min_size=0, max_size=80))
    prompts = []
    for _ in range(data.draw(st.integers(1, 7))):
        kept = data.draw(st.integers(0, len(trunk)))
        prompts.append([*trunk[:kept], *data.draw(st.lists(token, min_size=1, max_size=30))])
    stop = tuple(f"w{data.draw(token)}" for _ in range(data.draw(st.integers(0, 2))))
    requests = [
        Request(f"r{i}", words(*prompt), data.draw(st.integers(1, 12)), stop)
        for i, prompt in enumerate(prompts)
    ]
    model = LocalModel("any", llama.source)
    model.engine.budget = Budget(
        data.draw(st.sampled_from([50, 300, 100_000])), rows=data.draw(st.integers(1, 8))
    )
    together = texts(ran(model, requests))
    alone = {r.id: texts(ran(llama, [r]))[r.id] for r in requests}
    assert together == alone


def test_ten_thousand_requests_are_all_answered() -> None:
    model = tiny(hidden_size=24, intermediate_size=16, num_hidden_layers=1)
    requests = [Request(str(i), words(2 + i % 390, 2 + i // 390), 1) for i in range(10_000)]
    assert {c.id for c in ran(model, requests)} == {r.id for r in requests}


def test_an_interruption_inside_a_wave_leaves_the_model_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = tiny()
    expected = texts(ran(model, asked(5)))
    step = Core.step
    calls = []

    def interrupted(self: Core, *given: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return step(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Core, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ran(model, asked(5))
    assert texts(ran(model, asked(5))) == expected


def test_long_prompts_are_computed_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    requests = [*asked(6, new=12), Request("long", words(*range(2, 390)), 12)]
    expected = texts(ran(model, requests))
    for module in ("core", "decode"):
        monkeypatch.setattr(f"evals.models.engine.{module}.CHUNK", 37)
    assert texts(ran(model, requests)) == expected


def test_when_memory_runs_out_the_wave_is_halved(
    llama: LocalModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    requests = asked(9, new=10)
    expected = texts(ran(llama, requests))
    run_wave = engine_module.run_wave

    def short_of_memory(core: Core, rows: list[Row], prefix: Slab | None) -> Iterator[Row]:
        for n, row in enumerate(run_wave(core, rows, prefix)):
            if len(rows) > 2 and n == 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            yield row

    monkeypatch.setattr(engine_module, "run_wave", short_of_memory)
    got = ran(llama, requests)
    assert len(got) == 9 and texts(got) == expected
    assert "half" in caplog.text


def test_a_request_that_never_fits_memory_is_an_error(
    llama: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("no")

    monkeypatch.setattr(engine_module, "run_wave", no_memory)
    with pytest.raises(ModelError, match="not enough memory"):
        ran(llama, asked(3))


def test_other_errors_of_the_model_are_not_taken_for_memory(
    llama: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(engine_module, "run_wave", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        ran(llama, asked(3))


def test_a_wrapped_model_stays_as_it_was() -> None:
    from evals.models.sources import Live

    inner = network().train()
    before = inner.config._attn_implementation
    model = LocalModel("training", Live(inner, tokenizer()))
    rows = model.generate(asked(3, new=6))
    next(rows)
    assert inner.training and inner.config._attn_implementation == before
    assert len(list(rows)) == 2 and inner.training


def test_scores_are_the_models_own_log_likelihoods(llama: LocalModel) -> None:
    prompt = words(*range(10, 80))
    tails = [" " + words(*t) for t in ([5], [6, 7, 8], [9] * 30, [11, 12])]
    got = llama.score(prompt, [*tails, ""])
    assert got[-1] == 0.0
    for tail, score in zip(tails, got, strict=False):
        assert score == pytest.approx(_likelihood(llama, prompt, tail), abs=1e-4)


@pytest.fixture(scope="module")
def calm() -> LocalModel:
    """Logits of a real model's size: a sum of numbers near a hundred is not known to 1e-4 in fp32."""
    return tiny(initializer_range=0.2)


def test_many_prompts_are_scored_as_each_alone_whatever_they_share(calm: LocalModel) -> None:
    rng = random.Random(6)
    head = [rng.randrange(2, WORDS) for _ in range(50)]
    asked: list[tuple[str, list[str]]] = []
    for i in range(12):
        prompt = words(
            *(head if i % 4 else []), *(rng.randrange(2, WORDS) for _ in range(rng.randint(1, 40)))
        )
        first = [rng.randrange(2, 6) for _ in range(9)]
        tails = [(n, *(rng.randrange(2, 9) for _ in range(rng.randint(0, 4)))) for n in first]
        asked.append((prompt, [" " + words(*tail) for tail in tails]))
    asked.append((words(7, 8), []))
    got = calm.scores(asked)
    for (prompt, tails), scores in zip(asked, got, strict=True):
        expected = [_likelihood(calm, prompt, tail) for tail in tails]
        assert scores == pytest.approx(expected, abs=1e-4)


def test_a_tree_of_continuations_is_split_when_it_is_large(
    calm: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [(words(*range(5, 45)), [" " + words(n, n + 1, n + 2) for n in range(2, 40)]) for _ in range(3)]
    expected = calm.scores(asked)
    monkeypatch.setattr("evals.models.engine.score.NODES", 9)
    monkeypatch.setattr("evals.models.engine.score.ROWS", 4)
    for one, other in zip(calm.scores(asked), expected, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_continuation_too_long_for_a_tree_is_read_in_pieces(
    calm: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [(words(*range(5, n)), [" " + words(*range(n, n + 30)), " w7"]) for n in (6, 45)]
    expected = calm.scores(asked)
    for module in ("engine", "score"):
        monkeypatch.setattr(f"evals.models.engine.{module}.NODES", 8)
    monkeypatch.setattr("evals.models.engine.score.ROWS", 3)
    for one, other in zip(calm.scores(asked), expected, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_what_is_told_says_whether_a_continuation_is_the_greedy_one(
    llama: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = next(iter(llama.generate([Request("a", words(5, 6, 7), 20)]))).text.split()
    prompt, *tails = llama.renderer.text_ids(
        [words(5, 6, 7), " ".join(said), " ".join([*said[:-1], "w399" if said[-1] != "w399" else "w398"])],
        special=False,
    )
    given = llama.renderer.ids([words(5, 6, 7)])[0]
    assert len(prompt) == 3
    for nodes in (512, 4):
        for module in ("engine", "score"):
            monkeypatch.setattr(f"evals.models.engine.{module}.NODES", nodes)
        told = llama.engine.tell([(given, tails, [0, 0])])[0]
        assert [greedy for _, greedy in told] == [True, False]


def test_a_continuation_of_nothing_is_scored_from_the_beginning_of_text(llama: LocalModel) -> None:
    assert llama.score("", ["w5 w6"]) == pytest.approx([_likelihood(llama, "<s>", " w5 w6")], abs=1e-4)


def test_a_continuation_that_does_not_fit_is_an_error(llama: LocalModel) -> None:
    with pytest.raises(ModelError, match="513 tokens"):
        llama.score(words(*[5] * 500), [" " + words(*[6] * 13)])


def _likelihood(model: LocalModel, prompt: str, tail: str) -> float:
    whole = torch.tensor([model.renderer.tokenizer(prompt + tail)["input_ids"]])
    with torch.no_grad():
        logits = model.engine.core.model(whole).logits[0].float().log_softmax(-1)
    n = len(tail.split())
    return float(logits[-n - 1 : -1].gather(1, whole[0, -n:, None]).sum())


@pytest.mark.parametrize("changes", [{"sliding_window": 24}, {"sliding_window": 4096}])
def test_a_window_shorter_than_the_text_goes_the_plain_way(
    changes: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny("mistral", **changes)
    requests = asked(8, new=12)
    got = ran(model, requests)
    assert differing(model, requests, got) == []
    assert ("plain generate" in caplog.text) == (changes["sliding_window"] == 24)


def test_an_encoder_with_a_decoder_goes_the_plain_way(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny("t5")
    requests = [replace(r, stop=("w17",)) for r in asked(4, new=6)]
    got = {c.id: c for c in ran(model, requests)}
    assert "it has an encoder" in caplog.text and len(got) == 4
    sampled = [replace(r, temperature=1.0) for r in requests]
    assert texts(ran(model, sampled)) == texts(ran(model, sampled[::-1]))
    assert all(score < 0 for score in model.score("w5 w6", [" w7", " w8 w9"]))
