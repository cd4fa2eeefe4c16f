"""What a training brought, under the headline."""

from __future__ import annotations

from typing import Any

import pytest

from reports import Report, html, markdown
from reports.brought import brought, forgotten
from tests.reports.decisions import interval, requirement, ship, trained
from tests.reports.page import read


def against(low: float, high: float, split: str = "test", **asked: Any) -> str:
    found = trained()
    value = interval((low + high) / 2, low, high, 240)
    found["approaches"][-1]["delta"] = {"json_fields": {"vs": "knn_few_shot", "split": split, **value}}
    found["requirements"][1] |= asked
    return brought(found)[0]


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.25, 0.35, "lora is shown to be better than knn_few_shot in json_fields (+0.30 [+0.25, +0.35])"),
        (-0.35, -0.25, "lora is shown to be worse than knn_few_shot in json_fields (−0.30 [−0.35, −0.25])"),
        (-0.02, 0.04, "lora is not shown to differ from knn_few_shot in json_fields (+0.01 [−0.02, +0.04])"),
        (0.0, 0.1, "lora is not shown to differ from knn_few_shot in json_fields (+0.05 [0.00, +0.10])"),
        (0.0, 0.0, "lora is not shown to differ from knn_few_shot in json_fields (0.00 [0.00, 0.00])"),
    ],
)
def test_the_interval_of_the_paired_difference_says_which_is_better(
    low: float, high: float, said: str
) -> None:
    assert against(low, high) == f"{said}: row by row on the same 240 test rows, 90 % intervals"


def test_of_what_shall_be_low_less_is_better() -> None:
    assert "shown to be better" in against(-0.35, -0.25, direction="at_most")
    assert "shown to be worse" in against(0.25, 0.35, direction="at_most")


def test_dev_rows_are_said_to_have_chosen_the_checkpoint() -> None:
    assert "dev rows, which also chose its checkpoint" in against(0.25, 0.35, "dev")


def test_what_is_shown_stands_before_what_is_not() -> None:
    found = trained()
    cell = {"vs": "knn_few_shot", "split": "test"}
    found["approaches"][-1]["delta"] = {
        "valid_json": {**cell, **interval(-0.01, -0.02, 0.01, 240)},
        "json_fields": {**cell, **interval(0.3, 0.25, 0.36, 240)},
    }
    assert (
        "better than knn_few_shot in json_fields (+0.30 [+0.25, +0.36]), and not shown to differ from "
        "knn_few_shot in valid_json (−0.01 [−0.02, +0.01])"
    ) in brought(found)[0]


def test_what_was_forgotten_is_held_against_what_the_task_allows() -> None:
    lost = {"before": 2.94, "after": 3.91, "loss": 0.97}
    told = "loss on general text 2.94 before and 3.91 after: +0.97 nats a token (perplexity × 2.64)"
    assert forgotten(trained(), lost) == f"{told}; the task sets no limit"
    found = trained()
    found["requirements"].append(
        requirement("forgetting_loss", 0.10, "not met", (0.97, 0.9, 1.0), kind="forgetting", tier="advisory")
    )
    assert forgotten(found, lost) == f"{told}; above the 0.10 that the task allows (advisory)"
    assert forgotten(found, {**lost, "after": 2.99, "loss": 0.05}).endswith(
        "within the 0.10 that the task allows (advisory)"
    )
    assert "perplexity" not in forgotten(found, {**lost, "task": "trivia", "metric": "acc"})


def test_it_stands_under_the_headline_of_page_and_summary() -> None:
    page, summary = html.render(Report(trained())), markdown.render(Report(trained()))
    lines = [line.text for line in read(page).with_class("brought")]
    assert lines == list(brought(trained()))
    assert summary.index("is shown to be better") < summary.index("**Next:**")
    assert brought(ship()) == () and 'class="brought"' not in html.render(Report(ship()))
