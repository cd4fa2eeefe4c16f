"""The command line: help, usage, what goes to stdout and what to stderr, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from evals.table import Table
from tests.evals.models.openai_server import OpenAIServer, Say
from tests.workbench.small_task import SmallTask, contents
from tuning.tables import METHODS, OBJECTIVES
from workbench.cli.main import COMMANDS, run

ROOT = Path(__file__).parents[2]


def wb(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    code = "import sys; from workbench.cli import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


# Help and usage


@pytest.mark.parametrize("word", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, word]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith(f"Usage: wb {command}")
    assert "--help" in said.out


@pytest.mark.parametrize("words", [["-h"], ["--help"], []])
def test_the_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == (0 if words else 2)
    said = capsys.readouterr()
    shown = said.out if words else said.err
    assert all(f"\n  {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize("table", [METHODS, OBJECTIVES])
def test_the_help_of_escalate_names_what_can_be_asked_for(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["escalate", "--help"]) == 0
    assert f"not the one recommended: {', '.join(table)}." in " ".join(capsys.readouterr().out.split())


def test_help_comes_at_once_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, time; from workbench.cli.main import run; run(['--help']); run(['assess', '-h']);"
        "run(['escalate', '-h']);"
        "heavy = {'torch', 'transformers', 'scipy', 'numpy', 'openai', 'jsonschema', 'jinja2', 'faiss'};"
        "assert not heavy & set(sys.modules); print(time.process_time(), file=sys.stderr)"
    )
    said = [sys.executable, "-c", code]
    taken = [
        float(subprocess.run(said, capture_output=True, text=True, cwd=ROOT, check=True).stderr)
        for _ in range(3)
    ]
    assert min(taken) < 0.5  # a busy machine's caches make some of them slower


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["asses"], "there is no command 'asses'. Did you mean 'assess'?"),
        (["frobnicate"], "there is no command 'frobnicate'"),
        (["--frobnicate"], "No such option '--frobnicate'"),
        (["assess"], "Missing argument 'TASK.YAML'"),
        (["assess", "task.yaml", "--job", "3"], "No such option '--job'"),
        (["assess", "task.yaml", "--jobs", "many"], "'many' is not a valid integer"),
        (["assess", "task.yaml", "--limit", "0"], "--limit"),
        (["check", "a.yaml", "b.yaml"], "unexpected extra argument"),
        (["schema", "verdict"], "'verdict' is not one of 'task', 'decision'"),
    ],
)
def test_wrong_usage_is_told_on_stderr_with_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert "--help' for help" in said.err


# stdout and stderr


def test_stdout_has_the_result_and_stderr_the_progress(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert task.assess() == 0
    said = capsys.readouterr()
    assert "zero_shot: dev: 12/12\n" in said.err
    assert "zero_shot: test: 12/12\n" in said.err
    assert all(": " in line and "/12" in line for line in said.err.splitlines())
    assert "12/12" not in said.out
    assert f"report   {task.runs()[0] / 'report.html'}" in said.out
    assert said.out.splitlines()[-1].startswith("✓ Ship zero_shot")


@pytest.mark.parametrize("before", [True, False])
def test_quiet_leaves_the_result_alone(
    before: bool, server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    words = ["assess", str(task.path), "--out", str(task.out)]
    assert run(["-q", *words] if before else [*words, "-q"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "✓ Ship zero_shot" in said.out


def test_verbose_logs_what_happens(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert task.assess("-v") == 0
    assert "HTTP Request: POST" in caplog.text
    assert "HTTP" not in capsys.readouterr().out


def test_what_libraries_warn_of_is_said_where_it_is_asked_for() -> None:
    for words, told in ((["schema", "task"], "ignore"), (["-v", "schema", "task"], "default")):
        assert run(words) == 0
        assert warnings.filters[0][0] == told


def test_json_is_the_decision_and_nothing_else(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert task.assess("--json") == 0
    decision = json.loads(capsys.readouterr().out)
    (folder,) = task.runs()
    assert decision == json.loads((folder / "decision.json").read_text())
    before = contents(folder)
    assert run(["report", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == decision
    assert contents(folder) == before


def test_check_models_doctor_and_schema_can_be_read_by_programs(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert run(["check", str(task.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == {"train": 0, "dev": 12, "test": 12}
    assert run(["models", "--json"]) == 0
    assert "smollm2-135m" in json.dumps(json.loads(capsys.readouterr().out))
    assert run(["schema"]) == 0
    assert "requirements" in json.loads(capsys.readouterr().out)["properties"]
    assert run(["schema", "decision"]) == 0
    assert "verdict" in json.loads(capsys.readouterr().out)["properties"]


# Exit codes


@pytest.mark.parametrize(
    ("bound", "policy", "code", "verdict"),
    [(0.7, "point", 0, "ship"), (0.9, "point", 3, "stop"), (0.7, "confident", 4, "collect")],
)
def test_the_exit_code_is_the_verdicts_unless_zero_is_asked_for(
    bound: float, policy: str, code: int, verdict: str, server: OpenAIServer, tmp_path: Path
) -> None:
    asked = [{"metric": "label", "at_least": bound, "kind": "quality"}]
    task = SmallTask(tmp_path, server.url, requirements=asked, policy=policy)
    assert task.assess("-q") == code
    (folder,) = task.runs()
    assert json.loads((folder / "decision.json").read_text())["verdict"] == verdict
    assert run(["report", str(folder), "-q"]) == code
    assert run(["report", str(folder), "-q", "--exit-zero"]) == 0
    assert task.assess("-q", "--exit-zero") == 0


def test_exit_zero_keeps_the_codes_of_errors_and_outages(server: OpenAIServer, tmp_path: Path) -> None:
    task = SmallTask(tmp_path, server.url)
    server.rule = lambda path, body: Say(402, "no credit")
    assert task.assess("-q", "--exit-zero") == 5
    server.rule = lambda path, body: Say(401, "who are you")
    assert task.assess("-q", "--exit-zero") == 1
    task.path.unlink()
    assert task.assess("-q", "--exit-zero") == 1


def test_output_that_cannot_be_written_is_told_without_a_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        code = "import sys; from workbench.cli import main; main(['schema'])"
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 5
    assert done.stderr.splitlines()[0] == "error: output: No space left on device"
    assert len(done.stderr.splitlines()) == 2


# Colour


def on_a_terminal(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command writes to a terminal."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        run(words)
    shown = b""
    with os.fdopen(master, "rb", 0) as screen, suppress(OSError):  # where nobody writes any more
        while part := screen.read(100_000):
            shown += part
    return shown.decode()


def test_colour_is_for_terminals_and_can_be_refused(
    server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert task.assess("-q") == 0
    words = ["-q", "report", str(task.runs()[0])]
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m" in on_a_terminal(words, monkeypatch)
    assert "\x1b" not in on_a_terminal([*words, "--no-color"], monkeypatch)
    assert "\x1b" not in on_a_terminal(["--no-color", *words], monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_a_terminal(words, monkeypatch)


def test_a_pipe_gets_no_colour_even_when_stderr_is_a_terminal(
    server: OpenAIServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = SmallTask(tmp_path, server.url)
    assert task.assess() == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err


def test_init_writes_a_task_that_check_knows(tmp_path: Path) -> None:
    done = wb("init", str(tmp_path / "new"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"next     wb check {tmp_path / 'new' / 'task.yaml'}" in done.stdout
    again = wb("init", str(tmp_path / "new"))
    assert again.returncode == 1
    assert again.stderr.startswith("error: ")
    assert len(again.stderr.splitlines()) == 2


def test_every_mistake_of_a_reading_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = """name: bad
model: smollm2-135m
data: {dev: dev.jsonl, test: test.jsonl}
promt: {instruction: Say it.}
output: txt
requirements:
  - {metric: exact, at_least: 80%, kind: fromat}
"""
    (tmp_path / "task.yaml").write_text(wrong)
    assert run(["check", str(tmp_path / "task.yaml")]) == 1
    said = capsys.readouterr().err
    assert [line.partition("task.yaml:")[2] for line in said.splitlines() if line.startswith("error: ")] == [
        "4: promt: unknown key 'promt'. Did you mean 'prompt'?",
        '5: output: must be text, {labels: [...]} or {format: json, schema: ...}, not "txt". '
        "Did you mean 'text'?",
        '7: requirements[0].kind: must be format, quality, latency, cost or forgetting, not "fromat". '
        "Did you mean 'format'?",
        '7: requirements[0].at_least: must be a number, not "80%"',
    ]
    assert "\nWrite a share: 0.8.\n" in said


def test_every_wrong_grader_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graders = ["exct", {"name": "contains", "valu": "x"}]
    task = SmallTask(tmp_path, graders=graders)
    assert run(["check", str(task.path)]) == 1
    lines = task.path.read_text().splitlines()
    first, second = (n for n, line in enumerate(lines, 1) if "exct" in line or '"contains"' in line)
    said = capsys.readouterr().err
    assert f"{task.path}:{first}: graders[0]: there is no grader 'exct'. Did you mean 'exact'?" in said
    assert f"{task.path}:{second - 1}: graders[1]: the grader 'contains' has no option 'valu'." in said
