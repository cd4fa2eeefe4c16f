"""What can judge an answer to which nobody knows the right one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.graders import of_task
from evals.models import Loader
from evals.task import load_task
from evals.types import Example, Prediction, Request
from tests.scripted import Scripted, ScriptedModels
from workbench.distillation.acceptance import Sieve, sieve_of, target_of, unanswered

ROW = Example("a", "what is red", "red", fields={"word": "red", "tests": "assert True"})
SAID = Prediction("a", "red", "stop")
NONE = {"exact", "label", "token_f1", "squad_exact", "rouge", "bleu", "chrf", "edit_similarity"}


def sieve(folder: Path, graders: list[Any], *, judges: dict[str, str] | None = None, **keys: Any) -> Sieve:
    task = {
        "name": "colours",
        "model": "smollm2-135m",
        "data": {"dev": "dev.jsonl", "test": "test.jsonl"},
        "prompt": {"instruction": "x"},
        "output": "text",
        "requirements": [{"metric": "exact", "at_least": 0.5, "kind": "quality"}],
        "graders": graders,
        **keys,
    }
    folder.mkdir(exist_ok=True)
    (folder / "task.yaml").write_text(json.dumps(task))
    loaded = load_task(folder / "task.yaml")
    built = of_task(loaded)
    models = ScriptedModels(Scripted(lambda request: pytest.fail("a model was asked")))
    rows = [Example("new", "what is blue", None, fields={"word": "blue"})]
    return sieve_of(loaded, built, judges or {}, [(ROW, SAID)], rows, models)


@pytest.mark.parametrize("name", sorted(NONE - {"label"}))
def test_graders_that_compare_with_the_right_answer_cannot_judge(name: str, tmp_path: Path) -> None:
    assert sieve(tmp_path, [name]).unable == {name: "needs the right answer"}


@pytest.mark.parametrize(
    "grader",
    [
        {"name": "length", "max": 3},
        {"name": "regex", "pattern": "[a-z]+"},
        {"name": "contains", "value": "e"},
        {"name": "contains", "from": "word"},
        {"name": "contains", "value": "sorry", "not": True},
        {"name": "weighted", "graders": [{"name": "length", "max": 3}, {"name": "regex", "pattern": "."}]},
    ],
)
def test_graders_of_form_and_of_texts_of_their_own_can(grader: dict[str, Any], tmp_path: Path) -> None:
    found = sieve(tmp_path, [grader])
    assert found.unable == {} and found.names == (grader["name"],)


def test_the_same_grader_cannot_where_its_text_is_the_gold_answer_or_the_rows_lack_its_column(
    tmp_path: Path,
) -> None:
    assert sieve(tmp_path, ["contains"]).unable == {"contains": "needs the right answer"}
    found = sieve(tmp_path, [{"name": "contains", "from": "tests"}]).unable
    assert "tests" in found["contains"] and "needs" not in found["contains"]
    mixed = {"name": "weighted", "graders": ["exact", {"name": "length", "max": 3}]}
    assert sieve(tmp_path, [mixed]).unable == {"weighted": "needs the right answer"}


@pytest.mark.parametrize("reference", [True, False])
def test_a_judge_judges_where_it_was_admitted_and_sees_no_reference(reference: bool, tmp_path: Path) -> None:
    judge = {"name": "judge", "criteria": "Is it a colour?", "reference": reference}
    keys = {"judge": {"model": "smollm2-135m"}}
    admitted = sieve(tmp_path, [judge], judges={"judge": ""}, **keys)
    assert admitted.unable == ({"judge": "needs the right answer"} if reference else {})
    refused = sieve(tmp_path, [judge], judges={"judge": "it was not tried on human labels"}, **keys)
    if not reference:
        assert refused.unable == {"judge": "the judge is not admitted: it was not tried on human labels"}


def test_an_answer_is_dropped_for_the_first_reason_that_applies(tmp_path: Path) -> None:
    found = sieve(tmp_path, [{"name": "length", "max": 3}, {"name": "regex", "pattern": "[a-z ]+"}])
    said = {
        "kept": Prediction("kept", "a red one", "stop"),
        "cut": Prediction("cut", "a red", "length"),
        "empty": Prediction("empty", "  ", "stop"),
        "long": Prediction("long", "this is a red one", "stop"),
        "form": Prediction("form", "RED!", "stop"),
        "away": Prediction("away", "", "error", error="no answer"),
    }
    pairs = [(Example(id, "x", None), prediction) for id, prediction in said.items()]
    reasons = found.reasons(pairs, Loader(), tmp_path / "judged.jsonl", "dev")
    assert reasons == {
        "kept": "",
        "cut": "have no whole answer",
        "empty": "have an empty answer",
        "long": "fail length",
        "form": "fail regex",
        "away": "ended in an error",
    }


def test_what_a_judge_says_is_kept_and_not_asked_again(tmp_path: Path) -> None:
    judge = {"name": "judge", "criteria": "Is it a colour?", "reference": False}

    def verdict(request: Request) -> str:
        return json.dumps({"verdict": "fail" if "purple" in str(request.prompt) else "pass"})

    model = Scripted(verdict)
    rows = [Example(id, "name a colour", None) for id in ("red", "purple")]
    pairs = [(row, Prediction(row.id, row.id, "stop")) for row in rows]
    for _ in range(2):
        found = sieve(tmp_path, [judge], judges={"judge": ""}, judge={"model": "smollm2-135m"})
        reasons = found.reasons(pairs, ScriptedModels(model), tmp_path / "judged.jsonl", "dev")
        assert reasons == {"red": "", "purple": "fail judge"}
    assert len(model.asked) == 2


def test_nobody_reads_the_answer_of_a_row_without_one() -> None:
    row = unanswered(ROW)
    assert (row.id, row.input, row.fields) == (ROW.id, ROW.input, ROW.fields)
    assert row.query() == ROW.query()
    for name in ("target", "references"):
        with pytest.raises(Exception, match="has no answer to compare with"):
            getattr(row, name)


def test_an_answer_is_written_as_the_tasks_rows_have_it(tmp_path: Path) -> None:
    def written(output: Any, text: str) -> Any:
        sieve(tmp_path, ["exact"], output=output)
        return target_of(load_task(tmp_path / "task.yaml"), text)

    assert written({"labels": ["Red", "Blue"]}, ' "red". ') == "Red"
    assert written({"format": "json"}, ' {"a": 1} ') == {"a": 1}
    assert written({"format": "json"}, '"red"') == '"red"'
    assert written("text", " a red one\n") == "a red one"
