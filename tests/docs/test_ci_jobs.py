"""The shell of the CI jobs, taken out of docs/ci and run against every exit code of wb.

The `wb` on PATH is a stand-in that leaves a run folder and ends as it is told: what is tested is
the shell around it.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

JOBS = Path(__file__).parents[2] / "docs" / "ci"
SHELLS = {"github": ["bash", "-e", "-o", "pipefail"], "gitlab": ["sh", "-e"]}
WB = """#!/bin/sh
echo "wb $*" >> "$HOME/calls"
run="20260302T091407Z-$1"
code="$(cat "$HOME/$1")"
if [ "$code" -ne 1 ] && [ "$code" -ne 2 ]; then
  mkdir -p "runs/triage/$run"
  echo "$run" > runs/triage/latest
  for file in summary.md report.html junit.xml; do echo "$file of $1" > "runs/triage/$run/$file"; done
fi
exit "$code"
"""
SAYS = {
    0: "Requirements are met.",
    1: "wb ended with exit code 1",
    2: "wb ended with exit code 2",
    3: "Requirements are not met; the summary says why.",
    4: "collect rows",
    5: "can be resumed",
    130: "wb ended with exit code 130",
}


@dataclass(frozen=True)
class Ended:
    """What a job did: its exit code, what it called, what it printed, and the folder it ran in."""

    code: int
    calls: list[str]
    output: str
    folder: Path

    @property
    def summary(self) -> str:
        path = self.folder / "step-summary.md"
        return path.read_text() if path.exists() else self.output


def shell_of(job: str) -> str:
    found = yaml.safe_load((JOBS / f"{job}.yml").read_text(encoding="utf-8"))
    if job == "gitlab":
        return "\n".join(found["assess"]["script"])
    (step,) = [step for step in found["jobs"]["assess"]["steps"] if step.get("name") == "Assess"]
    assert step["shell"] == "bash"
    return str(step["run"])


def run(job: str, folder: Path, assess: int, escalate: int = 0) -> Ended:
    home = folder / "home"
    home.mkdir()
    (home / "assess").write_text(str(assess))
    (home / "escalate").write_text(str(escalate))
    (home / "wb").write_text(WB)
    (home / "wb").chmod(0o755)
    environment = {
        "PATH": f"{home}:{os.environ['PATH']}",
        "HOME": str(home),
        "TASK": "tasks/my task.yaml",
        "GITHUB_STEP_SUMMARY": str(folder / "step-summary.md"),
    }
    done = subprocess.run(
        [*SHELLS[job], "-c", shell_of(job)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(
        done.returncode, (home / "calls").read_text().splitlines(), done.stdout + done.stderr, folder
    )


@pytest.mark.parametrize("job", SHELLS)
@pytest.mark.parametrize("code", [0, 1, 2, 4, 5, 130])
def test_the_job_ends_as_assess_ended_and_says_what_that_means(job: str, code: int, tmp_path: Path) -> None:
    ended = run(job, tmp_path, code)
    assert ended.code == code
    assert ended.calls == ["wb assess tasks/my task.yaml"]
    assert SAYS[code] in ended.output


@pytest.mark.parametrize("job", SHELLS)
@pytest.mark.parametrize("code", [0, 1, 3, 4, 5, 130])
def test_requirements_that_are_not_met_are_escalated(job: str, code: int, tmp_path: Path) -> None:
    ended = run(job, tmp_path, 3, code)
    assert ended.code == code
    assert ended.calls == ["wb assess tasks/my task.yaml", "wb escalate tasks/my task.yaml"]
    assert SAYS[code] in ended.output


@pytest.mark.parametrize("job", SHELLS)
def test_the_newest_run_is_what_the_job_shows(job: str, tmp_path: Path) -> None:
    ended = run(job, tmp_path, 3, 0)
    assert "summary.md of escalate" in ended.summary
    assert "summary.md of assess" not in ended.summary
    assert (tmp_path / "assess" / "junit.xml").read_text() == "junit.xml of escalate\n"


@pytest.mark.parametrize("job", SHELLS)
def test_a_job_without_a_run_shows_nothing_and_keeps_the_exit_code(job: str, tmp_path: Path) -> None:
    ended = run(job, tmp_path, 1)
    assert "summary.md" not in ended.summary
    assert ended.code == 1


def test_run_folder_and_junit_are_kept_whatever_the_end() -> None:
    github = yaml.safe_load((JOBS / "github.yml").read_text())["jobs"]["assess"]["steps"]
    kept = [step for step in github if step.get("if") == "always()"]
    assert [step["with"].get("path") or step["with"]["report_paths"] for step in kept] == [
        "runs/\n**/looks.jsonl",
        "assess/junit.xml",
    ]
    artifacts = yaml.safe_load((JOBS / "gitlab.yml").read_text())["assess"]["artifacts"]
    assert artifacts["when"] == "always"
    assert {"runs/", "**/looks.jsonl"} <= set(artifacts["paths"])
    assert artifacts["reports"]["junit"] == "assess/junit.xml"


def commands_of(job: str) -> list[str]:
    """What the job runs before the assessment."""
    found = yaml.safe_load((JOBS / f"{job}.yml").read_text(encoding="utf-8"))
    if job == "gitlab":
        return [str(line) for line in found["assess"]["before_script"]]
    (step,) = [step for step in found["jobs"]["assess"]["steps"] if step.get("name") == "Install"]
    return str(step["run"]).splitlines()


@pytest.mark.parametrize("job", SHELLS)
def test_the_workbench_is_installed_from_where_the_user_keeps_it(job: str) -> None:
    """It is on no package index, so a job that names it alone would install nothing, or somebody else's."""
    found = yaml.safe_load((JOBS / f"{job}.yml").read_text(encoding="utf-8"))
    given = found["assess"]["variables"] if job == "gitlab" else found["jobs"]["assess"]["env"]
    assert urlsplit(given["WORKBENCH"].removeprefix("git+").split("@")[0]).hostname == "git.example.com"
    commands = commands_of(job)
    assert 'pip install "$WORKBENCH"' in commands
    assert not any(re.search(r"install.*tuning-workbench", command) for command in commands)


# The gate's job

GATES = {"github": "gate-github", "gitlab": "gate-gitlab"}
GATE_WB = """#!/bin/sh
echo "wb $*" >> "$CALLS"
[ "$1" = assess ] && exit {assess}
echo "the gate said" > gate.md
exit {gate}
"""


def gate_of(job: str) -> tuple[str, dict[str, str]]:
    """The shell of a gate's job, and what it is told."""
    found = yaml.safe_load((JOBS / f"{GATES[job]}.yml").read_text(encoding="utf-8"))
    if job == "gitlab":
        return "\n".join(found["gate"]["script"]), found["gate"]["variables"]
    (step,) = [step for step in found["jobs"]["gate"]["steps"] if step.get("name") == "Gate"]
    assert step["shell"] == "bash"
    return str(step["run"]), found["jobs"]["gate"]["env"]


@pytest.mark.parametrize("job", GATES)
@pytest.mark.parametrize(
    ("assess", "gate", "code", "says"),
    [
        (0, 0, 0, "No worse than the baseline."),
        (0, 3, 3, "Worse than the baseline"),
        (0, 4, 4, "The dev rows cannot tell"),
        (0, 1, 1, "wb gate ended with exit code 1"),
        (5, 0, 5, "wb assess ended with exit code 5"),
    ],
)
def test_the_gates_job_ends_as_the_gate_did(
    job: str, assess: int, gate: int, code: int, says: str, tmp_path: Path
) -> None:
    (tmp_path / "wb").write_text(GATE_WB.format(assess=assess, gate=gate))
    (tmp_path / "wb").chmod(0o755)
    shell, told = gate_of(job)
    summary, calls = tmp_path / "summary.md", tmp_path / "calls"
    done = subprocess.run(
        [*SHELLS[job], "-c", shell],
        cwd=tmp_path,
        env={
            **told,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "CALLS": str(calls),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert says in done.stdout + done.stderr
    shown = summary.read_text() if summary.exists() else done.stdout
    assert ("the gate said\n" in shown) == (assess == 0)
    asked = calls.read_text().splitlines()
    assert asked[0] == "wb assess task.yaml --dev-only --exit-zero"
    assert asked[1:] == (
        ["wb gate runs/my-task --baseline main --task task.yaml --markdown gate.md --junit gate.xml"]
        if assess == 0
        else []
    )


def test_the_gates_report_is_kept_and_its_metrics_are_tests_whatever_the_end() -> None:
    steps = yaml.safe_load((JOBS / "gate-github.yml").read_text())["jobs"]["gate"]["steps"]
    (kept,) = [step for step in steps if step.get("if") == "always()"]
    assert kept["with"]["report_paths"] == "gate.xml"
    artifacts = yaml.safe_load((JOBS / "gate-gitlab.yml").read_text())["gate"]["artifacts"]
    assert artifacts["when"] == "always"
    assert "gate.md" in artifacts["paths"]
    assert artifacts["reports"]["junit"] == "gate.xml"


def test_both_gates_install_and_run_the_same_things() -> None:
    github = yaml.safe_load((JOBS / "gate-github.yml").read_text())["jobs"]["gate"]
    gitlab = yaml.safe_load((JOBS / "gate-gitlab.yml").read_text())["gate"]
    (step,) = [step for step in github["steps"] if step.get("name") == "Install"]
    assert [line.split("  #")[0] for line in step["run"].splitlines()] == gitlab["before_script"]
    assert github["env"] == gitlab["variables"]


def test_no_recipe_ends_at_a_verdict_before_its_gate() -> None:
    page = (JOBS.parent / "ci.md").read_text(encoding="utf-8")
    recipes = re.findall(r"^wb assess .*$", page, re.M)
    assert recipes
    assert all("--exit-zero" in line for line in recipes)
