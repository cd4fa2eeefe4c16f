"""What the arms found, in sentences with figures and paired intervals.

A sentence calls a change a cause only where its interval excludes 0, and rules it out only where the
interval ends below what is missing; any other says that it cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evals.failures import count_failures
from evals.metrics import evidence, in_slice, label, sentence
from evals.ranking import document_of
from evals.selection import gating_statuses, is_gating, judge_on_dev
from evals.status import Terms
from evals.types import Measured, Row
from workbench.diagnosis.arms import Arm
from workbench.diagnosis.effects import Effect, asked, signed, told
from workbench.diagnosis.reading import Reading


def blocked(task: Terms, measured: Sequence[Measured]) -> Iterator[str]:
    """Which requirement keeps which approach from shipping, as dev shows it."""
    scored = [m for m in measured if m.state == "scored" and m.rows.get("dev")]
    gating = [r for r in task.requirements if is_gating(r)]
    statuses = {m.name: gating_statuses(task, judge_on_dev(task, m)) for m in scored}
    parts = []
    for place, requirement in enumerate(gating):
        names = [name for name, found in statuses.items() if found[place] == "not met"]
        everyone = len(names) == len(scored) > 1
        if names:
            who = f"all {len(names)} approaches" if everyone else _listed(names)
            parts.append(f"{sentence(requirement)} blocks {who}")
    if parts:
        yield f"On dev {'; '.join(parts)}."


def how_it_fails(of: str, rows: Sequence[Row]) -> str:
    """The best approach's failures by form and by content."""
    counts, right = count_failures(rows)
    lost = counts["refused"] + counts["error"]
    other = f", {lost} are refused or without an answer" if lost else ""
    if long := counts.get("too_long", 0):
        other += f", of {long} the prompt does not fit the context"
    form = f"{counts['format'] + counts['truncated']} fail in form"
    return f"Of {len(rows)} dev rows of {of} {right} are right, {form}, {counts['wrong']} in content{other}."


def oracle(reading: Reading) -> str:
    """Retrieval or reading?"""
    found = reading.open
    if found is None:
        return ""
    of, retrieves = reading.arm.of, any(row.prediction.sources for row in reading.before)
    lead = f"With the gold passages in its prompt, {of}'s {told(found)}"
    if retrieves:
        missed = f"{100 * _missed(reading.before):.0f} % of {len(reading.before)} dev rows with gold ids"
        lead = f"Retrieval ({of}) misses the gold passage on {missed}; with it, {told(found)}"
    if reading.cures:
        end = "fix retrieval before tuning" if retrieves else "retrieve from the documents before tuning"
    elif found.found == "helps":
        end = f"retrieval costs part of it; most of what {sentence(found.requirement)} lacks is reading"
    elif _mostly_cut(reading):
        end = "most answers are cut off at max_tokens, so this cannot tell"
    elif found.found == "not the cause":
        end = f"retrieval is not what keeps it below {found.requirement.bound:g}"
    elif found.found == "hurts":
        end = "retrieval is not the cure"
    else:
        end = "cannot tell whether retrieval is what fails"
    return f"{lead}: {end}."


def room(reading: Reading) -> str:
    """Cut off, or wrong?"""
    found = reading.open
    if found is None:
        return ""
    cut, still = (sum(r.failure == "truncated" for r in rows) for rows in (reading.before, reading.after))
    lead = f"{cut} of {len(reading.before)} answers of {reading.arm.of} are cut off at max_tokens"
    moved = f"with {reading.arm.change} {still} are, and {told(found)}"
    if any(e.found == "helps" for e in reading.effects):
        enough = reading.meets
        end = "raise generation.max_tokens before tuning" if enough else "the limit costs part of what fails"
    elif _mostly_cut(reading) and found.found != "hurts":
        end = "most are cut off still, so the limit is not ruled out"
    elif found.found == "not the cause":
        end = f"the limit is not what keeps it below {found.requirement.bound:g}"
    elif found.found == "hurts":
        end = "longer answers are not the cure"
    else:
        end = "cannot tell whether the limit is what fails"
    return f"{lead}; {moved}: {end}."


def grammar(reading: Reading) -> str:
    """Form or content?"""
    content = reading.open
    if content is None:
        return ""
    moved = " and ".join(told(e) for e in _form_first(reading))
    helps = any(e.found == "helps" for e in reading.effects)
    if helps and reading.meets:
        end = "the prompt's format fails but a grammar holds it: use constrained decoding, not training"
    elif helps and not content.reaches:
        end = f"a grammar holds form; {sentence(content.requirement)} is still missed, and that is content"
    elif helps:
        end = "a grammar holds part of what fails"
    elif any(e.found == "hurts" for e in reading.effects):
        end = "a grammar costs content and is not the cure"
    elif content.found == "not the cause":
        end = "a grammar alone is not the cure"
    else:
        end = "cannot tell whether the form is what fails"
    cut = sum(row.failure == "truncated" for row in reading.after)
    short = f" ({cut} of {len(reading.after)} answers are cut off at max_tokens)" if cut else ""
    return f"Held to a grammar, {reading.arm.of}'s {moved}{short}: {end}."


def lenient(of: str, found: Sequence[Effect]) -> str:
    """How much is lost by form alone, without a call."""
    open_ones = [e for e in found if e.lacking > 0] or list(found[:1])
    if not open_ones:
        return ""
    lead = "Read leniently (fences, text around the answer, case, spacing)"
    moved = [e for e in open_ones if e.difference.value]
    if not moved:
        return f"{lead}, {of}'s answers score the same."
    if any(e.found == "helps" for e in moved):
        enough = all(e.reaches for e in open_ones)
        end = "all that is missing is form" if enough else "that much is only form, the rest is content"
    elif all(e.found == "not the cause" for e in open_ones):
        end = "form alone is not what is missing"
    else:
        end = "cannot tell whether form alone is what is missing"
    return f"{lead}, {of}'s {' and '.join(told(e) for e in moved)}: {end}."


def stronger(reading: Reading) -> str:
    """The ceiling, and whether it lies at the same rows."""
    found = reading.open
    if found is None:
        return ""
    both = reading.fails_too
    same = f"it fails {both[0]} of the {both[1]} rows that the model fails"
    if found.found == "helps":
        end = "the model is what limits" if found.reaches else f"the model is part of what limits; {same}"
    elif found.found == "hurts":
        end = f"with this prompt it is no ceiling; {same}"
    elif found.found == "not the cause" and 2 * both[0] > both[1]:
        end = f"{same}: look at the labels and the task before the model"
    elif found.found == "not the cause":
        end = f"the model alone is not what is missing; {same}"
    else:
        end = f"cannot tell whether the model is what limits; {same}"
    return f"With {reading.arm.change} in place of the model, {reading.arm.of}'s {told(found)}: {end}."


def spread(what: str, readings: Sequence[Reading]) -> str:
    """How far the first required score moves when only what should not matter changes."""
    pairs = [(r, e) for r in readings if (e := r.open) is not None]
    if not pairs:
        return ""
    first = pairs[0][1]
    values = [first.before, *(e.after for _, e in pairs)]
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    span = f"is {low}" if low == high else f"lies between {low} and {high}"
    who = f"{pairs[0][0].arm.of}'s {label(first.requirement)}"
    lead = f"Over {len(values)} {what}, {who} {span} on the same {first.difference.n} dev rows"
    moved = [(r, e) for r, e in pairs if e.found in ("helps", "hurts")]
    if not moved:
        return f"{lead}." if low == high else f"{lead}: cannot tell them apart."
    parts = [
        f"{r.arm.change} it is {'better' if e.found == 'helps' else 'worse'} by "
        f"{abs(e.after - e.before):.2f} {signed(e.difference)}"
        for r, e in moved
    ]
    return f"{lead}; {' and '.join(parts)}: the prompt is brittle."


def width(readings: Sequence[Reading]) -> float:
    """The distance between the best and the worst of the values that `spread` tells of."""
    found = [e for r in readings if (e := r.open) is not None]
    values = [found[0].before, *(e.after for e in found)] if found else [0.0]
    return max(values) - min(values)


def just_under(task: Terms, of: str, rows: Sequence[Row], moves: float) -> str:
    """A score that what should not matter could carry over its threshold."""
    for requirement in asked(task):
        value = evidence(requirement.metric, in_slice(rows, requirement.where)).present.value
        if value is not None and 0 < requirement.bound - value <= moves:
            short = f"{of} is {requirement.bound - value:.2f} below {sentence(requirement)}"
            return (
                f"{short}, and wording or order alone moves it by {moves:.2f}: "
                "collect rows or prompt again before training."
            )
    return ""


def ruled_out(readings: Sequence[Reading], formal: Sequence[Effect]) -> Iterator[str]:
    """What is shown not to be the cure, in short: it speaks for the next step as it is."""
    names = {
        "oracle": "better retrieval",
        "room": "longer answers",
        "grammar": "a grammar",
        "stronger": "a stronger model",
    }
    found = [(names[r.arm.kind], r.open) for r in readings if r.arm.kind in names and not _mostly_cut(r)]
    found += [("form", next((e for e in formal if e.lacking > 0), None))]
    out = [name for name, one in found if one is not None and one.found == "not the cause"]
    if out:
        yield f"ruled out as the cure by the intervals on dev: {_listed(out)}"


def cost(readings: Sequence[Reading]) -> str:
    """What all of it took."""
    calls, arms = sum(r.calls for r in readings), len(readings)
    return (
        f"This took {calls:,} calls on dev rows, in {arms} {'arm' if arms == 1 else 'arms'}." if arms else ""
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _mostly_cut(reading: Reading) -> bool:
    """Whether most answers of an arm were cut off, so that it says little of what they would have been."""
    return 2 * sum(row.failure == "truncated" for row in reading.after) > len(reading.after)


def _form_first(reading: Reading) -> list[Effect]:
    return sorted(reading.effects, key=lambda e: e.requirement.kind != "format")


def _missed(rows: Sequence[Row]) -> float:
    """The share of rows in whose prompt no passage of a gold document stood."""
    lost = 0
    for row in rows:
        shown = row.prediction.sources[: row.prediction.shown]
        names = {*shown, *map(document_of, shown)}
        lost += not names & set(row.example.gold_doc_ids)
    return lost / len(rows)


def not_asked(arms: Sequence[Arm]) -> Iterator[str]:
    """Arms that say nothing, with the reason."""
    names: Mapping[str, str] = {
        "oracle": "The gold passages were",
        "room": "Longer answers were",
        "grammar": "A grammar was",
        "stronger": "The stronger model was",
        "order": "Another order of the shots was",
        "wording": "Another wording was",
    }
    for arm in arms:
        if arm.why:
            yield f"{names[arm.kind]} not tried on {arm.of}: {arm.why}."
