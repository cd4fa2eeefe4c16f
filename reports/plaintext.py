"""Hostile text made harmless and visible: control characters, bidi overrides, markup.

Model outputs may hold anything. What a reader could not see, or what would change how the rest of
a page is read, is written out; nothing is silently dropped.
"""

from __future__ import annotations

import json
import re

from evals.types import Json

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_C0_PICTURES = 0x2400
_LAST_C0 = 0x1F
_DELETE = 0x7F
_MARKDOWN = re.compile(r"([\\`*\[\]<>#|~!&$]|(?<!\w)_|_(?!\w))")
_REFERENCE = re.compile(r"((?:https?|ftp|mailto)(?=:)|www(?=\.)|[@#!~%&$](?=\w)|\bGH(?=-\d))", re.IGNORECASE)


def visible(text: str) -> str:
    """The text with line ends as \\n and every unseen character written out.

    C0 controls become their Unicode pictures (ESC: ␛), all others ⟨U+202E⟩. Tabs and line feeds
    stay. The result has no lone surrogate and only characters that XML 1.0 allows.
    """
    return _UNSEEN.sub(_written_out, text.replace("\r\n", "\n"))


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= _LAST_C0:
        return chr(_C0_PICTURES + code)
    return "␡" if code == _DELETE else f"⟨U+{code:04X}⟩"


def answer_text(answer: Json) -> str:
    """An answer or a target as people read it: a string as it is, anything else as compact JSON."""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def clip(text: str, limit: int) -> str:
    """The first `limit` characters, with a note of how many are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()} … ({len(text) - limit:,} more characters)"


def one_line(text: str, limit: int) -> str:
    """The text on one line, white space folded, at most `limit` characters and an ellipsis."""
    flat = " ".join(text[: 4 * limit].split())
    whole = len(flat) <= limit and len(text) <= 4 * limit
    return flat if whole else flat[: limit - 1].rstrip() + "…"


def as_sentence(text: str) -> str:
    """The text begun with a capital, unless it begins with a name or a figure, and ended with a stop."""
    first, _, rest = text.partition(" ")
    begun = f"{first.capitalize()} {rest}" if rest and first.isalpha() and first.islower() else text
    return begun if not begun or begun.endswith((".", "!", "?", "…")) else begun + "."


def markdown(text: str, limit: int = 300) -> str:
    """Text for GitHub or GitLab Markdown, also in a table cell: no markup, link, image or mention.

    Mentions and links are recognised after Markdown is rendered, so no escape stops them: a
    zero-width space does.
    """
    flat = _REFERENCE.sub("\\1\u200b", one_line(visible(text[: 5 * limit]), limit))
    return _MARKDOWN.sub(r"\\\1", flat)


def code(text: str, limit: int = 300) -> str:
    """A Markdown code span that no backtick or pipe in the text can leave."""
    flat = one_line(visible(text[: 5 * limit]), limit).replace("|", "\u2223") or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if "`" in flat else ""
    return f"{fence}{pad}{flat}{pad}{fence}"
