"""What is told of a training: what was trained and chosen, what it took against what was foreseen, what it
forgot, and how much shorter the prompt became. Every format says it in the same facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports import figures
from reports.brought import forgotten
from reports.economics import paid
from reports.view import method_name


@dataclass(frozen=True, slots=True)
class Look:
    """A look at dev while training: the loss in nats a token, and whether its checkpoint was chosen."""

    stage: str
    step: int
    loss: str
    score: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Trained:
    """One tuned approach: facts as (name, sentence), curves by stage, looks at dev, its learning curve ({}
    where none was drawn), and what else is on record of it."""

    name: str
    facts: tuple[tuple[str, str], ...]
    stages: tuple[Mapping[str, Any], ...]
    looks: tuple[Look, ...]
    learning: Mapping[str, Any]
    record: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """All facts in one line."""
        return "; ".join(f"{name}: {text}" for name, text in self.facts)


_SHOWN = (
    *("curves", "stages", "predicted", "actual", "forgetting", "too_long"),
    *("learning_curve", "search", "distilled", "beside_labeller"),
)
"""Parts of the record that the facts tell."""


def trainings(decision: Mapping[str, Any]) -> tuple[Trained, ...]:
    """The tuned approaches with a record, in ladder order."""
    tuned = [a for a in decision["approaches"] if a.get("training")]
    return tuple(_trained(decision, approach, approach["training"]) for approach in tuned)


def _trained(decision: Mapping[str, Any], approach: Mapping[str, Any], record: Mapping[str, Any]) -> Trained:
    facts = {
        "Trained": _what(record),
        "Labelled rows": _labelled(record.get("distilled") or {}, record.get("beside_labeller") or {}),
        "Chosen": _chosen(record),
        "More epochs": _more_epochs(record),
        "Learning rates": _rates(record.get("search") or ()),
        "Served with": str(record.get("served_with") or ""),
        "Prompt tokens": _saved(decision, approach, record),
        "Economics": _economics(decision, str(approach["name"])),
        "Forgetting": forgotten(decision, record.get("forgetting") or {}),
        "More data": str((record.get("learning_curve") or {}).get("sentence") or ""),
        "Time": _against(record, "minutes", lambda minutes: figures.seconds(60 * minutes)),
        "Memory": _against(record, "memory", figures.size),
    }
    stages = tuple(record.get("curves") or ())
    return Trained(
        str(approach["name"]),
        tuple((name, text) for name, text in facts.items() if text),
        stages,
        tuple(look for stage in stages for look in _looks(stage, len(stages) > 1)),
        record.get("learning_curve") or {},
        {key: value for key, value in record.items() if key not in _SHOWN},
    )


def _what(record: Mapping[str, Any]) -> str:
    if not record.get("method"):
        return ""
    rows, learn, whole = (record.get(key) for key in ("rows", "trainable", "parameters"))
    parts = [f"{method_name(str(record['method']))} ({record.get('objective') or 'sft'})"]
    parts += [f"on {figures.count(rows)} rows"] if rows else []
    parts += [f"{figures.count(learn)} of {figures.count(whole)} parameters"] if learn and whole else []
    kept, tokens = record.get("starts_from") or 0, record.get("stands_for") or 0
    cut = f"from the first {figures.count(kept)} of the {figures.count(tokens)} tokens it stands for"
    parts += [cut] if kept < tokens else []
    long = record.get("too_long") or ()
    parts += [f"{len(long)} rows left out, longer than the context"] if long else []
    return ", ".join(parts)


def _chosen(record: Mapping[str, Any]) -> str:
    """Which checkpoint of each stage, and why its training ended."""
    curves = record.get("curves") or ()
    told = []
    for number, stage in enumerate(record.get("stages") or ()):
        name = str(curves[number]["stage"]) if len(curves) > 1 and number < len(curves) else ""
        best, steps = int(stage["best"]), int(stage["steps"])
        at = "the weights it began with" if best == 0 else f"step {figures.count(best)}"
        told.append(
            f"{name + ': ' if name else ''}{at} of {figures.count(steps)} (training ended: {stage['why']})"
        )
    return ". ".join(told)


def _more_epochs(record: Mapping[str, Any]) -> str:
    """That a stage was at its best when its epochs were over, and the command for more of them."""
    stages = record.get("stages") or ()
    ended = [stage for stage in stages if stage["best"] == stage["steps"] and _to_the_end(stage)]
    epochs = (record.get("settings") or {}).get("epochs")
    if not ended or not epochs:
        return ""
    of = f" of {' and '.join(str(stage['name']) for stage in ended)}" if len(stages) > 1 else ""
    words = ["wb escalate TASK.YAML --force --method", str(record["method"])]
    words += [] if record["objective"] == "sft" else ["--objective", str(record["objective"])]
    words += ["--distilled FILE"] if record.get("distilled") else []
    return (
        f"the best dev score{of} came with the last step of {epochs:g} epochs, so longer training may help: "
        f"{' '.join(words)} --set epochs={2 * epochs:g}"
    )


def _to_the_end(stage: Mapping[str, Any]) -> bool:
    """Whether a stage ended because its steps were made (`tuning.loop`), not because the time was up."""
    return bool(stage["why"] == f"after {stage['steps']} steps")


def _labelled(rows: Mapping[str, Any], beside: Mapping[str, Any]) -> str:
    """How many of the rows a model labelled, which one, and how far from it on dev the student came."""
    if not rows:
        return ""
    by = ", ".join(f"{figures.count(count)} by {who}" for who, count in rows["labelled_by"].items())
    said = f"{by}{', and no others' if rows.get('alone') else ''}"
    if beside.get("value") is None:
        return said
    ends = "" if beside.get("low") is None else f" [{beside['low']:+.2f}, {beside['high']:+.2f}]"
    where = f"on the same {figures.count(beside['n'])} {beside['split']} rows"
    return f"{said}; {beside['metric']} against {beside['vs']}: {beside['value']:+.2f}{ends} {where}"


def _rates(tried: Sequence[Mapping[str, Any]]) -> str:
    """What a search over learning rates found on dev."""
    told = []
    for one in sorted(tried, key=lambda one: float(one["pace"])):
        rate = f"{one['rate']:.2g}" if one.get("rate") is not None else f"{one['pace']:.2g} times the usual"
        score = f"{one['score']:.3f}" if one.get("score") is not None else str(one.get("why") or "not tried")
        told.append(f"{rate}: {score}{' (chosen)' if one.get('chosen') else ''}")
    return f"dev score by rate: {', '.join(told)}" if told else ""


def _saved(decision: Mapping[str, Any], approach: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """The mean prompt of a call beside that of the baseline it was trained from."""
    rival = next((a for a in decision["approaches"] if a["name"] == record.get("begun_from")), None)
    mine, theirs = approach.get("tokens_in"), (rival or {}).get("tokens_in")
    if not mine or not theirs:
        return ""
    saved = theirs - mine
    share = f" ({100 * abs(saved) / theirs:.0f} %)"
    word = f"{figures.count(saved)} saved a call{share}" if saved >= 0.5 else "none saved"
    if saved <= -0.5:
        word = f"{figures.count(-saved)} more a call{share}"
    return f"{figures.count(mine)} against {figures.count(theirs)} of {record['begun_from']}: {word}"


def _economics(decision: Mapping[str, Any], name: str) -> str:
    """Whether and when it pays, in the decision's own sentences."""
    return " ".join(line for one in paid(decision) if one.name == name for line in one.sentences)


def _against(record: Mapping[str, Any], key: str, write: Callable[[float], str]) -> str:
    """What was taken, and what had been foreseen."""
    actual, predicted = ((record.get(part) or {}).get(key) for part in ("actual", "predicted"))
    if actual is None:
        return ""
    return write(actual) + ("" if predicted is None else f", foreseen {write(predicted)}")


def _looks(stage: Mapping[str, Any], several: bool) -> Sequence[Look]:
    return [
        Look(
            str(stage.get("stage") or "") if several else "",
            int(step),
            f"{loss:.3f}",
            f"{score:.3f}",
            step == stage.get("best"),
        )
        for step, loss, score in stage.get("dev") or ()
    ]
