"""PDF files: the text layer of their pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from baselines.rag.loaders.text import read_bytes
from evals.errors import DataError
from evals.types import Document


def load_pdf(path: Path, name: str) -> Iterator[Document]:
    """All pages as one document, each page a paragraph or more. Raises DataError when the file is
    encrypted with a password, damaged, too large, or has no text layer."""
    data = read_bytes(path)
    if not data.strip():
        raise DataError("is empty", where=path)
    text = "\n\n".join(page.strip() for page in _pages(data, path))
    if not text.strip():
        raise DataError(
            "has no text layer", where=path, hint="It may be a scan: run it through text recognition first."
        )
    yield Document(name, text.encode("utf-8", "replace").decode())  # fonts may map to half a character


def _pages(data: bytes, path: Path) -> list[str]:
    """pypdf says that "broken PDF files might cause other exceptions" than its own: all are told alike."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = pypdf.PdfReader(BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DataError("is encrypted", where=path, hint="Save it without a password.")
        return [page.extract_text() for page in reader.pages]
    except DataError:
        raise
    except Exception as error:
        why = str(error) or type(error).__name__
        raise DataError(f"is not a PDF that can be read ({why})", where=path) from error
