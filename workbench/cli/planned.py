"""How a plan stands on the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evals.types import Models
from reports import figures
from workbench.cli.console import table
from workbench.noise import Bench
from workbench.plan import ASSUMED, Pairs, Planned, Showable, Step

NOTHING = figures.NOTHING
STOPS = "; it ends at the first that meets everything on dev, unless that one does not hold on test"


def cost_line(bench: Bench, models: Models) -> str:
    """What measuring the noise will take, said before it is begun."""
    queries = [example.query() for example in bench.examples]
    model = models.open(bench.settings[0].approach.model)
    prompts = bench.settings[0].approach.prompts(queries, models).values()
    tokens = sum(model.count(prompt) for prompt in prompts)
    left, most = bench.calls - bench.answered(), bench.settings[0].approach.decoder.max_tokens
    share = left / max(1, len(queries))
    prices = bench.task.prices
    usd = ""
    if prices.input_per_million is not None and prices.output_per_million is not None:
        cost = share * tokens * prices.input_per_million + left * most * prices.output_per_million
        usd = f", up to {figures.usd(cost / 1e6)}"
    return (
        f"noise floor: {len(bench.settings)} settings × {len(queries)} dev rows = {bench.calls} calls, "
        f"{bench.calls - left} answered before; about {share * tokens:,.0f} tokens in, "
        f"at most {left * most:,} out{usd}"
    )


def plan_text(planned: Planned, width: int | None = None) -> str:
    """The whole plan; lines are folded between words at `width` columns, where one is given."""
    rows = ", ".join(f"{n} {split}" for split, n in planned.rows.items())
    looks = planned.looks
    parts = [
        [f"{planned.task}: {rows} rows; {looks['planned']} looks at test planned, {looks['left']} left"],
        list(_ladder(planned)),
        list(_requirements(planned)),
        list(_pairs(planned.pairs)),
        list(_noise(planned.noise)),
        [_summary(planned)],
    ]
    return "\n\n".join("\n".join(_folded(line, width) for line in lines) for lines in parts if lines)


def _folded(line: str, width: int | None) -> str:
    """The line as it is, or folded with its further lines set in."""
    if width is None or len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return "\n".join(textwrap.wrap(line, width, subsequent_indent=indent))


def _ladder(planned: Planned) -> Iterator[str]:
    yield f"The ladder, in the order that counts as that of cost{STOPS if planned.stop_first else ''}"
    width = max((len(step.name) for step in planned.steps), default=0)
    for step in planned.steps:
        yield f"  {step.name:<{width}}  {_step(step)}"
    if planned.estimate is None:
        yield f"  calls and tokens are not estimated: {planned.estimate_why}"
        return
    cost = planned.estimate
    usd = "" if cost.usd is None else f", {figures.usd(cost.usd)}"
    yield (
        f"  in all, with two approaches on test: {cost.calls:,} calls, {cost.tokens_in:,} tokens in, "
        f"{cost.tokens_out:,} out, about {_minutes(cost.minutes)}{usd}"
    )


def _minutes(minutes: float) -> str:
    whole = max(1, round(minutes))
    return f"{whole:,} minute{'' if whole == 1 else 's'}"


def _step(step: Step) -> str:
    if step.why:
        return f"not applicable: {step.why}"
    options = ", ".join(f"{key} {_option(value)}" for key, value in step.options.items())
    calls = "" if step.calls is None else f"{step.calls:,} calls on dev"
    on = step.start and f"on {step.start}"
    return "; ".join(part for part in (on, step.condition, calls, options) if part)


def _option(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def _requirements(planned: Planned) -> Iterator[str]:
    if not planned.requirements:
        return
    share = f"{100 * planned.power:g} %"
    yield f"What these rows could show, with a chance of {share}"
    for of in planned.requirements:
        yield from _requirement(of, share)
    if planned.like:
        yield f"  spreads as in {planned.like}: as good as its rows are many"
    if any(of.assumed == ASSUMED for of in planned.requirements):
        yield "  scores are taken for right or wrong; graded ones may take more rows or fewer (a run tells)"
    if planned.policy == "point":
        yield "  policy: point decides on values, however few the rows are"


def _requirement(of: Showable, share: str) -> Iterator[str]:
    """One requirement: when it would be called met on test and not met on dev, and the rows it takes."""
    advisory = ", advisory" if of.tier == "advisory" else ""
    if of.cannot:
        yield f"  ✗ {of.requirement}{advisory}: CANNOT BE SHOWN: {of.cannot}"
    else:
        yield f"  ✓ {of.requirement}{advisory}"
    up = "≥" in of.requirement
    if not of.cannot:
        from_ = NOTHING if of.met_from is None else f"{'≥' if up else '≤'} {of.met_from:.3f}"
        groups = f" in {of.groups} groups" if of.groups < of.n else ""
        yield f"      met on test ({of.n} rows{groups}) when truly {from_}; at most {of.most_failures} wrong"
    rows = "no number of rows" if of.rows is None else f"{of.rows:,} rows"
    yield (
        f"      if it is truly {of.truth:.3f}, these rows show that it is met with a chance of "
        f"{100 * of.chance:.0f} %; {share} takes {rows}"
    )
    if of.missed_up_to is not None:
        yield f"      not met on dev ({of.dev_n} rows) when truly {'≤' if up else '≥'} {of.missed_up_to:.3f}"
    if of.assumed != ASSUMED:
        yield f"      scores spread {of.assumed}"


def _pairs(pairs: Sequence[Pairs]) -> Iterator[str]:
    yield f"Two approaches that disagree on {100 * pairs[0].disagree:.0f} % of the rows"
    for of in pairs:
        gain = "no gain" if of.gain is None else f"a gain of {100 * of.gain:.1f} points"
        yield (
            f"  {of.split}, {of.n} rows: {gain} is seen; an equal one passes a gate of "
            f"{100 * of.margin:g} points with {100 * of.passes:.0f} %"
        )


def _noise(noise: Mapping[str, Any] | None) -> Iterator[str]:
    if noise is None:
        return
    yield f"Noise floor of {noise['approach']}: standard deviations when only arbitrary things change"
    names = list(dict.fromkeys(s["source"] for floor in noise["floors"] for s in floor["sources"]))
    body = [
        [
            floor["metric"],
            f"{floor['value']:.2f}",
            *(_deviation(floor, name) for name in names),
            f"{floor['error']:.3f}",
            f"{floor['error_test']:.3f}",
        ]
        for floor in noise["floors"]
    ]
    head = ["metric", "value", *names, "sampling", "on test"]
    yield from ("  " + line for line in table(head, body, right=range(1, len(head))).splitlines())
    for floor in noise["floors"]:
        yield (
            f"  {floor['metric']}: arbitrary choices alone set two runs up to {floor['apart']:.2f} apart "
            f"({floor['n']} rows; sampling error of one value {floor['error']:.2f})"
        )
    for why in noise["left_out"]:
        yield f"  not measured, {why}"


def _deviation(floor: Mapping[str, Any], source: str) -> str:
    found = next((s for s in floor["sources"] if s["source"] == source), None)
    return NOTHING if found is None else f"{found['deviation']:.3f}"


def _summary(planned: Planned) -> str:
    short = [of for of in planned.requirements if of.cannot and of.tier == "critical"]
    if not short:
        return "✓ every requirement could be shown with these rows"
    return f"✗ cannot be shown with these rows: {', '.join(of.requirement for of in short)}"
