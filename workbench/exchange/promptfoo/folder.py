"""Writes what was read of a promptfoo configuration: rows, one task file a prompt and model, what was
left out.

Each test is a row of `tests.jsonl` with its variables as columns and its assertions in the column
`assertions`, which the grader of that name reads. promptfoo calls a test passed when its assertions
hold, and so does the grader: the metric `assertions` is promptfoo's pass rate. Tests of which no
assertion could be carried over are left out, because they could only pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import TaskError
from evals.examples import KEYS
from evals.store import read_json, write_json, write_lines, write_text
from evals.template import Template, is_hidden
from evals.types import Json
from workbench.exchange.omitted import Omitted, to_json
from workbench.exchange.promptfoo.assertions import assertion
from workbench.exchange.promptfoo.prompts import Prompt, prompts_of
from workbench.exchange.promptfoo.providers import Provider, providers_of
from workbench.exchange.promptfoo.source import Source, read_source
from workbench.exchange.promptfoo.tests import Test, tests_of
from workbench.exchange.promptfoo.words import written

ROWS = "tests.jsonl"
LIST = "left_out.json"
COLUMN = "assertions"
EVALUATION = {"prompts", "providers", "targets", "tests", "defaultTest", "scenarios", "description"}
QUIET = {"$schema", "assertionTemplates", "outputPath", "sharing", "writeLatestResults", "tags"}
"""Keys that say nothing of what is asked or graded."""
MAX_TOKENS = 512
"""The room for an answer where the configuration gives none: there is no gold answer to measure."""
AT_LEAST = 0.9


@dataclass(frozen=True)
class Imported:
    """What was written: the task files, how many rows, and all that was left out."""

    tasks: tuple[Path, ...]
    rows: int
    omitted: tuple[Omitted, ...]


def import_config(path: Path, out: Path, *, model: str | None = None, force: bool = False) -> Imported:
    """Write the configuration at `path` as a task folder; with `force` in place of what an earlier import
    wrote there. Raises TaskError or DataError for what cannot be read, and TaskError when `out` has
    something in it and `force` is False."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not force:
        raise TaskError("has something in it", where=out, hint="Name a new folder, or add --force.")
    source = read_source(path)
    for key in sorted(source.value.keys() - EVALUATION - QUIET):
        source.leave_out(key, "has no counterpart here")
    prompts, providers = prompts_of(source), providers_of(source, model)
    if not providers:
        raise TaskError(
            "has no provider that can be asked here",
            where=source.path,
            key="providers",
            hint="Name a model in its place: --model NAME (`wb models` lists some).",
        )
    rows = _rows(source, prompts)
    write_lines(out / ROWS, rows)
    tasks = []
    for number, (group, provider) in enumerate([(g, p) for g in _grouped(prompts) for p in providers], 1):
        tasks.append(out / ("task.yaml" if number == 1 else f"task-{number}.yaml"))
        write_text(tasks[-1], _task(source, group, provider, _name(source, out, number)))
    names = [task.name for task in tasks]
    for old in _written_before(out) - set(names):
        (out / old).unlink(missing_ok=True)
    left_out = to_json(source.omitted)
    write_json(out / LIST, {"from": path.name, "wrote": names, "left_out": left_out})
    return Imported(tuple(tasks), len(rows), tuple(source.omitted))


def _written_before(out: Path) -> set[str]:
    """The task files of an earlier import into this folder, by its own account."""
    if not (out / LIST).is_file():
        return set()
    found = read_json(out / LIST).get("wrote", [])
    return {name for name in found if re.fullmatch(r"task(-\d+)?\.yaml", str(name))}


def _grouped(prompts: Sequence[Prompt]) -> list[list[Prompt]]:
    """Prompts that differ by their instruction alone stand in one task: the others are its variants."""
    groups: dict[tuple[str, str], list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault((prompt.template, prompt.system), []).append(prompt)
    return list(groups.values())


def _rows(source: Source, prompts: Sequence[Prompt]) -> list[dict[str, Json]]:
    """The tests that something is asked of. Raises TaskError when there is none."""
    names = list(dict.fromkeys(name for prompt in prompts for name in _in_order(prompt.template)))
    taken = [name for name in names if _is_taken(name) and name != "input"]
    if taken:
        raise TaskError(
            f"a prompt names the variable {taken[0]!r}, which is a column of another meaning here",
            where=source.path,
            key="prompts",
            hint=f"Rename it: {', '.join(KEYS[:1] + KEYS[2:])}, {COLUMN} and gold_* are taken.",
        )
    rows = []
    for number, test in enumerate(tests_of(source), 1):
        row = _row(test, f"test-{number}", names, source)
        if row is not None:
            rows.append(row)
    if not rows:
        raise TaskError(
            "has no test with an assertion that can be carried over",
            where=source.path,
            key="tests",
            hint="; ".join(one.sentence() for one in source.omitted[:3]) or "Add assertions to the tests.",
        )
    return rows


def _is_taken(name: str) -> bool:
    return name in KEYS or name == COLUMN or is_hidden(name)


def _in_order(template: str) -> list[str]:
    """The variables of a template in the order in which it names them."""
    return sorted(Template(template).names, key=template.find)


def _row(test: Test, id: str, names: Sequence[str], source: Source) -> dict[str, Json] | None:
    """One test as a row, None where nothing is asked of it that could be carried over."""
    nodes = [
        node
        for where, key, one in test.asserts
        if (node := assertion(one, test.variables, source, key, where)) is not None
    ]
    if not nodes:
        source.leave_out(test.key, "no assertion is left of this test, so it could only pass", test.where)
        return None
    columns: dict[str, Json] = {name: written(test.variables.get(name)) for name in names}
    for name, value in test.variables.items():
        if _is_taken(name):
            if name not in columns:
                source.leave_out(f"{test.key}.vars.{name}".lstrip("."), "is a column's name here", test.where)
        else:
            columns.setdefault(name, written(value))
    for which, text in (("prefix", test.prefix), ("suffix", test.suffix)):
        if text:
            source.leave_out(
                f"{test.key}.options.{which}".lstrip("."), "is not put around prompts", test.where
            )
    if "input" not in columns:
        shown = [f"{columns[name]}" if len(names) == 1 else f"{name}: {columns[name]}" for name in names]
        columns = {"input": "\n".join(shown) or test.description or id, **columns}
    asked: Json = list(nodes)
    if test.threshold is not None:
        asked = {"assertions": list(nodes), "threshold": test.threshold}
    row: dict[str, Json] = {"id": id, **columns, "output": _gold(nodes, test.threshold), "assertions": asked}
    kept = {name: written(value) for name, value in test.metadata.items() if name not in row}
    return {**row, **kept, **({"description": test.description} if test.description else {})}


def _gold(nodes: Sequence[Mapping[str, Json]], threshold: float | None) -> str:
    """The answer that an `equals` asks for where all must hold, else nothing: others tell no answer."""
    exact = [node["value"] for node in nodes if node.get("name") == "equals" and not node.get("not")]
    return str(exact[0]) if exact and threshold is None else ""


def _name(source: Source, out: Path, number: int) -> str:
    """A task's name of the folder's."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", out.resolve().name).strip("-._")[:56] or "promptfoo"
    return plain if number == 1 else f"{plain}-{number}"


def _task(source: Source, group: Sequence[Prompt], provider: Provider, name: str) -> str:
    """The text of a task file."""
    first = group[0]
    variants = [prompt.instruction for prompt in group[1:] if prompt.instruction != first.instruction]
    prompt: dict[str, Json] = {"instruction": first.instruction, "template": first.template}
    if first.system:
        prompt["system"] = first.system
    if variants:
        prompt["variants"] = list(dict.fromkeys(variants))
    about = str(source.value.get("description") or f"Imported from {source.path.name}.")
    parts: list[tuple[str, str, Any]] = [
        ("", "name", name),
        ("", "description", f"{about} Prompt: {first.label}. Model: {provider.label}."),
        ("", "model", provider.model),
        ("a third of the rows is dev, two thirds are test", "data", {"eval": ROWS}),
        ("", "prompt", prompt),
        ("", "output", "text"),
        ("", "generation", {"max_tokens": MAX_TOKENS, **provider.generation}),
        ("each row's own, in its column of that name: docs/graders.md", "graders", ["assertions"]),
        (
            "the share of tests that pass: promptfoo gives no threshold for it, so set yours",
            "requirements",
            [{"metric": "assertions", "at_least": AT_LEAST, "kind": "quality"}],
        ),
    ]
    lines = [f"# from {source.path.name}; what could not be carried over is listed in {LIST}"]
    for comment, key, value in parts:
        lines += [f"# {comment}"] if comment else []
        lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
