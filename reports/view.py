"""What a decision says, in the words that every format shows: verdict, next step, requirements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import figures

VERDICT_GLYPHS = {"ship": "✓", "escalate": "✗", "collect": "?", "stop": "■", "incomplete": "…"}
STATUS_GLYPHS = {"not met": "✗", "error": "!", "insufficient evidence": "?", "met": "✓"}
"""In the order in which requirements are shown."""

_TONES = {"ship": "good", "escalate": "bad", "collect": "unsure", "stop": "bad", "incomplete": "unsure"}
_ACTIONS = {
    "ship": "Use {approach} as it is. Nothing needs training.",
    "collect_eval": "Add rows to the eval set, then assess again.",
    "collect_train": "Add training rows, then assess again.",
    "fix_retrieval": "Fix retrieval first: training would not cure this.",
    "fix_data": "Fix the data first: training would not cure this.",
    "tune": "Train with {method}; it is then judged beside the baselines.",
    "climb": "Go one rung up: train with {method}.",
    "roll_back": "Go back to the baseline: the tuned model was not worth it.",
    "none": "Nothing further is recommended.",
}
_RESUME = "Run the same command again: it continues where this run stopped."
_AT_MOST_KINDS = ("latency", "cost", "forgetting")
_EVIDENCE = {"format": "failures", "latency": "latency", "cost": "economics", "forgetting": "training"}


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict: its glyph, its sentence, and whether it may look good."""

    glyph: str
    text: str
    tone: str
    binding: bool

    @property
    def sentence(self) -> str:
        """The verdict as one line of plain text."""
        return f"{self.glyph} {'' if self.binding else 'Not binding: '}{self.text}"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do now, why, and the command that does it ("" when there is none)."""

    sentence: str
    why: tuple[str, ...]
    command: str


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """A requirement as shown: `observed` and `interval` are text, the numbers are for the bar."""

    metric: str
    sentence: str
    kind: str
    advisory: bool
    status: str
    approach: str
    split: str
    n: int
    observed: str
    interval: str
    why: str
    evidence: str
    at_least: bool
    bound: float
    value: float | None
    low: float | None
    high: float | None

    @property
    def glyph(self) -> str:
        """The status as a mark beside its words."""
        return STATUS_GLYPHS.get(self.status, "?")

    @property
    def basis(self) -> str:
        """What the figure is of: "240 test rows, knn_few_shot"."""
        rows = f"{figures.count(self.n)} {self.split} rows".replace("  ", " ")
        return f"{rows}, {self.approach}" if self.approach else rows


def headline(decision: Mapping[str, Any]) -> Headline:
    """The verdict. A run that is not binding never looks good and says so."""
    verdict, binding = str(decision["verdict"]), bool(decision["binding"])
    text = str(decision.get("headline") or verdict.capitalize())
    first, _, rest = text.partition(" ")
    glyph = VERDICT_GLYPHS.get(verdict, "?")
    if rest and len(first) == 1 and not first.isalnum():
        glyph, text = first, rest
    if not binding:
        return Headline("○", text, "unsure", binding)
    return Headline(glyph, text, _TONES.get(verdict, "unsure"), binding)


def next_step(decision: Mapping[str, Any]) -> NextStep:
    """The recommendation as a sentence, its reasons and its command."""
    advice: Mapping[str, Any] = decision.get("recommendation") or {}
    action = str(advice.get("action") or "none")
    template = _ACTIONS.get(action, figures.words(action).capitalize() + ".")
    if decision["verdict"] == "incomplete" and action == "none":
        template = _RESUME
    sentence = template.replace("{approach}", str(decision.get("approach") or "the baseline"))
    sentence = sentence.replace("{method}", str(advice.get("method") or "the recommended method"))
    return NextStep(sentence, tuple(map(str, advice.get("why") or ())), str(advice.get("command") or ""))


def metric_of(decision: Mapping[str, Any]) -> str | None:
    """The primary metric: of the first gating quality requirement, else the first gating one."""
    wanted: Sequence[Mapping[str, Any]] = decision.get("requirements") or ()
    gating = [r for r in wanted if r.get("tier") != "advisory"] or list(wanted)
    for kinds in (("quality",), ("format",), ()):
        for requirement in gating:
            if not kinds or requirement.get("kind") in kinds:
                return str(requirement["metric"])
    scored = [a for a in decision["approaches"] if a.get("dev")]
    return next(iter(scored[0]["dev"])) if scored else None


def focus(decision: Mapping[str, Any]) -> str | None:
    """The approach that the requirements are shown for: the chosen one, else the best."""
    if decision.get("approach"):
        return str(decision["approach"])
    named = [r.get("approach") for r in decision.get("requirements") or () if r.get("approach")]
    return str(named[0]) if named else None


def reference(decision: Mapping[str, Any]) -> str | None:
    """The approach that the one in focus is compared with, pair by pair."""
    name, metric = focus(decision), metric_of(decision)
    for approach in decision["approaches"]:
        if approach["name"] == name:
            versus = ((approach.get("delta") or {}).get(metric) or {}).get("vs")
            return str(versus) if versus else None
    return None


def requirement_lines(decision: Mapping[str, Any]) -> tuple[RequirementLine, ...]:
    """The requirements, failed ones first and gating before advisory, else in the task's order."""
    lines = [_line(requirement) for requirement in decision.get("requirements") or ()]
    order = list(STATUS_GLYPHS)
    return tuple(sorted(lines, key=lambda line: (order.index(line.status), line.advisory)))


def _line(requirement: Mapping[str, Any]) -> RequirementLine:
    metric, kind, bound = str(requirement["metric"]), str(requirement["kind"]), float(requirement["bound"])
    value, low, high = (requirement.get(key) for key in ("value", "low", "high"))
    at_least = _at_least(requirement)
    digits = figures.digits_for(bound, value, low, high)
    where = requirement.get("where") or {}
    slice_text = " where " + ", ".join(f"{k} = {v}" for k, v in where.items()) if where else ""
    sentence = f"{metric} {'≥' if at_least else '≤'} {figures.figure(metric, bound, digits)}{slice_text}"
    return RequirementLine(
        metric=metric,
        sentence=sentence,
        kind=kind,
        advisory=requirement.get("tier") == "advisory",
        status=str(requirement["status"]),
        approach=str(requirement.get("approach") or ""),
        split=str(requirement.get("split") or ""),
        n=int(requirement.get("n") or 0),
        observed=figures.figure(metric, value, digits),
        interval=figures.interval(metric, requirement, digits),
        why=str(requirement.get("why") or _why(requirement, at_least, digits)),
        evidence=_EVIDENCE.get(kind, "rows"),
        at_least=at_least,
        bound=bound,
        value=value,
        low=low,
        high=high,
    )


def _at_least(requirement: Mapping[str, Any]) -> bool:
    if requirement.get("at_least") is not None or requirement.get("at_most") is not None:
        return requirement.get("at_least") is not None
    return requirement["kind"] not in _AT_MOST_KINDS and requirement["metric"] != "error_rate"


def _why(requirement: Mapping[str, Any], at_least: bool, digits: int) -> str:
    metric, status = str(requirement["metric"]), requirement["status"]
    bound = figures.figure(metric, requirement["bound"], digits)
    low, high = (figures.figure(metric, requirement.get(key), digits) for key in ("low", "high"))
    if status == "met":
        return f"Even the worst plausible value, {low if at_least else high}, meets {bound}."
    if status == "not met":
        return f"Even the best plausible value, {high if at_least else low}, misses {bound}."
    if status == "error":
        return "Rows are missing that could change this."
    needed = requirement.get("needed_n")
    more = int(needed) - int(requirement.get("n") or 0) if needed else 0
    ask = f" About {figures.count(more)} more rows would settle it." if more > 0 else ""
    return f"{bound} lies inside the interval: these rows cannot tell.{ask}"
