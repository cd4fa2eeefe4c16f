"""What is right and what is missing on this machine: a list of findings, each with what to do.

Looks and changes nothing. Imports the ground floor only inside the checks that need it, so that it
can still say why when that import goes wrong.
"""

from __future__ import annotations

import codecs
import importlib.util
import locale
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, TextIO

from workbench.machine.installed import FLOORS, Pins, Shadow, mismatches, pins, python_fits, shadows

Level = Literal["ok", "warning", "problem"]
ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30
LITTLE_SPACE, TOO_LITTLE_SPACE = 5 * GIB, 1 * GIB
"""A converted small model takes half a GiB, a downloaded one of 1.7B parameters more than three."""
_SIGNS: Mapping[Level, str] = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `what` was found, and what to `do` about it ("" when nothing is to do)."""

    subject: str
    level: Level
    what: str
    do: str = ""


def doctor() -> list[Finding]:
    """Look at everything. Takes a few seconds, as torch is imported."""
    hidden = list(shadow_findings(_find_shadows()))
    found = [*package_findings(pins(ROOT)), *hidden]
    if not any(f.level == "problem" for f in hidden):
        found += [torch_finding(), cache_finding(), answers_finding(), *model_findings(), code_finding()]
    return [*found, hub_finding(os.environ), *terminal_findings(sys.stdout, os.environ)]


def as_text(findings: Sequence[Finding]) -> str:
    """One line a finding, what to do below it, and a line that sums up."""
    width = max((len(f.subject) for f in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{_SIGNS[finding.level]}  {finding.subject.ljust(width)}  {finding.what}")
        if finding.do:
            lines.append(f"{'':{width + 11}}→ {finding.do}")
    problems = sum(f.level == "problem" for f in findings)
    warnings = sum(f.level == "warning" for f in findings)
    return "\n".join([*lines, "", f"{_number(problems, 'problem')}, {_number(warnings, 'warning')}."])


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The same for programs: {"ok": no problem was found, "findings": [...]}."""
    return {
        "ok": not any(f.level == "problem" for f in findings),
        "findings": [asdict(f) for f in findings],
    }


def _number(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"


def package_findings(wanted: Pins | None) -> Iterator[Finding]:
    """Python and the installed packages against what the project asks for."""
    version = platform.python_version()
    if wanted is None:
        yield Finding("python", "ok", version)
        yield Finding(
            "packages", "warning", "the project's requirements stand nowhere", "Install it with pip."
        )
        return
    if python_fits(wanted.python):
        yield Finding("python", "ok", f"{version} ({wanted.python})")
    else:
        do = f"Make an environment with Python {wanted.python}."
        yield Finding("python", "problem", f"{version}, but {wanted.python} is needed", do)
    wrong = [m for m in mismatches(wanted.packages) if m.pin.extra is None or m.found is not None]
    for mismatch in wrong:
        requirement, needed = mismatch.pin.requirement, mismatch.pin.extra is None
        what = f"{requirement.name} {mismatch.found or 'is not installed'}"
        what += f", wanted: {requirement.specifier}" if mismatch.found else ""
        level: Level = "problem" if needed and mismatch.found is None else "warning"
        do = f"pip install '{requirement.name}{requirement.specifier}'"
        yield Finding("packages", level, what, do)
    if not wrong:
        count = sum(p.extra is None for p in wanted.packages)
        yield Finding("packages", "ok", f"{count} as {wanted.source} wants them")
    yield from _extra_findings(wanted)


def _extra_findings(wanted: Pins) -> Iterator[Finding]:
    """Which optional groups are whole. A missing one is no fault."""
    groups = list(dict.fromkeys(p.extra for p in wanted.packages if p.extra))
    missing = {m.pin.extra for m in mismatches(wanted.packages) if m.found is None}
    have = [g for g in groups if g not in missing]
    lack = [g for g in groups if g in missing]
    if groups:
        what = f"installed: {', '.join(have) or 'none'}" + (f"; not: {', '.join(lack)}" if lack else "")
        yield Finding("extras", "ok", what)


def _find_shadows() -> list[Shadow]:
    used = {}
    for name in FLOORS:
        spec = importlib.util.find_spec(name)
        used[name] = Path(spec.origin).resolve() if spec and spec.origin else None
    return shadows(ROOT, used, sys.path, metadata.packages_distributions())


def shadow_findings(found: Sequence[Shadow]) -> Iterator[Finding]:
    """Whether the five packages are the project's own."""
    for shadow in found:
        owners = f" (claimed by {', '.join(shadow.owners)})" if shadow.owners else ""
        if shadow.wins:
            what = f"Python imports {shadow.name} from {shadow.place}{owners}, not this project's"
            yield Finding("names", "problem", what, "Install the workbench into an environment of its own.")
        else:
            what = f"another {shadow.name} lies at {shadow.place}{owners}; it does not win, for now"
            yield Finding("names", "warning", what, "Better is an environment of the workbench's own.")
    if not found:
        yield Finding("names", "ok", f"{', '.join(FLOORS)} are this project's")


def torch_finding() -> Finding:
    """Whether torch works, on what it computes, and in which dtype models run by default."""
    try:
        import torch
    except (ImportError, OSError) as error:
        what = f"cannot be imported ({str(error).splitlines()[0]})"
        return Finding("torch", "problem", what, "Install it before the rest: pip install torch==2.13.0")
    from evals.models.sources import pick_dtype

    dtype = str(pick_dtype("auto")).removeprefix("torch.")
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        where = f"{card.name}, {card.total_memory / GIB:.0f} GiB"
        return Finding("torch", "ok", f"{torch.__version__} on {where}; models run in {dtype}")
    where = f"{torch.__version__} on {torch.get_num_threads()} CPU threads; models run in {dtype}"
    if shutil.which("nvidia-smi") and torch.version.cuda is None:
        do = "Install a torch build for CUDA (pytorch.org/get-started) to use it."
        return Finding("torch", "warning", f"{where}; there is a GPU, but this build is for CPUs", do)
    return Finding("torch", "ok", f"{where}; no GPU")


def code_finding() -> Finding:
    """Whether code that a model wrote could be run here. Where not, only a grader that runs it is refused."""
    from evals.graders.sandbox import refusal

    why = refusal()
    return Finding("code", "ok", f"cannot be contained: {why}" if why else "can be contained (python_tests)")


def cache_finding() -> Finding:
    """Whether converted models can be kept."""
    from evals.models.cache import cache_root

    return folder_finding(cache_root())


def answers_finding() -> Finding:
    """How much room the kept answers of endpoints take, and how they are removed."""
    from evals.models.answers import answers_file, size_of

    path = answers_file()
    count, taken = size_of(path)
    if not taken:
        return Finding("answers", "ok", f"none are kept in {path.parent}")
    what = (
        f"{count:,} of endpoints are kept, {taken / (1 << 20):.1f} MiB; to remove them: rm -r {path.parent}"
    )
    return Finding("answers", "ok", what)


def folder_finding(folder: Path) -> Finding:
    """Whether a folder, there or yet to be made, can be written and how much fits."""
    nearest = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            "cache", "problem", f"{folder} cannot be written", "Set WB_CACHE to a folder that can."
        )
    free = shutil.disk_usage(nearest).free
    what = f"{folder}, {free / GIB:.1f} GiB free"
    if free >= LITTLE_SPACE:
        return Finding("cache", "ok", what)
    do = "Free some space, or set WB_CACHE to a folder on another disk."
    return Finding("cache", "problem" if free < TOO_LITTLE_SPACE else "warning", what, do)


def model_findings() -> Iterator[Finding]:
    """The known models that are here, and how to get those that come in a package."""
    from workbench.machine.models import list_models

    entries = list_models()
    here = [e.name for e in entries if e.present]
    yield Finding("models", "ok", f"here: {', '.join(here) or 'none'}")
    for entry in entries:
        if not entry.present and entry.in_package:
            yield Finding("models", "warning", f"the {entry.kind} {entry.name} is not here", entry.get)


def hub_finding(environment: Mapping[str, str]) -> Finding:
    """Whether models may be fetched from the Hugging Face hub."""
    told = [
        f"{name}={environment[name]}"
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HOME", "HF_ENDPOINT")
        if environment.get(name)
    ]
    told += ["HF_TOKEN is set"] if environment.get("HF_TOKEN") else []
    offline = environment.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    what = "nothing is fetched: offline" if offline else "what is not here may be fetched, and is then said"
    return Finding("hub", "ok", f"{what}{' (' + ', '.join(told) + ')' if told else ''}")


def terminal_findings(stream: TextIO, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether this terminal shows what the reports say (≥, ✓ and names in any script)."""
    encoding = stream.encoding or "unknown"
    if _is_utf8(encoding) and _is_utf8(locale.getpreferredencoding(False)):
        yield Finding("locale", "ok", encoding)
    else:
        what = f"output is {encoding}, files are {locale.getpreferredencoding(False)}: not UTF-8"
        yield Finding("locale", "warning", what, "export PYTHONUTF8=1 (or LANG=C.UTF-8)")
    plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    width = shutil.get_terminal_size().columns
    kind = (
        f"{width} columns, {'no colour' if plain else 'colour'}"
        if stream.isatty()
        else "output is no terminal"
    )
    yield Finding("terminal", "ok", kind)


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False
