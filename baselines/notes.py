"""What a rung has to say of its fit, for the people who read the report.

`notes.json`, a list of sentences, each once: whoever runs the ladder puts them among the run's notes.
`chosen.json`, one line: what the rung's races chose, which stands with the approach. Both lie in `work.dir`.
"""

from __future__ import annotations

import logging
from pathlib import Path

from evals.store import read_json, write_json
from evals.types import Work

log = logging.getLogger(__name__)

NOTES, CHOSEN = "notes.json", "chosen.json"


def keep_note(work: Work, sentence: str, level: int = logging.WARNING) -> None:
    """Say it now, at this level of logging, and keep it."""
    kept = read_notes(work.dir)
    if sentence not in kept:
        log.log(level, "%s", sentence)
        write_json(work.dir / NOTES, [*kept, sentence])


def read_notes(folder: Path) -> tuple[str, ...]:
    """The sentences kept in a fit's folder."""
    path = folder / NOTES
    return tuple(str(sentence) for sentence in read_json(path)) if path.is_file() else ()


def keep_chosen(work: Work, *parts: str) -> None:
    """Keep what was chosen, in a few words; empty parts are left out."""
    write_json(work.dir / CHOSEN, ", ".join(part for part in parts if part))


def read_chosen(folder: Path) -> str:
    """What was chosen in a fit's folder; "" where the rung had nothing to choose."""
    path = folder / CHOSEN
    return str(read_json(path)) if path.is_file() else ""
