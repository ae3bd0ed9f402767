"""A lake: tables as folders of Parquet, and a manifest that says which files are their present version.

``manifest.json`` is replaced in one step, after every file that it names is on disk. So whoever reads the manifest
first sees one whole version of all tables. Files of the version before stay for readers that have begun; ``purge``
ends that.
Nothing here knows an engine: one writes the files, another reads them.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assay.model.errors import MachineError
from assay.store.disk import seen, sync
from assay.store.locks import locked

FORMAT = 1
MANIFEST = "manifest.json"
GRACE = 3600.0  # seconds that files of an earlier version stay


class Place:
    """Where a lake lies. Paths are made and files touched only here: another kind of place is another class."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def where(self, name: str = "") -> str:
        """How an engine names a file or folder of the lake."""
        return str(self.root / name)

    def read(self, name: str) -> str | None:
        """The text of a file; None where there is none."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def seen(self, name: str) -> str:
        """What a file looks like from outside: equal while nobody has replaced it."""
        return seen(self.root / name)

    def replace(self, name: str, text: str) -> None:
        """Put a text in the place of a file, in one step that survives a power cut."""
        path = self.root / name
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync(path.parent)

    def put(self, file: Path, name: str) -> None:
        """Move a file of this machine to the place."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, path)

    def fetched(self, name: str) -> Path:
        """A file of the place as one of this machine."""
        return self.root / name

    def settle(self, names: Iterable[str]) -> None:
        """Wait until files and the folders that name them are on disk."""
        folders = {self.root}
        for name in names:
            path = self.root / name
            sync(path)
            folders |= {one for one in path.parents if one.is_relative_to(self.root)}
        for folder in folders:
            sync(folder)

    def files(self, pattern: str) -> list[str]:
        """Names of the files that match a pattern, sorted."""
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern) if path.is_file())

    def folder(self, name: str) -> str:
        """Make a folder; how an engine names it."""
        (self.root / name).mkdir(parents=True, exist_ok=True)
        return self.where(name)

    def remove(self, names: Iterable[str]) -> None:
        """Delete files, and folders that are empty then."""
        for name in names:
            path = self.root / name
            path.unlink(missing_ok=True)
            path.with_name(f".{path.name}.crc").unlink(missing_ok=True)  # Hadoop's sum of the file
            while path.parent != self.root and path.parent.is_dir() and not any(path.parent.iterdir()):
                path = path.parent
                path.rmdir()

    def clear(self, name: str = "") -> None:
        """Delete a folder and all that is in it."""
        shutil.rmtree(self.root / name, ignore_errors=True)

    def alone(self) -> AbstractContextManager[None]:
        """Keep other writers out."""
        return locked(self.root / ".lock")


@dataclass(frozen=True)
class Part:
    """A part of a table, such as a day of events.

    Of a copy, ``rows`` and ``mark`` (a sum over what the rows say) tell whether the original says something else now;
    of a rollup, ``mark`` names the events behind it; else in how many files the part was when last written whole.
    """

    files: tuple[str, ...]
    rows: int | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """A table's columns (name → type, in order) and its parts (day or empty → part).

    ``made``: of one that is kept beside the events to be asked in their place, the query that it holds the rows of.
    """

    columns: Mapping[str, str]
    parts: Mapping[str, Part]
    by: str | None = None
    made: str = ""

    @property
    def files(self) -> list[str]:
        """The files that hold the table."""
        return [file for part in self.parts.values() for file in part.files]


@dataclass(frozen=True)
class Manifest:
    """One version of all tables. ``source``: what they were copied from. ``left``: file of before → since when (s)."""

    generation: int = 0
    source: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    left: Mapping[str, float] = field(default_factory=dict)

    @property
    def files(self) -> set[str]:
        """The files of this version."""
        return {file for table in self.tables.values() for file in table.files}


class Lake:
    """The lake in a place."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def manifest(self) -> Manifest:
        """The present version; an empty one where nothing was written yet."""
        text = self.place.read(MANIFEST)
        return Manifest() if text is None else _read(text, self.place.where(MANIFEST))

    def commit(self, before: Manifest, tables: Mapping[str, Table], source: str) -> Manifest:
        """Make these tables the present version. The caller is alone and has written their files."""
        there = self.manifest().generation
        if there != before.generation:
            raise MachineError(
                f"{self.place.where(MANIFEST)}: somebody else has written version {there} meanwhile; nothing of this"
                " load is stored, repeat it"
            )
        now = time.time()
        made = Manifest(before.generation + 1, source, tables)
        self.place.settle(made.files - before.files)
        left = {**before.left, **dict.fromkeys(before.files, now)}
        left = {file: since for file, since in left.items() if file not in made.files}
        old = {file for file, since in left.items() if now - since > GRACE}
        made = replace(made, left={file: since for file, since in left.items() if file not in old})
        self.place.replace(MANIFEST, _written(made))
        if (now_there := self.manifest().generation) != made.generation:
            raise MachineError(
                f"{self.place.where(MANIFEST)}: version {made.generation} was written and version {now_there} is there;"
                " nothing of this load is stored, repeat it"
            )
        self.place.remove(old)
        return made

    def purge(self) -> None:
        """Delete every file that is not of the present version. The caller is alone."""
        now = self.manifest()
        if now.left:
            self.place.replace(MANIFEST, _written(replace(now, left={})))
        self.place.remove(set(self.place.files("**/*.parquet")) - now.files)


def _written(manifest: Manifest) -> str:
    tables = {
        name: {
            "columns": dict(table.columns),
            "by": table.by,
            "made": table.made,
            "parts": {
                key: {"files": list(part.files), "rows": part.rows, "mark": part.mark}
                for key, part in table.parts.items()
            },
        }
        for name, table in manifest.tables.items()
    }
    text = {
        "format": FORMAT,
        "generation": manifest.generation,
        "source": manifest.source,
        "tables": tables,
        "left": dict(manifest.left),
    }
    return json.dumps(text, indent=1) + "\n"


def _read(text: str, where: str) -> Manifest:
    try:
        found: dict[str, Any] = json.loads(text)
        if found["format"] != FORMAT:
            raise MachineError(f"{where}: this lake has format {found['format']}, this version of assay reads {FORMAT}")
        tables = {
            name: Table(
                table["columns"],
                {key: Part(tuple(p["files"]), p["rows"], p["mark"]) for key, p in table["parts"].items()},
                table["by"],
                table.get("made", ""),
            )
            for name, table in found["tables"].items()
        }
        return Manifest(found["generation"], found["source"], tables, found["left"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MachineError(
            f"{where}: this is no manifest of a lake; put back the one of your last backup (only where a DuckDB file is"
            " the store and this lake is its copy, delete the folder: it is made again)"
        ) from error
