"""Loaders: what turns a file into documents, by the file's suffix.

A loader takes the path and the file's name among the documents and yields `Document`s; it raises
DataError, with the file, for one that cannot be read. The text of a document keeps its structure in one
form, whatever the file was: headings as Markdown writes them, an empty line between paragraphs.
"""

from evals.table import Table

LOADERS = Table(
    "loader",
    {
        ".md": "baselines.rag.loaders.text:load_text",
        ".markdown": "baselines.rag.loaders.text:load_text",
        ".txt": "baselines.rag.loaders.text:load_text",
        ".rst": "baselines.rag.loaders.text:load_text",
        ".html": "baselines.rag.loaders.html:load_html",
        ".htm": "baselines.rag.loaders.html:load_html",
        ".pdf": "baselines.rag.loaders.pdf:load_pdf",
        ".jsonl": "baselines.rag.loaders.jsonl:load_jsonl",
    },
)
