"""A promptfoo configuration as plain values: the file, what it includes, and what could not be read.

Nothing of it is executed: files of code, of other services and of the web are listed instead. Paths
are relative to the configuration, as promptfoo has them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evals.errors import DataError, TaskError
from workbench.exchange.omitted import Omitted

_CODE = re.compile(r"\.([cm]?[jt]s|py|rb|sh)(:\w+)?$")
"""Files that promptfoo runs, perhaps with the name of a function in them."""


_BOOL, _DATE = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """Reads `yes` and `no` as words and dates as text, as YAML 1.2 has them."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML declares it so)
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_BOOL, _DATE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


@dataclass
class Source:
    """One configuration while it is read: its folder, its values, and what was left out so far."""

    path: Path
    value: dict[str, Any]
    omitted: list[Omitted] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.path.parent

    def leave_out(self, key: str, why: str, where: str | None = None) -> None:
        """Note what is not carried over, once."""
        one = Omitted(where or self.path.name, key, why)
        if one not in self.omitted:
            self.omitted.append(one)

    def find(self, reference: str, key: str) -> list[Path]:
        """The files that file://NAME or a name with * means, sorted. Raises TaskError when there is none."""
        name = reference.removeprefix("file://")
        if any(sign in name for sign in "*?["):
            found = sorted(path for path in self.folder.glob(name) if path.is_file())
        else:
            found = [self.folder / name]
        if not found or not all(path.is_file() for path in found):
            raise TaskError(f"there is no file {name!r}", where=self.path, key=key)
        return found


def is_code(name: str) -> bool:
    """Whether a reference is to a file that promptfoo would run."""
    return name.startswith(("exec:", "python:", "package:")) or bool(_CODE.search(name))


def read_source(path: Path) -> Source:
    """The configuration. Raises TaskError when it is not one."""
    value = load(path)
    if not isinstance(value, dict):
        raise TaskError("is no promptfoo configuration: it must be a mapping of keys", where=path)
    if not ({"prompts", "providers", "targets", "tests"} & value.keys()):
        raise TaskError(
            "is no promptfoo configuration: it has neither prompts nor tests",
            where=path,
            hint="Name the promptfooconfig.yaml itself.",
        )
    return Source(path, _resolved(value, value, path, 0))


def load(path: Path) -> Any:
    """The value of a YAML or JSON file. Raises TaskError."""
    text = read_text(path)
    try:
        return json.loads(text) if path.suffix == ".json" else read_yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise TaskError(f"cannot be read: {' '.join(str(error).split())[:200]}", where=path) from error


def read_yaml(text: str) -> Any:
    """The value of a YAML text. Raises yaml.YAMLError."""
    return yaml.load(text, _Loader)


def load_lines(path: Path) -> list[Any]:
    """The values of a JSONL file. Raises DataError with the line."""
    values = []
    for line, text in enumerate(read_text(path).splitlines(), 1):
        if text.strip():
            try:
                values.append(json.loads(text))
            except (ValueError, RecursionError) as error:
                raise DataError(f"is not JSON: {error}", where=path, line=line) from error
    return values


def read_text(path: Path) -> str:
    """A file's text. Raises TaskError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TaskError(f"cannot be read ({error.strerror})", where=path) from error
    except UnicodeDecodeError as error:
        raise TaskError("is not UTF-8 text", where=path, hint="Save the file as UTF-8.") from error


def _resolved(value: Any, root: Any, path: Path, depth: int) -> Any:
    """The value with its {$ref: '#/...'} replaced by what they name. Raises TaskError."""
    if depth > 60:
        raise TaskError("is nested too deeply", where=path)
    if isinstance(value, list):
        return [_resolved(item, root, path, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if not (isinstance(reference, str) and reference.startswith("#/") and "$defs" not in reference):
        return {str(key): _resolved(item, root, path, depth + 1) for key, item in value.items()}
    found = root
    for part in reference[2:].split("/"):
        if not isinstance(found, dict) or part not in found:
            # a schema's own references begin at the schema, not at the configuration
            return {
                str(key): _resolved(item, root, path, depth + 1)
                for key, item in value.items()
                if key != "$ref"
            } | {"$ref": reference}
        found = found[part]
    rest = {key: item for key, item in value.items() if key != "$ref"}
    merged = {**found, **rest} if isinstance(found, dict) else found
    return _resolved(merged, root, path, depth + 1)
