"""What `wb check` found: values, and the text that a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evals.store import plain
from workbench.checks.estimate import Estimate, Lengths, Sizes

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
MARKS = {"error": "✗ error", "warning": "! warning", "note": "· note"}


@dataclass(frozen=True)
class Finding:
    """Something a person should know: how grave, where, what, and what to do about it."""

    level: Level
    where: str
    message: str
    todo: str = ""


@dataclass(frozen=True)
class Provable:
    """What these test rows could show of one requirement at its error (one-sided `alpha`).

    `n` rows count for it; `fewest` is the number with which a perfect score would meet it (None:
    no number would), `most_failures` how many of the n may be wrong with it still met (None: even
    none of them may, so the requirement cannot be met with these rows).
    """

    requirement: str
    n: int
    alpha: float
    fewest: int | None
    most_failures: int | None
    tier: str = "critical"


@dataclass(frozen=True)
class Checked:
    """The result of a check; `rows` are counts by split, `sizes` and `estimate` None without a model."""

    task: str
    findings: tuple[Finding, ...]
    rows: Mapping[str, int]
    dropped: int
    requirements: tuple[Provable, ...]
    sizes: Sizes | None
    estimate: Estimate | None
    max_tokens: int | None
    audit: Mapping[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 with warnings, 1 with errors."""
        return 1 if self.errors else 0

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        result: dict[str, Any] = plain(self)
        return result


def text(checked: Checked) -> str:
    """The whole result as lines for a terminal."""
    counts = ", ".join(f"{n} {split}" for split, n in checked.rows.items())
    left = f" ({checked.dropped} copies left out)" if checked.dropped else ""
    parts = [
        [f"{checked.task}: {counts}{left}"],
        list(_findings(checked.findings)),
        list(_provable(checked.requirements)),
        list(_sizes(checked.sizes, checked.max_tokens)),
        list(_estimate(checked.estimate)),
        [_summary(checked)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{MARKS[finding.level]}: {finding.where}: {finding.message}"
        if finding.todo:
            yield f"    {finding.todo}"


def _provable(requirements: Sequence[Provable]) -> Iterator[str]:
    if requirements:
        yield "What these test rows could show"
    for could in requirements:
        fewest = "no number of rows" if could.fewest is None else f"{could.fewest} rows"
        if could.most_failures is None:
            yield f"  ✗ {could.requirement}: CANNOT BE MET with {could.n}; a perfect score takes {fewest}"
        else:
            yield (
                f"  ✓ {could.requirement}: at most {could.most_failures} of {could.n} rows may fail "
                f"(a perfect score takes {fewest}; one-sided error {could.alpha:.4g})"
            )


def _sizes(sizes: Sizes | None, max_tokens: int | None) -> Iterator[str]:
    if sizes is None:
        return
    yield f"Tokens (context {sizes.context:,}, answers cut at {max_tokens})"
    for name, of in (("zero-shot prompt", sizes.prompt), ("gold answer", sizes.answer)):
        yield f"  {name}: {_spread(of)}"


def _spread(of: Lengths) -> str:
    return f"median {of.p50}, 95 % up to {of.p95}, longest {of.most} ({of.n} rows counted)"


def _estimate(cost: Estimate | None) -> Iterator[str]:
    if cost is None:
        return
    yield "Estimated work (an estimate: real runs may take a third or three times as long)"
    for step in cost.steps:
        yield f"  {step.name}: {step.calls:,} calls, {step.tokens_in:,} tokens in, {step.tokens_out:,} out"
    usd = "" if cost.usd is None else f", {cost.usd:.2f} USD"
    yield (
        f"  in all: {cost.calls:,} calls, {cost.tokens_in:,} tokens in, {cost.tokens_out:,} out, "
        f"about {_minutes(cost.minutes)}{usd}"
    )
    yield f"  assuming {cost.speed}"


def _minutes(minutes: float) -> str:
    return "a minute or less" if minutes < 1.5 else f"{minutes:,.0f} minutes"


def _summary(checked: Checked) -> str:
    counts = {level: sum(f.level == level for f in checked.findings) for level in LEVELS}
    said = ", ".join(f"{n} {level}{'s' if n != 1 else ''}" for level, n in counts.items())
    gating = [could for could in checked.requirements if could.tier == "critical"]
    never = any(could.most_failures is None for could in gating)
    ready = "! ready, but nothing can ship with these rows" if never else "✓ ready"
    return f"{'✗ not ready' if checked.errors else ready}: {said}"
