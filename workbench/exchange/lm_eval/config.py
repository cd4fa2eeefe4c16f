"""An lm-eval task file, read: YAML with `include`, its rows from local files, its templates over them.

Nothing is executed: `!function` is kept as a name, and refused where rows or prompts hang on it, unless the
caller allows code. Templates are Jinja in a sandbox.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from evals.errors import TaskError
from evals.rows import find_source, read_rows

FILES = ("json", "csv", "parquet")
"""What a `dataset_path` names when the rows are in files."""
Doc = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """`!function module.name` in a file of `folder`."""

    spec: str
    folder: Path

    def load(self) -> Any:
        """The function; runs its module. Raises TaskError when it is not there."""
        module, _, name = self.spec.rpartition(".")
        path = self.folder / f"{module.replace('.', '/')}.py"
        found = importlib.util.spec_from_file_location(f"{self.folder.name}.{module}", path)
        if not path.is_file() or found is None or found.loader is None:
            raise TaskError("is not beside the task file", where=path)
        loaded = importlib.util.module_from_spec(found)
        found.loader.exec_module(loaded)
        return getattr(loaded, name)


class _Loader(yaml.SafeLoader):
    folder = Path()


def _function(loader: _Loader, node: yaml.ScalarNode) -> Function:
    return Function(str(loader.construct_scalar(node)), loader.folder)


_Loader.add_constructor("!function", _function)


def read_config(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The keys of a task file, those of the files that it includes under them. Raises TaskError."""
    if path.resolve() in seen:
        raise TaskError("includes itself", where=path, key="include")
    loader = type("Loader", (_Loader,), {"folder": path.parent})
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TaskError(f"cannot be read as YAML ({' '.join(str(error).split())})", where=path) from error
    if not isinstance(value, dict):
        raise TaskError("is no lm-eval task: it holds no keys", where=path)
    included = value.pop("include", [])
    under: dict[str, Any] = {}
    for name in included if isinstance(included, list) else [included]:
        under |= read_config(path.parent / name, (*seen, path.resolve()))
    return {**under, **value}


def read_docs(
    config: Mapping[str, Any], split: str, base: Path, given: Mapping[str, Path]
) -> list[Doc] | None:
    """The rows of a split: of the file `given` for it, else of the task's own local files; None when the task
    names none. Raises TaskError for rows that are not on this machine, DataError for a bad line."""
    if split in given:
        return _file(given[split], None)
    if given:
        return None
    kwargs = config.get("dataset_kwargs") or {}
    files = kwargs.get("data_files")
    if config.get("dataset_path") not in FILES or files is None:
        raise _elsewhere(base, str(config.get("dataset_path")))
    by_split = files if isinstance(files, dict) else {"train": files}
    if split not in by_split:
        return None
    names = by_split[split] if isinstance(by_split[split], list) else [by_split[split]]
    docs: list[Doc] = []
    for name in names:
        if "://" in str(name):
            raise _elsewhere(base, str(name))
        docs += _file(base.parent / str(name), kwargs.get("field"))
    return docs


def _elsewhere(where: Path, name: str) -> TaskError:
    return TaskError(
        f"its rows are not on this machine: {name}",
        where=where,
        key="dataset_path",
        hint="Fetch them and name the files: --data test=rows.jsonl, once for each split.",
    )


def _file(path: Path, field: str | None) -> list[Doc]:
    """The rows of a file; of a .json file also those of a list, or of the list under `field`."""
    source = find_source(str(path), "test", Path())
    if path.suffix == ".json":
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            whole = None  # a row a line, read below
        rows = whole.get(field) if field and isinstance(whole, dict) else whole
        if isinstance(rows, list):
            return [dict(row) for row in rows]
    return [row for _, row in read_rows(source)]


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["regex_replace"] = lambda text, pattern, repl, count=0: re.sub(
        pattern, repl, text, count=count
    )
    return environment


def rendered(value: Any, doc: Doc, where: Path, key: str) -> Any:
    """A `doc_to_…` of one row, as lm-eval reads it: a column, a function of the row, a template, or itself.
    Raises TaskError for a template that the row does not fit."""
    from jinja2 import TemplateError

    if callable(value):
        return value(doc)
    if not isinstance(value, str):
        return value
    if value in doc:
        return doc[value]
    try:
        return _environment().from_string(value).render(**doc)
    except (TemplateError, TypeError, ValueError, OverflowError) as error:
        raise TaskError(f"does not render ({error})", where=where, key=key) from error


def listed(value: Any) -> Any:
    """A text that is a Python list, as one; anything else as it is."""
    if isinstance(value, str) and value[:1] == "[" and value[-1:] == "]":
        try:
            return ast.literal_eval(value)
        except (SyntaxError, ValueError):
            return value
    return value
