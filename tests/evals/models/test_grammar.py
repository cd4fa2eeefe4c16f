from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evals.errors import ModelError
from evals.graders import answer_text
from evals.graders.strict_json import read_json_text
from evals.models import grammar
from evals.models.grammar import Grammars, apply, fill, masks
from evals.models.keywords import ignored
from evals.models.local import LocalModel
from tests import tiny
from tests.evals.models.walks import admits, allowed, walk

BYTES = tiny.byte_tokenizer()
SMALL = Grammars(BYTES, tiny.WORDS, {1})
SLOW = (HealthCheck.large_base_example, HealthCheck.too_slow)
TICKET = {
    "type": "object",
    "properties": {
        "category": {"enum": ["billing", "bug", "feature"]},
        "summary": {"type": "string", "minLength": 1, "maxLength": 60},
        "order": {"type": "string", "pattern": r"^[A-Z]{2}-\d{4}$"},
        "amount": {"type": ["number", "null"], "minimum": 0, "maximum": 1000},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 3},
    },
    "required": ["category", "summary"],
}


class Model:
    """A tokenizer, the width of its logits, its end, and grammars for it."""

    def __init__(self, tokenizer: Any, size: int) -> None:
        self.tokenizer, self.size = tokenizer, size
        self.grammars = Grammars(tokenizer, size, {tokenizer.eos_token_id})

    def matcher(self, **asked: Any) -> grammar.Matcher:
        return self.grammars.matcher(asked)


@pytest.fixture(scope="module")
def real(smollm: LocalModel) -> Model:
    return Model(smollm.renderer.tokenizer, smollm.source.config().vocab_size)


def schemas() -> st.SearchStrategy[Mapping[str, Any]]:
    """Schemas of the keywords that are enforced, nested and combined."""
    few = st.integers(0, 3)
    names = st.lists(st.sampled_from(["a", "b", "c d"]), unique=True, max_size=2)
    limits = st.fixed_dictionaries(
        {}, optional={k: st.integers(-20, 20) for k in ("minimum", "exclusiveMaximum")}
    )
    texts = st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": few,
            "maxLength": st.integers(3, 6),
            "pattern": st.sampled_from(["^a", '"', r"^\W*$"]),
        },
    )
    leaves = st.one_of(
        texts,
        st.builds(lambda kind, more: {"type": kind, **more}, st.sampled_from(["integer", "number"]), limits),
        st.sampled_from(
            [True, {"type": "boolean"}, {"enum": ["a", 1.5, None, [1, {"b": '"'}]]}, {"$ref": "#/$defs/r"}]
        ),
    )

    def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        some = st.lists(inner, min_size=1, max_size=2)
        objects = st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            },
            optional={"required": names, "additionalProperties": st.one_of(st.just(False), inner)},
        )
        arrays = st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={"items": inner, "prefixItems": some, "minItems": few, "maxItems": few},
        )
        joined = st.builds(
            lambda own, key, branches: {**(own if isinstance(own, dict) else {}), key: branches},
            inner, st.sampled_from(["anyOf", "allOf"]), some,
        )  # fmt: skip
        return st.one_of(objects, arrays, joined)

    recursive = {"type": "object", "properties": {"of": {"$ref": "#/$defs/r"}, "n": {"type": "integer"}}}
    whole = st.recursive(leaves, nested, max_leaves=5).filter(lambda s: isinstance(s, dict))
    return whole.map(lambda s: {**s, "$defs": {"r": recursive}})


def held(schema: Any) -> bool:
    try:
        return not ignored(schema)
    except ModelError:
        return False


@settings(max_examples=80, suppress_health_check=SLOW)
@given(schemas().filter(held), st.randoms(use_true_random=False))
def test_whatever_the_masks_lead_to_is_valid_under_the_schema(schema: Any, rng: random.Random) -> None:
    matcher = SMALL.matcher({"schema": schema})
    for _ in range(3):
        text = walk(matcher, BYTES, tiny.WORDS, rng, steps=25)
        if text is not None:
            assert Draft202012Validator(schema).is_valid(json.loads(text)), text
            assert "\n" not in text and text == text.strip()


@pytest.mark.full
@settings(max_examples=2000, suppress_health_check=SLOW)
@given(schemas().filter(held), st.randoms(use_true_random=False))
def test_whatever_the_masks_lead_to_is_valid_at_length(schema: Any, rng: random.Random) -> None:
    matcher = SMALL.matcher({"schema": schema})
    for _ in range(5):
        text = walk(matcher, BYTES, tiny.WORDS, rng)
        assert text is None or Draft202012Validator(schema).is_valid(json.loads(text)), text


def test_a_real_vocabulary_is_led_to_valid_answers_whatever_it_likes(real: Model) -> None:
    matcher, rng = real.matcher(schema=TICKET), random.Random(0)
    texts = [walk(matcher, real.tokenizer, real.size, rng) for _ in range(12)]
    answers = [read_json_text(text) for text in texts if text is not None]
    assert len(answers) >= 8 and all(Draft202012Validator(TICKET).is_valid(answer) for answer in answers)
    assert len({str(answer) for answer in answers}) == len(answers)


@pytest.mark.parametrize("tokens", ["real", "bytes"])
def test_targets_can_be_written_as_they_stand_in_the_data(real: Model, tokens: str) -> None:
    model = real if tokens == "real" else Model(BYTES, tiny.WORDS)
    target = {
        "category": "bug",
        "summary": 'It says "no",\nthen \\ — é😀',
        "amount": 12.5,
        "tags": ["a b", ""],
    }
    assert admits(model.matcher(schema=TICKET), model.tokenizer, answer_text(target))
    for broken in (
        json.dumps(target, indent=1),
        json.dumps(target, separators=(",", ":")),
        json.dumps(dict(reversed(target.items()))),
        answer_text(target) + " ",
        answer_text(target)[:-1],
    ):
        assert not admits(model.matcher(schema=TICKET), model.tokenizer, broken)


def test_any_json_is_one_value_on_one_line(real: Model) -> None:
    matcher, rng = real.matcher(schema=True), random.Random(1)
    for value in ({"a": [1, None, {"b": "\t"}]}, [], "x", -0.5, False):
        assert admits(matcher, real.tokenizer, answer_text(value) if not isinstance(value, str) else '"x"')
    assert not admits(matcher, real.tokenizer, "{}{}")
    texts = [walk(matcher, real.tokenizer, real.size, rng, steps=12) for _ in range(8)]
    assert sum(json.loads(text) is not Ellipsis for text in texts if text is not None) >= 5


PATTERNS = [
    r"(yes|no)(, because .{1,20})?",
    r"[A-Z]{2}-\d{4}",
    r"\S{1,3}@\w{1,3}\.(com|org)",
    r"[^\W\d]+ é?",
    r'"[^"]*"',
    r"a|ab|abc",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_regex_is_matched_as_a_whole(real: Model, pattern: str) -> None:
    matcher, rng = real.matcher(regex=pattern), random.Random(2)
    texts = [walk(matcher, real.tokenizer, real.size, rng, steps=10) for _ in range(60)]
    found = [text for text in texts if text is not None]
    assert found and all(re.fullmatch(pattern, text) for text in found)


@settings(max_examples=60)
@given(st.sampled_from(PATTERNS).flatmap(lambda p: st.tuples(st.just(p), st.from_regex(p, fullmatch=True))))
def test_whatever_matches_a_regex_can_be_written(drawn: tuple[str, str]) -> None:
    pattern, text = drawn
    if re.fullmatch(pattern, text) and text.isprintable():
        assert admits(SMALL.matcher({"regex": pattern}), BYTES, text)


LABELS = ["billing", "bill", 'say "no"\\', "né", "nè", "日本", "a\nb", "refund status pending"]


@pytest.mark.parametrize("tokens", ["real", "bytes"])
def test_labels_are_exactly_one_of_the_texts(real: Model, tokens: str) -> None:
    model = real if tokens == "real" else Model(BYTES, tiny.WORDS)
    matcher, rng = model.matcher(labels=LABELS), random.Random(3)
    assert all(admits(matcher, model.tokenizer, label) for label in LABELS)
    assert not any(admits(matcher, model.tokenizer, text) for text in ("", "bil", "billings", " bill", "n"))
    assert {walk(matcher, model.tokenizer, model.size, rng) for _ in range(60)} <= set(LABELS)


@pytest.mark.parametrize(
    ("asked", "held", "broken"),
    [
        ({"labels": ["yes", "no"]}, "yes", "yes, surely"),
        ({"regex": r"\d+"}, "42", "4 2"),
        ({"schema": {"type": "string", "maxLength": 4}}, '"a\\n"', '"a\n"'),
        ({"schema": TICKET}, '{"category": "bug", "summary": "x"}', '{"category": "bug"}'),
    ],
)
def test_behind_a_mark_the_answer_is_held_and_before_it_nothing(
    real: Model, asked: dict[str, Any], held: str, broken: str
) -> None:
    matcher = real.matcher(**asked, after="Final answer:")
    thought = 'Let me see:\n1. a "quote" {\n\nSo the final answer: is\n'
    for gap in (" ", "\n", "** "):
        assert admits(matcher, real.tokenizer, f"{thought}Final answer:{gap}{held}")
        assert not admits(matcher, real.tokenizer, f"{thought}Final answer:{gap}{broken}")
    assert not admits(matcher, real.tokenizer, held)
    assert not admits(matcher, real.tokenizer, f"Final answer: {held}\nFinal answer: {held}")
    assert not matcher.forced()


def test_an_end_is_allowed_exactly_where_the_grammar_may_end(real: Model) -> None:
    matcher = real.matcher(labels=["bill", "billing"])
    end = real.tokenizer.eos_token_id
    assert end not in allowed(matcher, real.size) and not matcher.accept(end)
    for token in real.tokenizer("bill", add_special_tokens=False)["input_ids"]:
        assert matcher.accept(token)
    assert end in allowed(matcher, real.size) and not matcher.finished
    for token in real.tokenizer("ing", add_special_tokens=False)["input_ids"]:
        assert matcher.accept(token)
    assert allowed(matcher, real.size) == [end] and matcher.finished
    assert matcher.accept(end) and matcher.finished and matcher.forced() == []
    assert allowed(matcher, real.size) == [end] and not matcher.accept(end)


def test_every_end_token_ends_and_no_silent_token_is_ever_allowed(real: Model) -> None:
    ends = {0, 2}
    matcher = Grammars(real.tokenizer, real.size, ends).matcher({"regex": ".*"})
    silent = {i for i, token in real.tokenizer.added_tokens_decoder.items() if token.special}
    assert len(silent) > 10 and silent & set(allowed(matcher, real.size)) == ends
    for end in ends:
        assert matcher.accept(end)
        matcher.reset()


def test_what_is_forced_is_given_in_the_tokenizers_own_pieces(real: Model) -> None:
    matcher = real.matcher(
        schema={
            "type": "object",
            "properties": {"customer_name": {"type": "string"}},
            "required": ["customer_name"],
        }
    )
    forced = matcher.forced()
    assert real.tokenizer.decode(forced) == '{"customer_name":'
    assert forced == real.tokenizer('{"customer_name":', add_special_tokens=False)["input_ids"]
    assert all(matcher.accept(token) for token in forced) and matcher.forced() == []


def test_forced_text_is_complete_only_where_nothing_can_follow(real: Model) -> None:
    whole = real.matcher(labels=["refund status pending"])
    assert real.tokenizer.decode(whole.forced()) == "refund status pending"
    assert (
        real.matcher(labels=["refund status", "refund statuses"]).forced()
        == real.tokenizer("refund")["input_ids"]
    )
    assert real.matcher(labels=["né", "nè"]).forced() == []
    assert real.matcher(labels=["a", "b"]).forced() == []


def test_forced_tokens_leave_a_state_from_which_every_walk_is_valid(real: Model) -> None:
    schema = {
        "type": "object",
        "properties": {"first": {"const": "always the same"}, "second": {"type": "integer"}},
        "required": ["first", "second"],
    }
    matcher = real.matcher(schema=schema)
    text = ""
    while not matcher.finished:
        forced = matcher.forced() or [random.Random(len(text)).choice(allowed(matcher, real.size))]
        if forced == [real.tokenizer.eos_token_id]:
            break
        assert all(matcher.accept(token) for token in forced)
        text += real.tokenizer.decode(forced)
    assert Draft202012Validator(schema).is_valid(json.loads(text))


def test_a_matcher_disturbs_no_other_of_its_grammar_and_begins_again() -> None:
    one, other = SMALL.matcher({"schema": TICKET}), SMALL.matcher({"schema": TICKET})
    before = allowed(one, tiny.WORDS)
    for token in BYTES('{"category": "b', add_special_tokens=False)["input_ids"]:
        assert one.accept(token)
    assert allowed(one, tiny.WORDS) != before == allowed(other, tiny.WORDS)
    one.reset()
    assert allowed(one, tiny.WORDS) == before


def test_a_refused_token_changes_nothing() -> None:
    matcher = SMALL.matcher({"labels": ["abc"]})
    before = allowed(matcher, tiny.WORDS)
    assert not matcher.accept(BYTES("x")["input_ids"][0]) and not matcher.accept(1)
    assert allowed(matcher, tiny.WORDS) == before


def test_a_grammar_is_compiled_once_and_the_order_of_properties_is_part_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = []
    rules = grammar._rules
    monkeypatch.setattr(grammar, "_rules", lambda schema: written.append(schema) or rules(schema))
    grammars = Grammars(BYTES, tiny.WORDS, {1})
    ab = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]}
    ba = {"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a", "b"]}
    for schema in (ab, ba, ab, ba):
        first = "a" if schema is ab else "b"
        text = json.dumps({first: 1, "ba"["ab".index(first)]: 2})
        assert admits(grammars.matcher({"schema": dict(schema)}), BYTES, text)
    assert len(written) == 2


def test_rows_are_filled_together_and_those_without_a_grammar_stay_free() -> None:
    matchers = [SMALL.matcher({"labels": [label]}) for label in ("ab", "b", "c")]
    assert matchers[1].accept(BYTES("b")["input_ids"][0]) and matchers[1].accept(1)
    bitmask = masks(4, tiny.WORDS)
    fill(bitmask, [matchers[0], None, matchers[1], matchers[2]])
    for row, matcher in ((0, matchers[0]), (2, matchers[1]), (3, matchers[2])):
        alone = masks(1, tiny.WORDS)
        matcher.fill(alone, 0)
        assert torch.equal(bitmask[row], alone[0])
    assert (bitmask[1] == -1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("size", [tiny.WORDS, 49152])
def test_forbidden_logits_become_minus_infinity_in_place_and_the_others_stay(
    dtype: torch.dtype, size: int
) -> None:
    torch.manual_seed(0)
    bitmask = torch.randint(-(2**31), 2**31, (3, -(-size // 32)), dtype=torch.int64).to(torch.int32)
    bitmask[1] = -1
    logits = torch.randn(3, size, dtype=dtype)
    before = logits.clone()
    apply(logits, bitmask)
    keep = ((bitmask[:, :, None] >> torch.arange(32)) & 1).flatten(1)[:, :size].bool()
    assert torch.equal(logits[keep], before[keep]) and torch.isneginf(logits[~keep]).all()
    assert torch.equal(logits[1], before[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_same_logits_are_forbidden() -> None:
    bitmask = torch.randint(-(2**31), 2**31, (5, 1536), dtype=torch.int64).to(torch.int32)
    logits = torch.randn(5, 49152)
    on_gpu = logits.cuda()
    apply(on_gpu, bitmask)
    apply(logits, bitmask)
    assert torch.equal(on_gpu.cpu(), logits)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({}, "a grammar is one of schema, regex, labels, not nothing"),
        ({"schema": True, "regex": "a"}, "not schema, regex"),
        ({"lark": "start: x"}, "not lark"),
        ({"schema": "string"}, "is a JSON Schema object, or true"),
        ({"regex": 3}, "a grammar's regex is a text"),
        ({"regex": "(?=a)b"}, "no grammar holds the regular expression '(?=a)b': it has a lookahead"),
        ({"regex": r"[^\s\S]"}, "matches nothing"),
        ({"labels": []}, "a list of texts, none of them empty"),
        ({"labels": ["a", ""]}, "a list of texts, none of them empty"),
        ({"labels": "ab"}, "a list of texts, none of them empty"),
        ({"labels": ["\ud800"]}, "half of a character"),
        ({"labels": ["a"], "after": 3}, "the mark that an answer stands after is a text"),
        ({"after": "Answer:"}, "a grammar is one of schema, regex, labels, not nothing"),
    ],
)
def test_a_grammar_that_is_none_is_refused_with_the_reason(asked: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelError) as caught:
        SMALL.matcher(asked)
    assert why in caught.value.message and caught.value.hint


def test_a_tokenizer_whose_tokens_do_not_join_to_text_is_refused() -> None:
    with pytest.raises(ModelError, match="do not simply join to text"):
        Grammars(tiny.tokenizer(), tiny.WORDS, {1})


@pytest.mark.parametrize("ends", [set(), {tiny.WORDS}])
def test_a_model_that_cannot_end_is_refused(ends: set[int]) -> None:
    with pytest.raises(ModelError, match="no token that ends an answer"):
        Grammars(BYTES, tiny.WORDS, ends)
