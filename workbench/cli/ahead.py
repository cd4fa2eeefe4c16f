"""How a dry run of a training stands on the terminal: figures in the form that the report gives them
afterwards."""

from __future__ import annotations

from reports import figures
from tuning.preflight import Preflight


def lines(report: Preflight) -> list[str]:
    """What a training would take, as people read it."""
    said = [
        f"recipe    {report.recipe}: {report.trainable:,} parameters learn in {report.steps} steps",
        f"rows      {_counted(report)} of {report.tokens[0]} tokens, {report.tokens[1]} at most; "
        f"answers of {report.answer}",
        f"memory    about {figures.size(report.memory)} of {figures.size(report.memory_free)} free",
        f"disk      about {figures.size(report.disk)} of {figures.size(report.disk_free)} free",
        f"time      about {figures.seconds(60 * report.minutes)}",
    ]
    return [
        *said,
        *(f"note      {note}" for note in report.notes),
        *(f"problem   {problem}" for problem in report.problems),
    ]


def _counted(report: Preflight) -> str:
    """How many rows and pairs are learned from."""
    if not report.fewest_pairs:
        return str(report.rows)
    return f"{report.rows} and {report.pairs} pairs" if report.rows else f"{report.pairs} pairs"
