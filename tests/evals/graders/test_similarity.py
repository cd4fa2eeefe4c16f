"""ROUGE, BLEU, chrF and edit similarity agree with the libraries, and where those are of no use say why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu import sentence_bleu
from sacrebleu.metrics import CHRF

from evals.errors import DataError, TaskError
from evals.graders.similarity import ROUGES
from tests.clocks import computes_within
from tests.evals.graders.needed import grade, grader

PAIRS = [
    ("The quick brown fox jumps over the lazy dog.", "A quick brown dog jumps on the log."),
    ("the cat sat on the mat", "on the mat sat the cat"),
    ("It rained.\nThe match was called off.", "The match was off.\nIt had rained all day."),
    ("state-of-the-art models (2024)", "State of the art model, 2024"),
    ("yes", "no"),
    ("one two three", "one two three four five six seven"),
    ("running runners ran", "the runner runs"),
]
REFERENCES = ["The dog jumps.", "a fox and a dog", "the cat is on the mat"]
WORDS = st.lists(st.sampled_from("the cat sat on a mat . dogs ran ? 12".split()), max_size=12).map(" ".join)


@pytest.mark.parametrize("kind", ROUGES)
@pytest.mark.parametrize("stem", [False, True])
def test_rouge_is_that_of_rouge_score(kind: str, stem: bool) -> None:
    library = RougeScorer([kind], use_stemmer=stem)
    for measure, field in (("f1", "fmeasure"), ("precision", "precision"), ("recall", "recall")):
        built = grader("rouge", kind=kind, stem=stem, measure=measure)
        for said, gold in PAIRS:
            wanted = getattr(library.score(gold, said)[kind], field)
            assert grade(built, said, gold).value == pytest.approx(wanted)


def test_rouge_with_references_is_the_best_of_them_as_in_rouge_score() -> None:
    built, library = grader("rouge"), RougeScorer(["rougeL"])
    for said, gold in PAIRS:
        wanted = library.score_multi([gold, *REFERENCES], said)["rougeL"].fmeasure
        assert grade(built, said, gold, REFERENCES).value == pytest.approx(wanted)


ROUGE, LIBRARY = grader("rouge"), RougeScorer(["rougeL"])


@given(WORDS, WORDS)
def test_rouge_agrees_on_any_words(said: str, gold: str) -> None:
    wanted = LIBRARY.score(gold, said)["rougeL"].fmeasure
    assert grade(ROUGE, said, gold).value == pytest.approx(1.0 if said == gold else wanted)


def test_rouge_refuses_a_gold_answer_whose_script_it_does_not_see() -> None:
    with pytest.raises(DataError, match=r"row 'r': '猫が座った' has no word of a-z or 0-9\n.*words: unicode"):
        grade(grader("rouge"), "猫", "猫が座った")
    built = grader("rouge", words="unicode")
    assert grade(built, "猫が走った", "猫が座った").value == pytest.approx(0.8)
    assert grade(built, "Кошка спит", "кошка ест").value == pytest.approx(0.5)
    assert grade(built, "the CAT", "the cat").failure is None


@pytest.mark.parametrize("tokenize", ["13a", "intl", "char", "zh", "none"])
@pytest.mark.parametrize("ignore_case", [False, True])
def test_bleu_is_that_of_sacrebleu_with_all_references_together(tokenize: str, ignore_case: bool) -> None:
    built = grader("bleu", tokenize=tokenize, ignore_case=ignore_case)
    for said, gold in PAIRS:
        for references in ([], REFERENCES):
            wanted = sentence_bleu(
                said, [gold, *references], tokenize=tokenize, lowercase=ignore_case, use_effective_order=True
            )
            assert grade(built, said, gold, references).value == pytest.approx(wanted.score / 100)


@pytest.mark.parametrize("word_order", [0, 2])
@pytest.mark.parametrize("char_order", [3, 6])
@pytest.mark.parametrize("ignore_case", [False, True])
def test_chrf_is_that_of_sacrebleu(word_order: int, char_order: int, ignore_case: bool) -> None:
    built = grader("chrf", word_order=word_order, char_order=char_order, ignore_case=ignore_case)
    library = CHRF(char_order, word_order, lowercase=ignore_case)
    for said, gold in PAIRS:
        for references in ([], REFERENCES):
            wanted = library.sentence_score(said, [gold, *references])
            assert grade(built, said, gold, references).value == pytest.approx(wanted.score / 100)


def test_edit_similarity_is_that_of_rapidfuzz_in_characters_or_words() -> None:
    for said, gold in PAIRS:
        wanted = Levenshtein.normalized_similarity(gold, said)
        assert grade(grader("edit_similarity"), said, gold).value == pytest.approx(wanted)
        wanted = Levenshtein.normalized_similarity(gold.split(), said.split())
        assert grade(grader("edit_similarity", unit="words"), said, gold).value == pytest.approx(wanted)
    assert grade(grader("edit_similarity"), "kitten", "sitting").value == pytest.approx(4 / 7)
    assert grade(grader("edit_similarity", ignore_case=True), "STRASSE", "straße").value == 1
    assert grade(grader("edit_similarity"), "sitting", "x", ["kitten", "sitting!"]).value == 0.875


EDIT = grader("edit_similarity")


@given(st.text(max_size=20), st.text(max_size=20))
def test_edit_similarity_is_symmetric(one: str, other: str) -> None:
    if one.strip() and other.strip():
        assert grade(EDIT, one, other).value == grade(EDIT, other, one).value


ALL = [
    grader("rouge"),
    grader("rouge", kind="rouge2", words="unicode"),
    grader("rouge", kind="rougeLsum", measure="recall"),
    grader("bleu"),
    grader("chrf"),
    EDIT,
]


@given(st.text(max_size=20), st.text(st.characters(max_codepoint=127), max_size=20))
def test_a_value_lies_between_0_and_1_and_is_1_for_the_gold_answer(text: str, gold: str) -> None:
    for built in ALL:
        assert 0 <= grade(built, text, gold).value <= 1
        assert grade(built, gold, gold).failure is None
        assert grade(built, f" {gold}\n", "other", [gold]).value == 1


def test_one_word_is_like_itself_even_without_two_words_in_a_row() -> None:
    assert grade(grader("rouge", kind="rouge2"), "Paris!", "paris").value == 1


@pytest.mark.parametrize("built", ALL, ids=lambda built: built.name)
def test_the_cost_of_very_long_texts_is_bounded(built) -> None:
    gold, said = "the cat sat on the mat " * 5000, "a dog ran over the hill " * 5000
    grade(built, "some words", "other words")
    with computes_within(5):
        assert 0 <= grade(built, said, "the cat sat").value < 0.5
        if built.identity["options"].get("kind") != "rougeLsum":
            assert 0 <= grade(built, said, gold).value < 1


def test_an_answer_says_how_like_it_is_and_an_empty_one_is_of_format() -> None:
    found = grade(EDIT, "Parma", "Paris")
    assert (found.value, found.failure, found.why) == (0.6, "wrong", "0.60 to 'Paris'")
    assert grade(EDIT, " ", "Paris").failure == "format"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rouge", {"kind": "rougel"}, "kind is rouge1 or .*, not 'rougel'. Did you mean 'rougeL'"),
        ("rouge", {"measure": "f"}, "measure is f1 or precision or recall"),
        ("rouge", {"words": "unicode", "stem": True}, "stem knows English words only"),
        ("bleu", {"tokenize": "spm"}, "tokenize is 13a or intl or char or zh or none"),
        ("chrf", {"char_order": 0}, "char_order is a whole number from 1 to 10, not 0"),
        ("chrf", {"word_order": 2.0}, "word_order is a whole number from 0 to 4"),
        ("edit_similarity", {"unit": "lines"}, "unit is characters or words"),
        ("edit_similarity", {"ignorecase": True}, "Did you mean 'ignore_case'"),
    ],
)
def test_a_wrong_option_is_named(name: str, options: dict, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        grader(name, **options)
