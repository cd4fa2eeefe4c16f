"""Templates: what they show, what they may not name, and that they end."""

from __future__ import annotations

import pytest

from evals.errors import TaskError
from evals.template import Template
from evals.types import Query

ROW = Query("r1", "Hello <b>", {"lang": "de", "tags": ["x", "y"]})


def test_a_template_renders_input_and_columns_without_escaping() -> None:
    template = Template("{{ lang }}: {{ input }}{% for t in tags %} #{{ t }}{% endfor %}")
    assert template.render(ROW) == "de: Hello <b> #x #y"
    assert template.names == ("input", "lang", "tags")


@pytest.mark.parametrize("name", ["output", "references", "gold_doc_ids", "gold_anything"])
def test_a_template_may_not_name_the_answer(name: str) -> None:
    with pytest.raises(TaskError, match=f"names '{name}'"):
        Template(f"{{{{ input }}}} {{% if {name} %}}x{{% endif %}}")


def test_columns_that_are_mapped_to_the_answer_are_hidden_too() -> None:
    with pytest.raises(TaskError, match="names 'answer'"):
        Template("{{ answer }}", hidden=["answer"])


def test_a_syntax_error_has_the_line_it_stands_on_in_the_task_file() -> None:
    with pytest.raises(TaskError, match=r"task.yaml:12: prompt.template: is not a Jinja template"):
        Template("one\ntwo {% for %}", where="task.yaml", key="prompt.template", line=11)


def test_an_unknown_name_is_answered_with_the_rows_columns() -> None:
    with pytest.raises(
        TaskError, match=r"no column 'langg'. Did you mean 'lang'\?\nThe template may use: input, lang, tags"
    ):
        Template("{{ langg }}").render(ROW)


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
        "{% for a in range(90000) %}{{ input * 1000 }}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 99999999 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    ],
)
def test_a_template_that_would_not_end_or_fill_the_memory_is_stopped(source: str) -> None:
    with pytest.raises(TaskError):
        Template(source).render(ROW)


@pytest.mark.parametrize(
    "source", ["{{ input.__class__.__mro__ }}", "{{ tags.append(1) }}", "{{ 1 / 0 }}", "{{ tags.x.y }}"]
)
def test_unsafe_and_failing_templates_are_the_users_mistake(source: str) -> None:
    with pytest.raises(TaskError, match="row 'r1'"):
        Template(source).render(ROW)


def test_nothing_random_is_at_hand() -> None:
    with pytest.raises(TaskError):
        Template("{{ tags | random }}")
    with pytest.raises(TaskError):
        Template("{{ lipsum() }}").render(ROW)


def test_a_column_called_input_does_not_hide_the_input() -> None:
    assert Template("{{ input }}").render(Query("r", "real", {"input": "other"})) == "real"
