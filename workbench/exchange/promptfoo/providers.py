"""promptfoo's providers as the models of task files, with what they say of generation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evals.types import Json
from workbench.exchange.promptfoo.source import Source

SERVICES = {
    "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "ollama": ("http://localhost:11434/v1", None),
    "vllm": ("http://localhost:8000/v1", None),
}
"""Those that speak the protocol of OpenAI's chat completions: address, and where the key is."""
KINDS = ("chat", "completion", "responses")
SETTINGS = {"temperature": "temperature", "max_tokens": "max_tokens", "stop": "stop"}
CONNECTION = {"apiBaseUrl", "apiHost", "apiKeyEnvar"}


@dataclass(frozen=True)
class Provider:
    """A model as task.yaml has it, and its part of `generation`."""

    label: str
    model: Json
    generation: Mapping[str, Json] = field(default_factory=dict)


def providers_of(source: Source, model: str | None) -> list[Provider]:
    """The providers that can be carried over, all of them or, with `model`, that model with the settings of
    the first; an empty list where there is none."""
    key = "targets" if "targets" in source.value and "providers" not in source.value else "providers"
    given = source.value.get(key, [])
    found = []
    for place, entry in enumerate(given if isinstance(given, list) else [given]):
        provider = _provider(entry, f"{key}[{place}]", source, bool(model))
        if provider is not None:
            found.append(provider)
    if model is None:
        return found
    return [Provider(model, model, found[0].generation if found else {})]


def _provider(entry: Any, key: str, source: Source, replaced: bool) -> Provider | None:
    name, label = entry, ""
    config: Any = {}
    if isinstance(entry, dict):
        if "id" not in entry and len(entry) == 1:
            ((name, inner),) = entry.items()
            entry = {"id": name, **(inner if isinstance(inner, dict) else {})}
        name, label, config = entry.get("id"), str(entry.get("label") or ""), entry.get("config") or {}
        for other in sorted(entry.keys() - {"id", "label", "config"}):
            source.leave_out(f"{key}.{other}", "has no counterpart here")
    if not isinstance(name, str) or not isinstance(config, dict):
        source.leave_out(key, "is no provider")
        return None
    generation = {ours: config[theirs] for theirs, ours in SETTINGS.items() if config.get(theirs) is not None}
    for other in sorted(config.keys() - SETTINGS.keys() - CONNECTION):
        source.leave_out(f"{key}.config.{other}", "has no counterpart here")
    model = _model(name, config)
    if model is None and not replaced:
        source.leave_out(key, f"{name}: no model that can be asked here; name one with --model")
        return None
    return Provider(label or name, model, generation)


def _model(name: str, config: Mapping[str, Any]) -> Json:
    """The model of a provider's id, None where it is none of ours."""
    service, _, rest = name.partition(":")
    if service == "huggingface":
        return rest.partition(":")[2] or None
    if service not in SERVICES or not rest:
        return None
    kind, _, model = rest.partition(":")
    model = model if kind in KINDS else rest
    address, variable = SERVICES[service]
    if config.get("apiHost"):
        address = f"https://{config['apiHost']}/v1"
    found: dict[str, Json] = {"endpoint": config.get("apiBaseUrl") or address, "name": model}
    variable = config.get("apiKeyEnvar") or variable
    return {**found, "api_key_env": variable} if variable else found
