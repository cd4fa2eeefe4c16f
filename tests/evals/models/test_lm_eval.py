"""Our model in lm-eval: real tasks, answers and scores as lm-eval's own `hf` model gives them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model

from evals.errors import ModelError
from evals.models.lm_eval import Workbench
from evals.models.local import LocalModel
from evals.models.sources import Live
from tests.evals.models.test_adapter import adapted
from tests.harness import both, run, said, stock, write_task
from tests.tiny import network, tiny, tokenizer, words

CAPITALS = [
    {"country": "France", "capital": "Paris", "cities": ["Lyon", "Paris", "Nice"], "right": 1},
    {"country": "Italy", "capital": "Rome", "cities": ["Rome", "Milan", "Turin"], "right": 0},
    {"country": "Japan", "capital": "Tokyo", "cities": ["Osaka", "Kyoto", "Tokyo"], "right": 2},
    {"country": "Spain", "capital": "Madrid", "cities": ["Seville", "Madrid", "New Madrid"], "right": 1},
    {"country": "Canada", "capital": "Ottawa", "cities": ["Toronto", "Ottawa", "Montreal"], "right": 1},
]
SHOTS = [{"country": "Egypt", "capital": "Cairo", "cities": ["Giza", "Cairo"], "right": 1}]
ASKED: dict[str, Any] = {
    "doc_to_text": "The capital of {{country}} is",
    "fewshot_split": "train",
    "num_fewshot": 1,
}
SAYING = {
    **ASKED,
    "task": "capitals_said",
    "output_type": "generate_until",
    "doc_to_target": " {{capital}}",
    "generation_kwargs": {"until": ["\n", "."], "max_gen_toks": 12, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "ignore_case": True}],
}
CHOOSING = {
    **ASKED,
    "task": "capitals_chosen",
    "output_type": "multiple_choice",
    "doc_to_choice": "{{cities}}",
    "doc_to_target": "right",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}
READING = {
    "task": "capitals_read",
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "{{capital}} is the capital of {{country}}, and {{cities[0]}} is a city there.",
    "metric_list": [{"metric": "word_perplexity"}],
}
TASKS = ["capitals_said", "capitals_chosen", "capitals_read"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tasks")
    for config in (SAYING, CHOOSING, READING):
        write_task(path / str(config["task"]), config, CAPITALS, train=SHOTS)
    return path


@pytest.mark.parametrize("chat", [False, True])
def test_tasks_give_what_lm_evals_own_model_gives(smollm: LocalModel, folder: Path, chat: bool) -> None:
    tasks = TASKS[:2] if chat else TASKS
    options = {"apply_chat_template": chat, "system_instruction": "Answer shortly." if chat else None}
    theirs, ours = (run(lm, folder, tasks, **options) for lm in both(smollm).values())
    assert said(ours, "capitals_said") == said(theirs, "capitals_said")
    for one, other in zip(said(ours, "capitals_chosen"), said(theirs, "capitals_chosen"), strict=True):
        for (value, greedy), (their_value, their_greedy) in zip(_flat(one), _flat(other), strict=True):
            assert value == pytest.approx(their_value, abs=1e-3) and greedy == their_greedy
    for task in tasks:
        mine, their = ours["results"][task], theirs["results"][task]
        assert mine.keys() == their.keys()
        figures = [key for key, value in their.items() if isinstance(value, float)]
        assert figures
        assert [mine[k] for k in figures] == pytest.approx([their[k] for k in figures], rel=1e-4)


def _flat(answers: list[Any]) -> list[tuple[float, bool]]:
    return [(float(one[0][0]), str(one[0][1]) == "True") for one in answers]


# Small models: edges


@pytest.fixture(scope="module")
def small() -> LocalModel:
    return tiny()


def ask(kind: str, *args: Any) -> Instance:
    return Instance(kind, {}, args, 0)


def test_is_greedy_says_whether_the_model_would_have_said_it(small: LocalModel) -> None:
    lm = Workbench(model=small)
    (answer,) = lm.generate_until([ask("generate_until", words(5, 6, 7), {"max_gen_toks": 5})])
    other = words(*[9] * 5)
    asked = [ask("loglikelihood", words(5, 6, 7), f" {text}") for text in (answer, other)]
    assert [greedy for _, greedy in lm.loglikelihood(asked)] == [True, False]


@pytest.mark.parametrize("length", [40, 600, 1200])
def test_a_text_of_any_length_is_read_whole_in_windows(small: LocalModel, length: int) -> None:
    text = words(*(2 + (7 * n * n + 3 * n) % 390 for n in range(length)))
    asked = [ask("loglikelihood_rolling", text), ask("loglikelihood_rolling", words(5, 6))]
    ours = Workbench(model=small).loglikelihood_rolling(asked)
    assert ours == pytest.approx(stock(small).loglikelihood_rolling(asked, disable_tqdm=True), rel=1e-4)


def test_what_is_too_long_loses_its_beginning(small: LocalModel) -> None:
    long = words(*(2 + (5 * n) % 390 for n in range(700)))
    pairs = [ask("loglikelihood", long, " w7 w8"), ask("loglikelihood", "", "w7 w8")]
    texts = [ask("generate_until", long, {"max_gen_toks": 6, "until": ["w9 "]})]
    ours, theirs = Workbench(model=small), stock(small)
    told, their = ours.loglikelihood(pairs), theirs.loglikelihood(pairs, disable_tqdm=True)
    assert [v for v, _ in told] == pytest.approx([v for v, _ in their], rel=1e-4)
    assert ours.generate_until(texts) == theirs.generate_until(texts, disable_tqdm=True)


@pytest.mark.parametrize("kind", ["lora", "prompt", "prefix"])
def test_adapters_and_soft_prompts_are_asked_with_them(kind: str) -> None:
    model = adapted(kind)
    ours = Workbench(model=LocalModel("adapted", Live(model, tokenizer())))
    theirs = stock(tiny())
    theirs._model = model
    pairs = [ask("loglikelihood", words(5, 6, n), " w7 w8") for n in range(7, 12)]
    their = theirs.loglikelihood(pairs, disable_tqdm=True)
    assert [v for v, _ in ours.loglikelihood(pairs)] == pytest.approx([v for v, _ in their], rel=1e-3)


def test_settings_that_the_engine_does_not_have_are_refused_by_name(small: LocalModel) -> None:
    lm = Workbench(model=small)
    for settings, says in (
        ({"repetition_penalty": 1.2}, "does not decode with repetition_penalty"),
        ({"do_sample": True, "temperature": 0.7, "top_p": 0.9}, "does not decode with top_p"),
        ({"do_sample": True}, "do_sample needs a temperature above 0"),
        ({"max_gen_toks": 4000}, "max_gen_toks is 4000, and the context is 512"),
    ):
        with pytest.raises(ModelError, match=says):
            lm.generate_until([ask("generate_until", "w5", settings)])


def test_samples_of_one_text_differ_and_come_again(small: LocalModel) -> None:
    lm = Workbench(model=small)
    settings = {"do_sample": True, "temperature": 1.5, "max_gen_toks": 8}
    asked = [ask("generate_until", "w5 w6", settings) for _ in range(4)]
    first = lm.generate_until(asked)
    assert len(set(first)) > 1 and lm.generate_until(asked) == first


def test_it_is_opened_by_what_model_args_say(tmp_path: Path) -> None:
    network("llama").save_pretrained(tmp_path / "base")
    tokenizer().save_pretrained(tmp_path / "base")
    made = get_model("workbench").create_from_arg_string(
        f"name={tmp_path / 'base'},dtype=float32", {"batch_size": 1, "device": None}
    )
    assert made.get_model_info()["model_dtype"] == "torch.float32" and made.max_length == 512
    (tmp_path / "spec.json").write_text(
        f'{{"model": {{"name": "{tmp_path / "base"}", "provider": "local", "dtype": "float32"}}}}'
    )
    assert Workbench(approach=str(tmp_path)).tokenizer_name == made.tokenizer_name


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs either name=MODEL or approach=FOLDER"),
        ({"name": "m", "dtyp": "float32"}, "takes no dtyp"),
        ({"name": "m", "provider": "endpoint"}, "m is behind an endpoint"),
    ],
)
def test_what_cannot_be_opened_is_refused(options: dict[str, str], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        Workbench(**options)


def test_lm_evals_command_line_knows_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evals.models.lm_eval", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert "lm-eval" in done.stdout
