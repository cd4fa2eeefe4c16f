"""What two texts may differ in and still say the same; and texts made fit for a file.

Answers come from a model, so nothing here fails on, or takes long over, any text.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter

from evals.types import Json

_PAIRS = "\"'`´‘’‚‛“”„‟«»‹›()[]{}「」『』【】"
_LEADING = _PAIRS + "¿¡ "
_TRAILING = _PAIRS + ".,;:!?…。、 "
"""Quotes, brackets and the marks of a sentence. Signs that carry meaning stay (C#, 50%, -5, .5, <5)."""

_NFKC_LIMIT = 20_000
"""Unicode normalisation takes quadratic time on long runs of combining marks: longer texts skip it."""


def fold(text: str) -> str:
    """The text without case, outer punctuation, quotes, repeated whitespace and Unicode variants
    (NFKC). A text of nothing but punctuation keeps it."""
    plain = text.casefold()
    if not text.isascii() and len(text) <= _NFKC_LIMIT:
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    spaced = " ".join(plain.split())
    return spaced.lstrip(_LEADING).rstrip(_TRAILING) or spaced


_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_tokens(text: str) -> list[str]:
    """Lower case, without ASCII punctuation and English articles, split at whitespace: the
    normalisation of the SQuAD evaluation (Rajpurkar et al. 2016, arXiv 1606.05250)."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def token_f1(gold: str, said: str) -> float:
    """Harmonic mean of precision and recall over the two bags of tokens, in [0, 1] (Rajpurkar et
    al. 2016). When one has no token, 1 if the other has none either, else 0."""
    wanted, got = squad_tokens(gold), squad_tokens(said)
    return bag_f1(Counter(wanted), Counter(got))


def bag_f1(wanted: Counter[object], got: Counter[object]) -> float:
    """2 x shared / (wanted + got) over two multisets; 1 when both are empty."""
    size = wanted.total() + got.total()
    return 2 * (wanted & got).total() / size if size else 1.0


def shown(text: str, limit: int = 1000) -> str:
    """The text cut to `limit` characters and writable as UTF-8, for a person to read."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut.encode("utf-8", "replace").decode()


def writable(value: Json) -> Json:
    """The value with everything that is not valid Unicode (half surrogate pairs) replaced by "?"."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [writable(v) for v in value]
    if isinstance(value, dict):
        return {str(writable(k)): writable(v) for k, v in value.items()}
    return value
