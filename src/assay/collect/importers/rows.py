"""Any file as the view ``rows``: its columns, ``__n`` (from 0), ``__line`` (in it, from 1), ``__raw``, ``__problem``.

CSV and NDJSON are read once, by DuckDB, into a staged Parquet of texts. Only when a row turns out to be unusable is the
file read again, ``careful``ly, by Python: then lines, raw texts and rows of the wrong width are exact.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from assay.collect.importers.files import File
from assay.collect.importers.work import Work, literal, quote
from assay.model.errors import DataError

HELPERS = ("__n", "__line", "__raw", "__problem")
_FIELD_LIMIT = 1 << 30


def open_rows(work: Work, file: File, careful: bool = False) -> dict[str, str]:
    """Make the view ``rows``. Returns the file's own columns with their types (texts for CSV and NDJSON)."""
    if file.kind == "parquet":
        work.run("rows", "parquet_view", path=literal(str(file.path)))
    elif file.kind == "csv":
        _stage_csv(work, file, careful)
    else:
        open_lines(work, file, careful)
        _stage_objects(work, file)
    return {name: kind for name, kind in work.columns("rows").items() if name not in HELPERS}


def open_lines(work: Work, file: File, careful: bool = False) -> None:
    """Make the view ``lines`` of an NDJSON file: ``__n``, ``__line``, ``__raw``, ``__problem``."""
    path = work.folder / "lines.parquet"
    if careful:
        text = work.folder / "lines.csv"
        _write(text, _careful_lines(file))
        work.run("rows", "stage_careful_lines", text=literal(str(text)), path=literal(str(path)))
        text.unlink()
    else:
        work.run("rows", "stage_lines", text=literal(str(file.path)), path=literal(str(path)))
    work.run("rows", "lines_view", path=literal(str(path)))


def _stage_objects(work: Work, file: File) -> None:
    work.range()
    names = [row[0] for row in work.run("rows", "keys")]
    if not names:
        raise DataError(f"{file.name}: no line is a JSON object; assay reads one object per line")
    structure = ", ".join(f"{quote(name)} JSON" for name in names)
    path = literal(str(work.folder / "objects.parquet"))
    work.run("rows", "stage_objects", type=f"STRUCT({structure})", path=path)
    work.run("rows", "staged_view", path=path)


def _stage_csv(work: Work, file: File, careful: bool) -> None:
    source = work.folder / "careful.csv"
    names = (*HELPERS[1:], *file.header) if careful else file.header
    if careful:
        _write(source, _careful_rows(file))
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    path = literal(str(work.folder / "rows.parquet"))
    fill = {"text": literal(str(source if careful else file.path)), "types": "{" + types + "}", "path": path}
    if careful:
        work.run("rows", "stage_careful_csv", **fill)
        source.unlink()
    else:
        work.run("rows", "stage_csv", delimiter=literal(file.delimiter), skip=str(file.skip), **fill)
    work.run("rows", "staged_view", path=path)


def _write(path: Path, records: Iterator[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows(records)


def _clean(text: str) -> tuple[str, bool]:
    """Text without bytes that no encoding has, and whether it had none."""
    if text.isascii():
        return text.replace("\0", ""), True
    text = text.replace("\0", "")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8"), False
    return text, True


def _careful_lines(file: File) -> Iterator[list[str]]:
    with file.text() as text:
        for number, line in enumerate(text, 1):
            raw, readable = _clean(line.rstrip("\r\n").lstrip("\ufeff"))
            if raw.strip():
                yield [str(number), raw, "" if readable else f"the line is not {file.encoding} text"]


def _careful_rows(file: File) -> Iterator[list[str]]:
    """Records of a CSV: line, raw text, problem, fields. Blank lines are no records."""
    csv.field_size_limit(_FIELD_LIMIT)
    width = len(file.header)
    blank = [""] * width
    taken: list[str] = []
    with file.text() as text:
        for _ in range(file.skip):
            next(text, None)
        reader = csv.reader(_kept(text, taken), delimiter=file.delimiter)
        seen_header = False
        while True:
            start = file.skip + reader.line_num + 1
            taken.clear()
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raw = _clean("".join(taken).rstrip("\r\n"))[0]
                yield [str(start), raw, f"the row cannot be read as CSV: {error}", *blank]
                continue
            if not record or not seen_header:
                seen_header = seen_header or bool(record)
                continue
            raw, readable = _clean("".join(taken).rstrip("\r\n"))
            if not readable:
                problem = f"the row is not {file.encoding} text (name its encoding, for example cp1252)"
                yield [str(start), raw, problem, *blank]
            elif len(record) != width:
                yield [str(start), raw, f"the row has {len(record)} columns, the header {width}", *blank]
            else:
                yield [str(start), raw, "", *record]


def _kept(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    """The lines, each also put into ``taken``."""
    for line in lines:
        taken.append(line)
        yield line.replace("\0", "")
