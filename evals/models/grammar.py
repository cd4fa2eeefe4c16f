"""Constrained decoding: which tokens may come next, so that an answer follows a grammar.

    grammars = Grammars(tokenizer, vocabulary=49152, ends={2})
    matcher = grammars.matcher({"schema": {...}})          # or {"regex": "..."}, {"labels": [...]}
    matcher = grammars.matcher({"labels": [...], "after": "Final answer:"})     # with free text before it
    matcher.fill(bitmask, row); apply(logits, bitmask); matcher.accept(token)

`xgrammar` compiles and matches; what it is given is written by `evals.models.schemas`, so that the mask
holds what it seems to hold. docs/grammar.md says what is enforced. JSON is one compact line with
", " and ": " (as the targets are written) and with the properties in the schema's order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any

import torch
import xgrammar
from torch import Tensor

from evals.errors import ModelError
from evals.models.keywords import HINT, held
from evals.models.schemas.automata import literal
from evals.models.schemas.marks import until
from evals.models.schemas.patterns import NotHeld, automaton
from evals.models.schemas.writing import Held
from evals.models.vocabulary import Vocabulary
from evals.types import Json

KINDS = ("schema", "regex", "labels")
AFTER = "after"
"""Beside a kind: any text may come first, up to this mark; what follows is the answer."""


class Grammars:
    """Compiles grammars for one model, each once. Raises ModelError for a tokenizer that it cannot use.

    `vocabulary` is the width of the logits, `ends` are the tokens that end an answer.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Collection[int]) -> None:
        self._vocabulary = Vocabulary(tokenizer, vocabulary, ends)
        self._compiled: dict[str, xgrammar.CompiledGrammar] = {}
        self._lock = Lock()

    def matcher(self, grammar: Mapping[str, Json]) -> Matcher:
        """A new matcher at the beginning of an answer.

        Raises ModelError when the grammar is malformed or cannot be held.
        """
        key = json.dumps(dict(grammar))  # not sorted: the order of properties is part of a grammar
        with self._lock:
            if key not in self._compiled:
                self._compiled[key] = self._compile(grammar)
            return Matcher(self._compiled[key], self._vocabulary)

    def _compile(self, grammar: Mapping[str, Json]) -> xgrammar.CompiledGrammar:
        kinds = {kind: value for kind, value in grammar.items() if kind != AFTER}
        if len(kinds) != 1 or not kinds.keys() <= set(KINDS):
            raise ModelError(
                f"a grammar is one of {', '.join(KINDS)}, not {', '.join(kinds) or 'nothing'}", hint=HINT
            )
        ((kind, value),) = kinds.items()
        try:
            rules = _WRITERS[kind](value)
            mark = grammar.get(AFTER, "")
            if not isinstance(mark, str):
                raise ModelError("the mark that an answer stands after is a text", hint=HINT)
            if mark:
                before = xgrammar.Grammar.from_ebnf(until(mark).rules("root"))
                rules = str(xgrammar.Grammar.concat(before, xgrammar.Grammar.from_ebnf(rules)))
            return self._vocabulary.compiler.compile_grammar(rules)
        except RuntimeError as error:
            why = re.sub(r"^\[[\d:]+\] \S+: ", "", str(error).strip()).split("\n")[0]
            raise ModelError(f"the grammar compiler refuses the {kind} ({why})", hint=HINT) from error


class Matcher:
    """How far one answer is within its grammar."""

    def __init__(self, compiled: xgrammar.CompiledGrammar, vocabulary: Vocabulary) -> None:
        self._inner = xgrammar.GrammarMatcher(compiled)
        self._vocabulary = vocabulary
        self._ended = False

    def fill(self, bitmask: Tensor, row: int) -> None:
        """Write what may come next into a row of `bitmask` (int32 [rows, words], on the CPU): bit i of
        word w stands for token 32 w + i. Never nothing: a way without an exit ends the answer."""
        if not self._ended:
            self._inner.fill_next_token_bitmask(bitmask, row)
        if self._ended or not bitmask[row].any():
            bitmask[row] = self._vocabulary.closing

    def accept(self, token: int) -> bool:
        """Take the next token; whether it was allowed (when not, nothing has changed)."""
        if self._ended:
            return False
        took: bool = self._inner.accept_token(token)
        self._ended = took and token in self._vocabulary.ends
        return took

    def forced(self) -> list[int]:
        """Tokens of the text that is the only way on from here; none when there is a choice.

        Accepting them one by one is always allowed. They print what the masks would lead to, in the
        tokenizer's own pieces; the last word of that text is left to the model, which may join it to
        what follows, unless the answer is complete with it.
        """
        text = self._only_way()
        pieces = self._vocabulary.pieces(text) if text else []
        if not pieces:
            return []
        after = self._inner.fork()
        if after.accept_string(text) and _only_the_end(after, self._vocabulary):
            return [token for token, _ in pieces]
        return [token for token, word in pieces if word != pieces[-1][1]]

    @property
    def finished(self) -> bool:
        """Whether nothing but an end token may come."""
        return self._ended or _only_the_end(self._inner, self._vocabulary)

    def reset(self) -> None:
        """Back to the beginning of the answer."""
        self._inner.reset()
        self._ended = False

    def _only_way(self) -> str:
        if self._ended:
            return ""
        try:
            text: str = self._inner.find_jump_forward_string()
            return text
        except UnicodeDecodeError as error:  # the way divides within a character
            return error.object[: error.start].decode()


def _only_the_end(matcher: xgrammar.GrammarMatcher, vocabulary: Vocabulary) -> bool:
    """Whether a matcher that has not ended admits nothing but the end."""
    if not matcher.is_completed():
        return False
    bitmask = masks(1, vocabulary.size)
    matcher.fill_next_token_bitmask(bitmask, 0)
    return torch.equal(bitmask[0], vocabulary.closing)


def masks(rows: int, vocabulary: int) -> Tensor:
    """A bitmask that allows everything, int32 [rows, ceil(vocabulary / 32)] on the CPU."""
    return torch.full((rows, -(-vocabulary // 32)), -1, dtype=torch.int32)


def fill(bitmask: Tensor, matchers: Sequence[Matcher | None]) -> None:
    """`Matcher.fill` for every row that has a matcher, at once; the other rows are left as they are."""
    running = {row: m for row, m in enumerate(matchers) if m is not None and not m._ended}
    if running:
        inner = [matcher._inner for matcher in running.values()]
        _filler().batch_fill_next_token_bitmask(inner, bitmask, list(running))
    empty = (bitmask == 0).all(1).tolist()
    for row, matcher in enumerate(matchers):
        if matcher is not None and (empty[row] or row not in running):
            matcher.fill(bitmask, row)


@cache
def _filler() -> xgrammar.BatchGrammarMatcher:
    return xgrammar.BatchGrammarMatcher()


def apply(logits: Tensor, bitmask: Tensor) -> None:
    """Set the logits [rows, vocabulary] of what the bitmask forbids to minus infinity, in place.

    Any floating dtype and device; the bitmask is moved to the logits' device.
    """
    if logits.device.type == "cpu" and logits.dtype in (torch.float32, torch.bfloat16, torch.float16):
        xgrammar.apply_token_bitmask_inplace(logits, bitmask)
        return
    words = bitmask.to(logits.device, non_blocking=True)
    bits = torch.arange(32, dtype=torch.int32, device=logits.device)
    forbidden = (words[:, :, None] >> bits & 1) == 0
    logits.masked_fill_(forbidden.flatten(1)[:, : logits.shape[1]], -torch.inf)


def _json(schema: Json) -> str:
    """Rules for one compact line of JSON. Raises ModelError."""
    return _rules(held(schema))


def _rules(schema: Held) -> str:
    """The same, of a schema that has been taken apart. No control character stands in a text: the
    compiler's own rule for texts of limited length would let some in."""
    grammar = str(
        xgrammar.Grammar.from_json_schema(
            json.dumps(schema.schema), any_whitespace=False, separators=(", ", ": "), strict_mode=False
        )
    )
    for mark, rules in schema.rules.items():
        as_constant, as_name = f'"\\"{mark}\\""', f'Regex("{mark}", json_string=true)'
        grammar = grammar.replace(as_constant, mark).replace(as_name, mark) + rules
    return grammar.replace(_LIMITED, _PLAIN)


_LIMITED, _PLAIN = r"[^\"\\\r\n]", r"[^\0-\x1f\"\\\r\n]"
"""The compiler's characters of a text of limited length, and of any other."""


def _regex(pattern: Json) -> str:
    """Rules for the texts that the pattern matches as a whole. Raises ModelError."""
    if not isinstance(pattern, str):
        raise ModelError("a grammar's regex is a text", hint=HINT)
    try:
        found = automaton(pattern, whole=True)
    except NotHeld as error:
        raise ModelError(
            f"no grammar holds the regular expression {pattern!r}: it has {error}", hint=HINT
        ) from error
    if found is None:
        raise ModelError(f"the regular expression {pattern!r} matches nothing", hint=HINT)
    return found.rules("root")


def _labels(labels: Json) -> str:
    """A rule for exactly these texts. Raises ModelError."""
    if not isinstance(labels, list) or not labels or not all(isinstance(x, str) and x for x in labels):
        raise ModelError("a grammar's labels are a list of texts, none of them empty", hint=HINT)
    try:
        "".join(labels).encode()
    except UnicodeEncodeError as error:
        raise ModelError("a label holds half of a character (a lone surrogate)", hint=HINT) from error
    return f"root ::= {' | '.join(map(literal, labels))}\n"


_WRITERS: Mapping[str, Callable[[Json], str]] = {"schema": _json, "regex": _regex, "labels": _labels}
