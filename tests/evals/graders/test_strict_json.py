"""JSON is read whole or not at all, and the reason is said in a few words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.graders.strict_json import MAX_DEPTH, NotJson, read_json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_is_written_as_json_is_read_as_it_was(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    assert read_json_text(f"\n {json.dumps(value, ensure_ascii=ascii_only, indent=indent)}\t") == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty answer"),
        (" \n", "empty answer"),
        ('```json\n{"a": 1}\n```', "code fence"),
        ('Here it is: {"a": 1}', "text before the JSON"),
        ("Sure!\n[1, 2] and more", "text before the JSON"),
        ('{"a": 1} Hope this helps.', "text after the JSON at 1:10"),
        ('{"a": 1}\n{"a": 2}', "text after the JSON at 2:1"),
        ('{"a": "x" "b": 2}', "not JSON: Expecting ',' delimiter at 1:11"),
        ("billing", "not JSON: Expecting value at 1:1"),
        ("{'a': 1}", "not JSON: Expecting property name enclosed in double quotes at 1:2"),
        ('{"a": "b\nc"}', "not JSON: Invalid control character at at 1:9"),
        ('{"a": 1, "b": 2, "a": 1}', "duplicate key 'a'"),
        ('{"a": {"b": 1, "b": 1}}', "duplicate key 'b'"),
        ('{"a": NaN}', "not JSON: NaN"),
        ("[-Infinity]", "not JSON: -Infinity"),
        ("[1e400]", "number out of range"),
        ("9" * 5000, "number out of range"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested too deeply"),
    ],
)
def test_what_stands_in_the_way_is_named(text: str, why: str) -> None:
    with pytest.raises(NotJson) as caught:
        read_json_text(text)
    assert str(caught.value) == why


def test_the_deepest_value_that_is_read() -> None:
    value = read_json_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert json.dumps(value) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert read_json_text("[" + ",".join(["[]"] * 500) + "]") == [[]] * 500
