"""What may be changed about a recipe, and what stays as it is."""

from __future__ import annotations

from pathlib import Path

from baselines.recipe import Recipe, form_of
from baselines.search.edits import MOST_SHOTS, edits
from tests.baselines.rungs import LABELLED, worded


def test_every_kind_of_edit_is_there_and_words_are_only_the_users(tmp_path: Path) -> None:
    task = worded(tmp_path, "How do they feel?")
    start = Recipe("Say the mood.", "system", form_of(task.output, LABELLED))
    found = list(edits(start, task, LABELLED, LABELLED[:2]))
    assert {kind for kind, _, _ in found} == {"placement", "format", "wording", "example", "shot set", "shot"}
    assert {recipe.wording for _, _, recipe in found} == {"Say the mood.", "How do they feel?"}
    assert {recipe.form for _, _, recipe in found} == {start.form, ""}


def test_rows_that_failed_are_shown_and_shots_stay_few(tmp_path: Path) -> None:
    full = Recipe("Say the mood.", "system", shots=tuple(LABELLED[:MOST_SHOTS]))
    found = list(edits(full, worded(tmp_path), LABELLED, LABELLED[-1:]))
    (added,) = (recipe for _, edit, recipe in found if edit == "row t23 as the last shot")
    assert added.shots == (*LABELLED[1:MOST_SHOTS], LABELLED[-1])
    assert {len(r.shots) for kind, _, r in found if kind == "order"} == {MOST_SHOTS}
    assert not any(kind == "placement" for kind, _, _ in found)
