"""Texts with variables as promptfoo writes them (Nunjucks), read by our sandboxed Jinja.

The two agree on `{{ name }}`, attributes, `if` and `for`. Where a text uses what only Nunjucks has, a
TaskError says so. A variable that a test lacks is empty, as it is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evals.errors import TaskError
from evals.template import Template
from evals.types import Query


def written(value: Any) -> str:
    """A variable as it stands in a prompt: JSON for lists and objects, true and false in small letters."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.removesuffix("\n")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """The text with its variables filled in. Raises TaskError when it is no template that we read."""
    if "{{" not in text and "{%" not in text:
        return text
    template = Template(text)
    if "env" in template.names:
        raise TaskError("reads the environment, which is not carried over")
    given = {name: written(variables.get(name)) for name in (*template.names, *variables)}
    return template.render(Query("", given.get("input", ""), given))
