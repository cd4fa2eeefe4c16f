"""`valid_json` and `json_fields`: form apart from content."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import DataError
from evals.graders.json_output import JsonFields, ValidJson
from evals.output import OutputSpec
from evals.types import Example, Json, Prediction, Score

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["queue"],
    "properties": {
        "queue": {"enum": ["billing", "sales"]},
        "note": {"type": "string"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
        "slots": {"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]{2}$"}}},
        "many": {"type": "integer"},
    },
    "$defs": {"tag": {"anyOf": [{"enum": ["new", "vip"]}, {"type": "null"}]}},
}
TYPED = OutputSpec("json", schema=SCHEMA)
FREE = OutputSpec("json")


def valid(text: str, output: OutputSpec = TYPED) -> Score:
    (found,) = ValidJson(output).grade([(Example("r", "", {}), Prediction("r", text, "stop"))], None)
    return found


def fields(said: Json, gold: Json, output: OutputSpec = FREE, **options: Any) -> Score:
    text = said if isinstance(said, str) else json.dumps(said)
    row = (Example("r", "", gold), Prediction("r", text, "stop"))
    (found,) = JsonFields(output, **options).grade([row], None)
    return found


# valid_json


def test_an_answer_that_fits_the_schema_is_valid_and_kept() -> None:
    found = valid(' {"queue": "sales", "many": 2.0}\n')
    assert (found.value, found.failure, found.why) == (1, None, "")
    assert found.answer == {"queue": "sales", "many": 2.0}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"queue": "help"}, "queue: 'help' is not one of ['billing', 'sales']"),
        ({}, "'queue' is a required property"),
        ({"queue": "sales", "x": 1}, "Additional properties are not allowed ('x' was unexpected)"),
        ({"queue": "sales", "many": True}, "many: True is not of type 'integer'"),
        ({"queue": "sales", "tags": ["new", 3]}, "tags[1]: 3 is not valid under any of the given schemas"),
        ({"queue": "sales", "slots": {"code": "a"}}, "slots.code: 'a' does not match '^[A-Z]{2}$'"),
        ([], "[] is not of type 'object'"),
    ],
)
def test_an_answer_that_breaks_the_schema_says_where_and_how(answer: Json, why: str) -> None:
    found = valid(json.dumps(answer))
    assert (found.value, found.failure, found.why, found.answer) == (0, "format", why, answer)


def test_an_answer_that_is_not_json_says_why() -> None:
    found = valid('```json\n{"queue": "sales"}\n```')
    assert (found.value, found.failure, found.why, found.answer) == (0, "format", "code fence", None)


def test_without_a_schema_any_json_value_is_valid() -> None:
    assert valid("[1, null]", FREE).value == 1
    assert valid("{", FREE).failure == "format"


def test_formats_are_not_checked() -> None:
    assert valid('"not a date"', OutputSpec("json", schema={"type": "string", "format": "date"})).value == 1


def test_equal_items_are_found_whatever_their_kind_and_1_is_not_true() -> None:
    unique = OutputSpec("json", schema={"uniqueItems": True})
    assert valid('[1, true, "1", [1], [true], {"a": 1}]', unique).value == 1
    assert valid('[{"a": [1]}, 2, {"a": [1.0]}]', unique).failure == "format"


def test_a_long_value_leaves_room_for_the_rule_it_breaks() -> None:
    found = valid(json.dumps({"queue": "x" * 5000}))
    assert found.why.startswith("queue: 'xxx")
    assert found.why.endswith("is not one of ['billing', 'sales']")


@pytest.mark.parametrize("schema", [{"pattern": "(a"}, {"patternProperties": {"[": {}}}])
def test_a_pattern_that_is_none_is_refused_when_the_grader_is_built(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the output schema's pattern"):
        ValidJson(OutputSpec("json", schema={"properties": {"a": schema}}))


# json_fields: the score of one field


@pytest.mark.parametrize(
    ("gold", "said", "score"),
    [
        (1, 1.0, 1),
        (1, True, 0),
        (0, False, 0),
        (1, "1", 0),
        (True, True, 1),
        (None, None, 1),
        (None, False, 0),
        (0.1, 0.10, 1),
        ("Late parcel", " late  PARCEL.", 1),
        ("Late parcel", "parcel", 0),
        ("", "", 1),
        ("", "x", 0),
        (["a", "b"], ["B", "a"], 1),
        (["a", "a", "b"], ["a", "b", "b"], 2 / 3),
        (["a", "b"], ["a"], 2 / 3),
        ([], [], 1),
        ([], ["a"], 0),
        (["a"], "a", 0),
        ([1, True], [True, 1.0], 1),
        ([{"k": [1, 2]}], [{"k": [2, 1]}], 1),
        ({}, {}, 1),
        ({}, None, 0),
        ("x", {"y": 1}, 0),
    ],
)
def test_a_field_is_scored_by_its_kind(gold: Json, said: Json, score: float) -> None:
    found = fields({"f": said}, {"f": gold})
    assert found.value == pytest.approx(score)
    assert found.failure == (None if score == 1 else "wrong")


def test_values_that_the_schema_lists_are_compared_to_the_letter() -> None:
    assert fields({"queue": "Billing"}, {"queue": "billing"}).value == 1
    assert fields({"queue": "Billing"}, {"queue": "billing"}, TYPED).value == 0
    assert fields({"queue": "Billing"}, {"queue": "billing"}, TYPED, text="token_f1").value == 0
    assert fields({"tags": ["VIP", "new"]}, {"tags": ["vip", "new"]}, TYPED).value == 0.5


def test_free_strings_may_be_scored_by_shared_tokens() -> None:
    found = fields({"note": "a parcel"}, {"note": "the late parcel"}, text="token_f1")
    assert found.value == pytest.approx(2 / 3)
    assert found.counts["all"] == (0, 1)


# json_fields: the record


def test_missing_wrong_and_invented_fields_each_cost_their_share() -> None:
    gold = {"queue": "billing", "note": "n", "slots": {"city": "Rome", "day": 2}}
    said = {"queue": "sales", "slots": {"city": "rome", "day": 2, "who": {"a": 1, "b": 2}}, "x": None}
    found = fields(said, gold, TYPED)
    assert found.value == pytest.approx(2 / 7)
    assert found.counts == {
        "micro": (2, 7),
        "all": (0, 1),
        "queue": (0, 1),
        "note": (0, 1),
        "slots": (2, 4),
    }
    assert found.why == 'queue: "sales", not "billing"; note: missing; slots.who.a: not asked for; and 2 more'


def test_an_object_where_none_was_asked_for_and_the_other_way_round() -> None:
    assert fields({"a": 1}, {"a": {"b": 1, "c": 2}}).counts["micro"] == (0, 2)
    assert fields({"a": {"b": 1, "c": 2}}, {"a": {}}).counts["micro"] == (0, 2)
    assert fields({"a": {}}, {"a": {"b": 1}}).counts["micro"] == (0, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('Sure: {"queue": "billing"}', "text before the JSON"),
        ('{"queue": "billing"', "not JSON: Expecting ',' delimiter at 1:20"),
        ('[{"queue": "billing"}]', "not an object but a list"),
        ("true", "not an object but true or false"),
        ("3", "not an object but a number"),
    ],
)
def test_what_cannot_be_read_scores_0_with_the_denominators_of_the_gold(text: str, why: str) -> None:
    found = fields(text, {"queue": "billing", "slots": {"a": 1, "b": 2}})
    assert (found.value, found.failure, found.why, found.answer) == (0, "format", why, None)
    assert found.counts == {"micro": (0, 3), "all": (0, 1), "queue": (0, 1), "slots": (0, 2)}


def test_an_object_that_breaks_the_schema_is_still_scored() -> None:
    found = fields({"queue": "help", "note": "n"}, {"queue": "billing", "note": "n"}, TYPED)
    assert (found.value, found.failure) == (0.5, "wrong")


def test_only_the_chosen_fields_count() -> None:
    gold, said = {"queue": "billing", "note": "n"}, {"queue": "billing", "note": "other", "x": 1}
    found = fields(said, gold, TYPED, fields=["queue"])
    assert found.value == 1
    assert found.counts == {"micro": (1, 1), "all": (1, 1), "queue": (1, 1)}
    assert JsonFields(FREE, fields=["a", "b"]).metrics[3:] == ("json_fields.a", "json_fields.b")


def test_gold_may_be_written_as_text() -> None:
    assert fields({"a": [1]}, '{"a": [1]}').value == 1


@pytest.mark.parametrize("gold", ["billing", [1], "[1]", None, 3])
def test_gold_that_is_no_object_is_an_error_of_the_data(gold: Json) -> None:
    with pytest.raises(DataError, match="row 'r': the gold answer is not a JSON object"):
        fields({}, gold)


def test_fields_named_as_the_pooled_parts_are_scored_without_a_part() -> None:
    found = fields({"micro": 1, "all": 1}, {"micro": 1, "all": 2})
    assert found.counts == {"micro": (1, 2), "all": (0, 1)}


def test_keys_with_dots_are_not_taken_for_paths() -> None:
    assert fields({"a.b": 1, "a": {"b": 2}}, {"a.b": 1, "a": {"b": 2}}).counts["micro"] == (2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fields": ["quue"]}, "the output schema has no field 'quue'. Did you mean 'queue'"),
        ({"fields": "queue"}, "fields is a list of top-level keys, not 'queue'"),
        ({"fields": []}, "fields is a list"),
        ({"text": "f1"}, "text is normalised or token_f1, not 'f1'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JsonFields(TYPED, **options)


# json_fields: what holds for all records

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text("aB. é", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c", "micro"]), VALUES, max_size=4)


def shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, list):
        return order.sample([shuffled(v, order) for v in value], len(value))
    if isinstance(value, dict):
        return {k: shuffled(value[k], order) for k in order.sample(list(value), len(value))}
    return value


@given(OBJECTS, st.sampled_from(["normalised", "token_f1"]), st.randoms(use_true_random=False))
def test_gold_gets_1_from_itself_however_keys_and_items_are_ordered(
    gold: dict[str, Json], text: str, order: random.Random
) -> None:
    found = fields(shuffled(gold, order), gold, text=text)
    assert (found.value, found.failure, found.counts["all"]) == (1, None, (1, 1))


@given(OBJECTS, OBJECTS, st.randoms(use_true_random=False))
def test_order_changes_no_score(gold: dict[str, Json], said: dict[str, Json], order: random.Random) -> None:
    one, other = fields(said, gold), fields(shuffled(said, order), shuffled(gold, order))
    assert one.value == pytest.approx(other.value)
    assert {k: v[1] for k, v in one.counts.items()} == {k: v[1] for k, v in other.counts.items()}


@given(OBJECTS, OBJECTS)
def test_counts_agree_with_the_value(gold: dict[str, Json], said: dict[str, Json]) -> None:
    found = fields(said, gold)
    right, total = found.counts["micro"]
    assert 0 <= found.value <= 1
    assert found.value == (pytest.approx(right / total) if total else 1)
    assert found.counts["all"] == (float(found.value == 1), 1)
    parts = [count for part, count in found.counts.items() if part not in ("micro", "all")]
    assert sum(n for n, _ in parts) <= right + 1e-9
    assert sum(d for _, d in parts) <= total
    assert set(gold) - {"micro"} <= set(found.counts)


@given(OBJECTS, st.sampled_from(["", "no", "{", "[]"]))
def test_unread_answers_have_the_denominators_of_a_perfect_one(gold: dict[str, Json], text: str) -> None:
    perfect, unread = fields(gold, gold), fields(text, gold)
    assert unread.counts == {part: (0, den) for part, (_, den) in perfect.counts.items()}
