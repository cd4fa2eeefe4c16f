"""What an answer is: schema and label files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import TaskError
from evals.output import OutputSpec, check_schema, read_output
from evals.yamlfile import read_yaml


def read(tmp_path: Path, output: str) -> OutputSpec:
    (tmp_path / "task.yaml").write_text(f"name: x\noutput: {output}\n", encoding="utf-8")
    return read_output(read_yaml(tmp_path / "task.yaml"), tmp_path)


def test_a_schema_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('\ufeff{"type": "object"}', encoding="utf-8")
    assert read(tmp_path, "{format: json, schema: s.json}") == OutputSpec("json", {"type": "object"})


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ('{"type":\n "object",}', 2, "is not JSON"),
        ("[]", None, "is an object"),
        ('{"type": "objekt"}', None, "'objekt'"),
        ('{"properties": {"a": {"pattern": "("}}}', None, "properties.a.pattern"),
        ('{"$ref": "#/$defs/none"}', None, "leads nowhere"),
        ('{"$ref": "https://example.com/other.json"}', None, "nothing is fetched"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#"}', None, "draft 2020-12"),
    ],
)
def test_a_file_that_is_no_usable_schema_is_named_with_the_place(
    tmp_path: Path, content: str, line: int | None, says: str
) -> None:
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(TaskError) as caught:
        read(tmp_path, "{format: json, schema: s.json}")
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "s.json"))
    assert caught.value.line == line


def test_an_inline_schema_is_named_by_the_line_of_the_task_file(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"task.yaml:2: type: is not a JSON Schema"):
        read(tmp_path, "{format: json, schema: {type: objct}}")


def test_references_within_the_schema_and_words_that_look_like_them_are_fine() -> None:
    check_schema(
        {
            "$defs": {"name": {"type": "string"}},
            "properties": {"a": {"$ref": "#/$defs/name"}, "b": {"enum": [{"$ref": "nowhere"}]}},
        },
        Path("s.json"),
    )


def test_a_missing_schema_file_is_a_mistake_of_the_task_file(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"task.yaml:2: output.schema: .*none.json"):
        read(tmp_path, "{format: json, schema: none.json}")


@pytest.mark.parametrize(("name", "content"), [("l.json", '["a b", "c"]'), ("l.txt", "a b\r\nc\r\n\r\n")])
def test_labels_come_from_a_json_list_or_a_file_of_lines(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert read(tmp_path, f"{{labels: {name}}}").labels == ("a b", "c")


def test_labels_given_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("a\nb\na\n")
    with pytest.raises(TaskError, match="'a' stands twice"):
        read(tmp_path, "{labels: l.txt}")
