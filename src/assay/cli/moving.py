"""``assay move``, and ``assay export --to``: a workspace's events to another store, to a folder, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.output import told
from assay.cli.params import Folder, TableOrJson, folder_of, table_or_json
from assay.cli.progress import Progress
from assay.model.errors import UsageError, suggestion

STORES = {"duckdb": "duckdb", "spark": "lake", "clickhouse": "clickhouse"}  # kind of store → engine


def move(
    ctx: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="STORE",
            help=f"Where to: {', '.join(f'{kind}:DIR' for kind in STORES)}.",
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="A folder that assay export --to made.", show_default=False),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(
            "--place",
            metavar="URL",
            show_default=False,
            help="Where a lake's files lie (s3a://bucket/lake; else in the new workspace), or ClickHouse's address.",
        ),
    ] = None,
    workspace: Folder = None,
    form: TableOrJson = None,
) -> None:
    """Copy all events into another store and compare each day (--to), or bring an exported folder in (--from).

    What broke off goes on where it was; the source is never changed. Exit 1 where the stores differ.
    """
    if (to is None) == (from_ is None):
        raise UsageError("say where to (--to duckdb:DIR) or where from (--from DIR), one of them")
    chosen = table_or_json(ctx, form, "move")
    if to is not None:
        _move(folder_of(ctx, workspace), to, place, chosen)
    elif from_ is not None:
        _bring(folder_of(ctx, workspace), from_, chosen)


def _move(folder: Path, to: str, lies: str | None, form: str) -> None:
    from assay import moving
    from assay.query.moving import segments
    from assay.workspace import Workspace

    engine, place = _target(to)
    if lies is not None and engine == "duckdb":
        raise UsageError("--place says where a lake or a database is; DuckDB's file lies in the workspace")
    if lies is None and engine == "clickhouse":
        raise UsageError("say which server: --place clickhouse://user@host:8123/database")
    with Progress() as progress, Workspace(folder, progress=progress) as source:
        if source.plan.source:
            raise UsageError(
                "own tables are not moved: they stay where they are; give the new place the same source: "
                "(assay export --to takes the events along)"
            )
        _apart(source.folder, place)
        moving.alike(source, place)
        with moving.settled(source, place):
            _choose(source.data, place, engine, lies)
            # A server that is not there, a package that is missing: told before it moves.
            with Workspace(place) as made:
                made.engine.run(segments())
        with Workspace(place, progress=progress) as target:
            done = moving.move(source, target)
    total = done.sums
    text = f"{total.events:,} events of {len(total.days)} days are in {place}, in {_many(done.segments, 'segment')}"
    text += f" moved now and {done.before:,} before" if done.before else ""
    text += ". Counts and checksums are equal on every day, sessions and orders too.\n"
    if done.anew:
        text += f"{_many(done.anew, 'segment')} had changed at the source since and came anew.\n"
    if done.stones:
        text += "Who was erased at the source since is erased here too, and kept out from now on.\n"
    told(form, {"to": str(place), "events": total.events, "segments": done.segments, "before": done.before,
                "anew": done.anew, "tombstones": done.stones, "days": total.plain()}, text)  # fmt: skip


def _target(to: str) -> tuple[str, Path]:
    """Engine and folder of a target."""
    kind, mark, rest = to.partition(":")
    if not mark or not rest:
        raise UsageError(f"{to!r} names no store; write it as duckdb:DIR")
    if kind not in STORES:
        raise UsageError(f"events can be moved to {', '.join(STORES)}, not to {kind}{suggestion(kind, STORES)}")
    if rest.startswith("//"):
        raise UsageError(
            f"name the new workspace's folder: --to {kind}:DIR; where its {'data' if kind != 'spark' else 'files'} lie"
            " says --place" + ("; which cluster, ASSAY_SPARK" if kind == "spark" else "")
        )
    return STORES[kind], Path(rest)


def _apart(source: Path, place: Path) -> None:
    """Refuse a target that is a file, that is or holds the source, or that lies in its data."""
    from assay.workspace import DATA

    here, there = source.resolve(), place.resolve()
    if here == there:
        raise UsageError(f"{place} is where the events are; name another folder")
    if here.is_relative_to(there) or there.is_relative_to(here / DATA):
        raise UsageError(f"{place} and the data of {source} lie within each other; name a folder beside them")
    if place.exists() and not place.is_dir():
        raise UsageError(f"{place} is a file; name a folder")


def _choose(origin: Path, folder: Path, engine: str, lies: str | None) -> None:
    """Say in the target what its store is; one that is there already stays what it is."""
    from assay.store.engines import choice, choose, chosen, exists, same, shown
    from assay.workspace import DATA

    data = folder / DATA
    if exists(data, "duckdb") and engine != "duckdb":
        raise UsageError(f"{folder} has its events in DuckDB's file; move into a new workspace")
    if lies is not None and engine == "lake" and "://" not in lies and not lies.startswith("file:"):
        lies = str(Path(lies).absolute())
    said = choice(data)
    if said and (chosen(data) != engine or (lies is not None and said.get("place") != lies)):
        raise UsageError(
            f"{folder} has its events in {shown(said.get('place', chosen(data)))}; move into a new workspace"
        )
    if engine != "duckdb" and not said:
        choose(data, engine, lies)
    if same(origin, data):
        raise UsageError(f"{shown(lies or str(folder))} is where the events are; name another place")


def _bring(folder: Path, from_: Path, form: str) -> None:
    from assay import moving
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder, progress=progress) as target:
        done = moving.bring(target, from_)
    text = f"{done.stored:,} events of {_many(done.days, 'day')} are stored"
    text += f", {done.duplicates:,} duplicates left out" if done.duplicates else ""
    text += f"; {_many(done.again, 'day')} had come in before" if done.again else ""
    text += f"; {_many(done.costs, 'row')} of costs" if done.costs else ""
    text += f"; {_many(done.quarantined, 'row')} in quarantine" if done.quarantined else ""
    text += "".join(f"; {one}" for one in done.other)
    told(form, vars(done) | {"other": list(done.other)}, f"{text}.\n")


def export(folder: Path, to: Path, form: str) -> None:
    """Everything that the store holds as Parquet."""
    from assay import moving
    from assay.cli.privacy import noted
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder, progress=progress) as source:
        done = moving.export(source, to)
        noted(source, "export", "all events", f"{done.events:,} events")
    text = f"{done.events:,} events of {_many(done.days, 'day')} are in {to}, one file a day"
    text += f"; {done.kept:,} were there already" if done.kept else ""
    told(form, {"to": str(to), "events": done.events, "days": done.days, "kept": done.kept}, f"{text}.\n")


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' if n != 1 else ''}"
