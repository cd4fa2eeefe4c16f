"""The files of a folder of documents, and their hash."""

from __future__ import annotations

from pathlib import Path

from evals.documents import document_files, document_name, documents_digest


def test_files_come_in_the_order_of_their_names_and_hidden_ones_not_at_all(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a/.git/config", ".DS_Store", "c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [document_name(p, tmp_path) for p in document_files(tmp_path)] == ["a/z.md", "b.md", "c.png"]
    assert document_files(tmp_path / "b.md") == [tmp_path / "b.md"]
    assert document_name(tmp_path / "b.md", tmp_path / "b.md") == "b.md"
    assert document_files(tmp_path / "nothing") == []


def test_the_hash_changes_with_names_and_contents_alone(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one")
    first = documents_digest(tmp_path)
    (tmp_path / "a.md").touch()
    assert documents_digest(tmp_path) == first
    (tmp_path / "a.md").rename(tmp_path / "b.md")
    renamed = documents_digest(tmp_path)
    (tmp_path / "b.md").write_text("two")
    assert len({first, renamed, documents_digest(tmp_path)}) == 3
