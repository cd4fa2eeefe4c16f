"""No answer, however strange, stops a grader: one writable score a row, in order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.graders import GRADERS, build
from evals.models import Loader
from evals.output import OutputSpec
from evals.store import canonical
from evals.task import GraderSpec
from evals.types import Example, Prediction
from tests.clocks import computes_within
from tests.evals.graders.needed import NEEDED

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
    "long text of words": "the cat. [1] 12,5 " * 55_000,
    "one letter and dots": "." * 200_000 + "x",
    "brackets": "[1-9999],[" * 100_000,
}
OPTIONS = {
    **NEEDED,
    "regex": {"pattern": "(a|aa)+", "timeout": 0.05},
    "exact": {"normalise": True},
    "not_contains": {"from": "words"},
    "length": {"min": 2_000_000},
    "readability": {"max": -20},
    "sql": {"database": "CREATE TABLE t (a);", "fences": True},
    "weighted": {"graders": ["json_fields", {"name": "not_contains", "values": ["x"]}]},
    "assertions": {"from": "asked"},
}
ASKED = ["exact", {"assertions": ["contains", {"name": "length", "min": 9}], "threshold": 0.6}]
FIELDS = {"words": ["aa", "zz"], "asked": ASKED}
BY_FORM = ("valid_json", "not_contains")
"""Graders that a hostile answer may satisfy: they do not compare with the gold answer."""
APART = ("python_tests", "judge", "pairwise", "style", "recorded")
"""Graders that do something with an answer, whose own tests are hostile, and one that reads none."""


@pytest.fixture(scope="module")
def graders(models: Loader):
    built = build([GraderSpec(name, OPTIONS.get(name, {})) for name in GRADERS if name not in APART], OUTPUT)
    found = list(built)
    for grader in found:
        list(grader.grade([row(grader.name, "some words")], models))
    return found


def target(grader: str) -> object:
    special = {"label": "aa", "numeric": 77, "sql": "SELECT 1"}
    return special.get(
        grader, "Paris is a city" if grader.startswith(("contains", "embed", "rouge")) else GOLD
    )


def row(grader: str, text: str, repeat: int = 0, id: str = "r") -> tuple[Example, Prediction]:
    example = Example(id, "", target(grader), gold_doc_ids=("d1",), fields=FIELDS)
    return example, Prediction(id, text, "stop", sources=("d0", "d2"), shown=2, repeat=repeat)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_score_0_or_less_than_1_quickly_and_can_be_written(
    graders, models: Loader, text: str
) -> None:
    with computes_within(5):
        for grader in graders:
            (score,) = grader.grade([row(grader.name, text)], models)
            assert score.value < 1 or grader.name in BY_FORM, grader.name
            assert (score.failure is None) == (score.value >= grader.pass_at)
            canonical(score).encode()
            assert len(score.why) <= 300
            assert score.why or not score.failure


@settings(max_examples=60)
@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=40), max_size=5))
def test_every_row_gets_one_score_in_order_between_0_and_1(graders, models: Loader, texts: list[str]) -> None:
    for grader in graders:
        rows = [row(grader.name, text, n, str(n)) for n, text in enumerate(texts)]
        scores = list(grader.grade(rows, models))
        assert [(s.id, s.repeat, s.grader) for s in scores] == [
            (e.id, p.repeat, grader.name) for e, p in rows
        ]
        assert all(0 <= s.value <= 1 for s in scores)
        canonical(scores).encode()
