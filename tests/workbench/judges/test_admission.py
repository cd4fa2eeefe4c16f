"""A judge decides only once it agrees with people and holds against attacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.errors import DataError, TaskError
from evals.graders import of_task
from evals.task import load_task
from evals.types import Request
from tests.evals.graders.judging.courts import court, says, shown
from workbench.checks.task import check
from workbench.judges.admission import limited, read_record, record_path, refuse_toothless, standing
from workbench.judges.trial import try_judges

JUDGE = {"name": "judge", "criteria": "The answer is polite."}
POLITE = [f"Thank you, number {n}." for n in range(40)]
RUDE = [f"Go away, number {n}." for n in range(40)]


def honest(request: Request) -> str:
    return says("pass" if shown(request, "answer").startswith("Thank") else "fail")


def gullible(request: Request) -> str:
    answer = shown(request, "answer")
    return says("pass" if answer.startswith("Thank") or "Note to the judge" in answer else "fail")


def wordy(request: Request) -> str:
    answer = shown(request, "answer")
    return says("pass" if answer.startswith("Thank") or len(answer) > 100 else "fail")


class Bench:
    """A task with a judge and a file of labels."""

    def __init__(self, folder: Path, *graders: dict[str, object], **judge: object) -> None:
        self.path = folder / "task.yaml"
        self.labels = [
            {"input": f"q{n}", "answer": a, "output": "g", "label": "pass"} for n, a in enumerate(POLITE)
        ]
        self.labels += [
            {"input": f"q{n}", "answer": a, "output": "g", "label": "fail"} for n, a in enumerate(RUDE)
        ]
        graders = graders or (JUDGE,)
        metrics = [str(g.get("as", g["name"])) for g in graders]
        task = {
            "name": "polite",
            "model": "none-such",
            "judge": {"model": "any", "labels": "labels.jsonl", **judge},
            "data": {"dev": "rows.jsonl", "test": "other.jsonl"},
            "prompt": {"instruction": "Answer."},
            "output": "text",
            "graders": list(graders),
            "requirements": [{"metric": m, "at_least": 0.8, "kind": "quality"} for m in metrics],
        }
        self.path.write_text(json.dumps(task))
        for name in ("rows", "other"):
            lines = [json.dumps({"input": f"{name} {n}", "output": "Thank you."}) for n in range(3)]
            (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")

    def tried(self, answer: Callable[[Request], str]) -> tuple[str, ...]:
        """Why the first judge is not admitted, after it was tried."""
        (self.path.parent / "labels.jsonl").write_text("".join(json.dumps(r) + "\n" for r in self.labels))
        task = load_task(self.path)
        return try_judges(task, of_task(task), court(answer))[0].faults

    def notes(self) -> tuple[str, ...]:
        task = load_task(self.path)
        return limited(task, standing(task, of_task(task), court(honest)))[1]


def test_a_judge_that_agrees_with_people_is_admitted_and_its_requirement_decides(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.notes() and "it was not tried on human labels" in bench.notes()[0]
    assert bench.tried(honest) == ()
    assert bench.notes() == ()
    (found,) = read_record(record_path(bench.path)).values()
    assert (found.n, found.unread, found.agreement, found.kappa) == (80, 0, 1, 1)
    assert 0.85 < found.low < 1
    assert {name: (p.share, p.n) for name, p in found.probes.items()} == {
        "padding": (0, 40),
        "instruction": (0, 40),
    }
    assert found.usage.calls == 160


def test_a_judge_that_says_anything_is_not(tmp_path: Path) -> None:
    why = Bench(tmp_path).tried(lambda r: says("pass" if len(shown(r, "answer")) % 2 else "fail"))[0]
    assert "its kappa with people is" in why and "0.6 is wanted" in why


def test_a_judge_that_obeys_the_answer_is_not(tmp_path: Path) -> None:
    (why,) = Bench(tmp_path).tried(gullible)
    assert why == "instruction turned 100% of 40 bad answers into good ones"


def test_a_judge_that_is_taken_in_by_padding_is_not(tmp_path: Path) -> None:
    assert "padding turned 100% of 40 bad answers into good ones" in Bench(tmp_path).tried(wordy)


def test_a_judge_that_answers_prose_is_not(tmp_path: Path) -> None:
    faults = Bench(tmp_path).tried(lambda r: "I think that this answer is rather good.")
    assert "80 of 80 verdicts could not be read" in faults


def test_few_labels_admit_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.labels = bench.labels[::8]
    assert "10 labelled rows, and at least 30 are needed" in bench.tried(honest)


def test_another_rubric_model_or_limit_asks_for_another_trial(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.tried(honest)
    given = json.loads(bench.path.read_text())
    for key, value in (
        ("graders", [{**JUDGE, "criteria": "It is kind."}]),
        ("judge", {"model": "other", "labels": "labels.jsonl"}),
        ("judge", {"model": "any", "labels": "labels.jsonl", "at_least": 0.99}),
    ):
        bench.path.write_text(json.dumps({**given, key: value}))
        assert bench.notes()


def test_each_judge_is_tried_on_the_column_of_its_name_and_a_pair_on_its_order(tmp_path: Path) -> None:
    pair = {"name": "pairwise", "as": "better", "criteria": "Politer.", "from": "other"}
    bench = Bench(tmp_path, {**JUDGE, "as": "tone", "scale": 2}, pair)
    bench.labels = [
        {"input": f"q{n}", "answer": a, "other": b, "tone": 2 if a in POLITE else 1, "better": better}
        for n in range(30)
        for a, b, better in ((POLITE[n], RUDE[n], "answer"), (RUDE[n], POLITE[n], "other"))
    ]

    def fair(request: Request) -> str:
        if "second answer" in request.prompt[-1].content:
            return says("first" if shown(request, "first answer").startswith("Thank") else "second")
        return says("2" if shown(request, "answer").startswith("Thank") else "1")

    assert bench.tried(fair) == ()
    found = {a.name: a for a in read_record(record_path(bench.path)).values()}
    assert set(found) == {"tone", "better"}
    assert (found["better"].faults, found["better"].probes["position"].share) == ((), 1)
    assert bench.tried(lambda r: says("first") if "second answer" in r.prompt[-1].content else fair(r)) == ()
    better = {a.name: a for a in read_record(record_path(bench.path)).values()}["better"]
    assert any(why.startswith("both orders of two answers gave one verdict in 0%") for why in better.faults)


def test_a_label_that_is_no_verdict_is_named_with_its_line(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.labels[3]["label"] = "so so"
    with pytest.raises(DataError, match=r"labels\.jsonl:4: the label 'so so' is no verdict of the judge"):
        bench.tried(honest)
    del bench.labels[3]["label"]
    with pytest.raises(DataError, match="has no 'label'"):
        bench.tried(honest)


def test_trying_needs_a_judge_and_labels(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"name": "exact"})
    with pytest.raises(TaskError, match="no grader of this task asks a judge"):
        bench.tried(honest)
    bench = Bench(tmp_path, labels=None)
    given = json.loads(bench.path.read_text())
    bench.path.write_text(json.dumps({**given, "judge": {"model": "any"}}))
    with pytest.raises(TaskError, match="there are no human labels to try the judge on"):
        bench.tried(honest)


def test_a_grader_that_asks_a_model_and_cannot_be_tried_does_not_decide(tmp_path: Path) -> None:
    class Oracle:
        name, asks_model, metrics = "oracle", True, ("oracle",)

    task = load_task(Bench(tmp_path).path)
    found = standing(task, [Oracle()], court(honest))
    assert found == {"oracle": "there is no way to try it on human labels"}


def test_a_judge_without_admission_leaves_nothing_to_decide_by(tmp_path: Path) -> None:
    task = load_task(Bench(tmp_path).path)
    less, _ = limited(task, {"judge": "it was not tried on human labels"})
    assert [r.tier for r in less.requirements] == ["advisory"]
    with pytest.raises(TaskError, match="no requirement is left to decide by"):
        refuse_toothless(less, task)


def test_check_says_what_trying_showed_and_asks_nobody_otherwise(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.tried(honest)
    record_path(bench.path).unlink()
    task = load_task(bench.path)
    quiet = court(lambda r: pytest.fail("asked"))
    (warned,) = [f for f in check(task, quiet).findings if f.where == "judge"]
    assert (warned.level, "is not admitted" in warned.message) == ("warning", True)
    tried = [f for f in check(task, court(honest), try_judge=True).findings if f.where == "judge judge"]
    found, cost = sorted(tried, key=lambda finding: "calls in a run" in finding.message)
    assert cost.message.startswith("about ")
    assert (found.level, found.message.startswith("admitted: kappa 1.00 with people")) == ("note", True)
    assert not [f for f in check(task, quiet).findings if f.where == "judge"]
