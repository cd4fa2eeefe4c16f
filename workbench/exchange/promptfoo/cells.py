"""The `__expected` cells of a promptfoo test file: an assertion written as one text.

The grammar is promptfoo's own (src/csv.ts, version 0.123.1): "contains: Rome", "not-regex: ^No",
"similar(0.8): ...", "fn: code"; what is none of these is compared with the whole answer.
"""

from __future__ import annotations

import re
from typing import Any

LISTS = ("contains-all", "contains-any", "icontains-all", "icontains-any")
KNOWN = (
    *LISTS,
    *"contains icontains equals starts-with regex is-json contains-json levenshtein similar".split(),
    *"is-html contains-html is-sql contains-sql is-xml contains-xml is-refusal word-count".split(),
    *"answer-relevance bleu classifier context-faithfulness context-recall context-relevance".split(),
    *"cost factuality finish-reason g-eval gleu guardrails latency meteor moderation".split(),
    *"model-graded-closedqa model-graded-factuality perplexity perplexity-score pi".split(),
    *"rouge-n ruby search-rubric webhook is-valid-function-call llm-rubric".split(),
    *"is-valid-openai-function-call is-valid-openai-tools-call".split(),
)
THRESHOLD = (
    *"answer-relevance classifier context-faithfulness context-recall context-relevance cost".split(),
    *"latency levenshtein perplexity-score perplexity rouge-n similar starts-with".split(),
)
_TYPES = "|".join(sorted((re.escape(name) for name in KNOWN), key=len, reverse=True))
_CELL = re.compile(rf"(not-)?({_TYPES})(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?", re.S)


def assertion_of(cell: str) -> dict[str, Any]:
    """The assertion that a cell, without the space around it, stands for."""
    for prefix in ("javascript:", "fn:", "eval:"):
        if cell.startswith(prefix):
            return {"type": "javascript", "value": cell[len(prefix) :].strip()}
    for prefix in ("grade:", "llm-rubric:"):
        if cell.startswith(prefix):
            return {"type": "llm-rubric", "value": cell[len(prefix) :].strip()}
    if cell.startswith("python:"):
        return {"type": "python", "value": cell[7:].strip()}
    if cell.startswith("file://") and re.search(r"\.([cm]?[jt]s|py)\b", cell):
        return {"type": "python" if ".py" in cell else "javascript", "value": cell}
    found = _CELL.fullmatch(cell)
    if found is None:
        return {"type": "equals", "value": cell}
    inverse, kind, threshold, value = found.groups()
    read: dict[str, Any] = {"type": (inverse or "") + kind}
    if kind in LISTS:
        read["value"] = comma_separated(value or "")
    elif value is not None:
        read["value"] = value if kind in ("is-json", "contains-json") else value.strip()
    if kind in THRESHOLD:
        read["threshold"] = float(threshold) if threshold else 0.8 if kind == "similar" else 0.75
    return read


def comma_separated(text: str) -> list[str]:
    """The fields of a comma-separated text; those in double quotes may hold commas."""
    fields = re.findall(r'"((?:\\["\\]|""|[^"])*)"|([^,\s][^,]*)', text)
    return [
        re.sub(r'\\(["\\])', r"\1", quoted).replace('""', '"') if quoted else bare.strip()
        for quoted, bare in fields
    ]
