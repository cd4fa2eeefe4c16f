"""Graders with options of their own in a whole run, and the run read again without what they read."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.evals.models.openai_server import Body, OpenAIServer, Say
from tests.workbench.small_task import SmallTask, contents, rows
from workbench.cli.main import run

GRADERS = [
    {"name": "sql", "database": "shop.db"},
    {"name": "contains", "value": "drop", "ignore_case": True, "not": True},
    {
        "name": "weighted",
        "graders": ["token_f1", {"name": "length", "max": 40}],
        "weights": [3, 1],
        "pass_at": 0.9,
    },
]


def query(path: str, body: Body) -> Say:
    """Another query for the same rows, except for rows 4 and 9."""
    *_, number, _, colour = str(body["messages"][-1]["content"]).split()
    return Say(
        message="DROP TABLE t" if number in ("4", "9") else f"SELECT name FROM t WHERE '{colour}' = name"
    )


def shop(folder: Path, server: OpenAIServer) -> SmallTask:
    task = SmallTask(
        folder,
        server.url,
        output="text",
        graders=GRADERS,
        requirements=[{"metric": "sql", "at_least": 0.7, "kind": "quality"}],
    )
    for split in ("dev", "test"):
        lines = [
            {**row, "output": f"SELECT name FROM t WHERE name = '{row['output']}'"} for row in rows(split)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with sqlite3.connect(folder / "shop.db") as connection:
        connection.executescript("CREATE TABLE t (name); INSERT INTO t VALUES ('red'), ('green'), ('blue');")
    connection.close()
    return task


def test_a_run_is_decided_by_them_and_read_again_where_the_database_is_not(
    tmp_path: Path, server: OpenAIServer
) -> None:
    server.rule = query
    task = shop(tmp_path, server)
    assert task.assess("-q") == 0
    found = task.decision()["approaches"][0]["dev"]
    assert {metric: found[metric]["value"] for metric in ("sql", "contains", "weighted.length")} == {
        "sql": 0.833333,
        "contains": 0.833333,
        "weighted.length": 1.0,
    }
    (folder,) = task.runs()
    before = contents(folder)
    (tmp_path / "shop.db").unlink()
    assert run(["report", str(folder), "-q"]) == 0
    assert contents(folder) == before
