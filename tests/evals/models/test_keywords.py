"""The tables of evals.models.keywords, established against the jsonschema package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from evals.errors import ModelError
from evals.models.grammar import Grammars
from evals.models.keywords import ENFORCED, IGNORED, REFUSED, ignored
from tests import tiny
from tests.evals.models.walks import admits

INT, TEXT = {"type": "integer"}, {"type": "string"}
AB = {"a": INT, "b": TEXT}
TREE = {
    "type": "object",
    "properties": {"v": INT, "of": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["v"],
}

HELD: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("type", TEXT, ["", 'a"\n\\', "é😀"], [1, None, ["a"], {"a": 1}]),
    ("type", INT, [0, -7, 123456789012345678], [0.5, "1", True]),
    ("type", {"type": "number"}, [0, -1.5, 1e-7, 1e20], ["1", None]),
    ("type", {"type": "boolean"}, [True, False], [None, 0, "true"]),
    ("type", {"type": "null"}, [None], [False, 0]),
    ("type", {"type": ["object", "null"]}, [{}, {"a": [1]}, None], [[], 1]),
    ("type", {"type": "array"}, [[], [1, "a", [None]]], [{}, "[]"]),
    (
        "enum",
        {"enum": ["a", 1, 0.1, None, True, [1, {"b": 2}], 2**70]},
        ["a", 1, 0.1, None, True, [1, {"b": 2}], 2**70],
        ["b", 0, False, [1], 0.2],
    ),
    (
        "enum",
        {"type": "string", "enum": ["a", 1, "bbb"], "maxLength": 2, "not": {"const": "b"}},
        ["a"],
        [1, "bbb"],
    ),
    ("const", {"const": {"a": [1.5, 'b"']}}, [{"a": [1.5, 'b"']}], [{"a": [1.5]}, {}]),
    ("minLength", {**TEXT, "minLength": 2}, ["ab", 'a"', "\n\t", "é😀", "\x00\x1f"], ["", "a", "😀", "\n"]),
    ("minLength", {**TEXT, "minLength": 200}, ["a" * 200], ["a" * 199]),
    ("maxLength", {**TEXT, "maxLength": 2}, ["", 'a"', "\\\\", "é😀", "\x00\x1f"], ["abc", '"""', "😀😀😀"]),
    ("maxLength", {**TEXT, "maxLength": 200}, ["a" * 200], ["a" * 201]),
    ("maxLength", {"maxLength": 2}, ["ab"], ["abc"]),
    ("pattern", {**TEXT, "pattern": "^a"}, ["a", "abc", 'a"'], ["", "ba"]),
    ("pattern", {**TEXT, "pattern": "b$|^c"}, ["b", "ab", "cd"], ["", "ba", "dc"]),
    (
        "pattern",
        {**TEXT, "pattern": r'^"\\\n\x00[^"]\D\w$'},
        ['"\\\n\x00ab_', '"\\\n\x00\néé'],
        ['"\\\n\x00"bc', "a"],
    ),
    (
        "pattern",
        {**TEXT, "pattern": r"^\d{4}-\d\d$", "maxLength": 9, "minLength": 2},
        ["2020-01"],
        ["2020-1", "x"],
    ),
    (
        "pattern",
        {**TEXT, "pattern": "^a", "allOf": [{"pattern": "b$"}], "maxLength": 3},
        ["ab", "axb"],
        ["a", "b", "axxb"],
    ),
    ("format", {**TEXT, "format": "date"}, ["2020-02-29"], ["2020-13-01", "x", "2020-1-1", ""]),
    ("format", {**TEXT, "format": "email"}, ["jane.doe@example.com"], ["x", "a b"]),
    ("format", {**TEXT, "format": "ipv4"}, ["10.0.0.255"], ["300.1.1.1", "1.2.3"]),
    ("format", {**TEXT, "format": "uuid"}, ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567", ""]),
    ("minimum", {**INT, "minimum": -3}, [-3, 0, 999999], [-4, -100]),
    ("minimum", {**INT, "minimum": 2.5}, [3, 10], [2, -3]),
    ("minimum", {"type": "number", "minimum": 0.5}, [0.5, 1, 1000000], [0.4, 0, -1]),
    ("minimum", {"minimum": 2}, [2, 2.5], [1, 1.5]),
    ("maximum", {**INT, "maximum": 17}, [17, -500], [18, 100]),
    ("maximum", {"type": "number", "minimum": -1, "maximum": 1}, [-1, 0.25, 1], [-1.1, 1.01, 2]),
    ("exclusiveMinimum", {**INT, "exclusiveMinimum": 2}, [3], [2, 1]),
    ("exclusiveMinimum", {"type": "number", "exclusiveMinimum": 0}, [0.1, 5], [0, -1]),
    ("exclusiveMaximum", {**INT, "exclusiveMaximum": 2}, [1], [2, 3]),
    ("exclusiveMaximum", {"type": "number", "exclusiveMaximum": 2.5, "minimum": 1}, [1, 2.4], [2.5, 3]),
    ("multipleOf", {**INT, "multipleOf": 7}, [0, 14, -21, 700], [1, 13]),
    ("multipleOf", {**INT, "multipleOf": 5, "minimum": 3, "maximum": 21}, [5, 20], [0, 6, 25]),
    ("multipleOf", {"type": "number", "multipleOf": 2}, [4], [3, 2.5]),
    (
        "properties",
        {"type": "object", "properties": AB},
        [{}, {"a": 1}, {"b": "x"}, {"a": 1, "b": "x"}],
        [{"a": "x"}, {"b": 1}],
    ),
    ("properties", {"properties": {'a"é\n': INT}}, [{'a"é\n': 1}], [{'a"é\n': "x"}]),
    (
        "required",
        {"type": "object", "properties": AB, "required": ["b"]},
        [{"b": "x"}, {"a": 1, "b": "x"}],
        [{}, {"a": 1}],
    ),
    ("required", {"type": "object", "required": ["c"]}, [{"c": 1}, {"c": None, "d": 2}], [{}, {"d": 2}]),
    (
        "additionalProperties",
        {"properties": AB, "additionalProperties": False},
        [{"a": 1}],
        [{"c": 1}, {"a": 1, "c": 1}],
    ),
    (
        "additionalProperties",
        {"properties": {"a": INT}, "additionalProperties": TEXT},
        [{"a": 1, "c": "x"}],
        [{"c": 1}, {"a": "x"}],
    ),
    (
        "patternProperties",
        {"type": "object", "patternProperties": {'^x"': INT}},
        [{}, {'x"1': 1, 'x"': 2}],
        [{'x"': "s"}],
    ),
    (
        "patternProperties",
        {"properties": {"xa": {}}, "patternProperties": {"^x": INT}},
        [{"xa": 1}],
        [{"xa": "s"}],
    ),
    ("propertyNames", {"type": "object", "propertyNames": {"maxLength": 2}}, [{}, {"ab": 1}], [{"abc": 1}]),
    ("propertyNames", {"properties": AB, "propertyNames": {"pattern": "^a"}}, [{"a": 1}], [{"b": "x"}]),
    (
        "propertyNames",
        {"propertyNames": {"enum": ["b", "a"]}, "additionalProperties": INT},
        [{}, {"b": 1, "a": 2}],
        [{"c": 1}, {"a": "x"}],
    ),
    (
        "unevaluatedProperties",
        {"allOf": [{"properties": {"a": INT}}], "unevaluatedProperties": False},
        [{"a": 1}],
        [{"b": 1}],
    ),
    ("minProperties", {"type": "object", "properties": AB, "minProperties": 1}, [{"a": 1}, {"b": "x"}], [{}]),
    (
        "maxProperties",
        {"type": "object", "properties": AB, "maxProperties": 1},
        [{}, {"b": "x"}],
        [{"a": 1, "b": "x"}],
    ),
    ("maxProperties", {"type": "object", "maxProperties": 1}, [{}, {"z": 1}], [{"a": 1, "b": "x"}]),
    ("items", {"type": "array", "items": INT}, [[], [1, 2]], [["a"], [1, "a"]]),
    ("items", {"items": False}, [[]], [[1]]),
    ("prefixItems", {"type": "array", "prefixItems": [INT, TEXT]}, [[], [1], [1, "a"]], [["a"], [1, 2]]),
    ("prefixItems", {"prefixItems": [INT], "items": TEXT}, [[1, "a", "b"]], [[1, 2]]),
    ("unevaluatedItems", {"allOf": [{"prefixItems": [INT]}], "unevaluatedItems": TEXT}, [[1, "a"]], [[1, 2]]),
    ("minItems", {"type": "array", "minItems": 2}, [[1, "a"]], [[], [1]]),
    ("maxItems", {"type": "array", "items": INT, "maxItems": 2}, [[], [1, 2]], [[1, 2, 3]]),
    ("maxItems", {"prefixItems": [INT, TEXT], "maxItems": 1}, [[], [1]], [[1, "a"]]),
    (
        "allOf",
        {
            "allOf": [{"properties": {"a": INT}}, {"properties": {"b": TEXT}, "required": ["b"]}],
            "type": "object",
        },
        [{"a": 1, "b": "x"}],
        [{"a": 1}, {"a": "x", "b": "x"}, 1],
    ),
    ("allOf", {"type": "integer", "minimum": 2, "allOf": [{"maximum": 5}, {"minimum": 3}]}, [3, 5], [2, 6]),
    ("anyOf", {"anyOf": [INT, {**TEXT, "maxLength": 1}]}, [1, "a"], ["ab", None]),
    (
        "anyOf",
        {"type": "object", "properties": AB, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        [{"a": 1}, {"b": "x"}],
        [{}, {"a": "x"}, 1],
    ),
    ("anyOf", {"minimum": 3, "anyOf": [INT, TEXT]}, [3, "a"], [2]),
    ("oneOf", {"oneOf": [INT, TEXT]}, [1, "a"], [None]),
    (
        "oneOf",
        {"oneOf": [{"properties": {"k": {"const": k}, k: INT}, "required": ["k", k]} for k in "xy"]},
        [{"k": "x", "x": 1}],
        [{"k": "x", "y": 1}, {"k": "z", "x": 1}],
    ),
    (
        "oneOf",
        {
            "oneOf": [
                {"properties": {"a": INT}, "required": ["a"]},
                {"properties": {"b": TEXT}, "required": ["b"]},
            ]
        },
        [{"a": 1}, {"b": "x"}],
        [{}, {"a": 1, "b": "x"}],
    ),
    ("$ref", TREE, [{"v": 1}, {"v": 1, "of": [{"v": 2, "of": []}]}], [{"v": 1, "of": [{}]}]),
    ("$ref", {"$defs": {"i": INT}, "$ref": "#/$defs/i", "minimum": 3}, [3], [2, "a"]),
    (
        "$ref",
        {
            "$id": "https://x.y/z",
            "$defs": {"a/~": {"$anchor": "i", **INT}},
            "anyOf": [{"$ref": "#i"}, {"type": "array", "items": {"$ref": "https://x.y/z#/$defs/a~1~0"}}],
        },
        [3, [1]],
        ["a", ["a"]],
    ),
    ("$dynamicRef", {"$dynamicRef": "#i", "$defs": {"i": {"$dynamicAnchor": "i", **INT}}}, [3], ["a"]),
]

LEFT: list[tuple[str, str, Any, Any]] = [
    ("not", "/not", {"not": TEXT}, "a"),
    ("if", "/if", {"type": "integer", "if": {"minimum": 3}, "then": {"maximum": 5}}, 7),
    ("uniqueItems", "/uniqueItems", {"type": "array", "items": INT, "uniqueItems": True}, [1, 1]),
    ("contains", "/contains", {"type": "array", "contains": INT}, ["a"]),
    ("contains", "/contains", {"type": "array", "contains": INT, "minContains": 2}, [1]),
    ("contains", "/contains", {"type": "array", "contains": INT, "maxContains": 1}, [1, 1]),
    (
        "dependentRequired",
        "/dependentRequired",
        {"properties": AB, "dependentRequired": {"a": ["b"]}},
        {"a": 1},
    ),
    (
        "dependentSchemas",
        "/dependentSchemas",
        {"properties": AB, "dependentSchemas": {"a": {"required": ["b"]}}},
        {"a": 1},
    ),
    ("oneOf", "/oneOf", {"oneOf": [INT, {"type": "number"}]}, 1),
    (
        "oneOf",
        "/oneOf",
        {"type": "object", "properties": AB, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"a": 1, "b": "x"},
    ),
    (
        "many alternatives",
        "/anyOf",
        {"type": "object", "anyOf": [{"required": [f"n{i}"]} for i in range(70)]},
        {},
    ),
    ("pattern", "/pattern", {**TEXT, "pattern": "^(?!a)"}, "a"),
    ("pattern", "/pattern", {**TEXT, "pattern": r"\bx\b"}, "xx"),
    ("pattern", "/pattern", {**TEXT, "pattern": "(a)\\1"}, "a"),
    (
        "several format",
        "/allOf/0/format",
        {**TEXT, "format": "date", "allOf": [{"format": "email"}]},
        "2020-01-01",
    ),
    ("several multipleOf", "/allOf/0/multipleOf", {**INT, "multipleOf": 3, "allOf": [{"multipleOf": 2}]}, 3),
    ("length beside pattern", "/maxLength", {**TEXT, "pattern": "^a", "maxLength": 500}, "a" * 501),
    ("length beside format", "/maxLength", {**TEXT, "format": "uri", "maxLength": 9}, "https://example.com"),
    ("format beside pattern", "/format", {**TEXT, "format": "date", "pattern": "^2"}, "2x"),
    ("format", "/format", {**TEXT, "format": "regex"}, "["),
    ("multipleOf", "/multipleOf", {"type": "number", "multipleOf": 0.5}, 0.3),
    ("multipleOf", "/multipleOf", {**INT, "multipleOf": 5, "minimum": 0}, 6),
    ("multipleOf", "/multipleOf", {**INT, "multipleOf": 5000}, 6),
    (
        "patternProperties",
        "/patternProperties",
        {"type": "object", "patternProperties": {"^x": INT, "y$": TEXT}},
        {"x": "a"},
    ),
    (
        "propertyNames",
        "/propertyNames",
        {"type": "object", "propertyNames": {"anyOf": [{"maxLength": 1}, {"minLength": 3}]}},
        {"ab": 1},
    ),
]

NOT_AT_ALL: list[tuple[str, Any, str]] = [
    ("nothing", False, "admits no value"),
    ("nothing", {"type": "string", "minLength": 3, "maxLength": 2}, "admits no value"),
    ("nothing", {"type": "string", "enum": [1]}, "admits no value"),
    ("nothing", {"type": "object", "properties": {"a": False}, "required": ["a"]}, "admits no value"),
    ("nothing", {"allOf": [INT, TEXT]}, "admits no value"),
    ("endless", {"$ref": "#"}, "refers to itself without end"),
    ("endless", {"anyOf": [INT, {"$ref": "#"}]}, "refers to itself without end"),
    ("unresolved", {"$ref": "#/$defs/a"}, "the reference '#/$defs/a' leads nowhere"),
    ("unresolved", {"$ref": "https://example.com/schema"}, "leads nowhere"),
    ("bits", {**INT, "minimum": 2**70}, "more than 64 bits"),
    ("invalid", {"type": "text"}, "is not one ('text' is not valid"),
    ("invalid", ["string"], "is a JSON Schema object, or true for any JSON"),
]


@pytest.fixture(scope="module")
def grammars() -> Grammars:
    return Grammars(tiny.byte_tokenizer(), tiny.WORDS, {1})


def fits(grammars: Grammars, schema: Any, value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return admits(grammars.matcher({"schema": schema}), tiny.byte_tokenizer(), text)


@pytest.mark.parametrize(("keyword", "schema", "valid", "invalid"), HELD)
def test_what_is_enforced_lets_the_valid_through_and_nothing_that_is_invalid(
    grammars: Grammars, keyword: str, schema: Any, valid: list[Any], invalid: list[Any]
) -> None:
    judge = Draft202012Validator(schema, format_checker=FormatChecker())
    assert keyword in json.dumps(schema) and ignored(schema) == []
    assert [judge.is_valid(value) for value in valid + invalid] == [True] * len(valid) + [False] * len(
        invalid
    )
    assert [value for value in valid if not fits(grammars, schema, value)] == []
    assert [value for value in invalid if fits(grammars, schema, value)] == []


@pytest.mark.parametrize(("case", "pointer", "schema", "broken"), LEFT)
def test_what_is_ignored_lets_something_invalid_through_and_is_named(
    grammars: Grammars, case: str, pointer: str, schema: Any, broken: Any
) -> None:
    judge = Draft202012Validator(schema, format_checker=FormatChecker())
    assert ignored(schema) == [(pointer, pointer.rpartition("/")[2], IGNORED[case])]
    assert case.startswith(("several", "many")) or not judge.is_valid(broken)
    assert fits(grammars, schema, broken)


@pytest.mark.parametrize(("case", "schema", "why"), NOT_AT_ALL)
def test_what_cannot_be_held_is_refused_with_the_reason(
    grammars: Grammars, case: str, schema: Any, why: str
) -> None:
    for ask in (lambda: grammars.matcher({"schema": schema}), lambda: ignored(schema)):
        with pytest.raises(ModelError) as caught:
            ask()
        assert why in caught.value.message


def test_the_tables_hold_exactly_what_was_established() -> None:
    assert {keyword for keyword, *_ in HELD} == set(ENFORCED)
    assert {case for case, *_ in LEFT} | {"minProperties"} == set(IGNORED)
    assert {case for case, *_ in NOT_AT_ALL} == set(REFUSED)


def test_an_object_that_allows_other_names_can_fill_its_minimum_with_one_name_twice(
    grammars: Grammars,
) -> None:
    schema = {"type": "object", "minProperties": 2}
    assert ignored(schema) == [("/minProperties", "minProperties", IGNORED["minProperties"])]
    assert admits(grammars.matcher({"schema": schema}), tiny.byte_tokenizer(), '{"a": 1, "a": 2}')


def test_a_keyword_is_named_with_its_place_however_deep_it_stands() -> None:
    schema = {
        "$defs": {"a/b": {"type": "array", "uniqueItems": True}},
        "type": "object",
        "properties": {
            "x": {"anyOf": [{"type": "null"}, {"items": {"$ref": "#/$defs/a~1b"}}]},
            "y": {"not": {}},
        },
    }
    assert [(pointer, keyword) for pointer, keyword, _ in ignored(schema)] == [
        ("/$defs/a~1b/uniqueItems", "uniqueItems"),
        ("/properties/y/not", "not"),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "uniqueItems": True, "minItems": 3},
        {"type": "array", "uniqueItems": False},
        {"if": {"type": "string"}},
        {"enum": [1, 2], "not": {"const": 2}},
        {
            "type": "object",
            "title": "t",
            "description": "d",
            "default": {},
            "examples": [1],
            "x-own": {"not": {}},
        },
        True,
    ],
)
def test_what_can_refuse_nothing_is_not_named(schema: Any) -> None:
    assert ignored(schema) == []
