"""A YAML file as plain values, with the line of every key, so that errors can point at it.

Scalars follow YAML 1.2's core schema, not 1.1: `yes`, `no` and `on` are words (they are common
labels), `1e-3` is a number, a date is text. Anything JSON cannot hold is refused: tags, NaN and
infinity, keys that are not text, keys given twice, aliases that contain themselves.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from evals.errors import TaskError

NOT_YAML = "Write `key: value`, a part of a key indented below it, text that holds : or # in quotes."

_TAG = "tag:yaml.org,2002:"
_MOST_NODES = 200_000
"""Aliases can make a short file huge; no task file comes near this."""


class _CoreLoader(yaml.SafeLoader):
    """Only composes: plain scalars are recognised by YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  (PyYAML declares it so)


for _tag, _pattern in (
    ("null", r"^(?:~|null|Null|NULL|)$"),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    ),
):
    _CoreLoader.add_implicit_resolver(_TAG + _tag, re.compile(_pattern), None)


def join_key(parent: str, part: str | int) -> str:
    """The path of a key or list item as people write it: "requirements[1].metric"."""
    if isinstance(part, int):
        return f"{parent}[{part}]"
    return f"{parent}.{part}" if parent else part


@dataclass
class YamlFile:
    """The file's text and value. `lines` maps a key path to its line (from 1), `spans` a scalar's
    key path to the character range it takes in `text`, `texts` to the line its text begins on."""

    path: Path
    text: str
    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)

    def line(self, key: str) -> int | None:
        """The line of a key, or of the nearest key above it."""
        while key and key not in self.lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return self.lines.get(key)

    def fail(self, message: str, key: str, hint: str | None = None) -> NoReturn:
        """Raise a TaskError at a key."""
        raise TaskError(message, where=self.path, line=self.line(key), key=key or None, hint=hint)


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML mapping. Raises TaskError, with the line, for anything that is not one."""
    file = YamlFile(path, _text(path))
    try:
        loader = _CoreLoader(file.text)
        node = loader.get_single_node()
        if node is not None:
            file.lines[""] = node.start_mark.line + 1
            file.value = _Builder(file).build(node, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise TaskError(
            f"is not YAML: {what}", where=path, line=mark.line + 1 if mark else None, hint=NOT_YAML
        ) from error
    except yaml.YAMLError as error:
        raise TaskError(f"is not YAML: {' '.join(str(error).split())}", where=path, hint=NOT_YAML) from error
    except RecursionError as error:
        raise TaskError("is nested too deeply", where=path) from error
    if node is None:
        raise TaskError("is empty", where=path, hint="`wb init` writes a commented task to start from.")
    if not isinstance(file.value, dict):
        raise TaskError(
            "must be a mapping of keys (name: ...), not a single value or a list", where=path, hint=NOT_YAML
        )
    return file


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TaskError(
            "there is no such file", where=path, hint="`wb init` writes a commented task to start from."
        ) from error
    except IsADirectoryError as error:
        raise TaskError("is a folder; name the task file in it", where=path) from error
    except OSError as error:
        raise TaskError(f"cannot be read ({error.strerror})", where=path) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TaskError("is not UTF-8 text", where=path, line=line, hint="Save the file as UTF-8.") from error


class _Builder:
    """Walks composed nodes once, building values and noting lines."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file
        self.open: set[int] = set()
        self.count = 0

    def build(self, node: yaml.Node, key: str) -> Any:
        self.count += 1
        if self.count > _MOST_NODES or id(node) in self.open:
            self._fail("its aliases repeat without end", node, key)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, key)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, key)
            assert isinstance(node, yaml.ScalarNode)
            return self._scalar(node, key)
        finally:
            self.open.discard(id(node))

    def _fail(self, message: str, node: yaml.Node, key: str) -> NoReturn:
        raise TaskError(message, where=self.file.path, line=node.start_mark.line + 1, key=key or None)

    def _mapping(self, node: yaml.MappingNode, key: str) -> dict[str, Any]:
        self._plain_tag(node, "map", key)
        value: dict[str, Any] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            name, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
                self._fail(f"the key {str(name)[:40]!r} is not text: put it in quotes", key_node, key)
            name = self._whole(name, key_node, key)
            path = join_key(key, name)
            if name in seen:
                self._fail(f"is given twice (first on line {seen[name]})", key_node, path)
            seen[name] = self.file.lines[path] = line
            value[name] = self.build(value_node, path)
        return value

    def _sequence(self, node: yaml.SequenceNode, key: str) -> list[Any]:
        self._plain_tag(node, "seq", key)
        items = []
        for index, item in enumerate(node.value):
            path = join_key(key, index)
            self.file.lines[path] = item.start_mark.line + 1
            items.append(self.build(item, path))
        return items

    def _plain_tag(self, node: yaml.Node, expected: str, key: str) -> None:
        if node.tag != _TAG + expected:
            self._fail(f"the YAML tag {node.tag!r} is not used here", node, key)

    def _scalar(self, node: yaml.ScalarNode, key: str) -> Any:
        block = node.style in ("|", ">")
        self.file.spans[key] = (node.start_mark.index, node.end_mark.index)
        self.file.texts[key] = node.start_mark.line + (2 if block else 1)
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind in ("int", "float"):
            return self._number(kind, text, node, key)
        self._plain_tag(node, "str", key)
        return self._whole(text, node, key)

    def _whole(self, text: str, node: yaml.Node, key: str) -> str:
        """The text with characters that JSON wrote as two escapes joined, as JSON reads them."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._fail("there is half of a character (a lone surrogate)", node, key)

    def _number(self, kind: str, text: str, node: yaml.ScalarNode, key: str) -> int | float:
        try:
            if kind == "int":
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            number = float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        except ValueError:
            self._fail(f"{text[:40]!r} is not a number", node, key)
        if not math.isfinite(number):
            self._fail(f"must be a finite number, not {text}", node, key)
        return number
