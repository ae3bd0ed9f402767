"""What a file is: Parquet, CSV or NDJSON (also gzipped), told by its content, with its encoding and delimiter."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from assay.collect.importers.base import Options, canonical
from assay.model.errors import DataError, UsageError

Kind = Literal["parquet", "csv", "ndjson"]
_SAMPLE = 1 << 18
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class File:
    """One file as it was found. ``delimiter`` and ``header`` (column names, none twice) only for CSV."""

    path: Path
    kind: Kind
    zipped: bool = False
    encoding: str = "utf-8"
    delimiter: str = ","
    header: tuple[str, ...] = ()
    skip: int = 0

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    @contextmanager
    def text(self) -> Iterator[IO[str]]:
        """The text from its beginning; bytes that are not in the encoding survive as surrogates."""
        with opened(self.path, self.zipped) as raw:
            yield io.TextIOWrapper(raw, self.encoding, errors="surrogateescape", newline="")

    def digest(self, importer: str, options: Options, **more: Any) -> str:
        """16 hex digits that stand for the bytes, the importer and its options."""
        with self.path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256")
        digest.update(f"\n{importer}\n{canonical(options, **more)}".encode())
        return digest.hexdigest()[:16]


@contextmanager
def opened(path: Path, zipped: bool) -> Iterator[IO[bytes]]:
    """The file's bytes, unzipped. A broken archive is a DataError."""
    with path.open("rb") as raw:
        if not zipped:
            yield raw
            return
        try:
            with gzip.open(raw) as unzipped:
                yield io.BufferedReader(unzipped)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: the gzip archive is broken ({error}); fetch the file again") from None


def inspect(path: Path, encoding: str | None = None, delimiter: str | None = None) -> File:
    """Look at a file's first bytes. Raises UsageError for what is no file, DataError for what cannot be read."""
    if not path.exists():
        raise UsageError(f"{path}: there is no such file; check the name")
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the files in it, for example {path / '*.parquet'}")
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            start = raw.read(4)
    except PermissionError:
        raise UsageError(f"{path}: no permission to read it") from None
    if size == 0:
        raise DataError(f"{path} is empty; export it again")
    if start == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        return _parquet(path, size)
    zipped = start[:2] == b"\x1f\x8b"
    with opened(path, zipped) as raw:
        sample = raw.read(_SAMPLE)
    if not sample.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(f"{path} is empty; export it again")
    return _text(path, zipped, sample, encoding, delimiter)


def _parquet(path: Path, size: int) -> File:
    with path.open("rb") as raw:
        start = raw.read(4)
        raw.seek(max(size - 4, 0))
        end = raw.read(4)
    if start != b"PAR1":
        raise DataError(f"{path} is no Parquet file, whatever its name says; check what wrote it")
    if end != b"PAR1" or size < 12:
        raise DataError(f"{path} is a Parquet file that was cut off; fetch or export it again")
    return File(path, "parquet")


def _text(path: Path, zipped: bool, sample: bytes, encoding: str | None, delimiter: str | None) -> File:
    found = next((name for bom, name in _BOMS if sample.startswith(bom)), None)
    if found is None and b"\0" in sample:
        raise DataError(f"{path} is neither Parquet nor text; assay reads Parquet, CSV and NDJSON, also gzipped (.gz)")
    chosen = encoding or found or "utf-8"
    try:
        text = sample.decode(chosen, errors="replace").lstrip("\ufeff")
    except LookupError:
        raise UsageError(f"there is no encoding {chosen!r}; try utf-8, cp1252 or utf-16") from None
    first = text.lstrip()[:1]
    if first == "{":
        return File(path, "ndjson", zipped, chosen)
    if first == "[" and path.name.lower().removesuffix(".gz").endswith((".json", ".ndjson", ".jsonl")):
        raise DataError(f"{path} is one JSON array; write one object per line (NDJSON), for example with `jq -c '.[]'`")
    return csv_layout(File(path, "csv", zipped, chosen), text, delimiter)


def csv_layout(file: File, sample: str, delimiter: str | None = None, skip: int = 0) -> File:
    """The delimiter (the one that splits the first lines evenly and most often) and the names of the columns."""
    lines = sample.splitlines()
    if len(sample) >= _SAMPLE // 4:
        lines = lines[:-1] or lines
    lines = lines[skip:][:200]
    chosen = delimiter or max(DELIMITERS, key=lambda d: _evenness(lines, d))
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=chosen)
    header = next((row for row in reader if row), [])
    return replace(file, delimiter=chosen, header=unique(header), skip=skip)


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Share of records as wide as the first, and that width; a delimiter that does not occur comes last."""
    try:
        widths = [len(row) for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter) if row]
    except csv.Error:
        return (-1.0, 0)
    if not widths or widths[0] < 2:
        return (-1.0, 0)
    return (sum(w == widths[0] for w in widths) / len(widths), widths[0])


def unique(names: list[str]) -> tuple[str, ...]:
    """Names of columns, trimmed, none empty and none twice (DuckDB does not tell upper from lower case)."""
    found: list[str] = []
    seen: set[str] = set()
    for place, raw in enumerate(names, 1):
        name = base = raw.strip().lstrip("\ufeff") or f"column_{place}"
        count = 1
        while name.lower() in seen:
            count += 1
            name = f"{base}_{count}"
        seen.add(name.lower())
        found.append(name)
    return tuple(found)
