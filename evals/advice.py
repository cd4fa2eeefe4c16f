"""What to do about a verdict, in a sentence and a command, and the verdict's headline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evals.metrics import PREFERENCE, is_amount, sentence
from evals.selection import is_gating
from evals.status import Judgement, Terms, figure_text
from evals.types import Json, Requirement, Row, Split, Verdict
from evals.verdict import SPENT, TRAINING, Standing

METHODS = {
    "prompt_tuning": "prompt tuning",
    "prefix_tuning": "prefix tuning",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "full": "full fine-tuning",
    "dpo": "DPO",
    "orpo": "ORPO",
    "kto": "KTO",
    "sft_then_dpo": "SFT, then DPO",
}
CURES = {
    "fix_retrieval": "fix retrieval",
    "fix_data": "fix the data",
    "collect_train": "collect training rows",
    "roll_back": "roll back",
}


@dataclass(frozen=True)
class Case:
    """A verdict with all that its advice is drawn from. `shown` is the approach that ships, or the
    closest; `commands` may name one by verdict, `files` the file of a split, and of the pairs, as the task
    names it; `test_rows` is how many there are."""

    task: Terms
    verdict: Verdict
    shown: Standing | None
    standings: Sequence[Standing]
    next_step: Mapping[str, Json] | None
    commands: Mapping[str, str]
    test_rows: int
    interrupted: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def recommendation(case: Case) -> dict[str, Json]:
    """The recommendation of decision.json: action, method, why, command, and for rows to be
    collected how many (`rows`, None where no number would settle it)."""
    found: dict[str, Json] = {
        "action": "none",
        "method": None,
        "why": [],
        "command": case.commands.get(case.verdict),
    }
    if case.verdict == "ship" and case.shown is not None:
        found["action"] = "ship"
        found["why"] = [j.status.why for _, j in _gating(case.task, case.shown)]
    elif case.verdict == "collect":
        rows, why = _collect(case)
        found |= {"action": "collect_eval", "why": [*why], "rows": rows}
    elif case.verdict == "incomplete":
        found["why"] = [*_incomplete(case)]
    else:
        found["why"] = [*_missed(case)]
        if case.next_step is not None:
            found |= _step(case, case.next_step)
    return found


def _step(case: Case, step: Mapping[str, Json]) -> dict[str, Json]:
    """The caller's next step; training is left out where the verdict says stop."""
    if case.verdict == "stop" and step.get("action") in TRAINING:
        return {}
    reasons = step.get("why")
    why = [*_missed(case), *(reasons if isinstance(reasons, list | tuple) else [])]
    return {**step, "method": step.get("method"), "why": why, "command": step.get("command")}


def _gating(task: Terms, standing: Standing) -> list[tuple[Requirement, Judgement]]:
    pairs = zip(task.requirements, standing.judgements, strict=True) if standing.judgements else ()
    return [(r, j) for r, j in pairs if is_gating(r)]


def rows_to_add(case: Case, standing: Standing) -> int | None:
    """How many rows would settle every undecided gating requirement of an approach at the observed
    values; 0 when the rows there are suffice, None when no number does.

    They are test rows, all of them fresh when the test set is spent; dev rows for an approach that
    dev keeps from the test set on which others were judged. A slice's rows are counted with the
    others they come with.
    """
    wanted = [_rows_for(case, standing, judgement) for _, judgement in _undecided(case.task, standing)]
    known = [rows for rows in wanted if rows is not None]
    return max(known, default=0) if len(known) == len(wanted) else None


def _rows_for(case: Case, standing: Standing, judgement: Judgement) -> int | None:
    """The rows to add for one undecided requirement, 0 or more; None when no number settles it."""
    status = judgement.status
    if status.needed_n is None:
        return None
    rows = standing.measured.rows.get(status.split, ())
    share = status.n / len(rows) if status.n and rows else 1.0
    repeats = len(rows) / distinct(rows) if rows else 1.0
    here = status.n if _split_to_grow(case, standing) == status.split else case.test_rows * repeats * share
    if SPENT in status.why:
        here = 0
    return max(0, math.ceil((status.needed_n - here) / share / repeats))


def distinct(rows: Sequence[Row]) -> int:
    """How many rows were asked, however often each was answered."""
    return len({row.example.id for row in rows})


def _hardest(case: Case, standing: Standing) -> tuple[Requirement, Judgement]:
    """The undecided requirement that takes the most rows, one that no number settles before any."""

    def asks(pair: tuple[Requirement, Judgement]) -> float:
        rows = _rows_for(case, standing, pair[1])
        return math.inf if rows is None else rows

    return max(_undecided(case.task, standing), key=asks)


def _split_to_grow(case: Case, standing: Standing) -> Split:
    judged_elsewhere = any(s.split == "test" for s in case.standings)
    return "dev" if standing.split == "dev" and judged_elsewhere else "test"


def _undecided(task: Terms, standing: Standing) -> list[tuple[Requirement, Judgement]]:
    pairs = _gating(task, standing)
    return [(r, j) for r, j in pairs if j.status.status == "insufficient evidence"]


def _collect(case: Case) -> tuple[int | None, list[str]]:
    standing = case.shown
    if standing is None:
        return None, ["an approach is undecided and there is no row to judge it by"]
    name, split = standing.measured.name, _split_to_grow(case, standing)
    open_ones = _undecided(case.task, standing)
    if not open_ones:
        return 0, [f"{name} meets everything on dev and was not judged on test"]
    why = [f"{name}, {sentence(r)} ({j.status.split}): {j.status.why}" for r, j in open_ones]
    if _test_is_untouched(case):
        return 0, [*why, f"none of the {case.test_rows} test rows was touched: judge it on them first"]
    rows = rows_to_add(case, standing)
    if rows is None:
        return None, [*why, "at the observed value no number of rows would settle it"]
    if rows == 0:
        return 0, [*why, f"the {case.test_rows} test rows there are would settle it at the observed value"]
    kind = f"fresh {split}" if any(SPENT in j.status.why for _, j in open_ones) else f"more {split}"
    it = "it at the observed value" if len(open_ones) == 1 else "all of it at the observed values"
    about_pairs = any(r.metric == PREFERENCE for r, _ in open_ones)
    file = case.files.get("preferences" if about_pairs else split)
    where = f": add them to {file}" if file else ""
    return rows, [*why, f"about {rows} {kind} rows would settle {it}{where}"]


def _incomplete(case: Case) -> list[str]:
    why = (
        [f"interrupted before the shortlist was judged on test: {case.interrupted}"]
        if case.interrupted
        else []
    )
    for standing in case.standings:
        measured = standing.measured
        if standing.unseen:
            why.append(f"{measured.name} was stopped before it had a row: {measured.why or 'incomplete'}")
        errors = [(r, j) for r, j in _gating(case.task, standing) if j.status.status == "error"]
        why += [f"{measured.name}, {sentence(r)} ({j.status.split}): {j.status.why}" for r, j in errors[:1]]
    return why


def _missed(case: Case) -> list[str]:
    """What the closest approach misses."""
    if case.shown is None:
        return ["no approach could be scored"]
    name = case.shown.measured.name
    missed = [(r, j) for r, j in _gating(case.task, case.shown) if j.status.status == "not met"]
    why = [f"{name}, {sentence(r)} ({j.status.split}): {j.status.why}" for r, j in missed]
    if case.verdict == "stop" and missed and all(r.kind not in ("format", "quality") for r, _ in missed):
        why.append("only latency or cost fails, and training is not the cure for it")
    elif case.verdict == "stop" and case.next_step is None:
        why.append("nothing is left to train")
    return why


def headline(case: Case) -> str:
    """The verdict in words, with a glyph; where it is that nothing is to be tuned, it says so."""
    if case.verdict == "ship" and case.shown is not None:
        met = [sentence(r) for r, _ in _gating(case.task, case.shown)]
        rows = distinct(case.shown.measured.rows.get("test", ()))
        name = case.shown.measured.name
        told = f"it meets {_listed(met) or 'everything asked'} on {rows} test rows"
        return f"✓ Ship {name}{_untuned(case)}: {told}"
    if case.verdict == "collect":
        return f"? {_collect_headline(case)}"
    if case.verdict == "incomplete":
        return f"… Incomplete: {(_incomplete(case) or ['rows are missing'])[0]}"
    if case.verdict == "escalate":
        return f"✗ Escalate to {_method(case.next_step)}: {_shortfall(case)}"
    step = case.next_step or {}
    cure = step.get("cure") or CURES.get(str(step.get("action")))
    return f"■ Stop{f' and {cure}' if cure else ''}{_untuned(case)}: {_shortfall(case)}"


def _untuned(case: Case) -> str:
    """What the verdict means for training, in words that follow what is to be done: nothing where one was
    trained, but for a baseline that ships all the same."""
    if case.shown is None:
        return ""
    if any(s.measured.kind == "tuned" for s in case.standings if s.judgements):
        instead = case.verdict == "ship" and case.shown.measured.kind == "baseline"
        return ", not what was tuned" if instead else ""
    action = (case.next_step or {}).get("action")
    missing = case.verdict == "collect" or (case.verdict == "stop" and action == "collect_train")
    return ", do not tune yet" if missing else ", do not tune"


def _method(step: Mapping[str, Json] | None) -> str:
    method = str((step or {}).get("method") or "training")
    objective = str((step or {}).get("objective") or "")
    names = [METHODS.get(name, name.replace("_", " ")) for name in (method, objective) if name]
    return names[0] if len(names) == 1 else f"{names[0]} ({names[1]})"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _collect_headline(case: Case) -> str:
    standing = case.shown
    if standing is None:
        return "Collect eval rows: there is no row to judge by"
    name, rows = standing.measured.name, rows_to_add(case, standing)
    undecided, untuned = _undecided(case.task, standing), _untuned(case)
    if not undecided:
        return f"Judge {name} on test{untuned}: it meets everything on dev"
    first, judgement = _hardest(case, standing)
    about = f"whether {name} meets {sentence(first)} is undecided, {_seen(first, judgement)}"
    if others := [sentence(r) for r, _ in undecided if r is not first]:
        about += f", and so {'is' if len(others) == 1 else 'are'} {_listed(others)}"
    if _test_is_untouched(case):
        return f"Judge {name} on test{untuned}: {about} on dev"
    fresh = "fresh" if any(SPENT in j.status.why for _, j in undecided) else "more"
    if rows is None:
        return f"Collect eval rows{untuned}: {about}"
    if rows == 0:
        return f"Judge {name} on test{untuned}: {about}"
    return f"Collect {rows} {fresh} {_split_to_grow(case, standing)} rows{untuned}: {about}"


def _test_is_untouched(case: Case) -> bool:
    """Whether there are test rows and nothing was judged on them: they come before any new rows."""
    return case.test_rows > 0 and all(standing.test is None for standing in case.standings)


def _shortfall(case: Case) -> str:
    """What nothing meets, and how close the closest comes."""
    if case.shown is None:
        return "no approach could be scored"
    judged = [_gating(case.task, s) for s in case.standings if s.judgements]
    missed = [
        (place, requirement, judgement)
        for place, (requirement, judgement) in enumerate(_gating(case.task, case.shown))
        if judgement.status.status == "not met"
    ]
    if not missed:
        return "no approach meets everything"
    by_all = [entry for entry in missed if all(js[entry[0]][1].status.status != "met" for js in judged)]
    firmly = [entry for entry in by_all if all(js[entry[0]][1].status.status == "not met" for js in judged)]
    place, requirement, judgement = (firmly or by_all or missed)[0]
    kinds = {s.measured.kind for s in case.standings if s.judgements}
    noun = "baseline" if kinds == {"baseline"} else "approach"
    name, seen = case.shown.measured.name, _seen(requirement, judgement)
    if not by_all:
        return f"no {noun} meets everything; {name} comes closest, and misses {sentence(requirement)}: {seen}"
    values = [value for js in judged if (value := js[place][1].status.value) is not None]
    top = max(values, default=None) if requirement.at_least is not None else min(values, default=None)
    best = "best" if judgement.status.value == top else "closest to everything"
    return f"no {noun} meets {sentence(requirement)}; {best} is {name}, {seen}"


def _seen(requirement: Requirement, judgement: Judgement) -> str:
    status = judgement.status
    if status.value is None:
        return "not measured"
    if is_amount(requirement.metric) or status.low is None or status.high is None:
        return f"{status.value:.4g}"
    low, high, bound = status.low, status.high, requirement.bound
    return f"{figure_text(status.value, bound)} [{figure_text(low, bound)}, {figure_text(high, bound)}]"
