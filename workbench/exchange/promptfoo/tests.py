"""promptfoo's tests as rows: inline, in files, in CSV columns; with what `defaultTest` adds to each.

A test with lists among its variables stands for one row for each combination, as there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.errors import DataError, TaskError
from evals.rows import find_source, read_rows
from workbench.exchange.promptfoo.cells import assertion_of
from workbench.exchange.promptfoo.source import Source, is_code, load, load_lines, read_text

KNOWN = {"vars", "assert", "threshold", "description", "metadata", "options"}
OPTIONS = {"prefix", "suffix", "disableDefaultAsserts", "disableVarExpansion"}
TABLES = (".csv", ".tsv")
MEDIA = (".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp3", ".wav", ".mp4")


@dataclass(frozen=True)
class Test:
    """One test: `where` and `key` say where it stands; `asserts` are as written, each with its place."""

    where: str
    key: str
    variables: Mapping[str, Any]
    asserts: tuple[tuple[str, str, Any], ...]
    threshold: float | None = None
    description: str = ""
    prefix: str = ""
    suffix: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def tests_of(source: Source) -> list[Test]:
    """All tests, each variable with one value. Raises TaskError or DataError for files that cannot be
    read."""
    default = _default(source)
    given = source.value.get("tests", [])
    if "scenarios" in source.value:
        source.leave_out("scenarios", "only tests are carried over")
    found = []
    for where, key, raw in _raw(given if isinstance(given, list) else [given], source):
        found += list(_expanded(_test(raw, where, key, default, source), raw, source))
    return found


def _default(source: Source) -> Mapping[str, Any]:
    """What every test begins with."""
    value = source.value.get("defaultTest", {})
    if isinstance(value, str):
        value = load(source.find(value, "defaultTest")[0])
    if not isinstance(value, dict):
        raise TaskError("must be a mapping of keys", where=source.path, key="defaultTest")
    _unknown(value, "defaultTest", source.path.name, source)
    return value


def _raw(entries: list[Any], source: Source) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each test as written, with the file and the place it stands in."""
    for place, entry in enumerate(entries):
        key = f"tests[{place}]"
        if isinstance(entry, dict) and "path" in entry and "vars" not in entry:
            source.leave_out(key, "tests made by code are not carried over")
        elif isinstance(entry, dict):
            yield source.path.name, key, entry
        elif not isinstance(entry, str):
            source.leave_out(key, f"is no test: {entry!r}")
        elif entry.startswith(("http://", "https://", "huggingface://", "az://", "s3://")):
            source.leave_out(key, f"is fetched from elsewhere: save it as a file ({entry})")
        elif is_code(entry):
            source.leave_out(key, f"tests made by code are not carried over ({entry})")
        else:
            for path in source.find(entry, key):
                yield from _of_file(path, source, key)


def _of_file(path: Path, source: Source, key: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The tests of a file of them."""
    shown = str(path.relative_to(source.folder)) if path.is_relative_to(source.folder) else path.name
    if path.suffix in TABLES:
        for line, cells in read_rows(find_source(path.name, "tests", path.parent)):
            yield f"{shown}:{line}", "", _of_cells(cells, f"{shown}:{line}", source)
        return
    values = load_lines(path) if path.suffix == ".jsonl" else load(path)
    for place, value in enumerate(values if isinstance(values, list) else [values]):
        if not isinstance(value, dict):
            source.leave_out(f"[{place}]", "is no test", shown)
        else:
            yield shown, f"[{place}]", value


def _of_cells(cells: Mapping[str, Any], where: str, source: Source) -> dict[str, Any]:
    """A row of a CSV file as a test."""
    variables: dict[str, Any] = {}
    asserts: list[dict[str, Any]] = []
    test: dict[str, Any] = {"vars": variables, "assert": asserts, "options": {}}
    own = {"__description": "description", "__threshold": "threshold"}
    for name, cell in cells.items():
        if name.startswith("__expected"):
            if cell.strip():
                asserts.append(assertion_of(cell.strip()))
        elif name in ("__prefix", "__suffix"):
            test["options"][name[2:]] = cell
        elif name in own:
            if cell.strip():
                test[own[name]] = _figure(cell, name, where) if name == "__threshold" else cell
        elif name.startswith("__metadata:"):
            test.setdefault("metadata", {})[name[11:].removesuffix("[]")] = cell
        elif name.startswith("__config:__expected"):
            _configure(asserts, name, cell, where)
        elif name.startswith("__"):
            if cell.strip():
                source.leave_out(name, "has no counterpart here", where)
        else:
            variables[name] = cell
    return test


def _configure(asserts: list[dict[str, Any]], name: str, cell: str, where: str) -> None:
    number, _, option = name.removeprefix("__config:__expected").partition(":")
    place = int(number) - 1 if number.isdigit() else 0
    if cell.strip() and place < len(asserts):
        asserts[place][option] = _figure(cell, name, where)


def _figure(cell: str, name: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise DataError(f"{name} is a number, not {cell!r}", where=where) from error


def _unknown(raw: Mapping[str, Any], key: str, where: str, source: Source) -> None:
    """List what a test has that is not carried over."""
    for name in sorted(raw.keys() - KNOWN):
        source.leave_out(f"{key}.{name}".lstrip("."), "has no counterpart here", where)
    options = raw.get("options") or {}
    for name in sorted(options.keys() - OPTIONS):
        source.leave_out(f"{key}.options.{name}".lstrip("."), "has no counterpart here", where)


def _test(raw: dict[str, Any], where: str, key: str, default: Mapping[str, Any], source: Source) -> Test:
    """A test with what defaultTest adds. Raises TaskError for one that is malformed."""
    _unknown(raw, key, where, source)
    variables, more = raw.get("vars") or {}, default.get("vars") or {}
    if isinstance(variables, str):
        variables = load(source.find(variables, f"{key}.vars")[0])
    own = raw.get("assert") or []
    if not isinstance(variables, dict) or not isinstance(more, dict) or not isinstance(own, list):
        raise TaskError("vars is a mapping and assert a list", where=where, key=key or None)
    options = {**(default.get("options") or {}), **(raw.get("options") or {})}
    first = [] if options.get("disableDefaultAsserts") is True else default.get("assert") or []
    prefix = f"{key}." if key else ""
    return Test(
        where,
        key,
        {**more, **variables},
        (
            *((source.path.name, f"defaultTest.assert[{n}]", one) for n, one in enumerate(first)),
            *((where, f"{prefix}assert[{n}]", one) for n, one in enumerate(own)),
        ),
        raw.get("threshold", default.get("threshold")),
        str(raw.get("description") or ""),
        str(options.get("prefix") or ""),
        str(options.get("suffix") or ""),
        {**(default.get("metadata") or {}), **(raw.get("metadata") or {})},
    )


def _expanded(test: Test, raw: Mapping[str, Any], source: Source) -> Iterator[Test]:
    """The test once for each combination of the values of its variables, files read."""
    whole = (raw.get("options") or {}).get("disableVarExpansion") is True
    choices: dict[str, list[Any]] = {}
    for name, value in test.variables.items():
        key = f"{test.key}.vars.{name}".lstrip(".")
        many = isinstance(value, list) and bool(value) and isinstance(value[0], str) and not whole
        values = value if many else [value]
        choices[name] = [read for one in values for read in _variable(one, key, test.where, source)]
    for combination in itertools.product(*choices.values()):
        filled = dict(zip(choices, combination, strict=True))
        yield replace(test, variables=filled)


def _variable(value: Any, key: str, where: str, source: Source) -> list[Any]:
    """A variable's values: the contents of the files it names, or itself; none where it cannot be read."""
    if isinstance(value, str) and "{{" in value:
        source.leave_out(key, "names other variables, which are not filled in", where)
    if not isinstance(value, str) or not value.startswith("file://"):
        return [value]
    if is_code(value) or value.lower().endswith(MEDIA):
        source.leave_out(
            key, f"{value}: neither code nor pictures nor sound are read; the test is left out", where
        )
        return []
    paths = source.find(value, key)
    return [load(path) if path.suffix in (".yaml", ".yml") else read_text(path).strip() for path in paths]
