"""A query of unknown origin reads, ends and stays small; what it may not do has a reason."""

import sqlite3
from pathlib import Path

import pytest

from evals.graders.sqlite import Limits, QueryError, is_ordered, open_file, open_script, run
from tests.clocks import PATIENCE, computes_within

LIMITS, HURRIED = Limits(PATIENCE, rows=100), Limits(0.3, rows=100)
SCRIPT = "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y');"
ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "a shop?.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCRIPT)
    connection.close()
    return path


def test_a_query_gives_its_rows_from_a_file_and_from_a_script(shop: Path) -> None:
    for connection in (open_file(shop), open_script(SCRIPT)):
        assert run(connection, "SELECT b, a FROM t ORDER BY a;", LIMITS) == [("x", 1), ("y", 2)]
        assert run(connection, "WITH c AS (SELECT 1) SELECT * FROM c -- all", LIMITS) == [(1,)]
        assert run(connection, "SELECT upper(b), count(*) FROM t GROUP BY b", LIMITS)[0] == ("X", 1)
        assert run(connection, "SELECT value FROM json_each('[3]')", LIMITS) == [(3,)]
        connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM t",
        "INSERT INTO t VALUES (3, 'z')",
        "UPDATE t SET a = 0",
        "DROP TABLE t",
        "CREATE TABLE u (a)",
        "CREATE TEMP TABLE u (a)",
        "PRAGMA user_version = 3",
        "PRAGMA table_info(t)",
        "SELECT * FROM pragma_table_info('t')",
        "ATTACH 'other.sqlite' AS other",
        "VACUUM INTO 'copy.sqlite'",
        "BEGIN",
        "SELECT load_extension('x')",
        "WITH c AS (SELECT 1) DELETE FROM t",
        "REINDEX",
        "ANALYZE",
    ],
)
def test_whatever_does_more_than_read_is_refused(
    shop: Path, query: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = shop.read_bytes()
    for connection in (open_file(shop), open_script(SCRIPT)):
        with pytest.raises(QueryError) as found:
            run(connection, query, LIMITS)
        assert str(found.value) in ("does more than read", "not a query")
        assert not found.value.ran
        assert run(connection, "SELECT count(*) FROM t", LIMITS) == [(2,)]
        connection.close()
    assert shop.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [shop.name]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELEC a FROM t", 'near "SELEC": syntax error'),
        ("SELECT c FROM t", "no such column: c"),
        ("SELECT * FROM u", "no such table: u"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1; DROP TABLE t", "more than one statement"),
        ("", "not a query"),
        ("-- nothing", "not a query"),
        ("SELECT '\ud800'", "surrogates not allowed"),
        ("SELECT '" + "x" * 200_000 + "'", "too"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "overflow|depth"),
        ("SELECT zeroblob(1000000000)", "too big"),
        ("SELECT 'a' LIKE '" + "%a" * 200 + "'", "too complex"),
    ],
)
def test_what_is_no_query_has_a_reason(query: str, why: str) -> None:
    with pytest.raises(QueryError, match=why.replace("(", r"\(")) as found:
        run(open_script(SCRIPT), query, LIMITS)
    assert not found.value.ran


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (ENDLESS, "took more than 0.3 s"),
        (ENDLESS.replace("count(*)", "n"), "more than 100 rows"),
        ("SELECT a FROM t, t, t, t, t, t, t", "ambiguous"),
        ("SELECT 1 FROM t x1, t x2, t x3, t x4, t x5, t x6, t x7", "more than 100 rows"),
        ("SELECT zeroblob(1900000) FROM t x1, t x2, t x3, t x4, t x5", "more than 50,000,000 characters"),
    ],
)
def test_a_query_without_end_or_measure_is_stopped(query: str, why: str) -> None:
    with computes_within(5), pytest.raises(QueryError, match=why) as found:
        run(open_script(SCRIPT), query, HURRIED if "took" in why else LIMITS)
    assert found.value.ran == ("ambiguous" not in why)


def test_a_stopped_query_leaves_the_database_usable() -> None:
    connection = open_script(SCRIPT)
    with pytest.raises(QueryError, match="took more than"):
        run(connection, ENDLESS, HURRIED)
    assert run(connection, "SELECT count(*) FROM t", LIMITS) == [(2,)]


def test_text_that_is_not_unicode_is_read_with_marks(tmp_path: Path) -> None:
    assert run(open_script(SCRIPT), "SELECT CAST(x'ff41' AS TEXT)", LIMITS) == [("\ufffdA",)]


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with pytest.raises(QueryError, match="notes.txt is not a SQLite database"):
        open_file(tmp_path / "notes.txt")
    with pytest.raises(QueryError, match="there is no database file"):
        open_file(tmp_path / "gone.sqlite")
    with pytest.raises(QueryError, match="the script fails .near"):
        open_script("CREATE TABL t (a);")


def test_a_script_makes_tables_and_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dump = f"PRAGMA foreign_keys=OFF; BEGIN TRANSACTION; {SCRIPT} CREATE INDEX i ON t (a); COMMIT;"
    assert run(open_script(dump), "SELECT max(a) FROM t", LIMITS) == [(2,)]
    for script in ("ATTACH 'x.sqlite' AS x;", "VACUUM INTO 'x.sqlite';", "PRAGMA temp_store_directory='/';"):
        with pytest.raises(QueryError, match="does more than"):
            open_script(SCRIPT + script)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("select a from t order\n by a desc limit 3", True),
        ("SELECT a FROM t", False),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a)", False),
        ("SELECT row_number() OVER (ORDER BY a) FROM t", False),
        ("SELECT a FROM t -- ORDER BY a", False),
        ("SELECT a FROM t /* ORDER BY a */", False),
        ("SELECT 'ORDER BY a', \"order by\" FROM t", False),
        ("SELECT 'it''s ORDER BY' FROM t", False),
        ("WITH c AS (SELECT 1) SELECT * FROM c ORDER BY 1", True),
        ("SELECT a FROM t ORDER /* why */ BY a", True),
        ("SELECT (1) FROM t ORDER BY (a)", True),
    ],
)
def test_an_order_of_the_whole_result_is_told_from_others(query: str, ordered: bool) -> None:
    assert is_ordered(query) is ordered
