"""Tables of contents: a family's names, each with where the thing named lives.

A table maps a name to "module:attribute". It reads as a list of what exists and imports nothing
until an entry is used. Other distributions add entries through the entry point group
`workbench.<family>` with the same strings.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from evals.errors import TaskError


def nearest(word: str, words: Iterable[str]) -> str:
    """ " Did you mean 'x'?" for the nearest spelling, or an empty string."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return f" Did you mean {found[0]!r}?" if found else ""


class Table(Mapping[str, str]):
    """One family's names. `family` is the word used in messages: "grader", "rung"."""

    def __init__(self, family: str, entries: Mapping[str, str]) -> None:
        self.family = family
        self._own = dict(entries)

    @property
    def _all(self) -> dict[str, str]:
        plugins = {e.name: e.value for e in entry_points(group=f"workbench.{self.family}")}
        return {**plugins, **self._own}

    def __getitem__(self, name: str) -> str:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def load(self, name: str, *, where: Any = None, key: str | None = None) -> Any:
        """The thing named. Raises TaskError with the nearest spelling and what there is."""
        entries = self._all
        if name not in entries:
            raise TaskError(
                f"there is no {self.family} {name!r}.{nearest(name, entries)}",
                where=where,
                key=key,
                hint=f"Available: {', '.join(entries)}.",
            )
        module, _, attribute = entries[name].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def build(
        self,
        name: str,
        options: Mapping[str, Any],
        *,
        where: Any = None,
        key: str | None = None,
        also: Sequence[str] = (),
        **given: Any,
    ) -> Any:
        """Call the thing named with `given` (what the workbench supplies) and the user's options.
        An option that is a word of Python (`from`) is the parameter `from_`; `also` names options
        that the caller has taken out already.

        Raises TaskError when an option does not exist, and says which do; a ValueError of the
        constructor is reported at `where` and `key`.
        """
        make = self.load(name, where=where, key=key)
        parameters = inspect.signature(make).parameters
        takes = {p.rstrip("_"): p for p in parameters if p not in given and p not in ("self", "name")}
        for option in options:
            if option not in takes:
                there = [*takes, *(word for word in also if word not in takes)]
                raise TaskError(
                    f"the {self.family} {name!r} has no option {option!r}.{nearest(option, there)}",
                    where=where,
                    key=key,
                    hint=f"Its options: {', '.join(there) or 'none'}.",
                )
        try:
            return make(
                **{k: v for k, v in given.items() if k in parameters},
                **{takes[option]: value for option, value in options.items()},
            )
        except (TypeError, ValueError) as error:
            raise TaskError(f"the {self.family} {name!r}: {error}", where=where, key=key) from error
