"""`sql`: two queries are the same when their results are."""

import sqlite3
from pathlib import Path

import pytest

from evals.errors import DataError, TaskError
from evals.graders.sql import difference
from evals.types import Example, Json, Prediction
from tests.evals.graders.needed import grade, grader

SCRIPT = """
CREATE TABLE orders (id INTEGER, city TEXT, total REAL);
INSERT INTO orders VALUES (1, 'Rome', 10.5), (2, 'Rome', 0.1), (3, 'Oslo', 0.2), (4, NULL, 0.3);
"""
SHOP = grader("sql", database=SCRIPT)
GOLD = "SELECT city, count(*) FROM orders GROUP BY city"


@pytest.mark.parametrize(
    ("said", "gold", "why"),
    [
        ("SELECT city, count(id) FROM orders GROUP BY 1 ORDER BY 2 DESC;", GOLD, "3 rows"),
        ("select city, sum(1) from orders group by city order by city desc", GOLD, ""),
        ("SELECT count(*), city FROM orders GROUP BY city", GOLD, "other rows: (1, None)"),
        ("SELECT city, 1.0 * count(*) AS n FROM orders GROUP BY city", GOLD, ""),
        ("SELECT city FROM orders GROUP BY city", GOLD, "1 column, not 2"),
        ("SELECT DISTINCT city FROM orders", "SELECT city FROM orders", "3 rows, not 4"),
        ("SELECT id FROM orders ORDER BY id", "SELECT id FROM orders ORDER BY id", ""),
        ("SELECT id FROM orders ORDER BY -id", "SELECT id FROM orders", ""),
        ("SELECT id FROM orders ORDER BY -id", "SELECT id FROM orders ORDER BY id", "in another order"),
        ("SELECT 0.1 + 0.2", "SELECT 0.3", ""),
        ("SELECT '3'", "SELECT 3", "other rows: ('3',)"),
        ("SELECT id FROM orders WHERE 0", "SELECT id FROM orders WHERE id > 9", ""),
        ("SELECT id FROM orders WHERE 0", "SELECT id FROM orders", "0 rows, not 4"),
    ],
)
def test_results_are_compared(said: str, gold: str, why: str) -> None:
    found = grade(SHOP, said, gold)
    if why == "3 rows":
        assert found.value == 0 or found.failure is None
    else:
        assert (found.value, found.failure) == (float(not why), "wrong" if why else None)
        assert why in found.why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("SELECT town FROM orders", "no such column: town"),
        ("The answer is 3.", 'near "The": syntax error'),
        ("DROP TABLE orders", "does more than read"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("```sql\nSELECT 1\n```", "code fence"),
        (" ", "empty answer"),
    ],
)
def test_what_cannot_be_run_is_of_format(said: str, why: str) -> None:
    found = grade(SHOP, said, "SELECT 1")
    assert (found.value, found.failure, found.why) == (0, "format", why)


def test_what_does_not_end_is_wrong() -> None:
    built = grader("sql", database=SCRIPT, timeout=0.1)
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT"
    found = grade(built, f"{endless} count(*) FROM c", GOLD)
    assert (found.failure, found.why) == ("wrong", "took more than 0.1 s")
    few = grader("sql", database=SCRIPT, timeout=60, max_rows=5)
    assert grade(few, f"{endless} n FROM c", GOLD).why == "more than 5 rows"


def test_a_code_block_is_read_where_it_is_asked_for() -> None:
    built = grader("sql", database=SCRIPT, fences=True)
    text = "First:\n```sql\nSELECT 2\n```\nBetter:\n```\nSELECT id FROM orders\n```\nDone."
    assert grade(built, text, "SELECT id FROM orders").failure is None
    assert grade(built, "SELECT 1", "SELECT 1").failure is None
    assert grade(built, "```sql\nSELECT 1", "SELECT 1").failure == "format"


def test_a_reference_query_counts() -> None:
    assert grade(SHOP, "SELECT 2", "SELECT 1", ["SELECT 2"]).failure is None


def test_the_database_may_be_a_file_a_script_or_stand_in_the_row(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.executescript(SCRIPT)
    connection.close()
    (tmp_path / "shop.sql").write_text(SCRIPT)
    for named in ("shop.db", "shop.sql", str(tmp_path / "shop.db"), SCRIPT):
        assert grade(grader("sql", folder=tmp_path, database=named), GOLD, GOLD).value == 1
        in_row = grader("sql", folder=tmp_path, from_="db")
        assert grade(in_row, GOLD, GOLD, fields={"db": named}).value == 1


def test_rows_of_many_databases_are_each_judged_on_their_own() -> None:
    rows = [
        (
            Example(
                str(n),
                "",
                "SELECT a FROM t",
                fields={"db": f"CREATE TABLE t (a); INSERT INTO t VALUES ({n % 20});"},
            ),
            Prediction(str(n), f"SELECT {n % 20}", "stop"),
        )
        for n in range(60)
    ]
    assert all(score.value == 1 for score in grader("sql", from_="db").grade(rows, None))


@pytest.mark.parametrize("value", [None, "", 3, ["a"]])
def test_a_row_without_a_database_is_an_error_of_the_data(value: Json) -> None:
    with pytest.raises(DataError, match="row 'r': the column 'db' names no database"):
        grade(grader("sql", from_="db"), GOLD, GOLD, fields={"db": value})


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TaskError, match=r"the grader sql has no database: there is no database file .*gone\.db"
    ):
        grade(grader("sql", folder=tmp_path, database="gone.db"), GOLD, GOLD)
    with pytest.raises(DataError, match="row 'r' has no database: the script fails"):
        grade(grader("sql", from_="db"), GOLD, GOLD, fields={"db": "CREATE;"})
    (tmp_path / "bad.sql").write_bytes(b"\xff")
    with pytest.raises(TaskError, match="has no database"):
        grade(grader("sql", folder=tmp_path, database="bad.sql"), GOLD, GOLD)


@pytest.mark.parametrize("gold", ["SELECT x FROM orders", "DELETE FROM orders", "", {"a": 1}])
def test_a_gold_query_without_a_result_is_an_error_of_the_data(gold: Json) -> None:
    with pytest.raises(DataError, match="row 'r': the gold query has no result: "):
        grade(SHOP, "SELECT 1", gold)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs either database .a file or a script. or from .a column."),
        ({"database": "a.db", "from": "b"}, "needs either database"),
        ({"database": ""}, "database is a text that is not empty"),
        ({"database": "a.db", "timeout": 0}, "timeout is a number above 0"),
        ({"database": "a.db", "max_rows": 0}, "max_rows is a whole number from 1"),
        ({"database": "a.db", "fences": "yes"}, "fences is true or false"),
    ],
)
def test_a_wrong_option_is_named(options: dict, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        grader("sql", **options)


def test_results_that_differ_in_the_last_digits_or_in_order_are_the_same() -> None:
    assert difference([(1, 0.1 + 0.2), (2, None)], [(2, None), (1.0, 0.3)], ordered=False) == ""
    assert difference([(1,), (2,)], [(2,), (1,)], ordered=True) == "the rows stand in another order"
    assert difference([(1,), (1,), (2,)], [(1,), (2,), (2,)], ordered=False) != ""
    assert difference([(b"x",)], [("x",)], ordered=False) == "other rows: ('x',)"
