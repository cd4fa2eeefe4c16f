"""`wb check`: what it finds in the rows, and what it says these rows could show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.errors import DataError, TaskError
from evals.models import Loader
from evals.task import load_task
from tests.scripted import Scripted, ScriptedModels
from workbench.checks.findings import Checked, Finding, text
from workbench.checks.task import check

DAYS = ("monday", "tuesday", "wednesday")


def rows(prefix: str, n: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"{prefix}{i}", "input": f"{prefix} text {i}", "output": DAYS[i % 3], **more} for i in range(n)
    ]


class Case:
    """A task folder under construction; `run` checks it with a model that counts characters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Sequence[dict[str, Any]]] = {
            "train": rows("a", 100),
            "dev": rows("b", 30),
            "test": rows("c", 60),
        }
        self.output = f"{{labels: [{', '.join(DAYS)}]}}"
        self.bounds = "at_least: 0.9"
        self.metric = "label"
        self.more = ""
        self.template = "{{ input }}"
        self.models: Loader = ScriptedModels(Scripted(lambda request: pytest.fail("a model was asked"), 1000))

    def run(self) -> Checked:
        for name, content in self.files.items():
            lines = "".join(json.dumps(line) + "\n" for line in content)
            (self.folder / f"{name}.jsonl").write_text(lines)
        data = ", ".join(f"{name}: {name}.jsonl" for name in self.files)
        (self.folder / "task.yaml").write_text(
            f"name: case\nmodel: none-such\ndata: {{{data}}}\noutput: {self.output}\n"
            f"prompt: {{instruction: Name the day., template: '{self.template}'}}\n"
            f"requirements: [{{metric: {self.metric}, {self.bounds}, kind: quality}}]\n{self.more}"
        )
        return check(load_task(self.folder / "task.yaml"), self.models)

    def only(self, says: str) -> Finding:
        (found,) = [finding for finding in self.run().findings if says in finding.message]
        return found


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_a_sound_task_has_nothing_to_say_against_it(case: Case) -> None:
    checked = case.run()
    assert (checked.findings, checked.errors, checked.exit_code) == ((), 0, 0)
    assert checked.rows == {"train": 100, "dev": 30, "test": 60}
    assert checked.sizes is not None
    assert checked.sizes.prompt.most == len("Name the day.\n\nc text 00")
    assert checked.max_tokens == 14
    assert checked.estimate is not None
    assert checked.estimate.calls > 300


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("text: notes.txt", "notes.txt: has 5 characters, too few to see what a training forgets"),
        ("text: none.txt", "none.txt: cannot be read as text"),
        ("lm_eval: task.yaml", "task.yaml: cannot be asked as a task of lm-eval: it names no task"),
    ],
)
def test_what_a_training_cannot_be_held_against_is_an_error_before_it(
    named: str, says: str, case: Case
) -> None:
    (case.folder / "notes.txt").write_text("short")
    case.more = f"forgetting: {{{named}}}\n"
    found = case.only(says)
    assert (found.level, found.where) == ("error", "forgetting")


def test_near_copies_that_few_rows_cannot_show_are_noted(case: Case) -> None:
    case.files["train"] = rows("a", 99)
    found = case.only("near copies are not looked for among those less than 0.95 alike (fewer than 100 train")
    assert (found.level, found.where) == ("note", "data")
    case.files["train"] = rows("a", 5)
    assert (
        found.message + " and those of one meaning (fewer than 100 rows)" == case.only("near copies").message
    )


def test_copies_across_splits_are_named_with_how_and_where(case: Case) -> None:
    case.files["train"] = [*rows("a", 30), {"id": "copy", "input": "C  text 1", "output": "monday"}]
    finding = case.only("copied from dev or test")
    assert (finding.level, finding.where) == ("warning", "data.train")
    assert "copy (train.jsonl:31) = test c1 (test.jsonl:2)" in finding.message
    assert case.run().dropped == 1


def test_copies_within_a_split_and_contradictions_are_told_apart(case: Case) -> None:
    again = [
        {"id": "x1", "input": "c text 1", "output": "tuesday"},
        {"id": "x2", "input": "c text 2", "output": "monday"},
    ]
    case.files["test"] = [*rows("c", 60), *again]
    assert "c1 (test.jsonl:2) = x1 (test.jsonl:61)" in case.only("input given more than once: ").message
    assert "c2 (test.jsonl:3) = x2 (test.jsonl:62)" in case.only("with different outputs").message


def test_a_column_that_holds_the_target_is_a_warning(case: Case) -> None:
    case.files["test"] = [{**row, "day": row["output"]} for row in rows("c", 60)]
    assert case.only("is the output in 100% of 60 rows").level == "warning"
    case.template = "{{ input }} {{ day }}"
    case.files = {
        name: [{**row, "day": row["output"]} for row in content] for name, content in case.files.items()
    }
    assert "the template shows it" in case.only("is the output").message


def test_gold_answers_that_fail_their_own_grader_are_named(case: Case) -> None:
    case.output = (
        "{format: json, schema: {type: object, required: [day], properties: {day: {enum: [monday]}}}}"
    )
    case.metric = "valid_json"
    for name, content in case.files.items():
        case.files[name] = [{**row, "output": {"day": "monday"}} for row in content]
    case.files["test"] = [
        *case.files["test"][:-1],
        {"id": "odd", "input": "odd", "output": {"day": "sunday"}},
    ]
    finding = case.only("fail their own grader valid_json")
    assert finding.level == "warning"
    assert "1 of 60" in finding.message
    assert "odd" in finding.message
    case.files["dev"] = [{**row, "output": {"tag": "x"}} for row in rows("b", 30)]
    assert case.run().exit_code == 1


def test_a_gold_answer_is_graded_as_its_grader_wants_it(case: Case) -> None:
    case.output, case.metric, case.more = "text", "citations", "graders: [citations]"
    for name, content in case.files.items():
        case.files[name] = [{**row, "gold_doc_ids": ["days.md"]} for row in content]
    assert case.run().findings == ()
    case.files["test"] = [*case.files["test"][:-1], {"id": "odd", "input": "odd", "output": "monday"}]
    finding = case.only("fail their own grader citations")
    assert finding.message.endswith("odd (test.jsonl:60) (does not say 'not in the documents')")


def test_a_requirement_that_a_perfect_score_could_not_meet_is_named_loudly(case: Case) -> None:
    case.bounds = "at_least: 0.98"
    finding = case.only("CANNOT BE MET")
    assert (finding.level, finding.where) == ("warning", "label ≥ 0.98")
    assert "60 test rows: even a perfect score takes 217" in finding.message
    assert "Add 157 test rows" in finding.todo
    assert case.run().exit_code == 0


@pytest.mark.parametrize(
    ("bounds", "fewest", "failures"),
    [("at_least: 0.95", 86, None), ("at_least: 0.9", 42, 0), ("at_most: 0.2", 20, 5)],
)
def test_the_fewest_rows_and_most_failures_are_exact(
    case: Case, bounds: str, fewest: int, failures: int | None
) -> None:
    case.bounds = bounds
    (could,) = case.run().requirements
    assert (could.n, could.alpha, could.fewest, could.most_failures) == (
        60,
        pytest.approx(0.0125),
        fewest,
        failures,
    )


def test_a_slice_is_counted_by_its_own_rows(case: Case) -> None:
    case.files["test"] = [*rows("c", 50, lang="de"), *rows("d", 10, lang="fr")]
    case.bounds = "at_least: 0.9, where: {lang: fr}"
    assert case.only("CANNOT BE MET with 10 test rows").where == "label ≥ 0.9 where lang=fr"


def test_no_number_of_rows_shows_perfection(case: Case) -> None:
    case.bounds = "at_least: 1"
    assert case.only("no number of rows").level == "warning"


def test_the_point_policy_is_noted_in_place_of_it(case: Case) -> None:
    case.bounds, case.more = "at_least: 0.98", "policy: point\n"
    assert [finding.where for finding in case.run().findings] == ["policy"]


def test_too_few_groups_are_named(case: Case) -> None:
    case.files["test"] = [{**row, "group": f"g{i % 15}"} for i, row in enumerate(rows("c", 60))]
    assert "15 groups" in case.only("CANNOT SHOW ANYTHING").message


def test_a_constant_answer_and_values_without_rows_are_noted(case: Case) -> None:
    case.files["test"] = [
        {**row, "output": "monday" if i else "tuesday"} for i, row in enumerate(rows("c", 60))
    ]
    assert "98%" in case.only("always answering the label 'monday'").message
    assert "'wednesday'" in case.only("no row has the label").message


def test_prompts_and_answers_that_do_not_fit_are_named(case: Case) -> None:
    case.models = ScriptedModels(Scripted(lambda request: "", 30))
    assert "context of 30" in case.only("do not fit").message
    case.more = "generation: {max_tokens: 3}\n"
    assert case.only("longest gold answer").where == "generation.max_tokens"


def test_a_budget_below_the_estimate_is_named(case: Case) -> None:
    case.more = "budget: {calls: 10}\n"
    assert case.only("the budget 10").where == "budget.calls"


def test_a_model_that_is_not_there_is_an_error_and_the_rows_are_checked_all_the_same(case: Case) -> None:
    case.models = Loader()
    case.bounds = "at_least: 0.98"
    checked = case.run()
    assert checked.exit_code == 1
    assert [(f.level, f.where) for f in checked.findings] == [
        ("error", "model none-such"),
        ("warning", "label ≥ 0.98"),
    ]
    assert checked.estimate is None


def test_a_template_that_fails_on_a_row_is_an_error_with_its_line(case: Case) -> None:
    case.template = "{{ input }} {{ lang }}"
    case.files["train"] = rows("a", 30, lang="de")
    finding = case.only("row 'b0' has no column 'lang'")
    assert finding.level == "error"
    assert "task.yaml:5: prompt.template" in finding.where


def test_files_for_later_steps_must_be_there(case: Case) -> None:
    case.files["documents"] = [{"id": "d", "text": "Monday is the first day."}]
    checked = case.run()
    assert not [f for f in checked.findings if f.where == "data.documents"]
    (case.folder / "task.yaml").write_text(
        (case.folder / "task.yaml").read_text().replace("documents.jsonl", "docs/")
    )
    checked = check(load_task(case.folder / "task.yaml"), case.models)
    assert [f.level for f in checked.findings if f.where == "data.documents"] == ["error"]


def test_a_model_to_train_that_cannot_be_loaded_is_an_error_before_it(case: Case) -> None:
    folder = case.folder / "pickled"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"")
    case.more = f"tune_model: {folder}\n"
    case.models = Loader()
    found = case.only("pickled' has no safetensors weights (other formats are not loaded)")
    assert (found.level, found.where) == ("error", f"tune_model {folder}")


def test_pairs_of_answers_are_read_before_a_run_is_paid(case: Case) -> None:
    pair = {"input": "which day", "chosen": "monday", "rejected": "tuesday"}
    case.files["preferences"] = [pair, {**pair, "rejected": "monday"}]
    with pytest.raises(DataError, match="preferences.jsonl:2: chosen and rejected are the same text"):
        case.run()


def test_a_template_that_shows_nothing_of_the_row_is_a_warning(case: Case) -> None:
    case.template = "Which day is it?"
    finding = case.only("every row is asked the same")
    assert finding.level == "warning" and "task.yaml:5: prompt.template" in finding.where
    case.template = "{{ id_of_day }}"
    case.files = {n: [{**row, "id_of_day": row["id"]} for row in of] for n, of in case.files.items()}
    assert not [f for f in case.run().findings if "asked the same" in f.message]


def test_a_metric_that_no_grader_gives_is_raised_before_anything_is_read(case: Case) -> None:
    case.metric = "f1"
    with pytest.raises(TaskError, match="no grader gives the metric 'f1'"):
        case.run()


def test_the_text_says_everything_and_the_json_can_be_written(case: Case) -> None:
    case.bounds = "at_least: 0.98"
    checked = case.run()
    said = text(checked)
    for part in (
        "100 train, 30 dev, 60 test",
        "CANNOT BE MET",
        "zero-shot prompt: median",
        "in all: ",
        "! ready, but nothing can ship with these rows: 0 errors, 1 warning, 0 notes",
    ):
        assert part in said
    assert json.loads(json.dumps(checked.to_json()))["requirements"][0]["fewest"] == 217


def test_a_ladder_that_leaves_rungs_out_is_noted(case: Case) -> None:
    case.more = "ladder: {without: [likelihood, repair]}\n"
    found = case.only("leaves out likelihood, repair: its runs are not binding")
    assert (found.level, found.where) == ("note", "ladder")


def test_no_text_of_a_row_is_shown(case: Case) -> None:
    case.files["test"] = [*rows("c", 60), {"id": "again", "input": "c text 1", "output": "monday"}]
    checked = case.run()
    assert "c text 1" not in text(checked) + json.dumps(checked.to_json())


def test_what_a_grammar_does_not_hold_of_the_schema_is_named_with_its_place(case: Case) -> None:
    case.output = (
        "{format: json, schema: {type: object, required: [days], additionalProperties: false, "
        "properties: {days: {type: array, uniqueItems: true, items: {enum: [monday, tuesday]}}}}}"
    )
    case.metric = "valid_json"
    for name, content in case.files.items():
        case.files[name] = [{**row, "output": {"days": ["monday"]}} for row in content]
    finding = case.only("constrained decoding does not hold `uniqueItems`: a list can repeat an item")
    assert (finding.level, finding.where) == ("note", "output.schema/properties/days/uniqueItems")
    case.more = "ladder: {without: [constrained]}\n"
    assert not [f for f in case.run().findings if "constrained decoding" in f.message]


def test_a_schema_that_no_grammar_holds_is_noted(case: Case) -> None:
    case.output = (
        "{format: json, schema: {type: object, properties: {day: {$ref: '#/$defs/d'}}, "
        "$defs: {d: {$ref: '#/$defs/d'}}}}"
    )
    case.metric = "valid_json"
    for name, content in case.files.items():
        case.files[name] = [{**row, "output": {}} for row in content]
    assert "`constrained` will not apply" in case.only("no grammar holds the schema").todo
