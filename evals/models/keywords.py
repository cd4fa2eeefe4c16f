"""Which keywords of JSON Schema (draft 2020-12) hold while a model writes, and which do not.

Established by tests/evals/models/test_keywords.py against the jsonschema package, for xgrammar 0.2.8.
A keyword is enforced when no text that breaks it can be written; what is ignored must be validated
afterwards. docs/grammar.md shows the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evals.errors import ModelError
from evals.models.schemas.shapes import Impossible
from evals.models.schemas.writing import Held, write
from evals.types import Json

HINT = "Ask without a grammar, or change it; docs/grammar.md says what a grammar holds."

ENFORCED: Mapping[str, str] = {
    "type": "Whole numbers are written without fraction and exponent.",
    "enum": "With every keyword beside it: values that those refuse are not offered.",
    "const": "As enum with one value.",
    "minLength": "Up to 128 characters with all escapes; texts of a longer limit hold no quote, backslash"
    " or control character.",
    "maxLength": "As minLength.",
    "pattern": "As `re.search` reads it; with others, and with a length, up to 300 states.",
    "format": "The outer form of date, time, date-time, duration, email, hostname, ipv4, ipv6, uri,"
    " uri-reference, uri-template, uuid, json-pointer and relative-json-pointer.",
    "minimum": "Numbers with bounds have no exponent and at most six decimals.",
    "maximum": "As minimum.",
    "exclusiveMinimum": "As minimum.",
    "exclusiveMaximum": "As minimum.",
    "multipleOf": "Of whole numbers: without bounds up to 1,024, or with two bounds and at most 1,000"
    " multiples between them.",
    "properties": "In the order in which the schema declares them.",
    "required": "Names that are not declared stand after those that are.",
    "additionalProperties": "Left out beside `properties`, it is taken as false. Other names may be written"
    " twice or with escapes, as JSON allows.",
    "patternProperties": "One pattern, in an object that declares no property; it then has no other names.",
    "propertyNames": "As a list of names; as one pattern or length in an object that declares no property.",
    "unevaluatedProperties": "As additionalProperties of the merged schema.",
    "minProperties": "In objects that allow the declared properties only.",
    "maxProperties": "A name written twice counts twice.",
    "items": "True, false or a schema.",
    "prefixItems": "Without `items` the list ends with them.",
    "unevaluatedItems": "As items of the merged schema.",
    "minItems": "With any items.",
    "maxItems": "With any items.",
    "allOf": "Merged with what stands beside it.",
    "anyOf": "Merged with what stands beside it, up to 64 alternatives.",
    "oneOf": "Where the branches exclude each other by type, by the values of a required property, or by"
    " required properties that the other does not have.",
    "$ref": "Within the schema, recursion included; merged with what stands beside it.",
    "$dynamicRef": "As $ref.",
}
"""Keyword, and within which limits it holds."""

IGNORED: Mapping[str, str] = {
    "not": "What it excludes can be written.",
    "if": "The condition is not looked at, nor are `then` and `else`.",
    "uniqueItems": "A list can repeat an item.",
    "contains": "The items of a list are not counted, nor for `minContains` and `maxContains`.",
    "dependentRequired": "A property can come without those it asks for.",
    "dependentSchemas": "A property can come without what it asks for.",
    "oneOf": "A value can fit several branches, which are not known to exclude each other.",
    "many alternatives": "Merging would give more than 64 alternatives, so this is left out.",
    "pattern": "It has a part that no automaton holds, such as a lookahead or a reference to a group.",
    "several format": "Only the first of several formats for one text is held.",
    "several multipleOf": "Only the first of several `multipleOf` for one number is held.",
    "length beside pattern": "Pattern and length together would take more than 300 states.",
    "length beside format": "A text with a format has no other limit of length.",
    "format beside pattern": "A text with a pattern has no format.",
    "format": "The form of this format is not known.",
    "multipleOf": "It is held of whole numbers only, with no bound (up to 1,024) or with two that have at"
    " most 1,000 multiples between them.",
    "minProperties": "An object that allows other names can write one of them twice.",
    "patternProperties": "Names are held to one pattern that can be held, and to no `propertyNames` besides.",
    "propertyNames": "Names are held to one pattern or length, and to no `patternProperties` besides.",
}
"""Case, and what happens instead."""

REFUSED: Mapping[str, str] = {
    "nothing": "A schema that admits no value.",
    "endless": "A reference that leads back to itself without a property or an item between.",
    "unresolved": "A reference that leads out of the schema, or nowhere.",
    "bits": "Whole numbers with bounds of more than 64 bits.",
    "invalid": "What is not a JSON Schema of draft 2020-12.",
}
"""Case, and which schemas it is; `Grammars.matcher` raises ModelError for them."""


def ignored(schema: Json) -> list[tuple[str, str, str]]:
    """What constrained decoding does not hold of a schema: JSON pointer, keyword, what happens instead.

    Raises ModelError when it holds nothing of it.
    """
    return [(left.pointer, left.keyword, IGNORED[left.case]) for left in held(schema).left]


def held(schema: Json) -> Held:
    """What constrained decoding holds of a schema. Raises ModelError when that is nothing."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, (dict, bool)):
        raise ModelError("a grammar's schema is a JSON Schema object, or true for any JSON", hint=HINT)
    known: Any = Draft202012Validator
    try:
        known.check_schema(schema)
        return write(schema)
    except SchemaError as error:
        raise ModelError(f"the grammar's schema is not one ({error.message[:200]})", hint=HINT) from error
    except RecursionError as error:
        raise ModelError("the grammar's schema is nested too deeply", hint=HINT) from error
    except Impossible as error:
        raise ModelError(f"no grammar holds the schema: {error}", hint=HINT) from error
