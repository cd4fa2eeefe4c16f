"""Reading YAML: plain values, the line of every key, one-line errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import TaskError
from evals.yamlfile import YamlFile, read_yaml


def read(tmp_path: Path, text: str | bytes) -> YamlFile:
    path = tmp_path / "task.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def failure(tmp_path: Path, text: str | bytes) -> TaskError:
    with pytest.raises(TaskError) as caught:
        read(tmp_path, text)
    return caught.value


def test_words_that_yaml_1_1_takes_for_booleans_and_dates_stay_words(tmp_path: Path) -> None:
    file = read(tmp_path, "labels: [yes, no, on, off, y, 2024-01-01, 1:30, =, true]\n")
    assert file.value["labels"] == ["yes", "no", "on", "off", "y", "2024-01-01", "1:30", "=", True]


def test_numbers_are_those_of_the_core_schema(tmp_path: Path) -> None:
    file = read(tmp_path, "a: [1e-3, 010, 0x10, 0o10, -1.5, .5, 1_000, null, ~]\n")
    assert file.value["a"] == [0.001, 10, 16, 8, -1.5, 0.5, "1_000", None, None]


def test_every_key_and_list_item_knows_its_line(tmp_path: Path) -> None:
    file = read(tmp_path, "a: 1\nb:\n  c: 2\n  d:\n    - x\n    - e: 3\n")
    assert [file.line(key) for key in ("a", "b.c", "b.d[0]", "b.d[1].e")] == [1, 3, 5, 6]


def test_a_key_that_is_not_there_has_the_line_of_the_one_above_it(tmp_path: Path) -> None:
    file = read(tmp_path, "# first\na:\n  b: 1\n")
    assert (file.line("a.x.y[3]"), file.line("nothing")) == (2, 2)


def test_a_block_text_begins_on_the_line_after_its_key(tmp_path: Path) -> None:
    file = read(tmp_path, "a: |\n  x\nb: y\n")
    assert (file.texts["a"], file.texts["b"]) == (2, 3)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", None, "is empty"),
        ("# only a comment\n", None, "is empty"),
        ("- a\n", None, "must be a mapping"),
        ("just words\n", None, "must be a mapping"),
        ("a: 1\nb: [1,\n", 3, "is not YAML"),
        ("a: 1\n\tb: 2\n", 2, "is not YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "given twice (first on line 1)"),
        ("a: 1\nb: .nan\n", 2, "finite number"),
        ("a: -.inf\n", 1, "finite number"),
        ("a: !!python/object:os.system ls\n", 1, "tag"),
        ("a: {1: 2}\n", 1, "not text"),
        ("a: {[1]: 2}\n", 1, "not text"),
        ("a: &x [*x]\n", 1, "without end"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: " + "[" * 5000, None, "too deeply"),
        ('a: "\x01"\n', None, "is not YAML"),
        (b"a: 1\nb: \xe9\n", 2, "not UTF-8"),
    ],
)
def test_what_is_not_a_mapping_of_plain_values_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, line: int | None, says: str
) -> None:
    error = failure(tmp_path, text)
    assert error.line == line
    assert says in str(error)
    assert len(str(error).splitlines()) <= 2


def test_aliases_that_would_grow_without_bound_are_refused(tmp_path: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "without end" in str(failure(tmp_path, "\n".join(["a0: &a0 [1]", *levels])))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(TaskError, match="is a folder"):
        read_yaml(tmp_path)


def test_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    file = read(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: two\r\n")
    assert file.value == {"a": 1, "b": "two"}
    assert file.line("b") == 2


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_-. é", min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), plain_values, min_size=1, max_size=5))
def test_json_is_read_as_json_reads_it(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("yaml") / "task.yaml"
    path.write_text(json.dumps(value), encoding="utf-8")
    assert read_yaml(path).value == value


@given(st.text())
def test_any_text_is_read_or_refused_as_a_users_mistake(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("yaml") / "task.yaml"
    path.write_bytes(text.encode(errors="replace"))
    try:
        read = read_yaml(path).value
    except TaskError as error:
        read, said = {}, str(error)
    else:
        said = str(path)
    assert isinstance(read, dict)
    assert str(path) in said
