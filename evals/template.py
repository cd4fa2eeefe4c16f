"""The user's prompt template: sandboxed Jinja over a query's input and its other columns.

A template sees no target, and may not name one: `output`, `references` and everything that begins
with `gold_` are refused when it is read, so that a slip is an error and not an empty string. A
name that a row lacks is an error that lists the row's columns. Rendering is bounded (loop turns
and characters), deterministic, and free of autoescaping: prompts are text, not HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import TaskError
from evals.table import nearest
from evals.types import Query

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_TURNS = 100_000
"""Loop turns, over all loops, that one rendering may take."""
MOST_CHARACTERS = 2_000_000
"""Characters that one rendering may write."""
_TICK = "_tick_"


def _product(left: Any, right: Any) -> Any:
    size = max((len(side) for side in (left, right) if hasattr(side, "__len__")), default=0)
    times = next((side for side in (left, right) if isinstance(side, int)), 1)
    if size * times > MOST_CHARACTERS:
        raise OverflowError("the product is too long")
    return left * right


def _power(left: Any, right: Any) -> Any:
    if abs(right) > 100 or abs(left) > 1_000_000:
        raise OverflowError("the power is too large")
    return left**right


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"*": _product, "**": _power}


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """Products and powers are bounded too."""

        intercepted_binops = frozenset(_OPERATORS)

        def call_binop(self, _context: Any, operator: str, left: Any, right: Any) -> Any:
            return _OPERATORS[operator](left, right)

    environment = Sandbox(autoescape=False, undefined=StrictUndefined)
    del environment.globals["lipsum"], environment.filters["random"]
    return environment


def is_hidden(name: str) -> bool:
    """Whether a name stands for something that gives the answer away."""
    return name in ("output", "references") or name.startswith("gold_")


class Template:
    """A parsed template. `names` are the columns that it uses, sorted.

    `where`, `key` and `line` (of the template's first line) place it in the task file for errors;
    `hidden` are further names, the columns mapped to the output. Raises TaskError.
    """

    def __init__(
        self,
        source: str,
        *,
        where: Path | str | None = None,
        key: str | None = None,
        line: int | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        from jinja2 import TemplateSyntaxError, meta, nodes

        self.source = source
        self._where, self._key, self._line = where, key, line
        environment = _environment()
        try:
            tree = environment.parse(source)
            named = meta.find_undeclared_variables(tree)
        except TemplateSyntaxError as error:
            raise self._error(f"is not a Jinja template: {error.message}", error.lineno) from error
        except RecursionError as error:
            raise self._error("is nested too deeply") from error
        self.names: tuple[str, ...] = tuple(sorted(named - environment.globals.keys()))
        for name in self.names:
            if is_hidden(name) or name in hidden:
                line = next((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), 1)
                raise self._error(
                    f"the template names {name!r}, which gives the answer away",
                    line,
                    hint="It may use the input and other columns, never output, references or gold ids.",
                )
        _count_turns(tree)
        self._template = environment.template_class.from_code(
            environment, environment.compile(tree), environment.make_globals(None)
        )

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def render(self, query: Query) -> str:
        """The text for one query. Raises TaskError for an unknown name or a template that fails."""
        from jinja2 import TemplateError, UndefinedError

        context = {**query.fields, "input": query.input, _TICK: _Ticks(self)}
        written: list[str] = []
        length = 0
        try:
            for piece in self._template.generate(context):
                written.append(piece)
                length += len(piece)
                if length > MOST_CHARACTERS:
                    raise self._error(f"row {query.id!r} renders to more than {MOST_CHARACTERS:,} characters")
        except UndefinedError as error:
            raise self._undefined(query, error) from error
        except (
            TemplateError,
            ArithmeticError,
            TypeError,
            ValueError,
            LookupError,
            AttributeError,
            RecursionError,
        ) as error:
            raise self._error(f"cannot be rendered for row {query.id!r}: {error}") from error
        return "".join(written)

    def _undefined(self, query: Query, error: Exception) -> TaskError:
        there = ["input", *query.fields]
        missing = [name for name in self.names if name not in there]
        if not missing:
            return self._error(f"cannot be rendered for row {query.id!r}: {error}")
        return self._error(
            f"row {query.id!r} has no column {missing[0]!r}.{nearest(missing[0], there)}",
            hint=f"The template may use: {', '.join(there)}.",
        )

    def _error(self, message: str, lineno: int = 1, hint: str | None = None) -> TaskError:
        line = None if self._line is None else self._line + lineno - 1
        return TaskError(message, where=self._where, line=line, key=self._key, hint=hint)


class _Ticks:
    """Counts the loop turns of one rendering."""

    def __init__(self, template: Template) -> None:
        self.template, self.left = template, MOST_TURNS

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.template._error(f"its loops take more than {MOST_TURNS:,} turns")


def _count_turns(tree: nodes.Template) -> None:
    """Put a call that counts at the start of every loop's body."""
    from jinja2 import nodes

    for loop in tree.find_all(nodes.For):
        call = nodes.Call(nodes.Name(_TICK, "load"), [], [], None, None)
        loop.body.insert(0, nodes.ExprStmt(call, lineno=loop.lineno))
    tree.set_environment(tree.environment or _environment())
