"""`wb compare`: paired differences, flips, what refuses to be compared, and what is never shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RunError
from evals.models import Loader
from evals.preferences import load_pairs
from evals.task import load_task
from evals.types import PromptText
from tests.scripted import ScriptedModels
from tests.workbench.mood import Mood, share
from tests.workbench.test_preferences import Polite, case
from workbench.assess import assess
from workbench.cli.main import run
from workbench.comparison.compare import Comparison, approaches_of, compare_runs, to_json
from workbench.session import Plan

EXACT = {"metric": "exact", "at_least": 0.5, "kind": "quality"}


@pytest.fixture
def mood(tmp_path: Path) -> Mood:
    return Mood(tmp_path)


def compared(a: Path, b: Path, approach: str | None = None) -> Comparison:
    return compare_runs(a, b, approach, Loader())


def test_the_difference_is_b_minus_a_row_by_row(mood: Mood) -> None:
    a, b = mood.run(share(0.6), "a", dev_only=True), mood.run(share(0.8), "b", dev_only=True)
    found = to_json(compared(a, b))
    metric = found["splits"]["dev"]["metrics"]["label"]  # type: ignore[index,call-overload]
    assert (metric["a"], metric["b"], metric["difference"]) == (0.6, 0.8, 0.2)
    assert metric["low"] > 0
    assert (metric["up"], metric["down"], metric["n"]) == (20, 0, 100)
    assert metric["test"] == "McNemar"
    assert metric["p"] == pytest.approx(2 * 0.5**20, rel=1e-3)


def test_flips_name_the_row_and_both_answers(mood: Mood) -> None:
    a = mood.run(lambda split, n: n != 7, "a", dev_only=True)
    b = mood.run(lambda split, n: n not in (3, 5), "b", dev_only=True)
    dev = compared(a, b).splits[0]
    assert (dev.better, dev.worse, dev.mended, dev.broken) == (1, 2, 1, 2)
    flips = {flip.id: (flip.better, flip.was, flip.now, flip.target) for flip in dev.flips}
    assert flips["dev-7"] == (True, "sad", "angry", "angry")
    assert flips["dev-3"] == (False, "calm", "angry", "calm")


def test_test_rows_are_compared_where_both_were_judged_on_them_and_never_shown(mood: Mood) -> None:
    a, b = mood.run(share(0.7), "a"), mood.run(share(0.9), "b")
    found = to_json(compared(a, b))
    splits: Any = found["splits"]
    assert set(splits) == {"dev", "test"}
    assert splits["test"]["metrics"]["label"]["difference"] == 0.2
    assert splits["test"]["flips"] == []
    assert '"test-' not in json.dumps(found)


class Rude(Polite):
    """Finds rude texts likelier for inputs with a 7 or a 3."""

    fingerprint = "other weights"

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        asked = str(prompt if isinstance(prompt, str) else prompt[-1].content)
        return super().score(asked.replace("3", "7"), continuations)


def test_preference_accuracy_is_compared_pair_by_pair_where_the_pairs_are_the_same(tmp_path: Path) -> None:
    task = case(tmp_path)
    plans = [Plan(task.path, tmp_path / name) for name in ("a", "b")]
    a, b = (
        assess(plan, ScriptedModels(model()))[0] for plan, model in zip(plans, (Rude, Polite), strict=True)
    )
    pairs = load_pairs(load_task(task.path)).dev
    found = compared(a.folder, b.folder, "zero_shot")
    metric: Any = to_json(found)["splits"]["dev"]["metrics"]["preference_accuracy"]  # type: ignore[index,call-overload]
    better = sum("3" in pair.input and "7" not in pair.input for pair in pairs)
    assert (metric["n"], metric["up"], metric["down"]) == (len(pairs), better, 0)
    assert metric["difference"] == pytest.approx(better / len(pairs), abs=1e-5)
    lines = (tmp_path / "pairs.jsonl").read_text().splitlines()
    same = [json.dumps({**json.loads(line), "id": f"pair {n}"}) for n, line in enumerate(lines)]
    (tmp_path / "pairs.jsonl").write_text("\n".join(same))
    c, _ = assess(Plan(task.path, tmp_path / "c"), ScriptedModels(Polite()))
    found = compared(a.folder, c.folder, "zero_shot")
    assert "preference_accuracy" not in {contrast.metric for contrast in found.splits[0].metrics}
    assert "not compared on dev: preference_accuracy is of other pairs of answers" in found.notes


def test_without_test_on_one_side_only_dev_is_compared_and_it_is_said(mood: Mood) -> None:
    found = compared(mood.run(share(0.7), "a"), mood.run(share(0.9), "b", dev_only=True))
    assert [of.split for of in found.splits] == ["dev"]
    assert any(note.startswith("not compared on test") for note in found.notes)


def test_groups_are_the_units(tmp_path: Path) -> None:
    mood = Mood(tmp_path, groups=5)
    a, b = mood.run(share(0.6), "a", dev_only=True), mood.run(share(0.8), "b", dev_only=True)
    metric = next(m for m in compared(a, b).splits[0].metrics if m.metric == "label")
    assert (metric.difference.n, metric.difference.clusters) == (100, 20)
    assert metric.test == "sign flips"


def test_a_slice_that_a_requirement_names_is_compared_too(mood: Mood) -> None:
    asked = [{"metric": "label", "at_least": 0.5, "kind": "quality", "where": {"lang": "de"}}]
    mood = mood.with_(keys={"requirements": asked})
    a, b = mood.run(share(0.6), "a", dev_only=True), mood.run(share(0.8), "b", dev_only=True)
    sliced = next(m for m in compared(a, b).splits[0].metrics if m.metric == "label where lang=de")
    assert sliced.difference.n == 25


def test_the_same_answers_are_said_to_be_the_same(mood: Mood) -> None:
    a, b = mood.run(share(0.6), "a", dev_only=True), mood.run(share(0.6), "b", dev_only=True)
    found = compared(a, b)
    assert found.identical
    assert found.changed == ("the model's weights or tokenizer",)


def test_what_differs_between_the_two_is_named(mood: Mood) -> None:
    a = mood.run(share(0.6), "a", dev_only=True)
    other = mood.with_(keys={"prompt": {"instruction": "Say the mood."}, "generation": {"max_tokens": 9}})
    found = compared(a, other.run(share(0.6), "b", dev_only=True))
    assert found.changed[0] == "prompt.instruction (Name the mood. → Say the mood.)"
    assert any(key.startswith("decoder.max_tokens") for key in found.changed)


def test_two_approaches_of_one_run_can_be_compared(mood: Mood) -> None:
    mood = mood.with_(keys={"ladder": [{"name": "zero_shot"}, {"name": "system_prompt"}]})
    a = mood.run(share(0.6), "a", dev_only=True)
    found = compared(a, a, "zero_shot=system_prompt")
    assert (found.first.approach, found.second.approach) == ("zero_shot", "system_prompt")
    assert found.identical


@pytest.mark.parametrize(
    ("text", "names"),
    [(None, (None, None)), ("few", ("few", "few")), ("few=knn", ("few", "knn")), ("few=", ("few", "few"))],
)
def test_one_name_means_both_sides(text: str | None, names: tuple[str | None, str | None]) -> None:
    assert approaches_of(text) == names


def test_an_approach_that_is_not_there_is_refused_with_the_nearest(mood: Mood) -> None:
    a = mood.run(share(0.6), "a", dev_only=True)
    with pytest.raises(RunError, match=r"no approach 'zeroshot'. Did you mean 'zero_shot'"):
        compared(a, a, "zeroshot")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": {"dev": 90, "test": 100}}, r"10 only in A \(dev-90"),
        ({"changed": {"dev-4": "sad"}}, r"1 dev rows have changed \(dev-4\)"),
        ({"groups": 2}, r"100 dev rows have changed"),
        ({"keys": {"output": {"labels": ["calm", "angry", "sad", "glad"]}}}, r"the grader label is"),
        ({"keys": {"output": "text", "requirements": [EXACT]}},
         r"no grader scored both: label and exact"),
        ({"keys": {"judge": {"model": "smollm2-135m"}}}, r"another judge graded them"),
    ],
)  # fmt: skip
def test_runs_on_other_data_or_graders_are_refused_with_the_reason(
    mood: Mood, changes: dict[str, Any], reason: str
) -> None:
    a = mood.run(share(0.6), "a", dev_only=True)
    b = mood.with_(**changes).run(share(0.6), "b", dev_only=True)
    with pytest.raises(RunError, match=reason):
        compared(a, b)


def test_another_grader_on_one_side_is_left_out_and_told(mood: Mood) -> None:
    a = mood.run(share(0.6), "a", dev_only=True)
    more = mood.with_(keys={"graders": ["label", {"name": "length", "max": 3}]})
    found = compared(a, more.run(share(0.6), "b", dev_only=True))
    assert "scored on one side only, so not compared: length" in found.notes
    assert "length" not in [m.metric for m in found.splits[0].metrics]


def test_a_run_without_a_decision_is_refused_with_the_command_that_continues_it(mood: Mood) -> None:
    a = mood.run(share(0.6), "a", dev_only=True)
    (a / "decision.json").unlink()
    with pytest.raises(RunError, match=r"no decision yet\nContinue it: wb assess"):
        compared(a, a)


def test_nothing_in_the_run_folders_is_changed(mood: Mood) -> None:
    a, b = mood.run(share(0.6), "a", dev_only=True), mood.run(share(0.8), "b", dev_only=True)
    before = {path: path.read_bytes() for path in mood.folder.rglob("*") if path.is_file()}
    compared(a, b)
    assert {path: path.read_bytes() for path in mood.folder.rglob("*") if path.is_file()} == before


def test_the_command_prints_a_table_and_writes_markdown(
    mood: Mood, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = mood.run(share(0.8), "a", dev_only=True), mood.run(share(0.6), "b", dev_only=True)
    assert run(["compare", str(a), str(b), "--markdown", str(mood.folder / "pr.md")]) == 0
    said = capsys.readouterr().out
    assert "label" in said and "−0.20 [−0.28, −0.12]" in said
    assert "20 worse; 0 became right, 20 wrong" in said
    text = (mood.folder / "pr.md").read_text()
    assert text.startswith("<!-- workbench comparison mood ")
    assert "| `label` | 0.80 | 0.60 | −0.20 [−0.28, −0.12] | 0 / 20 | 100 |" in text
    assert run(["compare", str(a), str(b), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"]["dev"]["worse"] == 20


def test_a_runs_home_stands_for_its_newest(mood: Mood) -> None:
    a = mood.run(share(0.6), "a", dev_only=True)
    assert compared(a.parent, a).first.run == a.name
