"""Graders of JSON answers: `valid_json` asks for the form, `json_fields` for the content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import DataError, TaskError
from evals.graders.folding import shown, writable
from evals.graders.options import one_of
from evals.graders.records import Field, FieldRule, resolve
from evals.graders.schema import open_schema
from evals.graders.strict_json import NotJson, read_json_text, too_deep
from evals.output import check_schema
from evals.table import nearest
from evals.types import Example, Json, Models, Prediction, Score

if TYPE_CHECKING:
    from evals.output import OutputSpec


class ValidJson:
    """1 when the whole answer is one JSON value that fits the output schema, or `schema`, else 0.

    Without either any JSON value will do. JSON Schema draft 2020-12; `format` is not checked. The
    gold answer is not read.
    """

    name = "valid_json"
    version = 1
    higher_is_better = True
    pass_at = 1.0
    asks_form = True

    def __init__(self, output: OutputSpec, *, schema: Mapping[str, Any] | None = None) -> None:
        """Raises ValueError when the option is no JSON Schema, or a pattern no regular expression."""
        self.metrics: Sequence[str] = (self.name,)
        if schema is not None:
            _usable(schema)
        used = output.schema if schema is None else schema
        self._fault = None if used is None else open_schema(used)
        self.identity: dict[str, Json] = {
            "version": self.version,
            "options": {} if schema is None else {"schema": dict(schema)},
            "output": {"schema": output.schema},
        }

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order; `why` names the place of the most telling fault."""
        for example, prediction in rows:
            answer: Json = None
            try:
                answer = read_json_text(prediction.text)
                why = self._fault(answer) if self._fault else ""
            except NotJson as error:
                why = str(error)
            yield Score(
                example.id,
                self.name,
                float(not why),
                writable(answer),
                "format" if why else None,
                shown(why, 300),
                repeat=prediction.repeat,
            )


def _usable(schema: Any) -> None:
    """Raises ValueError when the option is no JSON Schema that can be used."""
    try:
        check_schema(schema, Path("schema"))
    except TaskError as error:
        raise ValueError(str(error).splitlines()[0]) from error


class JsonFields:
    """The share of fields that are right, over the fields of the gold object and of the answer.

    See `evals.graders.records` for what a field is and when it is right. `fields` chooses among the
    top-level keys; `text` is how free strings are compared: `normalised` or `token_f1`.

    Parts: `micro` pools the fields of all rows; `all` is the share of rows with every field right;
    each top-level key pools the fields under it (a key named "micro" or "all" has no part).
    """

    name = "json_fields"
    version = 2
    higher_is_better = True
    pass_at = 1.0

    def __init__(
        self,
        output: OutputSpec,
        *,
        fields: Sequence[str] | None = None,
        text: str = "normalised",
    ) -> None:
        """Raises ValueError for a field that the schema does not have, or a wrong option."""
        schema: Mapping[str, Any] = output.schema or {}
        known = list(resolve(schema, schema).get("properties") or {})
        self._rule = FieldRule(output.schema, one_of("text", text, ("normalised", "token_f1")))
        self._chosen = None if fields is None else _chosen(fields, known)
        self._parts = frozenset(self._chosen or known) - {"micro", "all"}
        parts = ["micro", "all", *(f for f in self._chosen or known if f in self._parts)]
        self.metrics: Sequence[str] = (self.name, *(f"{self.name}.{part}" for part in parts))
        self.identity: dict[str, Json] = {
            "version": self.version,
            "options": {
                "fields": list(fields) if fields is not None else None,
                "text": text,
            },
            "output": {"schema": output.schema},
        }

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]:
        """One score a row, in order. An answer that is not a JSON object is a failure of format and
        scores 0 on every field. Raises DataError when a gold answer is not a JSON object."""
        for example, prediction in rows:
            gold = self._only_chosen(_gold_object(example))
            said: dict[str, Json] = {}
            unread = ""
            try:
                said = self._only_chosen(_an_object(read_json_text(prediction.text)))
            except NotJson as error:
                unread = str(error)
            fields = self._rule.compare(gold, said)
            yield self._score(example.id, prediction.repeat, fields, gold, said, unread)

    def _only_chosen(self, value: dict[str, Json]) -> dict[str, Json]:
        if self._chosen is None:
            return value
        return {key: value[key] for key in self._chosen if key in value}

    def _score(
        self,
        id: str,
        repeat: int,
        fields: Sequence[Field],
        gold: Mapping[str, Json],
        said: dict[str, Json],
        unread: str,
    ) -> Score:
        right, total = sum(f.score for f in fields), len(fields)
        value = 0.0 if unread else right / total if total else 1.0
        good = value >= self.pass_at
        return Score(
            id,
            self.name,
            value,
            None if unread else writable(said),
            "format" if unread else None if good else "wrong",
            shown(unread or _why(fields), 240),
            self._counts(fields, gold, value),
            repeat,
        )

    def _counts(
        self, fields: Sequence[Field], gold: Mapping[str, Json], value: float
    ) -> dict[str, tuple[float, float]]:
        counts = {
            "micro": (sum(f.score for f in fields), float(len(fields))),
            "all": (float(value == 1), 1.0),
        }
        for field in fields:
            part = field.path[0]
            if part in self._parts or (part in gold and part not in ("micro", "all")):
                right, total = counts.get(part, (0.0, 0.0))
                counts[part] = (right + field.score, total + 1)
        return counts


def _chosen(fields: Any, known: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(fields, (list, tuple)) or not fields or not all(isinstance(f, str) for f in fields):
        raise ValueError(f"fields is a list of top-level keys, not {fields!r}")
    for field in fields:
        if known and field not in known:
            raise ValueError(f"the output schema has no field {field!r}.{nearest(field, known)}")
    return tuple(dict.fromkeys(fields))


def _an_object(value: Json) -> dict[str, Json]:
    if isinstance(value, dict):
        return value
    kinds = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    raise NotJson(f"not an object but {kinds.get(type(value), 'a number')}")


def _gold_object(example: Example) -> dict[str, Json]:
    """The target as an object; its JSON text is read by the rules an answer is read by."""
    try:
        value = read_json_text(example.target) if isinstance(example.target, str) else example.target
        if too_deep(value):
            raise NotJson("nested too deeply")
        return _an_object(value)
    except NotJson as error:
        raise DataError(
            f"row {example.id!r}: the gold answer is not a JSON object ({shown(str(error), 120)})",
            hint="The grader json_fields compares objects; for other answers use exact or label.",
        ) from error


_NAMED = 3


def _why(fields: Sequence[Field]) -> str:
    wrong = [f for f in fields if f.score < 1]
    named = [f"{'.'.join(f.path)}: {f.why}" for f in wrong[:_NAMED]]
    return "; ".join(named + [f"and {len(wrong) - _NAMED} more"] * (len(wrong) > _NAMED))
