"""How a decision is shown: pure functions of decision.json and the dev rows, one file a format.

A reporter takes a `Report` and gives the text of one file. It reads no clock, no disk but its own
templates and no random number, so the same decision gives the same bytes. What it is given as text
was written by models and users and is treated as hostile in every format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evals.table import Table
from evals.types import Failure, Finish, Json

REPORTERS = Table(
    "report",
    {
        "report.html": "reports.html:render",
        "summary.md": "reports.markdown:render",
        "junit.xml": "reports.junit:render",
    },
)
"""File name in the run folder -> `render(report: Report) -> str`."""


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """What one approach said to one dev row.

    `text` is the whole output, `answer` what the grader read out of it (None when it could not),
    `value` the row's score on the primary metric in [0, 1], `failure` why the row does not pass.
    """

    text: str
    answer: Json = None
    value: float | None = None
    failure: Failure | None = None
    why: str = ""
    finish: Finish = "stop"
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One dev row with every approach's answer to it, by approach name in ladder order."""

    id: str
    input: str
    target: Json
    answers: Mapping[str, ReportAnswer]


@dataclass(frozen=True, slots=True)
class Report:
    """What a reporter shows.

    `decision` is the content of decision.json with the key `headline` (the verdict in one
    sentence). `rows` are dev rows, never test rows; `rows_total` says how many there are when
    `rows` is only a part of them. `task_text` is the task file as it was used.
    """

    decision: Mapping[str, Any]
    rows: tuple[ReportRow, ...] = ()
    task_text: str = ""
    rows_total: int = 0
