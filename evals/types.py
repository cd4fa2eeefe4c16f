"""The values that travel from a data row to a decision. Frozen, standard library only.

A datum's way: `Example` (a row) -> `Query` (the row without its target) -> `Request` (what the
model is asked) -> `Completion` (what it said) -> `Prediction` (the approach's answer, on disk)
-> `Score` (a grader's opinion of it) -> `Interval` -> `Status` -> `Decision`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "refused", "too_long", "error"]
"""Why a completion ended: by itself, at max_tokens, by a content filter, because the prompt did not
fit the context (nothing was generated), or because no answer came after retries."""

Failure = Literal["error", "too_long", "truncated", "refused", "format", "unjudged", "wrong"]
FAILURES: tuple[Failure, ...] = ("error", "too_long", "truncated", "refused", "format", "unjudged", "wrong")
"""In the order in which they are tried; a row has at most one."""

Split = Literal["dev", "test"]
StatusName = Literal["met", "not met", "insufficient evidence", "error"]
Verdict = Literal["ship", "escalate", "collect", "stop", "incomplete"]
Kind = Literal["format", "quality", "latency", "cost", "forgetting"]
Tier = Literal["critical", "advisory"]
State = Literal["scored", "not applicable", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


PromptText: TypeAlias = str | tuple[Message, ...]
"""What a model is given: plain text (no chat template is applied) or chat messages."""


@dataclass(frozen=True, slots=True)
class Document:
    """A passage that stands in a prompt."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """A row of a data file. `fields` are its other columns: never output, references or gold ids."""

    id: str
    input: str
    target: Json
    references: tuple[Json, ...] = ()
    group: str | None = None
    gold_doc_ids: tuple[str, ...] = ()
    fields: Mapping[str, Json] = field(default_factory=dict)

    def query(self) -> Query:
        """The row as an approach may see it: without anything that gives the answer away."""
        return Query(self.id, self.input, self.fields)


@dataclass(frozen=True, slots=True)
class Query:
    """A row without its target. Only the oracle arm of a diagnosis fills `documents`."""

    id: str
    input: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model. `grammar` is a JSON Schema, a regex or a label list for the decoder, with
    `after` behind free text up to a mark; `fresh` asks the model even where its answer is known (to time
    it)."""

    id: str
    prompt: PromptText
    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    grammar: Mapping[str, Json] | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost; of an answer that was kept, what it cost when it was asked for.
    `tokens_cached` are those of `tokens_in` that were not computed again;
    `seconds` is the row's share of its wave, or an endpoint call's wall time: never a latency."""

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    calls: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer to one request; `error` says why there is none (finish "error"), `reasoning` is
    what was said before the answer, where the decoder parts the two."""

    id: str
    text: str
    finish: Finish
    usage: Usage = Usage()
    error: str | None = None
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An answer that was sent back, and what was said to be wrong with it."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """An approach's answer to one query, as it is written to disk. `sources` are the ids of what was
    retrieved, best first; the first `shown` of them stood in the prompt, numbered from 1; `left_out`
    others were to stand there and did not fit, or not whole. `searched` is how many tokens of the query
    were searched for where it is longer than the embedder reads, 0 where all were. `rejected` are the
    answers that were sent back before this one, oldest first; `votes` is how many samples gave it, 0 where
    none voted. `reasoning` is what was said before the answer; no grader reads it."""

    id: str
    text: str
    finish: Finish
    usage: Usage = Usage()
    error: str | None = None
    sources: tuple[str, ...] = ()
    repeat: int = 0
    shown: int = 0
    left_out: int = 0
    searched: int = 0
    rejected: tuple[Rejected, ...] = ()
    votes: int = 0
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """A grader's opinion of one prediction.

    `value` is in [0, 1]. `answer` is what the grader read out of the text, for people. `failure`
    is "format" when the text could not be read as an answer, "wrong" when it was read and is not
    right, None when it is right. `why` is a short reason. `counts` maps a part to (numerator,
    denominator), summed over rows for the metric `grader.part`. `judged` is False where a judge said
    nothing that could be read: there is then no value, and the row is missing from the metric. `usage`
    is what a judge's calls took.
    """

    id: str
    grader: str
    value: float
    answer: Json = None
    failure: Literal["format", "wrong"] | None = None
    why: str = ""
    counts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    repeat: int = 0
    judged: bool = True
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its two-sided interval at `level`; `n` rows in `clusters` independent units."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    level: float


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the task asks of one metric. Exactly one of `at_least` and `at_most` is given."""

    metric: str
    kind: Kind
    at_least: float | None = None
    at_most: float | None = None
    tier: Tier = "critical"
    where: Mapping[str, Json] = field(default_factory=dict)

    @property
    def bound(self) -> float:
        """The threshold, whichever side it is on."""
        value = self.at_least if self.at_least is not None else self.at_most
        if value is None:
            raise ValueError(f"{self.metric} has neither at_least nor at_most")
        return value

    def sentence(self) -> str:
        """The requirement as people write it: "json_fields ≥ 0.80"."""
        return f"{self.metric} {'≥' if self.at_least is not None else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Status:
    """A requirement judged for one approach on one split, with the sentence that explains it.

    `low`/`high` are the one-sided bounds that were tested: the one that *met* asks for at the look's
    alpha, the one that *not met* asks for at the full alpha. `needed_n` is the number of rows that
    would settle it at the observed value at alpha/looks, None when settled or never.
    """

    metric: str
    status: StatusName
    split: Split
    value: float | None
    low: float | None
    high: float | None
    n: int
    needed_n: int | None
    why: str


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which model, and how it runs. `provider` is a key of `evals.models.PROVIDERS`."""

    name: str
    provider: str = "local"
    adapter: str | None = None
    dtype: str = "auto"
    revision: str | None = None
    endpoint: str | None = None
    api_key_env: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one approach: the example, what was answered, and what the graders say of it."""

    example: Example
    prediction: Prediction
    scores: Mapping[str, Score]
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything a decision knows of one approach. `rows[split]` holds the rows that were
    predicted and graded; `expected[split]` how many there should be; a split that was not asked
    for is absent from both. `latency` are seconds of single requests, measured one at a time.
    `provider` is that of its model, which says how a call is priced; "" is the task's model's. `start` names
    the approach that it adds to, "" where it stands alone; `chosen` says what its rung chose on dev. `pairs`
    are rows of preferred and other answers, where their likelihoods were asked for. `training` is the record
    of a tuned approach's training."""

    name: str
    hash: str
    kind: Literal["baseline", "tuned"]
    state: State
    why: str = ""
    rows: Mapping[Split, Sequence[Row]] = field(default_factory=dict)
    expected: Mapping[Split, int] = field(default_factory=dict)
    latency: tuple[float, ...] = ()
    fit_seconds: float = 0.0
    provider: str = ""
    start: str = ""
    chosen: str = ""
    pairs: Mapping[Split, Sequence[Row]] = field(default_factory=dict)
    training: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The first judgement of one approach on a test set: a line of looks.jsonl.

    `rows` are the hashes of the test rows, `alpha` the one-sided error this look may spend,
    `bounds` the thresholds at the time, by requirement sentence, `statuses` what was found. Where the
    approach was held against another, `against` is that one's hash and `bounds` are the margins.
    """

    approach: str
    name: str
    rows: tuple[str, ...]
    alpha: float
    bounds: Mapping[str, float]
    statuses: Mapping[str, StatusName] = field(default_factory=dict)
    against: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The content of decision.json (version 1). See `wb schema decision`."""

    task: Mapping[str, str]
    binding: bool
    notes: tuple[str, ...]
    verdict: Verdict
    approach: str | None
    recommendation: Mapping[str, Json]
    alpha_per_look: float
    looks: Mapping[str, int]
    requirements: tuple[Mapping[str, Json], ...]
    approaches: tuple[Mapping[str, Json], ...]
    diagnosis: tuple[str, ...] = ()
    arms: tuple[Mapping[str, Json], ...] = ()
    audit: Mapping[str, Json] = field(default_factory=dict)
    economics: Mapping[str, Json] = field(default_factory=dict)
    spent: Mapping[str, Json] = field(default_factory=dict)
    provenance: Mapping[str, Json] = field(default_factory=dict)
    headline: str = ""
    version: int = 1


class Progress(Protocol):
    """Where a long step says how far it is; the command line draws it on stderr. Behind a bar in spaces the
    name of a step may be followed by figures that change while it lasts: "lora: sft | loss 0.312"."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


class Model(Protocol):
    """The one door to a language model."""

    @property
    def context(self) -> int:
        """How many tokens prompt and answer may have together."""

    @property
    def fingerprint(self) -> str:
        """Changes when the answers could: with the weights, the tokenizer or the dtype."""

    def generate(self, requests: Sequence[Request], done: Collection[str] = ()) -> Iterator[Completion]:
        """Answer every request whose id is not in `done`, in any order, each as soon as it is
        finished. Waves are cut from the whole list, so that what is in `done` changes nothing
        about the rest."""

    def score(self, prompt: PromptText, continuations: Sequence[str]) -> list[float]:
        """The log-likelihood (natural log, summed over tokens) of each continuation."""

    def scores(self, asked: Sequence[tuple[PromptText, Sequence[str]]]) -> list[list[float]]:
        """`score` of many prompts, each with its continuations, which may be faster than one by one."""
        ...

    def count(self, prompt: PromptText) -> int:
        """How many tokens the prompt takes, chat template included."""


class Embedder(Protocol):
    """Texts to unit vectors. Only a text's first `context` tokens count; `fingerprint` changes when the
    vectors could."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def context(self) -> int: ...
    def __hash__(self) -> int: ...

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Each text's tokens, without those that mark its start and end."""

    def embed(self, texts: Sequence[str]) -> Any:
        """float32 array [len(texts), dim], rows of length one."""


class Models(Protocol):
    """Opens models by reference, each once."""

    def open(self, ref: ModelRef) -> Model: ...

    def embedder(self, name: str) -> Embedder: ...


class Approach(Protocol):
    """A frozen value: a model, a prompt and a decoder; saved as spec.json. `hash` identifies what is
    asked of which model. What is `done` is not asked again; given as a mapping to predictions, it also
    says how those rows came to their answers, so that what is left is asked as it would have been."""

    @property
    def name(self) -> str: ...

    @property
    def hash(self) -> str: ...

    def predict(
        self, queries: Sequence[Query], models: Models, done: Collection[str] = ()
    ) -> Iterator[Prediction]: ...


class Grader(Protocol):
    """Reads predictions against examples. `metrics` names what it gives: its own name first, then
    `name.part` for each pooled part; `higher_is_better` holds for all of them."""

    name: str
    metrics: Sequence[str]
    pass_at: float

    def grade(self, rows: Sequence[tuple[Example, Prediction]], models: Models) -> Iterator[Score]: ...


@dataclass(frozen=True)
class Work:
    """What a rung may use while it looks for its approach; it writes only under `dir`.

    `grade` gives one figure for graded dev rows, higher is better: what the ladder selects by.
    `start` is the approach to begin from, or None.
    """

    dir: Path
    task: Any
    models: Models
    grade: Callable[[Sequence[tuple[Example, Prediction]]], float]
    seed: int = 0
    budget: Mapping[str, float] = field(default_factory=dict)
    start: Approach | None = None
    progress: Progress = lambda step, done, total: None


class Rung(Protocol):
    """A recipe that finds an approach; its options are its fields."""

    @property
    def name(self) -> str: ...

    def fit(self, train: Sequence[Example], dev: Sequence[Example], work: Work) -> Approach: ...
