"""What a decision says, in the words that every format shows: verdict, next step, requirements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import figures
from reports.plaintext import as_sentence

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
_METHODS = {
    "lora": "LoRA",
    "qlora": "QLoRA",
    "dpo": "DPO",
    "orpo": "ORPO",
    "kto": "KTO",
    "sft_then_dpo": "SFT, then DPO",
}
_SEEN = re.compile(r"^\S+ on [\d,]+ (?:rows?|requests)(?: in \d+ groups)?; ")
"""How an explanation begins that repeats the observed value and its n, which stand beside it."""

_NOT_BINDING = " (not binding)"
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
    """What to do now, the command that does it ("" when there is none), and why, beyond what the
    requirements say themselves."""

    sentence: str
    why: tuple[str, ...]
    command: str


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """A requirement as shown: `key` is the metric with its slice, `asked` the threshold. `observed`
    and `interval` are text; the numbers are for the bar. `errors` are the one-sided errors of the two
    bounds."""

    metric: str
    key: str
    asked: str
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
    errors: tuple[float, float] | None = None

    @property
    def glyph(self) -> str:
        """The status as a mark beside its words."""
        return STATUS_GLYPHS.get(self.status, "?")

    @property
    def basis(self) -> str:
        """What the figure is of: "240 test rows, knn_few_shot"."""
        return f"{self.rows}, {self.approach}" if self.approach else self.rows

    @property
    def rows(self) -> str:
        """How many rows the figure is of: "240 test rows"."""
        if self.kind == "forgetting" and self.value is not None:
            return (
                f"{figures.count(self.n)} passages or rows asked before and after"
                if self.n
                else "its weights never moved"
            )
        if not self.n:
            return "not measured"
        unit = "requests" if self.kind == "latency" else f"{self.split} rows"
        return f"{figures.count(self.n)} {unit}"

    @property
    def sentence(self) -> str:
        """The requirement in one line: "json_fields ≥ 0.80 where lang=de"."""
        return f"{self.metric} {self.asked}{self.key.removeprefix(self.metric)}"


def headline(decision: Mapping[str, Any]) -> Headline:
    """The verdict. A run that is not binding never looks good and says so."""
    verdict, binding = str(decision["verdict"]), bool(decision["binding"])
    text = str(decision.get("headline") or verdict.capitalize()).removesuffix(_NOT_BINDING)
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
    if cure := str(advice.get("cure") or ""):
        template = f"{cure[0].upper()}{cure[1:]}: training is not what is missing."
    if action == "ship" and any(
        a["name"] == decision.get("approach") and a.get("kind") == "tuned" for a in decision["approaches"]
    ):
        template = "Use {approach} as it was trained."
    sentence = template.replace("{approach}", str(decision.get("approach") or "the baseline"))
    method = str(advice.get("method") or "the recommended method")
    named = method_name(method)
    if objective := str(advice.get("objective") or ""):
        named += f" ({method_name(objective)})"
    sentence = sentence.replace("{method}", named)
    shown = [str(r.get("why")) for r in decision.get("requirements") or () if r.get("why")]
    reasons = [str(why) for why in advice.get("why") or ()]
    fresh = tuple(as_sentence(why) for why in reasons if not any(told in why for told in shown))
    return NextStep(sentence, fresh, str(advice.get("command") or ""))


def method_name(name: str) -> str:
    """A training method as people call it: "lora" -> "LoRA"."""
    return _METHODS.get(name, figures.words(name))


def key_of(requirement: Mapping[str, Any]) -> str:
    """The name under which approaches carry a requirement's figures: its metric and its slice."""
    where = requirement.get("where") or {}
    slice_text = " where " + ", ".join(f"{key}={value}" for key, value in where.items()) if where else ""
    return f"{requirement['metric']}{slice_text}"


def metric_of(decision: Mapping[str, Any]) -> str | None:
    """The primary metric, with its slice: the first gating quality requirement's, else the first
    gating one's."""
    wanted: Sequence[Mapping[str, Any]] = decision.get("requirements") or ()
    gating = [r for r in wanted if r.get("tier") != "advisory"] or list(wanted)
    for kinds in (("quality",), ("format",), ()):
        for requirement in gating:
            if not kinds or requirement.get("kind") in kinds:
                return key_of(requirement)
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
    at_least = requirement.get("direction") != "at_most"
    ends = [float(e) for key in ("low_error", "high_error") if (e := requirement.get(key)) is not None]
    digits = figures.digits_for(bound, value, low, high)
    key, asked = key_of(requirement), f"{'≥' if at_least else '≤'} {figures.figure(metric, bound, digits)}"
    return RequirementLine(
        metric=metric,
        key=key,
        asked=asked,
        kind=kind,
        advisory=requirement.get("tier") == "advisory",
        status=str(requirement["status"]),
        approach=str(requirement.get("approach") or ""),
        split=str(requirement.get("split") or ""),
        n=int(requirement.get("n") or 0),
        observed=figures.figure(metric, value, digits),
        interval=figures.interval(metric, requirement, digits),
        why=as_sentence(_SEEN.sub("", str(requirement.get("why") or ""))),
        evidence=_EVIDENCE.get(kind, "rows"),
        at_least=at_least,
        bound=bound,
        value=value,
        low=low,
        high=high,
        errors=(ends[0], ends[1]) if len(ends) == 2 else None,
    )


def tested(decision: Mapping[str, Any]) -> str:
    """What the brackets of the requirements hold, by the errors that were tested; "" where that is not
    known."""
    for line in requirement_lines(decision):
        if line.errors and line.interval and line.kind not in ("latency", "cost"):
            met, missed = line.errors if line.at_least else line.errors[::-1]
            if met == missed:
                return f"the two bounds that were tested, each at an error of {100 * met:.3g} %"
            return (
                f"the bounds that were tested: for “met” at an error of {100 * met:.3g} %, "
                f"for “not met” at {100 * missed:.3g} %"
            )
    return ""


def unlike(decision: Mapping[str, Any]) -> bool:
    """Whether the two bounds of a requirement were tested at different errors, so that its brackets
    are not the interval that stands with the approaches."""
    return any(line.errors and line.errors[0] != line.errors[1] for line in requirement_lines(decision))
