"""What a diagnosis says, and what it makes of the next step: a cause only where an interval shows one."""

from __future__ import annotations

from pathlib import Path

import jsonschema

from evals.decide import decision_schema
from evals.store import plain
from evals.types import Decision, Example, Failure, Prediction, Request, Requirement, Row, Score
from tests.workbench.diagnosis.desk import Desk, arms, line, number_of, right, truth
from workbench.diagnosis.arms import Arm
from workbench.diagnosis.effects import effect as effects_of
from workbench.diagnosis.reading import Reading
from workbench.diagnosis.sentences import grammar

FORM: tuple[Failure, ...] = ("truncated", "format")


def effect(decision: Decision, kind: str) -> dict[str, object]:
    found: dict[str, object] = arms(decision, kind)[0]["effects"][0]
    return found


def in_a_sentence(request: Request, share: float = 0.97) -> str:
    """The right label beside another, so that nobody can read it; held to a grammar, the label."""
    said = right(request, share)
    return said if request.grammar else f"It is {said}, not {truth(number_of(request) + 2)}."


def test_a_form_that_a_grammar_holds_is_the_cause_and_stops_training(tmp_path: Path) -> None:
    desk = Desk(tmp_path, in_a_sentence)
    desk_rows = "".join(f'{{"input": "more {n}", "output": "{truth(n)}"}}\n' for n in range(200))
    (tmp_path / "train.jsonl").write_text(desk_rows)
    _, decision = desk.assess()
    assert effect(decision, "grammar")["found"] == "helps"
    told = line(decision, "Held to a grammar")
    assert "rises from 0.00 to 0.97 [+0.84, +1.00]" in told and "use constrained decoding" in told
    assert decision.verdict == "stop"  # there are rows to train on, and training is not the cure
    assert decision.recommendation["action"] == "none"
    assert decision.recommendation["cure"] == "hold the answers to a grammar"
    assert "■ Stop and hold the answers to a grammar" in decision.headline


def test_a_grammar_that_holds_the_form_alone_leaves_training(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lambda r: in_a_sentence(r, 0.4))
    lines = "".join(f'{{"input": "more {n}", "output": "{truth(n)}"}}\n' for n in range(200))
    (tmp_path / "train.jsonl").write_text(lines)
    _, decision = desk.assess()
    assert effect(decision, "grammar")["found"] == "helps"
    assert "is still missed, and that is content" in line(decision, "Held to a grammar")
    assert (decision.verdict, decision.recommendation["action"]) == ("escalate", "tune")


def test_a_grammar_that_runs_into_the_token_limit_is_told() -> None:
    rows = [
        Row(Example(str(n), "?", "x"), Prediction(str(n), "{", "length"), {"g": Score(str(n), "g", 0.0)}, why)
        for n, why in enumerate(FORM * 30)
    ]
    quality = Requirement("g", "quality", at_least=0.9)
    found = effects_of(quality, rows, rows, 0.95)
    assert found is not None
    said = grammar(Reading(Arm("grammar", "zero_shot", "held"), rows, rows, [found]))
    assert "(30 of 60 answers are cut off at max_tokens): a grammar alone is not the cure." in said


def test_what_is_ruled_out_speaks_for_training(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lambda r: right(r, 0.4))
    lines = "".join(f'{{"input": "more {n}", "output": "{truth(n)}"}}\n' for n in range(200))
    (tmp_path / "train.jsonl").write_text(lines)
    _, decision = desk.assess()
    assert decision.recommendation["action"] == "tune"
    reasons: list[str] = decision.recommendation["why"]  # type: ignore[assignment]
    assert reasons[-1] == "ruled out as the cure by the intervals on dev: form"


def test_what_only_a_lenient_reader_accepts_is_told_as_form(tmp_path: Path) -> None:
    _, decision = Desk(tmp_path, lambda r: f"The mood is {right(r, 0.97)}, I think.").assess()
    assert "all that is missing is form" in line(decision, "Read leniently")
    assert effect(decision, "lenient")["after"] == 0.966667


def test_a_stronger_model_that_gains_is_what_limits(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lambda r: right(r, 0.5), lambda r: right(r, 0.97), stronger_model="stronger")
    _, decision = desk.assess()
    assert "the model is what limits" in line(decision, "With stronger in place")
    assert decision.recommendation["action"] != "fix_data"


def test_a_stronger_model_that_fails_the_same_rows_points_at_the_labels(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lambda r: right(r, 0.6), lambda r: right(r, 0.61), stronger_model="stronger")
    _, decision = desk.assess()
    assert effect(decision, "stronger")["found"] == "not the cause"
    assert (decision.verdict, decision.recommendation["action"]) == ("stop", "fix_data")
    assert "look at the labels" in line(decision, "With stronger in place")
    assert "get the same wrong answer from most" in line(decision, "are failed by all")


def test_where_shots_teach_a_stronger_model_does_not_call_off_training(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        taught = any(message.role == "assistant" for message in request.prompt)  # type: ignore[union-attr]
        return right(request, 0.6 if taught else 0.1)

    _, decision = Desk(tmp_path, answer, answer, stronger_model="stronger").assess()
    assert effect(decision, "stronger")["found"] == "not the cause"
    assert decision.recommendation["action"] != "fix_data"


def test_too_few_rows_cannot_tell(tmp_path: Path) -> None:
    desk = Desk(tmp_path, lambda r: right(r, 0.5), lambda r: right(r, 0.65), stronger_model="stronger")
    _, decision = desk.assess(limit=12)
    assert effect(decision, "stronger")["found"] == "cannot tell"
    assert "cannot tell whether the model is what limits" in line(decision, "With stronger in place")
    assert decision.recommendation["action"] != "fix_data"


def test_a_wording_that_decides_is_told_and_recommended(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        listed = "- Name the mood." in str(request.prompt)
        return right(request, 1.0 if listed else 0.6)

    _, decision = Desk(tmp_path, answer, ladder=["zero_shot"]).assess()
    told = line(decision, "wordings of the instruction")
    assert "lies between 0.60 and 1.00" in told and "as a list it is better by 0.40" in told
    assert "the prompt is brittle" in told
    assert decision.recommendation["cure"] == "prompt again"


def test_scores_that_move_by_chance_alone_are_not_told_apart(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        other = len(str(request.prompt)) % 7 == 0
        return right(request, 0.6 if other else 0.63)

    _, decision = Desk(tmp_path, answer).assess()
    told = [s for s in decision.diagnosis if s.startswith("Over 3 ")]
    assert len(told) == 2 and not any("brittle" in s for s in told)


def test_just_under_the_bar_is_said_where_wording_moves_as_much(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return right(
            request, 0.7 if "Your task" in str(request.prompt) or "- Name" in str(request.prompt) else 0.86
        )

    requirements = [{"metric": "label", "at_least": 0.95, "kind": "quality"}]
    _, decision = Desk(tmp_path, answer, requirements=requirements, ladder=["zero_shot"]).assess()
    assert "collect rows or prompt again before training" in line(decision, "below label ≥ 0.95")


def test_what_blocks_which_approach_comes_first(tmp_path: Path) -> None:
    _, decision = Desk(tmp_path, lambda r: right(r, 0.5)).assess()
    assert decision.diagnosis[0] == "On dev label ≥ 0.9 blocks all 2 approaches."
    assert decision.diagnosis[1] == "Of 60 dev rows of zero_shot 30 are right, 0 fail in form, 30 in content."


def test_a_decision_with_arms_fits_its_schema(tmp_path: Path) -> None:
    desk = Desk(tmp_path, in_a_sentence, lambda r: right(r, 0.9), stronger_model="stronger")
    jsonschema.validate(plain(desk.assess()[1]), decision_schema())
