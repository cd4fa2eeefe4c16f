"""`wb gate`: pass, worse, cannot tell; looks at test; baselines that a checkout without runs has."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evals.errors import RunError
from evals.models import Loader
from tests.scripted import ScriptedModels
from tests.workbench.comparison.test_compare import Rude
from tests.workbench.mood import Mood, Right, share
from tests.workbench.test_preferences import Polite, case
from workbench.assess import assess
from workbench.cli.main import run
from workbench.comparison.gate import Asked, Gate, gate, gate_json
from workbench.evidence import read_looks
from workbench.session import Plan


def gated(a: Path | str, b: Path, **more: object) -> Gate:
    return gate(Asked(b, str(a), **more), Loader())  # type: ignore[arg-type]


def but(wrong: int, of: int = 100, first: int = 0) -> Right:
    """All right but so many rows."""
    return lambda split, n: not first <= n < first + wrong


@pytest.fixture
def mood(tmp_path: Path) -> Mood:
    return Mood(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "outcome", "code"),
    [
        (share(0.6), share(0.8), "pass", 0),
        (share(0.8), share(0.6), "worse", 3),
        (share(0.8), share(0.77), "cannot tell", 4),
        (share(0.6), share(0.6), "pass", 0),
    ],
)
def test_the_bounds_of_the_difference_decide(
    mood: Mood, before: Right, after: Right, outcome: str, code: int
) -> None:
    a, b = mood.run(before, "a", dev_only=True), mood.run(after, "b", dev_only=True)
    found = gated(a, b)
    assert (found.outcome, found.exit_code) == (outcome, code)


def test_worse_by_less_than_the_margin_passes(mood: Mood) -> None:
    """Non-inferior comes first: a small loss that is certain is what a margin is for."""
    mood = mood.with_(rows={"dev": 1500, "test": 100})
    a, b = mood.run(but(0), "a", dev_only=True), mood.run(but(30), "b", dev_only=True)
    (ruling,) = gated(a, b).rulings
    assert ruling.contrast.difference.high is not None and ruling.contrast.difference.high < 0
    assert ruling.outcome == "pass"


def test_nothing_passes_on_fewer_than_twenty_groups(tmp_path: Path) -> None:
    for groups, outcome in ((10, "cannot tell"), (5, "pass")):
        mood = Mood(tmp_path / str(groups), groups=groups)
        a, b = mood.run(share(0), "a", dev_only=True), mood.run(share(1), "b", dev_only=True)
        (ruling,) = gated(a, b).rulings
        assert ruling.outcome == outcome
        assert (ruling.needed_n is None) and ("fewer than 20 groups" in ruling.why) == (outcome != "pass")
        (worse,) = gated(b, a).rulings
        assert worse.outcome == "worse"


def test_identical_answers_pass_at_once_however_few(mood: Mood) -> None:
    mood = mood.with_(rows={"dev": 3, "test": 3})
    a, b = mood.run(share(0.6), "a", dev_only=True), mood.run(share(0.6), "b", dev_only=True)
    found = gated(a, b)
    assert (found.identical, found.exit_code) == (True, 0)
    assert gate_json(found)["headline"] == "✓ Pass: all 3 dev rows were answered alike"


def test_three_rows_that_differ_cannot_tell(mood: Mood) -> None:
    mood = mood.with_(rows={"dev": 3, "test": 3})
    a, b = mood.run(but(1), "a", dev_only=True), mood.run(but(1, first=1), "b", dev_only=True)
    found = gated(a, b)
    assert found.exit_code == 4
    (ruling,) = found.rulings
    assert ruling.why.startswith("0.00 on 3 rows; between the bounds −")
    both = gate_json(replace(found, rulings=(ruling, ruling)))["headline"]
    assert both == "? Cannot tell whether label and label are worse by their margins, on 3 dev rows"


def test_cannot_tell_says_how_many_rows_would_settle_it(mood: Mood) -> None:
    a, b = mood.run(share(0.8), "a", dev_only=True), mood.run(share(0.78), "b", dev_only=True)
    (ruling,) = gated(a, b).rulings
    assert ruling.needed_n is not None and ruling.needed_n > 100
    assert f"about {ruling.needed_n} rows would settle it" in ruling.why
    # with that many rows of the same mix it is settled
    many = mood.with_(rows={"dev": 100 * (1 + ruling.needed_n // 100), "test": 100})
    a, b = many.run(share(0.8), "c", dev_only=True), many.run(share(0.78), "d", dev_only=True)
    assert gated(a, b).outcome == "pass"


@pytest.mark.parametrize(("inconclusive", "code"), [("pass", 0), ("fail", 4), (None, 4)])
def test_what_cannot_be_told_is_let_through_only_on_request(
    mood: Mood, inconclusive: str | None, code: int
) -> None:
    a, b = mood.run(share(0.8), "a", dev_only=True), mood.run(share(0.77), "b", dev_only=True)
    assert gated(a, b, inconclusive=inconclusive).exit_code == code


def test_an_advisory_metric_never_fails(mood: Mood) -> None:
    asked = [{"metric": "label", "at_least": 0.5, "kind": "quality", "tier": "advisory"}]
    mood = mood.with_(keys={"requirements": asked})
    a, b = mood.run(share(0.9), "a", dev_only=True), mood.run(share(0.5), "b", dev_only=True)
    found = gated(a, b)
    assert (found.rulings[0].outcome, found.exit_code) == ("worse", 0)


def test_a_wider_margin_tells_what_a_narrow_one_cannot(mood: Mood) -> None:
    a, b = mood.run(share(0.8), "a", dev_only=True), mood.run(share(0.77), "b", dev_only=True)
    assert gated(a, b, margin=0.2).outcome == "pass"


def test_runs_on_other_data_are_refused(mood: Mood) -> None:
    a = mood.run(share(0.8), "a", dev_only=True)
    b = mood.with_(changed={"dev-3": "sad"}).run(share(0.8), "b", dev_only=True)
    with pytest.raises(RunError, match=r"1 dev rows have changed"):
        gated(a, b)


# Test


def test_a_gate_on_test_is_a_look_of_its_own_written_once(mood: Mood) -> None:
    a, b = mood.run(share(0.7), "a"), mood.run(share(0.95), "b")
    ledger = mood.folder / "looks.jsonl"
    before = read_looks(ledger)
    found = gated(a, b, split="test")
    assert found.outcome == "pass"
    assert found.errors.passing == pytest.approx(0.0125)
    (look,) = read_looks(ledger)[len(before) :]
    assert (look.name, look.against, look.bounds) == (
        "zero_shot",
        found.comparison.first.measured.hash,
        {"label": 0.05},
    )
    assert look.statuses == {"label": "met"}
    assert gated(a, b, split="test").outcome == "pass"
    assert len(read_looks(ledger)) == len(before) + 1
    assert [of.split for of in found.comparison.splits] == ["test"]


def test_other_margins_after_the_look_pass_nothing(mood: Mood) -> None:
    a, b = mood.run(share(0.8), "a"), mood.run(share(0.78), "b")
    assert gated(a, b, split="test").outcome == "cannot tell"
    again = gated(a, b, split="test", margin=0.5)
    assert again.outcome == "cannot tell"
    assert "other margins" in again.rulings[0].why


def test_a_spent_test_set_passes_nothing_and_fails_as_ever(mood: Mood) -> None:
    mood = mood.with_(keys={"looks": 1})
    a, b, c = mood.run(share(0.7), "a"), mood.run(share(0.95), "b"), mood.run(share(0.4), "c")
    better = gated(a, b, split="test")
    assert (better.outcome, better.exit_code) == ("cannot tell", 4)
    assert "test set spent" in better.rulings[0].why
    assert gated(b, a, split="test").outcome == "worse"
    assert c.is_dir()


def test_the_same_answers_on_test_cost_no_look(mood: Mood) -> None:
    a, b = mood.run(share(0.8), "a"), mood.run(share(0.8), "b")
    before = read_looks(mood.folder / "looks.jsonl")
    assert gated(a, b, split="test").exit_code == 0
    assert read_looks(mood.folder / "looks.jsonl") == before


def test_a_later_assess_says_nothing_of_the_gates_margins(mood: Mood) -> None:
    a, b = mood.run(share(0.7), "a"), mood.run(share(0.95), "b")
    gated(a, b, split="test")
    last = json.loads((mood.run(share(0.9), "c") / "decision.json").read_text())
    assert not [note for note in last["notes"] if "Threshold changed" in note]
    assert last["looks"]["used"] == 4


def test_without_test_rows_a_gate_on_test_is_refused(mood: Mood) -> None:
    a, b = mood.run(share(0.8), "a", dev_only=True), mood.run(share(0.8), "b", dev_only=True)
    with pytest.raises(RunError, match=r"was not judged on test"):
        gated(a, b, split="test")


# Blessed baselines


def test_a_blessed_baseline_serves_where_no_run_folder_is(
    mood: Mood, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = mood.run(share(0.8), "a"), mood.run(share(0.6), "b")
    expected = gated(a, b)
    assert run(["gate", str(a), "--bless", "main"]) == 0
    shutil.rmtree(mood.folder / "a")
    found = gated("main", b)
    assert found.rulings == expected.rulings
    assert found.comparison.splits == (expected.comparison.splits[0],)
    capsys.readouterr()
    assert run(["gate", str(b), "--baseline", "main"]) == 3
    said = capsys.readouterr().out
    assert "baseline 'main', blessed today" in said
    assert said.splitlines()[-1] == "✗ Worse: label on 100 dev rows"


def test_a_blessed_baseline_serves_on_test_too_and_holds_no_text_of_it(mood: Mood) -> None:
    a, b = mood.run(share(0.7), "a"), mood.run(share(0.95), "b")
    expected = gated(a, b, split="test")
    assert run(["gate", str(a), "--bless", "main"]) == 0
    text = (mood.folder / "baseline-main.jsonl").read_text()
    test_lines = [line for line in map(json.loads, text.splitlines()) if line.get("split") == "test"]
    assert len(test_lines) == 100
    assert all(line["text"] not in ("calm", "angry", "sad") for line in test_lines)
    assert all(score["answer"] is None for line in test_lines for score in line["scores"].values())
    shutil.rmtree(mood.folder / "a")
    assert gated("main", b, split="test").rulings == expected.rulings


def test_a_baseline_on_rows_that_changed_is_refused_and_to_be_blessed_anew(mood: Mood) -> None:
    a = mood.run(share(0.8), "a", dev_only=True)
    assert run(["gate", str(a), "--bless", "main"]) == 0
    b = mood.with_(changed={"dev-3": "sad"}).run(share(0.8), "b", dev_only=True)
    with pytest.raises(RunError, match=r"have changed .*\n.*wb gate RUN --bless main"):
        gated("main", b)


def test_an_unknown_baseline_names_those_there_are(mood: Mood) -> None:
    a = mood.run(share(0.8), "a", dev_only=True)
    assert run(["gate", str(a), "--bless", "main"]) == 0
    with pytest.raises(RunError, match=r"blessed baseline 'mian'. Did you mean 'main'"):
        gated("mian", a)
    with pytest.raises(RunError, match="cannot name a baseline"):
        gated("no/such", a)


def test_the_task_may_lie_elsewhere_than_where_the_run_was_made(mood: Mood, tmp_path: Path) -> None:
    a = mood.run(share(0.8), "a", dev_only=True)
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    shutil.move(mood.path, checkout / "task.yaml")
    with pytest.raises(RunError, match="is not here\nName it: --task"):
        gated("main", a)
    assert run(["gate", str(a), "--bless", "main", "--task", str(checkout / "task.yaml")]) == 0
    assert (checkout / "baseline-main.jsonl").is_file()


def test_a_damaged_baseline_is_told(mood: Mood) -> None:
    a = mood.run(share(0.8), "a", dev_only=True)
    assert run(["gate", str(a), "--bless", "main"]) == 0
    path = mood.folder / "baseline-main.jsonl"
    text = path.read_text()
    blessed = json.loads(text.splitlines()[0])["blessed"]
    for damaged in (
        text.replace('"scores"', '"scored"'),
        text.replace(blessed, "lately"),
        text.replace(f'"{blessed}"', "5"),
        text.replace('"value":1.0', '"value":7.0'),
        text.replace('"value":1.0', '"value":NaN'),
        text + text.splitlines()[-1] + "\n",
    ):
        assert damaged != text
        path.write_text(damaged)
        with pytest.raises(RunError, match="is damaged"):
            gated("main", a)
    path.write_text(text.replace(blessed, blessed[:10]))  # a day without a time is a day
    assert gated("main", a).outcome == "pass"


def test_equal_answers_say_nothing_of_pairs_of_answers(tmp_path: Path) -> None:
    task = case(tmp_path)
    rude, polite = (
        assess(Plan(task.path, tmp_path / model.__name__), ScriptedModels(model()))[0].folder
        for model in (Rude, Polite)
    )
    ledger, alone = tmp_path / "looks.jsonl", {"approach": "zero_shot"}
    better, worse, same = (
        gated(rude, polite, **alone),
        gated(polite, rude, **alone),
        gated(rude, rude, **alone),
    )
    assert [found.exit_code for found in (better, worse, same)] == [0, 3, 4]
    assert "pairs; the upper bound" in worse.rulings[0].why and not worse.identical
    before = len(read_looks(ledger))
    assert gated(polite, rude, split="test", **alone).outcome == "worse"
    assert len(read_looks(ledger)) == before + 1
    assert run(["gate", str(polite), "--bless", "main", "--approach", "zero_shot"]) == 0
    (ruling,) = gated("main", rude, **alone).rulings
    assert (ruling.outcome, ruling.why) == ("cannot tell", "preference_accuracy is of one side only")


# The command


def test_either_a_baseline_or_a_blessing_is_asked_for(mood: Mood, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", "runs"]) == 2
    assert "give either --baseline A or --bless NAME" in capsys.readouterr().err
    assert run(["gate", "runs", "--baseline", "runs", "--margin", "nan"]) == 2
    assert "nan is no number" in capsys.readouterr().err


def test_junit_fails_what_is_worse_and_errs_what_cannot_be_told(mood: Mood) -> None:
    a = mood.run(share(0.8), "a", dev_only=True)
    for out, right, tag, code in [
        ("b", share(0.6), "failure", 3),
        ("c", share(0.77), "error", 4),
        ("d", share(0.9), None, 0),
    ]:
        b, path = mood.run(right, out, dev_only=True), mood.folder / f"{out}.xml"
        assert run(["gate", str(b), "--baseline", str(a), "--junit", str(path)]) == code
        (case,) = ElementTree.parse(path).iter("testcase")
        assert [child.tag for child in case] == ([tag] if tag else [])
        assert case.get("name") == "label no worse by 0.05"


def test_json_and_markdown_say_the_same(mood: Mood, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = mood.run(share(0.8), "a", dev_only=True), mood.run(share(0.6), "b", dev_only=True)
    path = mood.folder / "gate.md"
    assert run(["gate", str(b), "--baseline", str(a), "--json", "--markdown", str(path)]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["outcome"], found["exit_code"], found["rulings"][0]["outcome"]) == ("worse", 3, "worse")
    text = path.read_text()
    assert "## ✗ Worse: label on 100 dev rows" in text
    assert "| ✗ worse | `label` | 0.05 |" in text


def test_rows_without_an_answer_neither_pass_nor_accuse(mood: Mood) -> None:
    a, b = mood.run(but(0), "a", dev_only=True), mood.run(but(0, first=1), "b", dev_only=True)
    folder = next((b / "approaches").iterdir())
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    for line in lines[:20]:
        line |= {"text": "", "finish": "error", "error": "gone"}
    (folder / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (ruling,) = gated(a, b).rulings
    assert (ruling.outcome, ruling.contrast.missing) == ("cannot tell", 20)
    assert "20 rows have no answer" in ruling.why
    with pytest.raises(RunError, match="20 dev rows of zero_shot have no answer"):
        from workbench.comparison.gate import bless_run

        bless_run("main", b, None, None, Loader())


def test_amounts_are_decided_on_their_values(mood: Mood) -> None:
    longer = mood.with_(
        keys={"prompt": {"instruction": "Name the mood of the message, please, in one word."}}
    )
    a, b = mood.run(share(0.8), "a", dev_only=True), longer.run(share(0.8), "b", dev_only=True)
    policy = mood.folder / "policy.yaml"
    policy.write_text("metrics:\n  - {metric: tokens_in, margin: 10%}\n")
    found = gated(a, b, policy=policy)
    assert (found.outcome, found.rulings[0].outcome) == ("worse", "worse")
    assert "is allowed" in found.rulings[0].why
    policy.write_text("metrics:\n  - {metric: tokens_in, margin: 100}\n")
    assert gated(a, b, policy=policy).exit_code == 0
    assert replace(found, inconclusive="pass").exit_code == 3
