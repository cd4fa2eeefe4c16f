"""Graders of plain text: `exact` compares with the gold answer, `regex` asks for a form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import regex

from evals.graders import answer_text
from evals.graders.folding import fold, shown
from evals.graders.options import flag, number, one_of
from evals.types import Example, Json, Models, Prediction, Score


class Exact:
    """1 when the answer is the gold answer or one of the references, else 0.

    Whitespace around either is ignored. `ignore_case` ignores case; `normalise` ignores case, outer
    punctuation and quotes, repeated whitespace and Unicode variants. A gold answer that is not a
    string is compared as one line of JSON.
    """

    name = "exact"
    version = 1
    higher_is_better = True
    pass_at = 1.0

    def __init__(self, *, ignore_case: bool = False, normalise: bool = False) -> None:
        self.metrics: Sequence[str] = (self.name,)
        self.ignore_case = flag("ignore_case", ignore_case)
        self.normalise = flag("normalise", normalise)
        options: Json = {"ignore_case": ignore_case, "normalise": normalise}
        self.identity: dict[str, Json] = {"version": self.version, "options": options}

    def _form(self, text: str) -> str:
        if self.normalise:
            return fold(text)
        return text.strip().casefold() if self.ignore_case else text.strip()

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. An empty answer is a failure of format."""
        for example, prediction in rows:
            said = self._form(prediction.text)
            wanted = [answer_text(t) for t in (example.target, *example.references)]
            right = any(said == self._form(text) for text in wanted)
            yield Score(
                example.id,
                self.name,
                float(right),
                shown(prediction.text.strip()),
                None if right else "wrong" if said else "format",
                "" if right else f"not {shown(repr(wanted[0]), 120)}" if said else "empty answer",
                repeat=prediction.repeat,
            )


class Regex:
    """1 when the answer has the form of a pattern, else 0. The gold answer is not read.

    `match: fullmatch` (default) wants the whole answer, without the whitespace around it, to match;
    `match: search` any part of it. `timeout` is in seconds for one answer; an answer that takes
    longer has not matched. Patterns are those of the `regex` package.
    """

    name = "regex"
    version = 1
    higher_is_better = True
    pass_at = 1.0
    asks_form = True

    def __init__(
        self,
        *,
        pattern: str = "",
        match: str = "fullmatch",
        ignore_case: bool = False,
        timeout: float = 1.0,
    ) -> None:
        """Raises ValueError when the pattern is missing or not a pattern."""
        self.metrics: Sequence[str] = (self.name,)
        self.timeout = number("timeout", timeout, 0, 60)
        self._match = one_of("match", match, ("fullmatch", "search"))
        self._pattern = compiled(pattern, regex.IGNORECASE if flag("ignore_case", ignore_case) else 0)
        options: Json = {
            "pattern": pattern,
            "match": match,
            "ignore_case": ignore_case,
            "timeout": timeout,
        }
        self.identity: dict[str, Json] = {"version": self.version, "options": options}

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. What does not match is a failure of format."""
        find = getattr(self._pattern, self._match)
        for example, prediction in rows:
            text = prediction.text.strip()
            why = f"does not match {shown(self._pattern.pattern, 120)}" if text else "empty answer"
            try:
                found = find(text, timeout=self.timeout)
            except TimeoutError:
                found, why = None, f"timed out: the pattern took more than {self.timeout:g} s"
            yield Score(
                example.id,
                self.name,
                float(found is not None),
                shown(found[0] if found else text),
                None if found else "format",
                "" if found else why,
                repeat=prediction.repeat,
            )


def compiled(pattern: Any, flags: int = 0) -> Any:
    """A compiled pattern of the `regex` package. Raises ValueError that says where it is wrong."""
    if not isinstance(pattern, str) or not pattern:
        raise ValueError(f"pattern is a regular expression, not {pattern!r}")
    try:
        return regex.compile(pattern, flags)
    except regex.error as error:
        raise ValueError(f"the pattern {pattern!r} is not a regular expression: {error}") from error
