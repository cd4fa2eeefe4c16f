"""Rows unlike the rest: by length, by letters and language."""

from __future__ import annotations

import json
from pathlib import Path

from evals.audit.outliers import strange_texts, unusual_lengths

ROWS = Path(__file__).parents[3] / "examples" / "intents" / "train.jsonl"
TEXTS = [json.loads(line)["input"].casefold() for line in ROWS.read_text().splitlines()]
FOREIGN = [
    "wie kann ich mein passwort zurücksetzen, bitte?",
    "pourquoi mon ordinateur ne s'allume-t-il plus du tout",
    "как мне сбросить пароль от почты?",
    "今天天气怎么样?我想知道明天早上会不会下雨,谢谢您的帮助和耐心",
    "<div class='row'><span>x</span></div></br></table>",
    "agvsbg8gd29ybgqgdghpcybpcybiyxnlnjq4xz09kfj3lq==",
]


def test_other_languages_markup_and_noise_stand_out_and_the_rest_does_not() -> None:
    found = [place for place, _ in strange_texts([*TEXTS, *FOREIGN])]
    assert len([place for place in found if place < len(TEXTS)]) <= len(TEXTS) / 100
    assert {place - len(TEXTS) for place in found if place >= len(TEXTS)} >= {2, 3, 4, 5}


def test_rows_of_a_whole_other_language_are_no_outliers_among_themselves() -> None:
    german = [f"bitte setzen sie das passwort von konto {i} zurück, danke" for i in range(100)]
    assert strange_texts(german) == []


def test_lengths_far_from_the_usual_and_empty_texts_are_named() -> None:
    found = unusual_lengths([*TEXTS, "   ", TEXTS[0] * 40, "x"])
    assert [(place - len(TEXTS), why) for place, why, _ in found] == [(0, "empty"), (1, "long"), (2, "short")]


def test_equal_lengths_do_not_make_a_small_difference_strange() -> None:
    assert unusual_lengths(["x" * 20] * 200 + ["x" * 24]) == []


def test_of_few_rows_only_empty_ones_are_named() -> None:
    assert unusual_lengths(["", "a", "b" * 5000]) == [(0, "empty", 0.0)]
    assert strange_texts(["one", "двадцать четыре часа"]) == []
