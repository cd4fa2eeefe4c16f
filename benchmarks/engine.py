"""How fast the engine answers, against lm-eval's HF backend and a plain sorted `generate` loop.

    python benchmarks/engine.py            all workloads, 64 requests each
    python benchmarks/engine.py --short    two workloads, fewer requests and batch sizes
    python benchmarks/engine.py --memory   peak memory for 200 and for 2,000 requests
    … --json                               one object for each figure on stdout

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    Workload("short prompts", 0, 60, 64),
)
SHORT = (Workload("shared prefix", 700, 40, 32, 16), Workload("short prompts", 0, 60, 32, 16))


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


def lm_eval(model: LocalModel, batch: int) -> Run:
    """lm-eval's HF backend."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    backend = HFLM(
        pretrained=model.engine.core.model,
        tokenizer=model.renderer.tokenizer,
        batch_size=batch,
        max_length=model.context,
    )

    def run(prompts: Sequence[str], new: int) -> None:
        settings = {"until": [], "max_gen_toks": new, "min_new_tokens": new, "do_sample": False}
        asked = [Instance("generate_until", {}, (p, dict(settings)), i) for i, p in enumerate(prompts)]
        assert len(backend.generate_until(asked, disable_tqdm=True)) == len(prompts)

    return run


PEERS = {f"lm-eval {version('lm_eval')} HF backend": lm_eval, "plain sorted generate": plain}


def seconds(run: Run, prompts: Sequence[str], new: int) -> float:
    start = time.perf_counter()
    run(prompts, new)
    return time.perf_counter() - start


def compare(model: LocalModel, work: Workload, sizes: Sequence[int], runs: int) -> list[dict[str, Any]]:
    """One figure for each peer."""
    tokenizer = model.renderer.tokenizer
    trial = work.prompts(tokenizer, seed=0)
    ways = {"engine": ours(model)}
    ways["engine"](trial, work.new)
    for name, make in PEERS.items():
        tried = {b: seconds(make(model, b), trial, work.new) for b in sizes if b <= work.requests}
        best = min(tried, key=tried.__getitem__)
        shown = ", ".join(f"{b}: {t / work.requests:.3f}" for b, t in tried.items())
        say(f"  {name}: seconds a request by batch size {shown}; best {best}")
        ways[f"{name}, batch {best}"] = make(model, best)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(runs):
        prompts = work.prompts(tokenizer, seed=n + 1)
        for name, run in ways.items():
            times[name].append(seconds(run, prompts, work.new) / work.requests)
    mine = statistics.median(times.pop("engine"))
    return [
        figure(work.name, name, "seconds a request", mine, statistics.median(theirs), runs)
        for name, theirs in times.items()
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
    parser.add_argument("--only", help="one workload by its name")
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
    for work in SHORT if options.short else FULL:
        if options.only in (None, work.name):
            tokens = f"{work.shared} shared tokens, {work.own} own, {work.new} new"
            say(f"{work.name}: {work.requests} requests, {tokens}")
            show(compare(model, work, options.batch_sizes or sizes, options.runs or runs), options.json)


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
