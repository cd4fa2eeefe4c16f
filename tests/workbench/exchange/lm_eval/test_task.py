"""lm-eval's own task files imported as task folders: rows and answers are those that lm-eval itself reads."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lm_eval.tasks
import pytest
import yaml
from lm_eval.api.task import ConfigurableTask

from evals.data import load_data
from evals.errors import TaskError
from evals.graders import metrics, of_task
from evals.task import load_task
from workbench.cli.main import run
from workbench.exchange.lm_eval.config import read_config
from workbench.exchange.lm_eval.task import Imported, import_task

TASKS = Path(lm_eval.tasks.__file__).parent
Doc = dict[str, Any]

GSM8K = [
    {"question": "Ann has 3 bags of 6 nuts. How many nuts?", "answer": "3*6=18\n#### 18"},
    {"question": "A trip costs $1,000 and a half more. How much?", "answer": "1000+500\n#### 1,500"},
]
SCIQ = [
    {"support": " Water boils at 100 C.", "question": "When does water boil", "distractor1": "50 C",
     "distractor2": "10 C", "distractor3": "0 C", "correct_answer": "100 C"},
    {"support": "", "question": "What do bees make", "distractor1": "milk", "distractor2": "oil",
     "distractor3": "ink", "correct_answer": "honey"},
]  # fmt: skip
BOOLQ = [
    {"passage": "Cats purr.", "question": "do cats purr", "label": 1},
    {"passage": "Fish swim.", "question": "do fish fly", "label": 0},
]
ARC = [
    {"question": "Which is a fruit?", "answerKey": "B",
     "choices": {"label": ["A", "B"], "text": ["stone", "apple"]}},
    {"question": "Which is hot?", "answerKey": "1",
     "choices": {"label": ["1", "2"], "text": ["fire", "ice"]}},
]  # fmt: skip
TRIVIA = [
    {"question": "Who wrote Hamlet", "answer": {"aliases": ["Shakespeare", "William Shakespeare"]}},
    {"question": "Largest planet", "answer": {"aliases": ["Jupiter"]}},
]
LAMBADA = [{"text": "She opened the door and saw the dog"}, {"text": "He drank a glass of water"}]
HELLASWAG = [
    {"ind": 1, "activity_label": "Cooking", "ctx_a": "A man cuts an onion.", "ctx_b": "he", "label": "1",
     "endings": ["flies away.", "puts it in a pan.", "sings [title] loud.", "sleeps."]},
    {"ind": 2, "activity_label": "Running", "ctx_a": "A woman runs.", "ctx_b": "she", "label": "0",
     "endings": ["stops for water.", "eats the road.", "is a tree.", "melts."]},
]  # fmt: skip


def rows_file(folder: Path, rows: Sequence[Doc], name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def imported(tmp_path: Path, name: str, rows: Sequence[Doc], split: str, **options: Any) -> Imported:
    """A shipped task with these rows for its scored split, in tmp_path/out."""
    path = rows_file(tmp_path, rows)
    return import_task(TASKS / name, tmp_path / "out", data={split: path}, **options)


def written(done: Imported) -> list[Doc]:
    (path,) = done.task.parent.glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def sentences(done: Imported) -> str:
    return "\n".join(one.sentence() for one in done.omitted)


def theirs(name: str, rows: Path, split: str) -> Any:
    """The task as lm-eval itself reads it, on the same rows."""
    from lm_eval.tasks._yaml_loader import load_yaml

    config = load_yaml(TASKS / name, resolve_func=True)
    files = {
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {split: str(rows)}},
    }
    others = dict.fromkeys(("training_split", "validation_split", "test_split", "fewshot_split"))
    scored = "test_split" if split == "test" else "validation_split"
    return ConfigurableTask(config={**copy.deepcopy(config), **others, **files, scored: split})


@pytest.mark.parametrize(
    ("name", "rows", "split"),
    [
        ("gsm8k/gsm8k.yaml", GSM8K, "test"),
        ("sciq/sciq.yaml", SCIQ, "test"),
        ("super_glue/boolq/default.yaml", BOOLQ, "validation"),
        ("arc/arc_challenge.yaml", ARC, "test"),
        ("triviaqa/default.yaml", TRIVIA, "validation"),
        ("lambada/lambada_openai.yaml", LAMBADA, "test"),
        ("hellaswag/hellaswag.yaml", HELLASWAG, "validation"),
    ],
)
def test_questions_and_answers_are_those_that_lm_eval_reads(
    name: str, rows: Sequence[Doc], split: str, tmp_path: Path
) -> None:
    done = imported(tmp_path, name, rows, split, allow_code="hellaswag" in name)
    task = theirs(name, tmp_path / "rows.jsonl", split)
    mine = written(done)
    assert len(mine) == len(rows) == len(task.eval_docs)
    for row, doc in zip(mine, task.eval_docs, strict=True):
        gold = task.doc_to_target(doc)
        choices = task.doc_to_choice(doc) if task.config.doc_to_choice else []
        golds = gold if isinstance(gold, list) else [choices[gold] if choices else gold]
        if "gsm8k" not in name:
            assert [row["output"], *row.get("references", [])] == [text.strip() for text in golds]
        assert row["input"].startswith(task.doc_to_text(doc))
        listed = row["input"].removeprefix(task.doc_to_text(doc))
        assert listed in ("", "".join(f"\n- {choice}" for choice in choices))
    read = load_task(done.task)
    assert set(metrics(of_task(read))) >= {requirement.metric for requirement in read.requirements}


def test_choices_that_are_the_same_in_every_row_become_labels(tmp_path: Path) -> None:
    done = imported(tmp_path, "super_glue/boolq/default.yaml", BOOLQ, "validation")
    task = yaml.safe_load(done.task.read_text())
    assert task["output"] == {"labels": ["no", "yes"]} and task["graders"] == ["label"]
    assert [row["output"] for row in written(done)] == ["yes", "no"]


def test_patterns_to_ignore_are_taken_out_of_gold_answers_and_numbers_are_read(tmp_path: Path) -> None:
    done = imported(tmp_path, "gsm8k/gsm8k.yaml", GSM8K, "test")
    task = yaml.safe_load(done.task.read_text())
    assert [row["output"] for row in written(done)] == ["18", "1500"]
    assert task["graders"] == ["numeric"]
    assert task["generation"] == {"stop": ["Question:", "</s>", "<|im_end|>"]}
    said = sentences(done)
    assert "filter_list[0].regex: the grader numeric reads the number by its own rule" in said
    assert "metric_list[0].regexes_to_ignore" in said
    assert "num_fewshot: there are no rows to take shots from" in said
    kept = json.loads((done.task.parent / "left_out.json").read_text())
    assert len(kept["left_out"]) == len(done.omitted)


def test_shots_become_a_rung_and_their_rows_train(tmp_path: Path) -> None:
    train = rows_file(
        tmp_path, [{**row, "question": f"Before: {row['question']}"} for row in GSM8K], "t.jsonl"
    )
    test = rows_file(tmp_path, GSM8K)
    done = import_task(TASKS / "gsm8k/gsm8k.yaml", tmp_path / "out", data={"train": train, "test": test})
    task = load_task(done.task)
    assert done.rows == {"train": 2, "test": 2}
    assert task.ladder is not None
    assert [(rung.name, dict(rung.options)) for rung in task.ladder] == [
        ("default", {}),
        ("few_shot", {"k": 2}),
    ]


def test_what_is_imported_can_be_loaded_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [{**row, "question": f"{row['question']} ({n})"} for n in range(6) for row in SCIQ]
    path = rows_file(tmp_path, many)
    words = ["import", "lm-eval", str(TASKS / "sciq/sciq.yaml"), "--data", f"test={path}"]
    assert run([*words, "-o", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == {"eval": 12}
    data = load_data(load_task(Path(told["task"])))
    assert len(data.dev) + len(data.test) == 12
    assert run([*words, "-o", str(tmp_path / "out")]) == 1
    assert "has something in it" in capsys.readouterr().err
    assert run([*words, "-o", str(tmp_path / "out"), "--force"]) == 0
    assert "parts were left out or stand otherwise:" in capsys.readouterr().out
    assert run([*words[:3], "--data", "rows.jsonl", "-o", str(tmp_path / "other")]) == 2


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hellaswag/hellaswag.yaml", r"process_docs: is code \(utils.process_docs\), which is not run"),
        ("wikitext/wikitext.yaml", "nothing is answered in a task of the type loglikelihood_rolling"),
        ("mmlu/default/_mmlu.yaml", "is a group of tasks"),
        ("gsm8k/gsm8k.yaml", "its rows are not on this machine: openai/gsm8k"),
        ("prost/corypaik_prost.yaml", "its rows are not on this machine: hf://"),
        ("no_such_task.yaml", "cannot be read as YAML"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=says):
        import_task(TASKS / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("generation_kwargs", {"until": 5}, "generation_kwargs.until: lm-eval takes no 5 there"),
        (
            "generation_kwargs",
            {"temperature": "hot"},
            "temperature: lm-eval takes no 'hot' there",
        ),
        ("doc_to_target", None, "doc_to_target: gives no right answer to any row of eval"),
    ],
)
def test_a_task_that_does_not_fit_is_refused_and_nothing_written(
    key: str, value: Any, says: str, tmp_path: Path
) -> None:
    rows = rows_file(tmp_path, [{"q": "one", "a": "1"}, {"q": "two", "a": "2"}])
    config = {
        "task": "numbers",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(rows)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{q}}",
        "doc_to_target": "{{a}}",
        key: value,
    }
    (tmp_path / "numbers.yaml").write_text(json.dumps(config))
    with pytest.raises(TaskError, match=says):
        import_task(tmp_path / "numbers.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_is_run_only_when_it_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "utils.py").write_text(
        "from pathlib import Path\n"
        "Path(__file__).with_name('ran').touch()\n"
        "def text(doc):\n    return doc['q']\n"
    )
    config = {"task": "t", "doc_to_text": "!function utils.text", "doc_to_target": "a", "test_split": "test"}
    text = yaml.safe_dump(config, sort_keys=False).replace("'", "")
    (tmp_path / "t.yaml").write_text(text)
    rows = {"test": rows_file(tmp_path, [{"q": "one?", "a": "1"}, {"q": "two?", "a": "2"}])}
    with pytest.raises(TaskError, match=r"doc_to_text: is code \(utils.text\)"):
        import_task(tmp_path / "t.yaml", tmp_path / "out", data=rows)
    assert not (tmp_path / "ran").exists()
    done = import_task(tmp_path / "t.yaml", tmp_path / "out", data=rows, allow_code=True)
    assert (tmp_path / "ran").exists() and [row["input"] for row in written(done)] == ["one?", "two?"]


def test_rows_are_read_from_the_tasks_own_files_of_every_kind(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"q": "one?", "a": "uno"}, {"q": "two?", "a": "due"}]
    (tmp_path / "rows.json").write_text(json.dumps({"data": rows}))
    (tmp_path / "rows.csv").write_text("q,a\nthree?,tre\n")
    parquet.write_table(
        pyarrow.Table.from_pylist([{"q": "four?", "a": "quattro"}]), tmp_path / "rows.parquet"
    )
    config = {
        "task": "count",
        "dataset_path": "json",
        "dataset_kwargs": {
            "data_files": {"test": ["rows.json", "rows.csv"], "validation": "rows.parquet"},
            "field": "data",
        },
        "test_split": "test",
        "validation_split": "validation",
        "doc_to_text": "{{q | regex_replace('[?]', '!')}}",
        "doc_to_target": "a",
        "output_type": "generate_until",
    }
    (tmp_path / "count.yaml").write_text(yaml.safe_dump(config))
    done = import_task(tmp_path / "count.yaml", tmp_path / "out")
    assert done.rows == {"dev": 1, "test": 3}
    lines = (tmp_path / "out" / "test.jsonl").read_text().splitlines()
    assert [json.loads(line)["input"] for line in lines] == ["one!", "two!", "three!"]


def test_an_include_lies_under_what_includes_it_and_no_circle_is_followed(tmp_path: Path) -> None:
    assert read_config(TASKS / "arc/arc_challenge.yaml")["dataset_name"] == "ARC-Challenge"
    assert read_config(TASKS / "arc/arc_challenge.yaml")["output_type"] == "multiple_choice"
    (tmp_path / "a.yaml").write_text("include: b.yaml\ntask: a\n")
    (tmp_path / "b.yaml").write_text("include: a.yaml\n")
    with pytest.raises(TaskError, match="includes itself"):
        read_config(tmp_path / "a.yaml")
