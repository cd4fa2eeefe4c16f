"""A judge's verdicts as scores; verdicts that cannot be read stay apart."""

from __future__ import annotations

import pytest

from evals.errors import TaskError
from evals.failures import count_failures, failure_of
from evals.graders import build, grader_hash
from evals.metrics import evidence
from evals.models.local import LocalModel
from evals.output import OutputSpec
from evals.task import GraderSpec, JudgeSpec
from evals.types import ModelRef, Row
from tests.evals.graders.judging.courts import court, graded, judge, rows, says, shown
from tests.scripted import Scripted, ScriptedModels


def test_pass_is_one_and_fail_is_zero_with_the_judges_reason() -> None:
    models = court(lambda r: says("pass" if "please" in shown(r, "answer") else "fail", "no please"))
    good, bad = graded(judge(), models, "yes please", "no")
    assert (good.value, good.failure, good.why) == (1, None, "")
    assert (bad.value, bad.failure, bad.why) == (0, "wrong", "judged fail: no please")


def test_grades_of_a_scale_are_spread_from_0_to_1_and_four_of_five_is_right() -> None:
    models = court(lambda r: says(shown(r, "answer")))
    found = graded(judge(scale=5), models, "1", "3", "4", "5")
    assert [(s.value, s.failure) for s in found] == [(0, "wrong"), (0.5, "wrong"), (0.75, None), (1, None)]


def test_the_gold_answer_is_shown_unless_the_task_says_no() -> None:
    models = court(lambda r: says("pass"))
    graded(judge(), models, "x")
    graded(judge(reference=False), models, "x")
    told = ["right answer, for comparison" in r.prompt[-1].content for r in models.model.asked]
    assert told == [True, False]


def test_an_empty_answer_is_not_shown_to_the_judge() -> None:
    models = court(lambda r: pytest.fail("asked"))
    (score,) = graded(judge(), models, " \n")
    assert (score.value, score.failure, score.why) == (0, "format", "empty answer")


def test_a_verdict_that_cannot_be_read_is_neither_right_nor_wrong() -> None:
    models = court(lambda r: "Well." if shown(r, "answer") == "odd" else says("pass"))
    scores = graded(judge(), models, "good", "odd", "good too")
    assert [s.judged for s in scores] == [True, False, True]
    assert (scores[1].failure, scores[1].why) == (None, "no verdict to read: Well.")
    measured = [
        Row(e, p, {"judge": s}, failure_of(p, {"judge": s}, "judge", 1))
        for (e, p), s in zip(rows("good", "odd", "good too"), scores, strict=True)
    ]
    found = evidence("judge", measured)
    assert (found.present.value, found.present.n, found.missing, found.unjudged) == (1, 2, 1, 1)
    assert found.all_wrong.value == pytest.approx(2 / 3)
    counts, correct = count_failures(measured)
    assert (counts["unjudged"], counts["wrong"], correct) == (1, 0, 2)


def test_turning_around_and_renaming_leave_an_unread_verdict_unread() -> None:
    models = court(lambda r: "Well." if shown(r, "answer") == "odd" else says("pass"))
    built = judge(**{"as": "rude", "not": True})
    rude, odd = graded(built, models, "good", "odd")
    assert (rude.grader, rude.value, rude.judged) == ("rude", 0, True)
    assert (odd.grader, odd.judged) == ("rude", False)
    weighed = judge("weighted", graders=[{"name": "judge", "criteria": "x", "model": "any"}, "exact"])
    assert [s.judged for s in graded(weighed, models, "good", "odd")] == [True, False]


def test_a_task_without_a_judge_is_told_so() -> None:
    with pytest.raises(TaskError, match=r"needs a judge: write judge: \{model: ...\}"):
        build([GraderSpec("judge", {"criteria": "x"})], OutputSpec("text"))
    with pytest.raises(TaskError, match="criteria is a text"):
        judge(criteria="")
    with pytest.raises(TaskError, match="scale is"):
        judge(scale="ten")


def test_the_tasks_judge_is_asked_and_stands_in_the_hash() -> None:
    class Given:
        judge = JudgeSpec(ModelRef("small"))

    class Other:
        judge = JudgeSpec(ModelRef("large"))

    spec = [GraderSpec("judge", {"criteria": "x"})]
    (small,) = build(spec, OutputSpec("text"), None, Given())
    (large,) = build(spec, OutputSpec("text"), None, Other())
    assert grader_hash(small) != grader_hash(large)


def test_a_small_real_judge_is_held_to_a_verdict(smollm: LocalModel) -> None:
    pytest.importorskip("xgrammar")

    class Real(ScriptedModels):
        def open(self, ref: ModelRef) -> LocalModel:
            return smollm

    models = Real(Scripted(lambda r: ""))
    found = graded(judge(explain=False), models, "Thank you very much.", "Go away, you fool.")
    assert all(score.judged and score.usage.calls == 1 for score in found)
