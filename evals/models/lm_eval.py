"""Our models as a model of lm-eval (EleutherAI's lm-evaluation-harness), so that its tasks run on any local
model an approach stands on: a base, an adapter, a soft prompt, in the engine.

    python -m evals.models.lm_eval run --model workbench --model_args name=smollm2-135m --tasks ...

is lm-eval's own command line with the model `workbench` registered; importing this module registers it too.
Texts become tokens exactly as lm-eval's `hf` model makes them, so that in fp32 both find the same. What `hf`
takes and the engine does not do (nuclei, penalties, beams) is refused by name, never ignored.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from lm_eval import utils
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from lm_eval.models.utils import normalize_gen_kwargs

from evals.errors import ModelError
from evals.models.chat import Ids
from evals.models.local import LocalModel, open_local
from evals.store import read_json, reading, revive
from evals.types import Message, ModelRef, Request

log = logging.getLogger(__name__)

SAMPLING = {"top_p", "top_k", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"}
"""Of no effect on greedy answers; how often a sampled one may be drawn they change."""
MOST_TOKENS = 256
"""Of an answer whose task does not say, as in lm-eval."""


@register_model("workbench")
class Workbench(TemplateLM):  # type: ignore[misc]
    """A local model of ours, asked by lm-eval. One process; batches are the engine's own.

    `model` is one that is open already; else it is opened by `name` and the other fields of `ModelRef`, or as
    the model of `approach`, an approach's folder in a run. Raises ModelError when it is not there, when it is
    behind an endpoint, or when an option is unknown.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        model: LocalModel | None = None,
        approach: str | None = None,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        **ref: Any,
    ) -> None:
        super().__init__()
        if batch_size not in (None, 1, "1", "auto"):  # a device is always named by lm-eval's command line
            log.warning("batch_size=%s has no effect: the engine chooses by itself", batch_size)
        self.local = model or open_local(_reference(name, approach, ref))

    # What lm-eval asks of a model with a tokenizer

    @property
    def tokenizer(self) -> Any:
        """The transformers tokenizer."""
        return self.local.renderer.tokenizer

    @property
    def tokenizer_name(self) -> str:
        """What lm-eval keeps requests by."""
        return f"{self.local.name}-{self.local.fingerprint}".replace("/", "__")

    @property
    def eot_token_id(self) -> int:
        """The end-of-text token."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """What stands before a text without a context."""
        return self.local.renderer.start()

    @property
    def max_length(self) -> int:
        """The context, in tokens."""
        return self.local.context

    @property
    def max_gen_toks(self) -> int:
        """Tokens of an answer whose task does not say how many."""
        return MOST_TOKENS

    def get_model_info(self) -> dict[str, str]:
        """What lm-eval writes down beside its results."""
        return {
            "model_dtype": str(self.local.engine.dtype),
            "model_sha": self.local.fingerprint,
            "model_revision": "",
        }

    @cached_property
    def _prefix(self) -> str:
        return str(self.tokenizer.decode([self.prefix_token_id]))

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
        """Token ids; where not said, with the special tokens that the text does not begin with itself."""
        if add_special_tokens is None:
            add_special_tokens = not string.startswith(self._prefix)
        return [int(i) for i in self.tokenizer.encode(string, add_special_tokens=add_special_tokens)]

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The chat as the model reads it: up to the open assistant's turn, or, without
        `add_generation_prompt`, ending within the last message. As everywhere here, a system message that
        the template does not take stands before the user's."""
        if add_generation_prompt:
            turns = (Message(m["role"], m["content"]) for m in chat_history)  # type: ignore[arg-type]
            return self.local.renderer.text(tuple(turns))
        return str(
            self.tokenizer.apply_chat_template(
                chat_history, tokenize=False, add_generation_prompt=False, continue_final_message=True
            )
        )

    # The three ways of asking

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """An answer for each (text, settings), up to a stop string or `max_gen_toks`. As with `hf`, a text
        too long for the context loses its beginning. Raises ModelError for settings that the engine does not
        have."""
        asked, prompts = [], []
        for number, instance in enumerate(requests):
            text, settings = instance.args
            request = _request(str(number), settings)
            room = self.max_length - request.max_tokens
            if room <= 0:
                raise ModelError(
                    f"max_gen_toks is {request.max_tokens}, and the context is {self.max_length}",
                    hint="Set a smaller one with lm-eval's --gen_kwargs.",
                )
            asked.append(request)
            ids = self.tok_encode(text) or [self.prefix_token_id]
            if len(ids) > room:
                log.warning("a prompt of %d tokens loses its beginning: there is room for %d", len(ids), room)
            prompts.append(self._cut(ids[-room:]))
        found = {c.id: c.text for c in self.local.engine.answer(asked, prompts)}
        answers = [found[request.id] for request in asked]
        for instance, answer in zip(requests, answers, strict=True):
            self.cache_hook.add_partial("generate_until", instance.args, answer)
        return answers

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], disable_tqdm: bool = False, **options: Any
    ) -> list[tuple[float, bool]]:
        """(log-likelihood, whether it is the greedy answer) for each (key, context, continuation), kept in
        lm-eval's cache by its key. Continuations of one context are computed together; what is too long
        loses its beginning."""
        places: dict[tuple[int, ...], list[int]] = {}
        for place, (_, before, after) in enumerate(requests):
            left = max(self.max_length + 1 - len(after), 1)
            places.setdefault(tuple(before[-left:]), []).append(place)
        read = [
            (self._cut(before), [np.asarray(requests[p][2], np.int32) for p in mine], [0] * len(mine))
            for before, mine in places.items()
        ]
        found: list[tuple[float, bool]] = [(0.0, False)] * len(requests)
        for mine, told in zip(places.values(), self.local.engine.tell(read), strict=True):
            for place, one in zip(mine, told, strict=True):
                found[place] = one
        for (key, _, _), one in zip(requests, found, strict=True):
            if key is not None:
                self.cache_hook.add_partial("loglikelihood", key, one)
        return found

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of each whole text, in windows of the context's length, each token once."""
        owners: list[int] = []
        windows: list[tuple[None, list[int], list[int]]] = []
        for number, instance in enumerate(requests):
            for before, after in self._windows(instance.args[0]):
                owners.append(number)
                windows.append((None, before, after))
        sums = [0.0] * len(requests)
        for number, (value, _) in zip(owners, self._loglikelihood_tokens(windows), strict=True):
            sums[number] += value
        for instance, value in zip(requests, sums, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", instance.args, value)
        return sums

    def _windows(self, text: str) -> Iterable[tuple[list[int], list[int]]]:
        """(context, what is asked) of a text's windows, by lm-eval's own rule."""
        rolling = utils.get_rolling_token_windows(
            token_list=self.tok_encode(text),
            prefix_token=self.prefix_token_id,
            max_seq_len=self.max_length,
            context_len=1,
        )
        return map(utils.make_disjoint_window, rolling)

    def _cut(self, ids: Sequence[int]) -> Ids:
        """A prompt for the engine, without what a soft prompt stands for."""
        return self.local.renderer.cut(np.asarray(ids, np.int32))


def _reference(name: str | None, approach: str | None, fields: dict[str, Any]) -> ModelRef:
    """The model that lm-eval's `--model_args` name."""
    if (name is None) == (approach is None):
        raise ModelError(
            "the lm-eval model workbench needs either name=MODEL or approach=FOLDER",
            hint="For example --model_args name=smollm2-135m,dtype=float32.",
        )
    if approach is not None:
        ref = _of_approach(Path(approach))
    else:
        ref = ModelRef(str(name))
    known = [f for f in ModelRef.__dataclass_fields__ if f not in ("name", "endpoint", "api_key_env")]
    if unknown := [key for key in fields if key not in known]:
        raise ModelError(
            f"the lm-eval model workbench takes no {unknown[0]}",
            hint=f"It takes: name, approach, {', '.join(known)}.",
        )
    ref = replace(ref, **fields)
    if ref.provider != "local":
        raise ModelError(
            f"{ref.name} is behind an endpoint, which gives no log-likelihoods of given texts",
            hint="Use lm-eval's own model `local-chat-completions` for it.",
        )
    return ref


def _of_approach(folder: Path) -> ModelRef:
    """The model that a saved approach stands on; its adapter lies beside its spec."""
    path = folder / "spec.json"
    with reading(path):
        ref: ModelRef = revive(ModelRef, read_json(path)["model"])
    if ref.adapter is not None and not Path(ref.adapter).is_absolute():
        return replace(ref, adapter=str(folder / ref.adapter))
    return ref


def _request(id: str, settings: dict[str, Any]) -> Request:
    """A request with lm-eval's generation settings; its prompt is given apart, as tokens. Raises ModelError
    for what the engine does not do."""
    kwargs = normalize_gen_kwargs(settings, MOST_TOKENS)
    until, most = kwargs.pop("until", None) or [], int(kwargs.pop("max_gen_toks"))
    sampled, temperature = bool(kwargs.pop("do_sample", False)), float(kwargs.pop("temperature", 0.0))
    kwargs.pop("use_cache", None)
    if not sampled:
        kwargs = {k: v for k, v in kwargs.items() if k not in SAMPLING}
    elif temperature <= 0:
        raise ModelError("do_sample needs a temperature above 0", hint="Set one with lm-eval's --gen_kwargs.")
    if kwargs:
        raise ModelError(
            f"the engine does not decode with {', '.join(kwargs)}",
            hint="It answers greedily or at a temperature: change the task's generation_kwargs.",
        )
    stop = (until,) if isinstance(until, str) else tuple(until)
    return Request(id, "", most, stop, temperature if sampled else 0.0)


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
