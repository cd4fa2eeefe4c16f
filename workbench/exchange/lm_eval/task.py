"""An lm-eval task file as a task folder of ours.

lm-eval fixes the prompt and scores a model; here rows, gold answers and graders are carried over and the
rungs look for the prompt. A question becomes `input`, the right answer or the text of the right choice
`output`; choices that are the same in every row become labels, others are listed under the question. What
lm-eval's scores hang on and a task here does not say is listed, and kept in left_out.json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evals.errors import TaskError
from evals.graders.folding import fold
from evals.store import write_json, write_lines, write_text
from evals.task import load_task
from workbench.exchange.lm_eval.config import Doc, Function, listed, read_config, read_docs, rendered
from workbench.exchange.lm_eval.metrics import graders_of
from workbench.exchange.omitted import Omitted, to_json

LIST = "left_out.json"
AT_LEAST = 0.5
READ = set(
    "task dataset_path dataset_name dataset_kwargs training_split validation_split test_split fewshot_split "
    "process_docs doc_to_text doc_to_target doc_to_choice description output_type generation_kwargs "
    "num_fewshot metric_list filter_list process_results fewshot_config".split()
)
"""Keys that are carried over or listed with a reason of their own."""
REFUSED = {
    "doc_to_image": "it shows pictures, and tasks here are text",
    "doc_to_audio": "it plays sounds, and tasks here are text",
    "use_prompt": "its prompts are in another package",
    "custom_dataset": "its rows are made by code",
    "class": "it is a Python class",
}
REASONS = {
    "fewshot_delimiter": "shots stand as turns of a chat",
    "target_delimiter": "the answer is a turn of its own",
    "gen_prefix": "the answer is not begun for the model",
    "should_decontaminate": "`wb check` looks for copies by itself",
    "doc_to_decontamination_query": "`wb check` looks for copies by itself",
    "repeats": "set generation.repeats with a temperature",
    "tag": "tasks have no tags here",
    "task_alias": "a task has one name here",
    "metadata": "nothing here depends on it",
    "unsafe_code": "no grader here runs code without being allowed to",
}
CODE = ("process_docs", "doc_to_text", "doc_to_target", "doc_to_choice")
TOLD = {
    "multiple_choice": "Choose the right answer and write it as it stands.",
    "generate_until": "Answer the question. Write nothing but the answer.",
    "loglikelihood": "Write how the text goes on.",
}
"""The instruction where the task has no description."""


@dataclass(frozen=True)
class Imported:
    """What was written and what was not."""

    task: Path
    rows: Mapping[str, int]
    omitted: tuple[Omitted, ...]


@dataclass
class Reader:
    """A task file with what is found wanting while it is read."""

    path: Path
    config: dict[str, Any]
    omitted: list[Omitted] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.config.get("output_type") or "generate_until")

    def leave_out(self, key: str, why: str) -> None:
        self.omitted.append(Omitted(self.path.name, key, why))

    def error(self, message: str, key: str, hint: str | None = None) -> TaskError:
        return TaskError(message, where=self.path, key=key, hint=hint)

    def get(self, key: str, doc: Doc) -> Any:
        return rendered(self.config.get(key), doc, self.path, key)

    def choices(self, doc: Doc) -> list[str]:
        """The choices of a row; none where the task has none."""
        value = listed(self.get("doc_to_choice", doc))
        if isinstance(value, dict):
            value = list(value.values())
        return [str(choice) for choice in value] if isinstance(value, (list, tuple)) else []

    def golds(self, doc: Doc) -> list[str]:
        """The right answers of a row, the first of them its output; none when it has none."""
        value, choices = listed(self.get("doc_to_target", doc)), self.choices(doc)
        named = self.config.get("doc_to_target") in doc  # a column may hold a choice that is a number
        found = []
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if named and isinstance(one, str) and one in choices:
                found.append(one)
            elif choices and str(one).isdigit():
                found += choices[int(one) : int(one) + 1]
            elif one is not None and (not choices or str(one) in choices):
                found.append(str(one))
        return [cut for text in found if (cut := self._ignoring(text).strip())]

    def _ignoring(self, text: str) -> str:
        for metric in self.config.get("metric_list") or ():
            for pattern in metric.get("regexes_to_ignore") or ():
                text = re.sub(pattern, "", text)
        return text


def import_task(
    path: Path,
    folder: Path,
    *,
    model: str = "smollm2-135m",
    data: Mapping[str, Path] | None = None,
    allow_code: bool = False,
    force: bool = False,
) -> Imported:
    """Write the lm-eval task file at `path` as a task folder. `data` maps a split to a file that takes the
    place of the task's own rows; with `allow_code` the task's functions are run.

    Raises TaskError for what cannot be carried over at all, DataError for a bad row.
    """
    if folder.exists() and not force and (not folder.is_dir() or any(folder.iterdir())):
        raise TaskError("has something in it", where=folder, hint="Name a new folder, or add --force.")
    reader = Reader(path, read_config(path))
    _check(reader, allow_code)
    splits = _splits(reader, data or {}, allow_code)
    labels = _labels(reader, splits)
    rows = {role: _rows(reader, role, docs, labels) for role, docs in splits.items()}
    if empty := [role for role, some in rows.items() if not some]:
        raise reader.error(f"gives no right answer to any row of {empty[0]}", "doc_to_target")
    config = _task(reader, rows, labels, model)
    for role, some in rows.items():
        write_lines(folder / f"{role}.jsonl", some)
    head = f"# From the lm-eval task {path.name}; {LIST} says what was not carried over.\n"
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)
    write_text(folder / "task.yaml", head + text)
    write_json(folder / LIST, {"from": path.name, "left_out": to_json(reader.omitted)})
    load_task(folder / "task.yaml")
    return Imported(
        folder / "task.yaml", {role: len(some) for role, some in rows.items()}, tuple(reader.omitted)
    )


def _check(reader: Reader, allow_code: bool) -> None:
    """Refuse what cannot be carried over, load functions where allowed, list the rest."""
    config = reader.config
    if "group" in config or not isinstance(config.get("task"), str):
        raise reader.error("is a group of tasks", "task", "Import each of its tasks by itself.")
    for key, why in REFUSED.items():
        if config.get(key) is not None:
            raise reader.error(f"cannot be imported: {why}", key)
    if reader.kind not in TOLD:
        raise reader.error(
            f"nothing is answered in a task of the type {reader.kind}",
            "output_type",
            f"Types that can be imported: {', '.join(TOLD)}.",
        )
    for key in CODE:
        if isinstance(function := config.get(key), Function):
            if not allow_code:
                hint = "With --allow-code it is run, as you."
                raise reader.error(f"is code ({function.spec}), which is not run", key, hint)
            config[key] = function.load()
    for key in sorted(config.keys() - READ):
        if config[key] is not None:
            reader.leave_out(key, REASONS.get(key, "has no counterpart here"))
    for key in config.get("fewshot_config") or {}:
        if key not in ("split", "samples"):
            reader.leave_out(f"fewshot_config.{key}", "the rungs choose and write their shots themselves")


def _splits(reader: Reader, data: Mapping[str, Path], allow_code: bool) -> dict[str, list[Doc]]:
    """The task's rows by what they are for here. Raises TaskError when there are none to judge on."""
    config, shots = reader.config, reader.config.get("fewshot_config") or {}
    scored = config.get("test_split") or config.get("validation_split")
    named = {
        "train": config.get("training_split") or shots.get("split") or config.get("fewshot_split"),
        "dev": config.get("validation_split"),
        "test": scored,
    }
    if unknown := sorted(set(data) - set(filter(None, named.values()))):
        raise reader.error(
            f"the task has no split {unknown[0]!r}",
            "test_split",
            f"It has: {', '.join(dict.fromkeys(filter(None, named.values())))}.",
        )
    found: dict[str, list[Doc]] = {}
    for role, split in named.items():
        if split is None or (role != "test" and split == scored):
            continue
        docs = read_docs(config, split, reader.path, data)
        if docs:
            found[role] = _processed(reader, docs)
    if "train" not in found and isinstance(shots.get("samples"), list):
        found["train"] = list(shots["samples"])
    if "test" not in found:
        raise reader.error(
            f"has no rows for its split {scored!r}", "test_split", "Name a file: --data SPLIT=FILE."
        )
    if not {"train", "dev"} & found.keys():
        found["eval"] = found.pop("test")
    return found


def _processed(reader: Reader, docs: list[Doc]) -> list[Doc]:
    """The rows as `process_docs` leaves them."""
    process = reader.config.get("process_docs")
    if process is None:
        return docs
    from datasets import Dataset

    return [dict(doc) for doc in process(Dataset.from_list(docs))]


def _labels(reader: Reader, splits: Mapping[str, Sequence[Doc]]) -> list[str]:
    """The choices, where they are the same in every row and no two read the same; else none."""
    several = [reader.choices(doc) for docs in splits.values() for doc in docs]
    first = several[0]
    same = all(choices == first for choices in several)
    return first if same and len({fold(choice) for choice in first}) == len(first) > 1 else []


def _rows(reader: Reader, role: str, docs: Sequence[Doc], labels: Sequence[str]) -> list[dict[str, Any]]:
    rows, without = [], 0
    for number, doc in enumerate(docs):
        asked = reader.get("doc_to_text", doc)
        if not isinstance(asked, str) or (asked.isdigit() and reader.choices(doc)):
            raise reader.error("is no text: each choice makes a question of its own", "doc_to_text")
        golds = reader.golds(doc)
        if not golds:
            without += 1
            continue
        if not labels and (choices := reader.choices(doc)):
            asked += "".join(f"\n- {choice}" for choice in choices)
        if "{" in str(reader.config.get("description", "")):
            asked = f"{reader.get('description', doc)}\n\n{asked}"
        row: dict[str, Any] = {"id": f"{role}-{number}", "input": asked, "output": golds[0]}
        rows.append({**row, "references": golds[1:]} if golds[1:] else row)
    if without:
        reader.leave_out("doc_to_target", f"{without} rows of {role} have no right answer")
    return rows


def _task(
    reader: Reader, rows: Mapping[str, Sequence[Any]], labels: Sequence[str], model: str
) -> dict[str, Any]:
    """The keys of task.yaml."""
    config = reader.config
    graders, omitted = graders_of(config, bool(labels), reader.path.name)
    reader.omitted += omitted
    reader.leave_out("", f"lm-eval has no thresholds: the requirement ({AT_LEAST:g}) is to be set")
    first = graders[0] if isinstance(graders[0], str) else graders[0]["name"]
    task: dict[str, Any] = {
        "name": re.sub(r"[^A-Za-z0-9._-]", "-", config["task"]).lstrip("._-")[:64],
        "model": model,
        "data": {role: f"{role}.jsonl" for role in rows},
        "prompt": {"instruction": _instruction(reader)},
        "output": {"labels": list(labels)} if labels else "text",
        "graders": graders,
        "requirements": [{"metric": first, "at_least": AT_LEAST, "kind": "quality"}],
    }
    if generation := _generation(reader):
        task["generation"] = generation
    shots = int(config.get("num_fewshot") or 0)
    if shots and "train" in rows:
        task["ladder"] = ["default", {"name": "few_shot", "k": min(shots, len(rows["train"]))}]
    elif shots:
        reader.leave_out("num_fewshot", "there are no rows to take shots from")
    return task


def _instruction(reader: Reader) -> str:
    said = reader.config.get("description") or ""
    if isinstance(said, str) and said.strip() and "{" not in said:
        return said.strip()
    reader.leave_out("description", "there is none to instruct a chat by: the instruction was written for it")
    return TOLD[reader.kind]


def _generation(reader: Reader) -> dict[str, Any]:
    """task.yaml's `generation`; what it does not have is listed."""
    found: dict[str, Any] = {}
    for key, value in dict(reader.config.get("generation_kwargs") or {}).items():
        try:
            if key == "until":
                found["stop"] = [value] if isinstance(value, str) else list(value)
            elif key in ("max_gen_toks", "max_new_tokens", "max_tokens"):
                found["max_tokens"] = int(value)
            elif key == "temperature":
                found |= {"temperature": float(value)} if float(value) > 0 else {}
            elif key != "do_sample":
                reader.leave_out(f"generation_kwargs.{key}", "answers are greedy or at a temperature")
        except (TypeError, ValueError) as error:
            raise reader.error(f"lm-eval takes no {value!r} there", f"generation_kwargs.{key}") from error
    return found
