"""A task's documents, read once before anything is asked: for the audit, and to know that they can be read.

The rung that retrieves from them comes late on the ladder, so what would end it is told before the first
rung is paid for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from baselines.rag.documents import PassedOver, read_documents
from evals.documents import document_files
from evals.errors import DataError
from evals.task import Task
from evals.types import Document

NAMED = 3
"""Files that a sentence names."""
KEY = "data.documents"


@dataclass
class Documents:
    """The documents as they are iterated over; `fault` is then why they cannot be used, None where they can
    or where the task names none, and `passed_over` are the files that gave none."""

    task: Task
    fault: DataError | None = None
    passed_over: list[PassedOver] = field(default_factory=list)

    def __iter__(self) -> Iterator[Document]:
        if self.task.data.documents is None:
            return
        self.fault, self.passed_over = None, []
        try:
            yield from read_documents(self.task.path.parent / self.task.data.documents, self.passed_over)
        except DataError as error:
            self.fault = error

    def unread(self) -> str:
        """A sentence on the files that gave no document, "" when all did."""
        gone = sum(one.files for one in self.passed_over)
        if not gone or self.task.data.documents is None:
            return ""
        files = len(document_files(self.task.path.parent / self.task.data.documents))
        named = "; ".join(f"{one.file} {one.why}" for one in self.passed_over[:NAMED])
        more = gone - sum(one.files for one in self.passed_over[:NAMED])
        rest = f"; and {more} more" if more else ""
        return f"{gone} of {files} files of the documents could not be read: {named}{rest}"

    def need(self) -> None:
        """Read all of them. Raises DataError where they cannot be used."""
        for _ in self:
            pass
        self.must_be_sound()

    def must_be_sound(self) -> None:
        """Raises DataError where they were read and cannot be used."""
        if self.fault is not None:
            error = self.fault
            raise DataError(error.message, where=error.where, line=error.line, key=KEY, hint=error.hint)
