from __future__ import annotations

from evals.models.engine.lookup import Lookup


def test_what_followed_the_last_tokens_before_is_the_draft() -> None:
    assert Lookup([1, 2, 3, 4, 5, 6, 1, 2, 3]).draft(2) == [4, 5]
    assert Lookup([7, 2, 3, 4, 9, 2, 3]).draft(5) == [4, 9, 2, 3]


def test_the_longer_match_counts_for_more_and_the_later_one_of_two() -> None:
    assert Lookup([1, 2, 3, 4, 9, 2, 3, 8, 1, 2, 3]).draft(1) == [4]
    assert Lookup([2, 3, 4, 9, 2, 3, 8, 7, 2, 3]).draft(1) == [8]


def test_nothing_is_guessed_after_what_is_new_or_short() -> None:
    assert Lookup([1, 2, 3, 4]).draft(3) == []
    assert Lookup([]).draft(3) == [] and Lookup([1]).draft(3) == []
    assert Lookup([1, 1, 1, 1]).draft(0) == []


def test_tokens_added_later_count() -> None:
    lookup = Lookup([1, 2, 3])
    for token in (9, 2, 3):
        lookup.add(token)
    assert lookup.draft(2) == [9, 2]
