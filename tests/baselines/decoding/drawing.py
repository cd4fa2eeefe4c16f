"""A model that answers from lists, and what comes of prompts that are decoded with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from baselines.decoding.decode import decode
from baselines.decoding.decoder import Answer, Chat, Decoder
from evals.types import Completion, Message, Request, Usage
from tests.scripted import Scripted


def prompts(*ids: str) -> dict[str, Chat]:
    return {id: (Message("user", f"ask {id}"),) for id in ids}


class Lists(Scripted):
    """Answers the request of an id with that id's texts, one after the other. A text may end in one of the
    other ways: "text|length", "|too_long", "|error". Remembers each list of requests it was given."""

    def __init__(self, **texts: Sequence[str]) -> None:
        super().__init__(lambda request: "")
        self.texts = {id: list(some) for id, some in texts.items()}
        self.lists: list[list[Request]] = []

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        self.lists.append(list(requests))
        for request in requests:
            if request.id not in done:
                self.asked.append(request)
                text, _, finish = self.texts[request.id].pop(0).partition("|")
                error = "gone" if finish == "error" else None
                usage = Usage(10, 0, len(text), 1)
                yield Completion(request.id, text, finish or "stop", usage, error)  # type: ignore[arg-type]


def answers(decoder: Decoder, model: Scripted, *ids: str, done: Collection[str] = ()) -> dict[str, Answer]:
    return {a.completion.id: a for a in decode(decoder, prompts(*ids), model, done)}
