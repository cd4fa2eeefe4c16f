"""Bytes on disk: atomic files, append-only JSONL that survives a kill, stable hashes, one writer.

A file is either whole or absent: it is written to a temporary name in the same folder, synced and
renamed. A line of an append-only file is complete once its newline is there; what a kill tore off
is cut away by the next writer and ignored by every reader.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import hashlib
import json
import os
import socket
import time
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evals.errors import ResumableError, RunError

DAMAGED = "Restore the file. A run folder can also be deleted: `wb assess` then makes a new one."


def plain(value: Any) -> Any:
    """The JSON form of dataclasses, mappings, tuples and paths, nested ones too."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def canonical(value: Any) -> str:
    """One text for equal values: keys sorted, no spaces. Raises ValueError on NaN or infinity."""
    return json.dumps(
        plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def digest(value: Any, length: int = 16) -> str:
    """The first `length` hex digits of the SHA-256 of the value's canonical JSON."""
    return hashlib.sha256(_bytes(canonical(value))).hexdigest()[:length]


def file_digest(path: Path, length: int = 16) -> str:
    """The first `length` hex digits of the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:length]


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """What the disk refuses becomes an error a person can act on: a full one can be resumed."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ResumableError(
                f"the disk is full ({error.strerror})",
                where=path,
                hint="Free some space and run the same command again: it continues from here.",
            ) from error
        raise RunError(
            f"cannot be written ({error.strerror or error})",
            where=path,
            hint="Make it writable, or choose another folder with --out.",
        ) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What was read from `path` and is not of the shape this version writes becomes a RunError."""
    try:
        yield
    except RunError as error:
        if error.where is not None:
            raise
        raise RunError(error.message, where=path, hint=error.hint) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"is damaged ({error!r})", where=path, hint=DAMAGED) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically. Raises ResumableError on a full disk; no partial file stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, _bytes(text))


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, keys in their own order, with a final newline, atomically."""
    write_text(path, json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Write a whole JSONL file atomically."""
    write_text(path, "".join(_line(value) for value in values))


def read_json(path: Path) -> Any:
    """Read one of the workbench's own JSON files. Raises RunError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError("is missing", where=path, hint=DAMAGED) from error
    except ValueError as error:
        raise RunError(f"is damaged ({error})", where=path, hint=DAMAGED) from error
    except OSError as error:
        raise RunError(f"cannot be read ({error.strerror})", where=path) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of an append-only JSONL file; a torn last line is ignored, no file is [].
    A last line that only lacks its newline, as an editor may leave it, is complete.

    Raises RunError when a line before the last is damaged.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"cannot be read ({error.strerror})", where=path) from error
    rows: list[dict[str, Any]] = []
    if not _is_whole(lines[-1]):
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            rows.append({**json.loads(line)})
        except (ValueError, TypeError) as error:
            raise RunError(f"is damaged ({error})", where=path, line=number, hint=DAMAGED) from error
    return rows


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which a model may emit, becomes its JSON escape and is read back as it was."""
    return text.encode("utf-8", "backslashreplace")


def _line(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


class Appender:
    """Appends lines to a JSONL file, each handed to the kernel before `write` returns.

    Opening cuts a torn last line. Closing syncs to the disk. Use as a context manager.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
            _cut_torn_line(path)

    def write(self, value: Any) -> None:
        """Append one value. Raises ResumableError on a full disk."""
        data = memoryview(_bytes(_line(value)))
        with disk_errors(self.path):
            while data:
                data = data[self._file.write(data) :]

    def close(self) -> None:
        """Sync and close."""
        with disk_errors(self.path):
            try:
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def __enter__(self) -> Appender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cut_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if _is_whole(data[whole:]):
            file.write(b"\n")
        elif whole != len(data):
            file.truncate(whole)


def _is_whole(line: bytes) -> bool:
    """Whether a line is a JSON object: one that was torn off is none."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@contextmanager
def lock(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold `path` as the only writer; the lock goes with the process, however it ends.

    Raises RunError naming the process that holds it, after up to `wait` seconds.
    """
    import fcntl

    deadline = time.monotonic() + wait

    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                owner = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another process"
                raise RunError(
                    f"is being written by {owner}",
                    where=path.parent,
                    hint="Wait for it, or end that process first.",
                ) from error
        with disk_errors(path):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def revive(kind: Any, value: Any) -> Any:
    """The inverse of `plain`: rebuild a value of type `kind` from its JSON form.

    Knows dataclasses, tuples, mappings, unions with None and Path; anything else passes through.
    Raises RunError when a dataclass is given keys it does not have, or lacks some.
    """
    if value is None:
        return None
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        try:
            return kind(**{k: revive(hints[k], v) for k, v in value.items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"does not look like a {kind.__name__} of this version ({error})", hint=DAMAGED
            ) from error
    if origin in (typing.Union, types.UnionType):
        rich = [a for a in args if dataclasses.is_dataclass(a) or typing.get_origin(a) is tuple or a is Path]
        return revive(rich[0], value) if rich else value
    if origin is tuple and isinstance(value, list):
        inner = args if args[-1] is not Ellipsis else [args[0]] * len(value)
        return tuple(revive(k, v) for k, v in zip(inner, value, strict=True))
    if origin in (Mapping, dict) and isinstance(value, dict):
        return {k: revive(args[1], v) for k, v in value.items()}
    return Path(value) if kind is Path else value
