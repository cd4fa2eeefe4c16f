"""What of the rows was not read: queries cut off in a search, passages without room, prompts without.

Counted over the rows that an approach was asked, each row once however often it was answered, and said in
one sentence for all approaches of the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.types import Measured, Prediction, Split

SPLITS: tuple[Split, ...] = ("dev", "test")


def unread(measured: Sequence[Measured]) -> list[str]:
    """The sentences, in the order of the approaches; none where everything was read."""
    names: dict[str, list[str]] = {}
    for one in measured:
        for sentence in _of(one):
            names.setdefault(sentence, []).append(one.name)
    return [f"{', '.join(of)}: {sentence}" for sentence, of in names.items()]


def _of(measured: Measured) -> Iterator[str]:
    asked = {
        split: [row.prediction for row in rows if not row.prediction.repeat]
        for split in SPLITS
        if (rows := measured.rows.get(split))
    }
    cut = {split: [p for p in given if p.searched] for split, given in asked.items()}
    if any(cut.values()):
        limit = max(p.searched for found in cut.values() for p in found)
        yield (
            f"{_shares(cut, asked)} queries are longer than the embedder reads ({limit} tokens): "
            "their end does not count in the search by meaning."
        )
    short = {split: [p for p in given if p.left_out] for split, given in asked.items()}
    if any(short.values()):
        passages = sum(p.left_out for found in short.values() for p in found)
        left = f"{passages} passage{' was' if passages == 1 else 's were'} left out or shortened"
        yield f"in {_shares(short, asked)} rows not all passages fit the context: {left}."
    long = {split: [p for p in given if p.finish == "too_long"] for split, given in asked.items()}
    if any(long.values()):
        yield f"{_shares(long, asked)} prompts do not fit the context: these rows got no answer and score 0."


def _shares(some: dict[Split, list[Prediction]], asked: dict[Split, list[Prediction]]) -> str:
    """ "5 of 50 dev and 7 of 100 test", of the splits that have any."""
    return " and ".join(
        f"{len(found)} of {len(asked[split])} {split}" for split, found in some.items() if found
    )
