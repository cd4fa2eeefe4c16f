"""From a prompt to token ids: chat templates, models without one, templates without a system role."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jinja2 import TemplateError
from numpy.typing import NDArray

from evals.errors import ModelError
from evals.types import Message, PromptText

log = logging.getLogger(__name__)

Ids = NDArray[np.int32]
BATCH = 256


class Renderer:
    """Renders and tokenises prompts with one tokenizer. `head` are tokens that a soft prompt stands for:
    they are cut from the beginning of every prompt that has them."""

    def __init__(self, tokenizer: Any, name: str, head: Sequence[int] = ()) -> None:
        self.tokenizer, self.name, self.head = tokenizer, name, head
        self._system_role = True
        self._told: set[str] = set()

    def text(self, prompt: PromptText) -> str:
        """What the model reads: plain text as it is, messages through the chat template."""
        if isinstance(prompt, str):
            return prompt
        if not self.tokenizer.chat_template:
            self._tell("the model %s has no chat template: messages are written as plain text")
            return _plain(prompt)
        if self._system_role:
            try:
                text = self._apply(prompt)
            except TemplateError as error:
                if not any(m.role == "system" for m in prompt):
                    raise ModelError(
                        f"the chat template of {self.name} refuses the prompt ({error})"
                    ) from error
                self._system_role = False
            else:
                if all(m.content.strip() in text for m in prompt if m.role == "system"):
                    return text
                self._system_role = False
            self._tell("the chat template of %s takes no system role: its text stands before the user's")
        try:
            return self._apply(_without_system(prompt))
        except TemplateError as error:
            raise ModelError(f"the chat template of {self.name} refuses the prompt ({error})") from error

    def ids(self, prompts: Sequence[PromptText]) -> list[Ids]:
        """Token ids of each prompt, int32 arrays of at least one token (an empty prompt is the
        beginning-of-text token). Plain text gets the tokenizer's special tokens, rendered messages
        do not: their template writes them."""
        found: list[Ids] = []
        for start in range(0, len(prompts), BATCH):
            found += self._batch(prompts[start : start + BATCH])
        return found

    def text_ids(self, texts: Sequence[str], special: bool) -> list[Ids]:
        """Token ids of rendered texts; `special` as for plain prompts. May be empty."""
        if not texts:
            return []
        rows = self.tokenizer(list(texts), add_special_tokens=special)["input_ids"]
        return [np.asarray(row, dtype=np.int32) for row in rows]

    def start(self) -> int:
        """The token that stands for an empty prompt."""
        for token in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        return 0

    def _batch(self, prompts: Sequence[PromptText]) -> list[Ids]:
        texts = [self.text(p) for p in prompts]
        rows: list[Ids] = [np.empty(0, np.int32)] * len(prompts)
        for special in (True, False):
            places = [i for i, p in enumerate(prompts) if isinstance(p, str) == special]
            for place, row in zip(places, self.text_ids([texts[i] for i in places], special), strict=True):
                rows[place] = self.cut(row) if len(row) else np.asarray([self.start()], np.int32)
        return rows

    def cut(self, ids: Ids) -> Ids:
        """The ids behind those that they share with the head; at least one stays."""
        most = min(len(self.head), len(ids) - 1)
        differ = (ids[:most] != np.asarray(self.head[:most], ids.dtype)).nonzero()[0]
        return ids[int(differ[0]) if len(differ) else max(most, 0) :]

    def _apply(self, messages: Sequence[Message]) -> str:
        turns = [{"role": m.role, "content": m.content} for m in messages]
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            log.warning(message, self.name)


def _plain(messages: Sequence[Message]) -> str:
    """ "System: …", "User: …", "Assistant: …", and an open "Assistant:" at the end."""
    turns = [f"{m.role.capitalize()}: {m.content}" for m in messages]
    return "\n\n".join([*turns, "Assistant:"])


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The system text put before the first user message (or as a user message of its own)."""
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    rest = [m for m in messages if m.role != "system"]
    for place, message in enumerate(rest):
        if system and message.role == "user":
            rest[place] = replace(message, content=f"{system}\n\n{message.content}")
            return rest
    return [Message("user", system), *rest] if system else rest
