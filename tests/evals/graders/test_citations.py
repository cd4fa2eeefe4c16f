"""`citations`: what is a citation, what it is worth, and what a row without gold passages wants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import TaskError
from evals.failures import failure_of
from evals.graders import gold_prediction
from evals.graders.citations import cited
from evals.metrics import evidence
from evals.types import Example, Prediction, Row, Score
from tests.evals.graders.needed import grader

CITATIONS = grader("citations")
SOURCES = ("doc-a", "doc-b", "doc-c", "doc-d")


def score(text: str, gold: tuple[str, ...], sources: tuple[str, ...] = SOURCES, built=CITATIONS) -> Score:
    (found,) = built.grade(
        [
            (
                Example("r", "", "x", gold_doc_ids=gold),
                Prediction("r", text, "stop", sources=sources, shown=len(sources)),
            )
        ],
        None,
    )
    return found


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Yes [1].", ["doc-a"]),
        ("Yes [2][1], so [2].", ["doc-b", "doc-a"]),
        ("Yes [1, 3; 4].", ["doc-a", "doc-c", "doc-d"]),
        ("Yes [2-4] and [3–4].", ["doc-b", "doc-c", "doc-d"]),
        ("Yes [^2].", ["doc-b"]),
        ("Yes [doc-c, 1].", ["doc-c", "doc-a"]),
        ("Yes [9].", ["[9]"]),
        ("Yes [0], [ ], [a note], [1.5], [x-1], 1, (2), [3", []),
        ("[1-9999]", [*SOURCES, *(f"[{n}]" for n in range(5, 52))]),
        ("", []),
    ],
)
def test_citations_are_numbers_or_ids_in_brackets(text: str, ids: list[str]) -> None:
    assert cited(text, SOURCES) == ids


def test_ids_that_are_numbers_are_read_after_the_places() -> None:
    assert cited("[1] [20] [77]", ("20", "30")) == ["20", "[77]"]


def test_passages_of_one_document_are_one_citation() -> None:
    assert cited("[1][2]", ("doc-a", "doc-a")) == ["doc-a"]


def test_chunks_are_gold_by_their_own_id_or_their_documents() -> None:
    chunks = ("guide.md#0", "guide.md#4", "faq.md#1")
    assert cited("[1][2] [faq.md] [faq.md#1]", chunks) == ["guide.md#0", "guide.md#4", "faq.md", "faq.md#1"]
    both = score("[1][2]", ("guide.md",), chunks)
    assert (both.value, both.counts) == (1, {"precision": (2, 2), "recall": (1, 1)})
    one = score("[1][2]", ("guide.md#4", "faq.md"), chunks)
    assert (one.value, one.counts) == (0.5, {"precision": (1, 2), "recall": (1, 2)})
    assert one.why == "cites guide.md#0, not faq.md"


@pytest.mark.parametrize(
    ("text", "gold", "value", "precision", "recall", "why"),
    [
        ("[1]", ("doc-a",), 1, (1, 1), (1, 1), ""),
        ("[1][2]", ("doc-a",), 2 / 3, (1, 2), (1, 1), "cites doc-b"),
        ("[1]", ("doc-a", "doc-b"), 2 / 3, (1, 1), (1, 2), "not doc-b"),
        ("[2]", ("doc-a",), 0, (0, 1), (0, 1), "cites doc-b, not doc-a"),
        ("[1][9]", ("doc-a",), 2 / 3, (1, 2), (1, 1), "cites [9]"),
        ("[1]", ("elsewhere",), 0, (0, 1), (0, 1), "cites doc-a, not elsewhere"),
    ],
)
def test_an_answer_scores_the_f1_of_its_citations(
    text: str, gold: tuple[str, ...], value: float, precision: tuple, recall: tuple, why: str
) -> None:
    found = score(text, gold)
    assert (found.value, found.why) == (pytest.approx(value), why)
    assert found.counts == {"precision": precision, "recall": recall}
    assert found.failure == ("wrong" if why else None)


def test_an_answer_without_a_citation_is_of_format_unless_it_says_there_is_none() -> None:
    found = score("It is Rome.", ("doc-a",))
    assert (found.failure, found.why, found.counts) == ("format", "no citation", {"recall": (0, 1)})
    found = score("That is not in the documents.", ("doc-a",))
    assert (found.failure, found.why) == ("wrong", "says 'not in the documents'")


def test_a_row_without_gold_passages_wants_the_phrase() -> None:
    assert score("Sorry, that is Not in  the documents.", ()).failure is None
    found = score("It is Rome [1].", ())
    assert (found.failure, found.why) == ("wrong", "does not say 'not in the documents'")
    assert found.counts == {"precision": (0, 1)}
    built = grader("citations", phrase="Keine Angabe.")
    assert score("KEINE ANGABE", (), built=built).failure is None
    assert score("", ()).failure == "format"


def test_the_parts_are_pooled_over_rows() -> None:
    rows = []
    for n, (text, gold) in enumerate(
        [("[1][2][3]", ("doc-a",)), ("[1]", ("doc-a", "doc-b")), ("none", ("x",))]
    ):
        found = score(text, gold)
        example, prediction = Example(str(n), "", "x"), Prediction(str(n), text, "stop")
        rows.append(Row(example, prediction, {"citations": found}, failure_of(prediction, {}, "x", 1)))
    assert evidence("citations.precision", rows).present.value == pytest.approx(2 / 4)
    assert evidence("citations.recall", rows).present.value == pytest.approx(2 / 4)


@pytest.mark.parametrize("target", ["It is Rome.", "It is Rome [1][2].", {"a": 1}])
def test_a_gold_answer_is_graded_with_its_gold_passages(target: object) -> None:
    example = Example("r", "", target, gold_doc_ids=("doc-x", "doc-y"))
    (found,) = CITATIONS.grade([(example, gold_prediction(CITATIONS, example))], None)
    assert (found.value, found.failure) == (1, None)


def test_a_gold_answer_that_cites_wrongly_or_lacks_the_phrase_is_not_right() -> None:
    for example in (Example("r", "", "Rome [2]", gold_doc_ids=("doc-x",)), Example("r", "", "Rome")):
        (found,) = CITATIONS.grade([(example, gold_prediction(CITATIONS, example))], None)
        assert found.failure


def test_a_wrong_phrase_is_named() -> None:
    with pytest.raises(TaskError, match="phrase is a text that is not empty, not ''"):
        grader("citations", phrase="")


@given(st.text("[]0123456789,;-–^ ab", max_size=40), st.lists(st.sampled_from(SOURCES), unique=True))
def test_any_text_has_a_score_and_each_citation_once(text: str, gold: list[str]) -> None:
    ids = cited(text, SOURCES)
    assert len(ids) == len(set(ids))
    found = score(text, tuple(gold))
    assert 0 <= found.value <= 1
    assert all(0 <= hits <= size for hits, size in found.counts.values())


def test_a_source_that_was_retrieved_and_not_shown_cannot_be_cited() -> None:
    example = Example("r", "", "x", gold_doc_ids=("d2",))
    answered = Prediction("r", "It is so [2].", "stop", sources=("d1", "d2"), shown=1)
    [score] = CITATIONS.grade([(example, answered)], None)
    assert (score.value, score.failure) == (0.0, "wrong")
