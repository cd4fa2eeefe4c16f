"""promptfoo's configurations as task folders, held against what promptfoo itself made of them.

`promptfoo/*.recorded.json` is what version 0.123.1 asked, answered (its provider `echo` gives back
what it is asked) and judged; `make test-full` asks the real tool again where it is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from baselines.approach import Prompt
from evals.data import load_data
from evals.errors import TaskError
from evals.graders import of_task
from evals.models import Loader
from evals.task import load_task
from evals.types import Example, Prediction
from workbench.checks.task import check
from workbench.cli.main import wb
from workbench.exchange.promptfoo.folder import Imported, import_config

FILES = Path(__file__).parent / "promptfoo"
MODEL = "smollm2-135m"


def recorded(name: str) -> list[dict[str, Any]]:
    found = json.loads((FILES / f"{name}.recorded.json").read_text(encoding="utf-8"))
    assert found["promptfoo"] == "0.123.1"
    results: list[dict[str, Any]] = found["results"]
    return results


def imported(name: str, out: Path) -> Imported:
    return import_config(FILES / f"{name}.yaml", out, model=MODEL)


def rows_of(task: Path) -> dict[str, Example]:
    data = load_data(load_task(task))
    return {row.id: row for row in (*data.dev, *data.test)}


def written(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "tests.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


DIFFER = {
    10: "case is folded: ß is ss",
    55: "whitespace around an answer does not count",
    57: "an empty answer is not right by what it lacks",
}
"""The tests of graded.yaml on which our rules are others, as docs/exchange.md says."""


def agree(results: list[dict[str, Any]], folder: Path, differ: Mapping[int, str]) -> None:
    """Our graders say of promptfoo's answers what promptfoo says, row by row."""
    task = load_task(folder / "task.yaml")
    (grader,) = of_task(task)
    rows = written(folder)
    assert len(rows) == len(results)
    for result in results:
        row = rows[f"test-{result['test']}"]
        example = Example(row["id"], row["input"], row["output"], fields={"assertions": row["assertions"]})
        (score,) = grader.grade([(example, Prediction(row["id"], result["output"], "stop"))], Loader())
        if result["test"] in differ:
            assert (score.value == 1) != result["pass"], differ[result["test"]]
            continue
        assert (score.value == 1) == result["pass"], (row, score)
        assert score.counts["score"][0] == pytest.approx(result["score"]), (row, score)


def test_each_row_passes_or_fails_as_in_promptfoo(tmp_path: Path) -> None:
    imported("graded", tmp_path / "graded")
    results = recorded("graded")
    assert 0 < sum(result["pass"] for result in results) < len(results) == 57
    agree(results, tmp_path / "graded", DIFFER)


def test_prompts_are_asked_as_promptfoo_asks_them(tmp_path: Path) -> None:
    done = imported("asked", tmp_path / "asked")
    assert len(done.tasks) == 4
    rows = written(tmp_path / "asked")
    for result in recorded("asked"):
        task = load_task(done.tasks[result["prompt"]])
        row = rows[f"test-{result['test']}"]
        fields = {name: value for name, value in row.items() if name not in ("id", "input", "output")}
        query = Example(row["id"], row["input"], "", fields=fields).query()
        own = Prompt(task.prompt.template, task.prompt.system or "", task.prompt.instruction)
        if result["prompt"] == 1:
            own = Prompt(task.prompt.template, task.prompt.instruction)
            chat = [{"role": turn.role, "content": turn.content} for turn in own.render(query)]
            assert chat == json.loads(result["asked"])
        elif result["prompt"] == 3:
            assert own.render(query)[-1].content == f"Answer.\n\n{result['asked']}"
        else:
            assert own.render(query)[-1].content == result["asked"]


@pytest.mark.parametrize("name", ["graded", "asked"])
def test_check_accepts_what_was_written(name: str, tmp_path: Path) -> None:
    for path in imported(name, tmp_path / name).tasks:
        found = check(load_task(path), Loader())
        assert [finding.message for finding in found.findings if finding.level == "error"] == []


def test_what_is_not_carried_over_is_listed_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("question,__expected,__other\nq3,grade: is kind,x\nq4,contains: a,\n")
    (tmp_path / "promptfooconfig.yaml").write_text(
        """
prompts: ["Say: {{question}}", {raw: "Say: {{question}}", config: {a: 1}}, "file://prompt.py"]
providers: ["anthropic:messages:x", {id: "openai:chat:gpt-4o", config: {temperature: 1, seed: 3}}]
nunjucksFilters: {a: b.js}
defaultTest: {options: {transform: output.trim()}}
tests:
  - vars: {question: q1}
    provider: other
    assert:
      - {type: contains, value: a, metric: has}
      - {type: javascript, value: output.length > 3}
      - {type: levenshtein, value: abc, threshold: 2}
      - {type: contains, value: b, transform: output.trim()}
      - {type: regex, value: "("}
      - {type: latency, threshold: 100}
      - {type: contains, value: file://wanted.js}
  - vars: {question: q2}
    assert: [{type: llm-rubric, value: kind}]
  - file://more.csv
"""
    )
    done = import_config(tmp_path / "promptfooconfig.yaml", tmp_path / "out")
    assert [row["id"] for row in written(tmp_path / "out").values()] == ["test-1", "test-4"]
    assert load_task(done.tasks[0]).model.name == "gpt-4o"
    left = {(one.where, one.key) for one in done.omitted}
    config = "promptfooconfig.yaml"
    keys = """prompts[1].config prompts[2] providers[0] providers[1].config.seed nunjucksFilters
        defaultTest.options.transform tests[0].provider tests[0].assert[0].metric tests[0].assert[1]
        tests[0].assert[2] tests[0].assert[3].transform tests[0].assert[4] tests[0].assert[5]
        tests[0].assert[6] tests[1].assert[0] tests[1]"""
    assert {(config, key) for key in keys.split()} <= left
    assert {("more.csv:2", "assert[0]"), ("more.csv:2", ""), ("more.csv:2", "__other")} <= left
    kept = json.loads((tmp_path / "out" / "left_out.json").read_text())
    assert len(kept["left_out"]) == len(done.omitted) == len(left)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("prompts: [", "cannot be read"),
        ("- a", "must be a mapping of keys"),
        ("name: x", "neither prompts nor tests"),
        (
            "prompts: ['{{a}}']\nproviders: [echo]\ntests: [{vars: {a: b}, assert: [{type: is-json}]}]",
            "--model",
        ),
        ("prompts: [file://none.txt]\nproviders: [openai:gpt-4o]", "there is no file 'none.txt'"),
        ("prompts: [[{role: assistant, content: x}]]", "no prompt that can be carried over"),
        ("prompts: ['{{output}}']\nproviders: ['openai:x']\ntests: []", "gives the answer away"),
        ("prompts: ['{{group}}']\nproviders: ['openai:x']\ntests: []", "column of another meaning"),
        ("prompts: ['{{a}}']\nproviders: ['openai:x']\ntests: [{vars: {a: b}}]", "no test with an assertion"),
        ("prompts: ['{{a}}']\nproviders: ['openai:x']\ntests: [{vars: [1]}]", "vars is a mapping"),
        ("prompts: ['{{a}}']\nproviders: ['openai:x']\ntests: tests.csv", "there is no file 'tests.csv'"),
        (
            "prompts: ['{{a}}']\nproviders: ['openai:x']\ndefaultTest: [1]\ntests: []",
            "must be a mapping of keys",
        ),
    ],
)
def test_what_cannot_be_imported_is_an_error_and_writes_nothing(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(TaskError, match=why):
        import_config(tmp_path / "c.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_kept_unless_forced(tmp_path: Path) -> None:
    words = ["import", "promptfoo", str(FILES / "graded.yaml"), "-o", str(tmp_path), "--model", MODEL]
    (tmp_path / "mine").write_text("x")
    with pytest.raises(TaskError, match="has something in it"):
        CliRunner().invoke(wb, words, catch_exceptions=False, standalone_mode=False)
    done = CliRunner().invoke(wb, [*words, "--force"], catch_exceptions=False, standalone_mode=False)
    assert "57 rows" in done.output and "tests[39].assert[1]: has weight 0" in done.output
    assert (tmp_path / "mine").read_text() == "x"


def test_an_import_by_force_leaves_no_task_of_the_one_before(tmp_path: Path) -> None:
    config, out = tmp_path / "c.yaml", tmp_path / "out"
    test = "tests: [{vars: {a: b}, assert: [{type: contains, value: c}]}]"
    config.write_text(f"prompts: ['{{{{a}}}}']\nproviders: ['openai:x', 'openai:y', 'openai:z']\n{test}")
    assert [path.name for path in import_config(config, out).tasks] == [
        "task.yaml",
        "task-2.yaml",
        "task-3.yaml",
    ]
    (out / "task-9.yaml").write_text("name: mine")
    config.write_text(f"prompts: ['{{{{a}}}}']\nproviders: ['openai:x', 'openai:y']\n{test}")
    import_config(config, out, force=True)
    assert sorted(path.name for path in out.glob("task*.yaml")) == ["task-2.yaml", "task-9.yaml", "task.yaml"]
    assert load_task(out / "task-2.yaml").model.name == "y"


def test_words_of_yaml_are_read_as_promptfoo_reads_them(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "prompts: ['Say: {{a}}']\nproviders: [huggingface:text-generation:org/m]\n"
        "tests: [{vars: {a: yes}, assert: [{type: equals, value: no}, {type: contains, value: 2024-05-01}]}]"
    )
    done = import_config(tmp_path / "c.yaml", tmp_path / "out")
    row = written(tmp_path / "out")["test-1"]
    assert (row["a"], row["output"]) == ("yes", "no")
    assert row["assertions"][1] == {"name": "contains", "value": "2024-05-01"}
    assert load_task(done.tasks[0]).model.name == "org/m"


@pytest.mark.full
@pytest.mark.parametrize("name", ["graded", "asked"])
def test_promptfoo_still_says_what_was_recorded(name: str, tmp_path: Path) -> None:
    tool = os.environ.get("PROMPTFOO") or shutil.which("promptfoo")
    if not tool:
        pytest.skip("promptfoo is not on the path (npm install -g promptfoo@0.123.1)")
    environment = {
        **os.environ,
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_CONFIG_DIR": str(tmp_path / "home"),
    }
    out = tmp_path / "out.json"
    words = [tool, "eval", "-c", str(FILES / f"{name}.yaml"), "-o", str(out), "--no-cache", "--no-table"]
    subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, timeout=300, check=False)
    found = json.loads(out.read_text(encoding="utf-8"))["results"]["results"]
    again = sorted(
        (
            r["testIdx"] + 1,
            r["promptIdx"],
            r["prompt"]["raw"],
            r["response"]["output"],
            r["success"],
            r["score"],
        )
        for r in found
    )
    known = [
        tuple(r[key] for key in ("test", "prompt", "asked", "output", "pass", "score"))
        for r in recorded(name)
    ]
    assert again == sorted(known)
