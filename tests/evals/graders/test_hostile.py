"""No answer, however strange, stops a grader: one writable score a row, in order."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.graders import GRADERS, build
from evals.output import OutputSpec
from evals.store import canonical
from evals.task import GraderSpec
from evals.types import Example, Prediction

SCHEMA = {
    "type": "object",
    "properties": {
        "s": {"type": "string", "pattern": "^(a|aa)+$"},
        "l": {"uniqueItems": True, "maxItems": 3},
        "n": {"multipleOf": 0.01},
    },
}
GOLD = {"s": "aa", "l": [1], "n": 1}
OUTPUT = OutputSpec("json", schema=SCHEMA, labels=("aa", "bb"))
HOSTILE = {
    "empty": "",
    "spaces": " \n\t",
    "deep lists": "[" * 100_000,
    "deep closed lists": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"s":' * 900 + "1" + "}" * 900,
    "as deep as Python reads": '{"l":' + "[" * 300 + "]" * 300 + "}",
    "huge int": '{"n": ' + "9" * 5000 + "}",
    "wide int": '{"n": ' + "9" * 400 + "}",
    "infinite float": '{"n": 1e999}',
    "largest float": '{"n": 1e308}',
    "half a pair": '{"s": "\ud800"}',
    "half a pair, escaped": '{"\\ud800": "\\udfff"}',
    "null bytes": '\x00{"s": "\x00"}',
    "long text": "x" * 1_000_000,
    "long string": '{"s": "' + "a" * 1_000_000 + '!"}',
    "long key": '{"' + "k" * 1_000_000 + '": 1}',
    "many keys": "{" + ", ".join(f'"k{n}": {n}' for n in range(20_000)) + "}",
    "many items": '{"l": [' + ", ".join(f'{{"a": {n}}}' for n in range(20_000)) + "]}",
    "combining marks": "a" + "\u0301\u0316" * 100_000,
    "slow for the pattern": "a" * 60 + "!",
    "slow for the schema": '{"s": "' + "a" * 60 + '!"}',
}


@pytest.fixture(scope="module")
def graders():
    specs = [GraderSpec(n) for n in GRADERS if n not in ("label", "regex", "exact")]
    slow = GraderSpec("regex", {"pattern": "(a|aa)+", "timeout": 0.05})
    return build([*specs, slow, GraderSpec("exact", {"normalise": True}), GraderSpec("label")], OUTPUT)


def target(grader: str) -> object:
    return "aa" if grader == "label" else GOLD


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_score_0_or_less_than_1_quickly_and_can_be_written(graders, text: str) -> None:
    started = time.perf_counter()
    for grader in graders:
        row = (Example("r", "", target(grader.name)), Prediction("r", text, "stop"))
        (score,) = grader.grade([row], None)
        assert score.value < 1 or grader.name == "valid_json"
        assert (score.failure is None) == (score.value == 1)
        canonical(score).encode()
        assert len(score.why) <= 300
        assert score.why or not score.failure
    assert time.perf_counter() - started < 5


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=40), max_size=5))
def test_every_row_gets_one_score_in_order_between_0_and_1(graders, texts: list[str]) -> None:
    for grader in graders:
        rows = [
            (Example(str(n), "", target(grader.name)), Prediction(str(n), text, "stop", repeat=n))
            for n, text in enumerate(texts)
        ]
        scores = list(grader.grade(rows, None))
        assert [(s.id, s.repeat, s.grader) for s in scores] == [
            (e.id, p.repeat, grader.name) for e, p in rows
        ]
        assert all(0 <= s.value <= 1 for s in scores)
        canonical(scores).encode()
