"""Raw rows of a data source, each with its line: JSONL, CSV or TSV, Parquet, or a hub data set.

Bytes are read as UTF-8 (a byte order mark and Windows line ends are fine). A row that cannot be
read is a DataError with file and line; for Parquet and the hub the "line" is the row, from 1.
"""

from __future__ import annotations

import base64
import csv
import datetime
import decimal
import io
import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import DataError
from evals.store import digest, file_digest
from evals.table import nearest

log = logging.getLogger(__name__)

Raw = tuple[int, dict[str, Any]]
"""A row's line and its columns."""

KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
ONE_A_LINE = "Write one object a line, without [ ] around them or commas between them."
INSTALL = "Install them: pip install datasets pyarrow"
HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test", "eval": "test"}
"""The split of a hub data set that is taken when none is named."""


@dataclass(frozen=True)
class Source:
    """Where a split's rows come from. `name` is as written, `path` None for a hub data set."""

    name: str
    role: str
    path: Path | None
    base: Path

    @property
    def shown(self) -> str:
        """How messages call it."""
        return str(self.path) if self.path is not None else self.name


def find_source(name: str, role: str, base: Path) -> Source:
    """Raises DataError when the file is not there, naming the nearest that is."""
    if name.startswith("hub:"):
        return Source(name, role, None, base)
    path = base / Path(name).expanduser()
    if path.suffix.lower() not in KINDS:
        raise DataError(
            "is of no kind that can be read",
            where=path,
            hint=f"Kinds: {', '.join(KINDS)}, or hub:OWNER/NAME.",
        )
    if not path.is_file():
        there = [p.name for p in path.parent.glob("*") if p.suffix in KINDS] if path.parent.is_dir() else []
        raise DataError(
            f"there is no such file (data.{role}).{nearest(path.name, there)}",
            where=path,
            hint="Paths are read from the task file's folder.",
        )
    return Source(name, role, path, base)


def read_rows(source: Source) -> Iterator[Raw]:
    """The rows in file order. Raises DataError."""
    if source.path is None:
        return _hub(source)
    readers: dict[str, Callable[[Path], Iterator[Raw]]] = {
        ".csv": lambda path: _separated(path, ","),
        ".tsv": lambda path: _separated(path, "\t"),
        ".parquet": _parquet,
    }
    try:
        return readers.get(source.path.suffix.lower(), _json_lines)(source.path)
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=source.path) from error


def source_digest(source: Source, rows: Iterable[object]) -> str:
    """The hash of the file's bytes; of a hub data set, that of its rows."""
    return file_digest(source.path) if source.path is not None else digest(list(rows))


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON value")


_decode = json.JSONDecoder(parse_constant=_no_constant).decode


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=path) from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("is UTF-16, not UTF-8 text", where=path, hint="Save the file as UTF-8.")
    return data.removeprefix(b"\xef\xbb\xbf")


def _not_utf8(path: Path, line: int, byte: int) -> DataError:
    return DataError(
        f"is not UTF-8 text (byte 0x{byte:02x})", where=path, line=line, hint="Save the file as UTF-8."
    )


def _json_lines(path: Path) -> Iterator[Raw]:
    for line, data in enumerate(_bytes(path).split(b"\n"), 1):
        if not data.strip():
            continue
        try:
            value = _decode(data.decode())
        except UnicodeDecodeError as error:
            raise _not_utf8(path, line, error.object[error.start]) from error
        except json.JSONDecodeError as error:
            raise DataError(
                f"is not JSON: {error.msg} (column {error.colno})",
                where=path,
                line=line,
                hint=ONE_A_LINE,
            ) from error
        except ValueError as error:
            raise DataError(f"is not JSON: {error}", where=path, line=line, hint=ONE_A_LINE) from error
        except RecursionError as error:
            raise DataError("is nested too deeply", where=path, line=line) from error
        if not isinstance(value, dict):
            raise DataError("a row must be a JSON object {...}", where=path, line=line, hint=ONE_A_LINE)
        yield line, value


def _separated(path: Path, delimiter: str) -> Iterator[Raw]:
    data = _bytes(path)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(path, data[: error.start].count(b"\n") + 1, data[error.start]) from error
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if not cells:
                pass
            elif header is None:
                header = _header(cells, path, line)
            elif len(cells) != len(header):
                raise DataError(
                    f"has {len(cells)} cells, the header has {len(header)}",
                    where=path,
                    line=line,
                    hint="Put cells that hold a comma or a line break in double quotes.",
                )
            else:
                yield line, dict(zip(header, cells, strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"is not CSV: {error}", where=path, line=line) from error


def _header(cells: list[str], path: Path, line: int) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if twice is not None:
        raise DataError(f"the column {twice!r} stands twice in the header", where=path, line=line)
    return names


def _parquet(path: Path) -> Iterator[Raw]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("Parquet files need pyarrow", where=path, hint=INSTALL) from error
    row = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
            for values in batch.to_pylist():
                row += 1
                yield row, {key: jsonable(value) for key, value in values.items()}
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"is not a Parquet file that can be read ({error})", where=path) from error


def _hub(source: Source) -> Iterator[Raw]:
    try:
        import datasets
    except ImportError as error:
        raise DataError("hub data sets need datasets", where=source.name, hint=INSTALL) from error
    name, config, split, revision = hub_parts(source.name)
    folder = source.base / Path(name).expanduser()
    wanted = split or HUB_SPLITS.get(source.role, "train")
    if not folder.is_dir():
        log.info("fetching the data set %s (%s) from the hub, or its cache", name, wanted)
    try:
        table = datasets.load_dataset(
            str(folder) if folder.is_dir() else name, config, split=wanted, revision=revision
        )
    except (OSError, ValueError, LookupError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise DataError(
            f"cannot be loaded: {reason}",
            where=source.name,
            hint=f"It is read with datasets.load_dataset({name!r}, {config!r}, split={wanted!r}).",
        ) from error
    names = {
        column: feature.int2str
        for column, feature in table.features.items()
        if isinstance(feature, datasets.ClassLabel)
    }
    for row, values in enumerate(table, 1):
        for column, named in names.items():
            label = values[column]
            values[column] = None if label is None or label < 0 else named(label)
        yield row, {key: jsonable(value) for key, value in values.items()}


def hub_parts(source: str) -> tuple[str, str | None, str | None, str | None]:
    """(name, config, split, revision) of hub:NAME[:CONFIG][@SPLIT][#REVISION]."""
    rest, _, revision = source.removeprefix("hub:").partition("#")
    rest, _, split = rest.partition("@")
    name, _, config = rest.partition(":")
    return name, config or None, split or None, revision or None


def jsonable(value: Any) -> Any:
    """A value of a typed table as JSON has it: dates as ISO text, NaN as null, bytes as base64."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(inner) for inner in value]
    if isinstance(value, (float, decimal.Decimal)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)
