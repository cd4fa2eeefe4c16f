from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from evals.models import answers
from evals.types import Completion
from workbench.machine.doctor import (
    ROOT,
    Finding,
    answers_finding,
    as_json,
    as_text,
    cache_finding,
    doctor,
    folder_finding,
    hub_finding,
    model_findings,
    package_findings,
    shadow_findings,
    terminal_findings,
    torch_finding,
)
from workbench.machine.installed import Pin, Pins, Shadow


class Terminal(io.TextIOWrapper):
    """A terminal of some encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True


def wanting(*needed: str, python: str = ">=3.11", **extras: str) -> list[Finding]:
    packages = [Pin(Requirement(text)) for text in needed]
    packages += [Pin(Requirement(text), extra) for extra, text in extras.items()]
    return list(package_findings(Pins("pyproject.toml", python, tuple(packages))))


def test_it_looks_at_everything_and_says_what_to_do_about_each_fault() -> None:
    found = doctor()
    subjects = {"python", "packages", "names", "torch", "cache", "models", "hub", "locale", "terminal"}
    assert subjects <= {f.subject for f in found}
    assert all(f.do for f in found if f.level != "ok")


def test_packages_as_wanted_are_fine() -> None:
    found = wanting("pytest>=1", "click>=8")
    assert [(f.subject, f.level) for f in found] == [("python", "ok"), ("packages", "ok")]


def test_a_missing_package_is_a_problem_and_an_odd_version_a_warning() -> None:
    found = {f.what: f for f in wanting("never-made==2.0", "pytest<1")}
    missing = found["never-made is not installed"]
    assert (missing.level, missing.do) == ("problem", "pip install 'never-made==2.0'")
    (odd,) = [f for f in found.values() if f.level == "warning"]
    assert odd.what.endswith("wanted: <1")


def test_an_older_python_is_a_problem() -> None:
    assert wanting(python=">=4")[0].level == "problem"


def test_optional_groups_are_named_and_no_fault() -> None:
    found = wanting(here="pytest>=1", gone="never-made")
    assert {f.level for f in found} == {"ok"}
    assert found[-1].what == "installed: here; not: gone"


def test_without_any_requirements_it_says_so() -> None:
    assert [f.level for f in package_findings(None)] == ["ok", "warning"]


@pytest.mark.parametrize(("wins", "level"), [(True, "problem"), (False, "warning")])
def test_another_package_by_one_of_the_names_is_reported_with_its_owner(wins: bool, level: str) -> None:
    (found,) = shadow_findings([Shadow("evals", Path("/site/evals"), ("openai-evals",), wins)])
    assert found.level == level
    assert "openai-evals" in found.what
    assert "/site/evals" in found.what


def test_it_still_runs_when_evals_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "__init__.py").touch()
    code = "from workbench.machine.doctor import as_text, doctor; print(as_text(doctor()))"
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"PROBLEM  names     Python imports evals from {tmp_path / 'evals'}" in done.stdout


def test_torch_is_named_with_the_dtype_models_run_in() -> None:
    import torch

    from evals.models.sources import pick_dtype

    found = torch_finding()
    assert found.subject == "torch"
    assert torch.__version__ in found.what
    assert str(pick_dtype("auto")).removeprefix("torch.") in found.what


def test_a_cache_that_can_be_written_is_fine_and_stays_unmade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WB_CACHE", str(tmp_path / "new" / "cache"))
    found = cache_finding()
    assert found.level in ("ok", "warning")
    assert str(tmp_path / "new" / "cache") in found.what
    assert not (tmp_path / "new").exists()


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = folder_finding(tmp_path / "file" / "cache")
    assert found.level == "problem"
    assert "WB_CACHE" in found.do


def test_kept_answers_are_counted_with_how_to_remove_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "answers" / "answers.sqlite"
    monkeypatch.setattr(answers, "answers_file", lambda: path)
    assert answers_finding() == Finding("answers", "ok", f"none are kept in {path.parent}")
    answers.Answers(path).put("k", Completion("r", "text", "stop"))
    said = answers_finding().what
    assert said.startswith("1 of endpoints are kept, ")
    assert said.endswith(f"rm -r {path.parent}")


def test_little_space_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.machine.doctor.LITTLE_SPACE", 1 << 80)
    assert folder_finding(tmp_path).level == "warning"
    monkeypatch.setattr("workbench.machine.doctor.TOO_LITTLE_SPACE", 1 << 80)
    assert folder_finding(tmp_path).level == "problem"


def test_a_known_model_whose_package_is_missing_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evals.models import known

    gone = known.Package("never-made", "1.0", "weights.gguf", "pip install never-made==1.0")
    entry = known.Known("toy", "model", "MIT", gone, known.Hub("nobody/never-made"))
    monkeypatch.setattr("workbench.machine.models.KNOWN", {"toy": entry})
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    here, missing = model_findings()
    assert here.what == "here: none"
    assert (missing.level, missing.what) == ("warning", "the model toy is not here")
    assert "pip install never-made==1.0" in missing.do


def test_the_hub_settings_are_told_and_the_token_is_not() -> None:
    found = hub_finding({"HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_secret", "HF_HOME": "/data/hf"})
    assert "offline" in found.what
    assert "HF_HOME=/data/hf" in found.what
    assert "HF_TOKEN is set" in found.what
    assert "hf_secret" not in found.what


def test_an_encoding_that_cannot_show_reports_is_a_warning() -> None:
    assert [f.level for f in terminal_findings(Terminal("ascii"), {})] == ["warning", "ok"]
    colour = list(terminal_findings(Terminal("utf-8"), {}))[-1].what
    plain = list(terminal_findings(Terminal("utf-8"), {"NO_COLOR": "1"}))[-1].what
    assert colour.endswith("columns, colour")
    assert plain.endswith("columns, no colour")


def test_text_shows_what_to_do_and_sums_up() -> None:
    text = as_text([Finding("torch", "problem", "is broken", "Mend it."), Finding("hub", "ok", "fine")])
    assert text.splitlines() == [
        "PROBLEM  torch  is broken",
        "                → Mend it.",
        "ok       hub    fine",
        "",
        "1 problem, no warnings.",
    ]


def test_json_says_whether_there_is_a_problem() -> None:
    warned = as_json([Finding("a", "warning", "odd", "Look.")])
    assert warned == {
        "ok": True,
        "findings": [{"subject": "a", "level": "warning", "what": "odd", "do": "Look."}],
    }
    assert as_json([Finding("a", "problem", "bad", "Mend.")])["ok"] is False
    assert json.dumps(warned)
