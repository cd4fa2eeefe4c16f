"""What is told of a training, the same in every format."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from reports import Report, html, junit, markdown
from reports.plaintext import as_sentence
from reports.trained import trainings
from reports.view import next_step
from tests.reports.decisions import TASK, dev_rows, learning, payback, record, ship, trained
from tests.reports.gold import assert_gold
from tests.reports.page import read

MADE = Report(trained(), dev_rows(3), TASK, 3)


def facts(**changes: Any) -> dict[str, str]:
    found = trained()
    found["approaches"][-1]["training"] = {**record(), **changes}
    (told,) = trainings(found)
    return dict(told.facts)


def test_the_files_are_the_gold_files() -> None:
    assert_gold("trained.md", markdown.render(MADE))
    assert_gold("trained.xml", junit.render(MADE))


def test_a_soft_prompt_that_starts_from_part_of_the_prompt_says_so() -> None:
    told = facts(method="prefix_tuning", starts_from=256, stands_for=874)["Trained"]
    assert told.startswith("prefix tuning (sft), on 200 rows, ")
    assert told.endswith("from the first 256 of the 874 tokens it stands for")
    assert "from the first" not in facts(starts_from=85, stands_for=85)["Trained"]


def test_what_was_trained_chosen_and_taken_is_told() -> None:
    assert facts() == {
        "Trained": "LoRA (sft), on 200 rows, 4,884,480 of 139,400,064 parameters",
        "Chosen": "step 75 of 125 (training ended: nothing better was seen)",
        "Learning rates": "dev score by rate: 0.33 times the usual: no time left, 0.001: 0.860 (chosen), "
        "0.003: 0.710",
        "Served with": "its own prompt",
        "Prompt tokens": "121 against 874 of knn_few_shot: 753 saved a call (86 %)",
        "Economics": " ".join(as_sentence(line) for line in payback()["sentences"]),
        "Forgetting": "loss on general text 3.12 before and 3.17 after: +0.05 nats a token "
        "(perplexity × 1.05); the task sets no limit",
        "More data": learning()["sentence"],
        "Time": "8.4 min, foreseen 7.9 min",
        "Memory": "1.65 GiB, foreseen 1.5 GiB",
    }


def test_a_longer_prompt_unknown_figures_and_several_stages_are_said() -> None:
    assert facts(begun_from="zero_shot", actual={"minutes": 8.4, "memory": None})["Prompt tokens"] == (
        "121 against 164 of zero_shot: 43 saved a call (26 %)"
    )
    found = trained()
    found["approaches"][-1]["tokens_in"] = 1000.0
    assert dict(trainings(found)[0].facts)["Prompt tokens"].endswith("126 more a call (14 %)")
    assert "Memory" not in facts(actual={"minutes": 8.4, "memory": None})
    stages = [
        {"steps": 9, "best": 0, "why": "the time was up"},
        {"steps": 4, "best": 4, "why": "after 4 steps"},
    ]
    curves = [{**record()["curves"][0], "stage": name} for name in ("sft", "dpo")]
    assert facts(stages=stages, curves=curves)["Chosen"] == (
        "sft: the weights it began with of 9 (training ended: the time was up). "
        "dpo: step 4 of 4 (training ended: after 4 steps)"
    )


def test_a_best_score_at_the_last_step_asks_for_more_epochs_with_the_command() -> None:
    assert "More epochs" not in facts(settings={"epochs": 5.0})
    last = {"name": "sft", "steps": 125, "best": 125, "why": "after 125 steps"}
    assert facts(stages=[last], settings={"epochs": 5.0})["More epochs"] == (
        "the best dev score came with the last step of 5 epochs, so longer training may help: "
        "wb escalate TASK.YAML --force --method lora --set epochs=10"
    )
    assert "More epochs" not in facts(stages=[{**last, "why": "the time was up"}], settings={"epochs": 5.0})
    both = [last, {"name": "dpo", "steps": 40, "best": 20, "why": "nothing better was seen"}]
    told = facts(stages=both, settings={"epochs": 5.0}, objective="sft_then_dpo")["More epochs"]
    assert told.startswith("the best dev score of sft came") and "--objective sft_then_dpo" in told


def test_the_page_has_curves_and_a_table_of_the_looks() -> None:
    part = read(html.render(MADE)).by_id("training")
    assert len([e for e in part.walk() if e.tag == "svg"]) == 3
    (table,) = part.all("table")
    rows = [[cell.text for cell in row.all("th", "td")] for row in table.all("tbody")[0].all("tr")]
    assert rows[3] == ["75", "0.360", "0.860", "chosen"]
    assert len(rows) == 6
    assert "reload difference" in part.text


def test_junit_tells_it_as_properties_of_the_tuned_suite_alone() -> None:
    suites = {s.get("name"): s for s in ElementTree.fromstring(junit.render(MADE))}
    told = [
        p.get("name") for p in suites["lora"].iter("property") if str(p.get("name")).startswith("training")
    ]
    assert "training: Forgetting" in told
    assert not [p for p in suites["few_shot"].iter("property") if "training" in str(p.get("name"))]


def test_what_was_trained_is_used_as_it_was_trained() -> None:
    assert next_step(trained()).sentence == "Use lora as it was trained."
    assert next_step(ship()).sentence == "Use knn_few_shot as it is. Nothing needs training."


def test_without_a_training_nothing_is_said() -> None:
    assert trainings(ship()) == ()
    assert "### Training" not in markdown.render(Report(ship()))
