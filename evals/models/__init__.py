"""The one door to language models and embedders: the table of providers, and who opens them.

    Loader().open(ModelRef("smollm2-135m")).generate(requests)

`local` runs a model on this machine (known.py says which names come from where, cache.py makes them
ready, engine/ runs them); `endpoint` asks an OpenAI-compatible service; embed.py turns texts into
vectors. Nothing heavy is imported before something is opened.
"""

from __future__ import annotations

import inspect
from typing import Any

from evals.store import canonical
from evals.table import Table
from evals.types import Embedder, Model, ModelRef

PROVIDERS = Table(
    "provider",
    {
        "local": "evals.models.local:open_local",
        "endpoint": "evals.models.endpoint:open_endpoint",
    },
)


class Loader:
    """Opens models and embedders by reference, each once. Implements `evals.types.Models`.

    `options` are settings of this command rather than of the model (such as `jobs`, the number of
    concurrent endpoint requests); each goes to the providers that take it. `allows_code` says whether
    the command lets graders run code that a model wrote, `trusts_code` whether it lets a local model run
    code that it brings along.
    """

    def __init__(self, *, allows_code: bool = False, trusts_code: bool = False, **options: Any) -> None:
        self.allows_code, self.trusts_code = allows_code, trusts_code
        self._options = {**options, "trusts_code": trusts_code}
        self._models: dict[str, Model] = {}
        self._embedders: dict[str, Embedder] = {}

    def open(self, ref: ModelRef) -> Model:
        """The model. Raises TaskError for an unknown provider, ModelError when it is not there."""
        key = canonical(ref)
        if key not in self._models:
            make = PROVIDERS.load(ref.provider, key="model")
            takes = inspect.signature(make).parameters
            self._models[key] = make(ref, **{k: v for k, v in self._options.items() if k in takes})
        return self._models[key]

    def rest(self) -> None:
        """Let the models that hold their weights in memory let go of them, until they are asked again."""
        for model in self._models.values():
            if hasattr(model, "rest"):
                model.rest()

    def embedder(self, name: str) -> Embedder:
        """The embedder. Raises ModelError when it is not there."""
        if name not in self._embedders:
            from evals.models.embed import open_embedder

            self._embedders[name] = open_embedder(name)
        return self._embedders[name]
