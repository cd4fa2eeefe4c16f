"""How fast the engine answers, against lm-eval's HF backend and a plain sorted `generate` loop.

    python benchmarks/engine.py            all workloads
    python benchmarks/engine.py --short    three workloads, fewer requests and batch sizes
    python benchmarks/engine.py --memory   peak memory for 200 and for 2,000 requests
    … --only NAME --json                   one workload; one object for each figure on stdout

Everyone gets the same prompts, weights, dtype and threads, decodes greedily and generates the same
number of tokens (no answer may end early). Each peer first tries its batch sizes, one run each, which
also warms it; then all take turns, and medians are compared. The settings are printed on stderr.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from evals.models import Loader
from evals.models.local import LocalModel
from evals.types import ModelRef, Request

Run = Callable[[Sequence[str], int], None]


@dataclass(frozen=True)
class Workload:
    """`requests` prompts of `shared` + `own` tokens, each answered with `new` tokens."""

    name: str
    shared: int
    own: int
    new: int
    requests: int = 64

    def prompts(self, tokenizer: Any, seed: int) -> list[str]:
        """Random words, cut to length by token; the own parts vary by a fifth."""
        rng = random.Random(seed)
        words = [w for w in tokenizer.get_vocab() if w.startswith("Ġ") and w[1:].isalpha() and len(w) > 3]
        words = [w[1:] for w in sorted(words)]

        def text(tokens: int) -> str:
            ids = tokenizer(" " + " ".join(rng.choices(words, k=tokens)))["input_ids"]
            return str(tokenizer.decode(ids[:tokens]))

        head = text(self.shared) if self.shared else ""
        return [
            head + text(rng.randint(self.own * 9 // 10, self.own * 11 // 10)) for _ in range(self.requests)
        ]


FULL = (
    Workload("shared prefix", 700, 40, 32),
    Workload("retrieved shots", 100, 500, 32),
    Workload("short prompts", 0, 60, 64, 256),
)
SHORT = (Workload("shared prefix", 700, 40, 32, 16), Workload("short prompts", 0, 60, 32, 16))


@dataclass(frozen=True)
class Labels:
    """`prompts` prompts of `tokens` tokens, each with the log-likelihood of 77 labels of a few words."""

    name: str
    tokens: int
    prompts: int = 10

    def asked(self, tokenizer: Any, seed: int) -> list[tuple[str, list[str]]]:
        texts = Workload("", 0, self.tokens, 0, self.prompts).prompts(tokenizer, seed)
        return [(f"{text}\nLabel:", [f" {a} {b}" for a in THINGS for b in WHAT]) for text in texts]


THINGS = ["card", "top up", "transfer", "cash withdrawal", "exchange rate", "direct debit", "refund"]
THINGS += ["identity", "account", "fee", "PIN"]
WHAT = ["declined", "not arrived yet", "charged twice", "lost or stolen", "limits", "pending", "wrong amount"]
LABELS = (Labels("labels, long prompts", 300), Labels("labels, short prompts", 35))


def ours(model: LocalModel) -> Run:
    """This engine; no token ends an answer."""
    model.engine.ends = frozenset()

    def run(prompts: Sequence[str], new: int) -> None:
        got = list(model.generate([Request(str(i), p, new) for i, p in enumerate(prompts)]))
        assert all(c.usage.tokens_out == new for c in got)

    return run


def plain(model: LocalModel, batch: int) -> Run:
    """`generate` over prompts sorted by length."""
    import torch

    network, tokenizer = model.engine.core.model, model.renderer.tokenizer

    def run(prompts: Sequence[str], new: int) -> None:
        rows = sorted(prompts, key=len, reverse=True)
        for start in range(0, len(rows), batch):
            inputs = tokenizer(
                rows[start : start + batch], return_tensors="pt", padding=True, padding_side="left"
            )
            with torch.inference_mode():
                out = network.generate(
                    **inputs.to(network.device), max_new_tokens=new, min_new_tokens=new, do_sample=False
                )
            tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :])

    return run


def lm_eval_backend(model: LocalModel, batch: int) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(
        pretrained=model.engine.core.model,
        tokenizer=model.renderer.tokenizer,
        batch_size=batch,
        max_length=model.context,
    )


def lm_eval(model: LocalModel, batch: int) -> Run:
    """lm-eval's HF backend."""
    from lm_eval.api.instance import Instance

    backend = lm_eval_backend(model, batch)

    def run(prompts: Sequence[str], new: int) -> None:
        settings = {"until": [], "max_gen_toks": new, "min_new_tokens": new, "do_sample": False}
        asked = [Instance("generate_until", {}, (p, dict(settings)), i) for i, p in enumerate(prompts)]
        assert len(backend.generate_until(asked, disable_tqdm=True)) == len(prompts)

    return run


LM_EVAL = f"lm-eval {version('lm_eval')} HF backend"
PEERS = {LM_EVAL: lm_eval, "plain sorted generate": plain}


def model_ends(model: LocalModel) -> frozenset[int]:
    """The tokens that end an answer, which `ours` takes away."""
    return frozenset({int(model.renderer.tokenizer.eos_token_id)})


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(model: LocalModel, work: Workload, sizes: Sequence[int], runs: int) -> list[dict[str, Any]]:
    """One figure for each peer."""
    prompts = [work.prompts(model.renderer.tokenizer, seed) for seed in range(runs + 1)]
    mine = ours(model)
    mine(prompts[0], work.new)
    peers = {
        name: {b: partial(make(model, b), new=work.new) for b in sizes if b <= work.requests}
        for name, make in PEERS.items()
    }
    return race(work.name, partial(mine, new=work.new), peers, prompts, work.requests, "seconds a request")


def race(
    name: str,
    mine: Callable[[Any], object],
    peers: Mapping[str, Mapping[int, Callable[[Any], object]]],
    inputs: Sequence[Any],
    size: int,
    unit: str,
) -> list[dict[str, Any]]:
    """Each peer at its best batch size (tried on the first input) against `mine`, in turns."""
    ways = {"engine": mine}
    for peer, by_size in peers.items():
        tried = {b: seconds(partial(run, inputs[0])) for b, run in by_size.items()}
        best = min(tried, key=tried.__getitem__)
        shown = ", ".join(f"{b}: {t / size:.3f}" for b, t in tried.items())
        say(f"  {peer}: {unit} by batch size {shown}; best {best}")
        ways[f"{peer}, batch {best}"] = by_size[best]
    times: dict[str, list[float]] = {way: [] for way in ways}
    for given in inputs[1:]:
        for way, run in ways.items():
            times[way].append(seconds(partial(run, given)) / size)
    took = statistics.median(times.pop("engine"))
    return [
        figure(name, way, unit, took, statistics.median(theirs), len(theirs)) for way, theirs in times.items()
    ]


def label(model: LocalModel, work: Labels, sizes: Sequence[int], runs: int) -> list[dict[str, Any]]:
    """Log-likelihoods against lm-eval's; that both find the same is printed."""
    inputs = [work.asked(model.renderer.tokenizer, seed) for seed in range(runs + 1)]
    peers = {b: lm_eval_scores(model, b) for b in sizes}
    theirs, mine = peers[sizes[0]](inputs[0]), model.scores(inputs[0])
    worst = max(
        abs(a - b) for one, other in zip(mine, theirs, strict=True) for a, b in zip(one, other, strict=True)
    )
    best = [one.index(max(one)) == other.index(max(other)) for one, other in zip(mine, theirs, strict=True)]
    same = f"{sum(best)} of {len(best)} best labels are the same"
    say(f"  log-likelihoods differ by at most {worst:.2g}; {same}")
    return race(work.name, model.scores, {LM_EVAL: peers}, inputs, work.prompts, "seconds a prompt")


def lm_eval_scores(model: LocalModel, batch: int) -> Callable[[Any], list[list[float]]]:
    """lm-eval's HF backend, asked for log-likelihoods."""
    from lm_eval.api.instance import Instance

    backend = lm_eval_backend(model, batch)

    def run(asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[float]]:
        pairs = [Instance("loglikelihood", {}, (p, c), i) for i, (p, cs) in enumerate(asked) for c in cs]
        found = iter(backend.loglikelihood(pairs, disable_tqdm=True))
        return [[next(found)[0] for _ in cs] for _, cs in asked]

    return run


def copying(model: LocalModel, runs: int) -> list[dict[str, Any]]:
    """Extraction that copies its input: with drafts by prompt lookup against without."""
    from evals.models.engine import decode

    found = []
    for n in (1, 8, 64):

        def run(seed: int, few: int, n: int = n) -> None:
            decode.FEW = few
            requests = [Request(str(i), prompt, 64, ("\n",)) for i, prompt in enumerate(extraction(seed, n))]
            assert len(list(model.generate(requests))) == n

        model.engine.ends = model_ends(model)
        peers = {"the same without drafts": {n: partial(run, few=0)}}
        run(0, few=64)
        name = f"extraction that copies, {n} at once"
        found += race(name, partial(run, few=64), peers, range(runs + 1), n, "seconds a request")
    return found


def extraction(seed: int, n: int) -> list[str]:
    """Messages whose fields are asked for as JSON, behind four examples."""
    rng = random.Random(seed)

    def record() -> tuple[str, str]:
        name, city = rng.choice(["Anna Smith", "Wei Chen", "Omar Haddad"]), rng.choice(["Berlin", "Lisbon"])
        thing = rng.choice(
            ["a blue ceramic teapot", "a wireless keyboard with backlight", "two running shoes"]
        )
        order, mail = f"ORD-{rng.randint(10000, 99999)}", f"{name.split()[0].lower()}@example.com"
        text = f"This is {name} from {city}. I bought {thing}, order {order}. It never came. Write to {mail}."
        return text, json.dumps({"name": name, "city": city, "item": thing, "order": order, "email": mail})

    shots = "\n\n".join(f"Message: {text}\nJSON: {answer}" for text, answer in (record() for _ in range(4)))
    return [f"Extract the fields as JSON.\n\n{shots}\n\nMessage: {record()[0]}\nJSON:" for _ in range(n)]


SCHEMA = {
    "type": "object",
    "properties": {
        "category": {"enum": ["billing", "delivery", "technical problem", "account", "other"]},
        "priority": {"enum": ["low", "medium", "high"]},
        "customer_is_angry": {"type": "boolean"},
        "days_waited": {"type": "integer"},
        "product_name": {"type": "string", "maxLength": 30},
    },
    "required": ["category", "priority", "customer_is_angry", "days_waited", "product_name"],
    "additionalProperties": False,
}


def grammar(model: LocalModel, runs: int) -> list[dict[str, Any]]:
    """Answers held to a schema: with forced tokens written together against one by one; and seconds a
    token against free answers of the same rows."""
    from evals.models.engine import rows

    model.engine.ends = model_ends(model)
    tokens = {"free": 0, "held": 0}

    def run(seed: int, jump: bool, schema: Any) -> None:
        rows.JUMP = jump
        prompts = extraction(seed, 64)
        asked = [Request(str(i), p, 64, grammar=schema) for i, p in enumerate(prompts)]
        got = list(model.generate(asked))
        tokens["free" if schema is None else "held"] = sum(c.usage.tokens_out for c in got)

    held = {"schema": SCHEMA}
    run(0, True, held)
    peers = {"the same one by one": {64: partial(run, jump=False, schema=held)}}
    found = race(
        "forced tokens, 64 rows",
        partial(run, jump=True, schema=held),
        peers,
        range(runs + 1),
        64,
        "seconds a request",
    )
    times: dict[str, list[float]] = {"free": [], "held": []}
    for seed in range(runs):
        for way, schema in (("free", None), ("held", held)):
            took = seconds(partial(run, seed, jump=True, schema=schema))
            times[way].append(took / tokens[way])
    mine, theirs = (statistics.median(times[way]) for way in ("held", "free"))
    rows.JUMP = True
    return [
        *found,
        figure("held to a schema, 64 rows", "free answers", "seconds a token", mine, theirs, runs),
    ]


def figure(workload: str, peer: str, unit: str, mine: float, theirs: float, runs: int) -> dict[str, Any]:
    return {
        "bench": "engine",
        "workload": workload,
        "peer": peer,
        "unit": unit,
        "ours": round(mine, 4),
        "theirs": round(theirs, 4),
        "ratio": round(theirs / mine, 3),
        "runs": runs,
    }


def memory(dtype: str) -> dict[str, Any]:
    """Peak resident memory of a process that answers 2,000 requests, against one that answers 200."""
    peaks = {}
    for n in (200, 2_000):
        command = [sys.executable, __file__, "--peak-of", str(n), "--dtype", dtype]
        peaks[n] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figure("2,000 requests", "the engine with 200", "MiB at the peak", peaks[2_000], peaks[200], 1)


def peak(model: LocalModel, requests: int) -> float:
    """MiB at the peak of this process after so many requests behind a shared prefix."""
    ours(model)(Workload("memory", 200, 30, 4, requests).prompts(model.renderer.tokenizer, 0), 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--only", help="one workload by its name, or copying, or grammar")
    parser.add_argument("--runs", type=int, help="how often each takes its turn (3; short 2)")
    parser.add_argument(
        "--batch-sizes", type=int, nargs="+", help="what the peers try (8 16 32 64; short 8 16)"
    )
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    model = Loader().open(ModelRef(options.model, dtype=options.dtype))
    assert isinstance(model, LocalModel)
    if options.peak_of:
        print(peak(model, options.peak_of))
        return
    if options.memory:
        show([memory(options.dtype)], options.json)
        return
    settings(model)
    sizes, runs = ((8, 16), 2) if options.short else ((8, 16, 32, 64), 3)
    sizes, runs = options.batch_sizes or sizes, options.runs or runs
    for work in SHORT if options.short else FULL:
        if options.only in (None, work.name):
            tokens = f"{work.shared} shared tokens, {work.own} own, {work.new} new"
            say(f"{work.name}: {work.requests} requests, {tokens}")
            show(compare(model, work, sizes, runs), options.json)
    for labels in LABELS[:1] if options.short else LABELS:
        if options.only in (None, labels.name):
            say(f"{labels.name}: {labels.prompts} prompts of {labels.tokens} tokens x 77 labels")
            show(label(model, labels, sizes, runs), options.json)
    if options.only == "copying" or not (options.only or options.short):
        show(copying(model, runs), options.json)
    if options.only == "grammar" or not (options.only or options.short):
        show(grammar(model, runs), options.json)


def settings(model: LocalModel) -> None:
    import torch

    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "lm_eval"))
    say(f"{model.name}, {model.engine.dtype}, {model.engine.device}, {torch.get_num_threads()} threads")
    say(f"{versions}; {platform.platform()}, {torch.backends.cpu.get_cpu_capability()}")


def show(figures: Sequence[dict[str, Any]], as_json: bool) -> None:
    for f in figures:
        if as_json:
            print(json.dumps(f), flush=True)
        else:
            line = "{workload}: {ours:g} {unit}, {peer} {theirs:g}: {ratio:.2f} times as good ({runs} runs)"
            print(line.format(**f), flush=True)


if __name__ == "__main__":
    main()
