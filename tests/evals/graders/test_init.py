"""Graders are built from the task, say what they give, and are known by a hash."""

from pathlib import Path

import pytest

from evals.errors import TaskError
from evals.graders import GRADERS, answer_text, build, gold_prediction, grader_hash, metrics
from evals.output import OutputSpec
from evals.task import GraderSpec
from evals.types import Example, Prediction
from tests.evals.graders.needed import NEEDED

SCHEMA = {"type": "object", "properties": {"queue": {"enum": ["a", "b"]}, "note": {"type": "string"}}}
OUTPUT = OutputSpec("json", schema=SCHEMA, labels=("yes", "no"))


def one(name: str, output: OutputSpec = OUTPUT, **options: object) -> object:
    (grader,) = build([GraderSpec(name, options or NEEDED.get(name, {}))], output)
    return grader


@pytest.mark.parametrize("name", GRADERS)
def test_every_grader_carries_the_name_it_has_in_the_table_and_gives_it_as_first_metric(name: str) -> None:
    grader = one(name)
    assert (grader.name, grader.metrics[0], grader.higher_is_better) == (name, name, True)
    assert 0 < grader.pass_at <= 1


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True, None])
def test_every_grader_refuses_a_pass_at_that_is_no_share(name: str, value: object) -> None:
    with pytest.raises(TaskError, match="pass_at is a number above 0 and at most 1"):
        one(name, **NEEDED.get(name, {}), pass_at=value)


def test_metrics_are_those_of_all_graders_in_their_order() -> None:
    graders = build([GraderSpec("valid_json"), GraderSpec("json_fields")], OUTPUT)
    assert metrics(graders) == (
        "valid_json",
        "json_fields",
        "json_fields.micro",
        "json_fields.all",
        "json_fields.queue",
        "json_fields.note",
    )


def test_an_unknown_option_names_the_nearest_and_the_file() -> None:
    with pytest.raises(TaskError, match=r"task\.yaml: graders.*no option 'ignorecase'.*'ignore_case'"):
        build([GraderSpec("exact", {"ignorecase": True})], OUTPUT, "task.yaml")


def test_an_unknown_grader_names_the_nearest() -> None:
    with pytest.raises(TaskError, match=r"no grader 'valid_jsn'\. Did you mean 'valid_json'"):
        build([GraderSpec("valid_jsn")], OUTPUT)


def test_the_same_grader_twice_is_refused() -> None:
    with pytest.raises(TaskError, match="the grader 'exact' stands twice"):
        build([GraderSpec("exact"), GraderSpec("exact", {"normalise": True})], OUTPUT)


@pytest.mark.parametrize("name", GRADERS)
def test_every_grader_takes_another_name_for_its_scores_and_metrics(name: str) -> None:
    grader = one(name, **NEEDED.get(name, {}), **{"as": "mine"})
    plain = one(name)
    assert grader.name == "mine"
    assert [m.removeprefix("mine") for m in grader.metrics] == [m.removeprefix(name) for m in plain.metrics]
    assert grader.pass_at == plain.pass_at


def test_one_grader_stands_twice_under_two_names_with_scores_of_its_own() -> None:
    specs = [
        GraderSpec("contains", {"value": "Dear", "as": "has_greeting"}),
        GraderSpec("contains", {"value": "regards"}),
    ]
    graders = build(specs, OutputSpec("text"))
    pair = (Example("r", "", ""), Prediction("r", "Dear Sir", "stop"))
    found = [score for grader in graders for score in grader.grade([pair], None)]
    assert [(s.grader, s.value) for s in found] == [("has_greeting", 1), ("contains", 0)]
    assert metrics(graders) == ("has_greeting", "contains")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("exact", "cannot be called 'exact': that is another's name"),
        ("error_rate", "cannot be called 'error_rate': that is another's name"),
        ("a.b", "as is a name of letters"),
        ("", "as is a name of letters"),
        (3, "as is a name of letters"),
    ],
)
def test_a_name_that_would_be_mistaken_is_refused(given: object, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        build([GraderSpec("contains", {"as": given})], OUTPUT)


@pytest.mark.parametrize("name", GRADERS)
def test_equal_graders_have_equal_hashes_and_any_option_changes_it(name: str) -> None:
    given = NEEDED.get(name, {})
    assert grader_hash(one(name)) == grader_hash(one(name))
    assert grader_hash(one(name)) != grader_hash(one(name, **given, pass_at=0.45))


def test_hashes_differ_between_graders_and_follow_what_is_read_from_the_output_spec() -> None:
    assert len({grader_hash(one(name)) for name in GRADERS}) == len(GRADERS)
    other = OutputSpec("json", schema={**SCHEMA, "required": ["queue"]}, labels=("yes", "no", "maybe"))
    for name in ("label", "valid_json", "json_fields"):
        assert grader_hash(one(name)) != grader_hash(one(name, other))
    for name in ("exact", "regex"):
        assert grader_hash(one(name)) == grader_hash(one(name, other))


def test_a_path_in_options_begins_at_the_folder_of_the_task_file(tmp_path: Path) -> None:
    (tmp_path / "shop.sql").write_text("CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    (grader,) = build([GraderSpec("sql", {"database": "shop.sql"})], OUTPUT, tmp_path / "task.yaml")
    rows = [(Example("r", "", "SELECT 1"), Prediction("r", "SELECT a FROM t", "stop"))]
    assert [score.value for score in grader.grade(rows, None)] == [1]


def test_a_grader_is_asked_for_its_own_gold_answer_if_it_has_one() -> None:
    example = Example("r", "", {"a": 1}, gold_doc_ids=("d1", "d2"))
    assert gold_prediction(one("exact"), example) == Prediction("r", '{"a": 1}', "stop")
    for grader in (one("citations"), one("citations", pass_at=0.5), one("weighted", graders=["citations"])):
        assert gold_prediction(grader, example).sources == ("d1", "d2")


def test_a_new_version_of_the_rules_changes_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = grader_hash(one("exact"))
    monkeypatch.setattr(GRADERS.load("exact"), "version", 2)
    assert grader_hash(one("exact")) != before


def test_a_grader_that_does_not_say_what_it_depends_on_has_no_hash() -> None:
    grader = one("exact")
    del grader.identity
    with pytest.raises(TaskError, match="does not say what its scores depend on"):
        grader_hash(grader)


def test_a_target_as_text_keeps_strings_and_writes_the_rest_as_one_line_of_json() -> None:
    assert answer_text("billing") == "billing"
    assert answer_text({"b": [1, None], "a": "é"}) == '{"b": [1, null], "a": "é"}'
    assert answer_text(3) == "3"
