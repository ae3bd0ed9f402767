"""Events that are read from the site's own tables: a DuckDB store holds their numbers and keys, ``events`` is a view.

A file, or a table of a database, is a segment: loaded once, known by its name. Where one has changed or gone, all are
read again. Everything else (deduplication, visitors, sessions, orders) is the loader's, over the view.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.model.errors import MachineError, UsageError
from assay.model.event import NAMES
from assay.store import schema
from assay.store.engine import Derivation, Keeping, Loaded, Piece
from assay.store.engines.duckdb_file import literal, path_of, quote, typed
from assay.store.engines.loading import Loading
from assay.store.narrow import cut, names_all, narrowed, words
from assay.store.own import OWN_PLACE, Own, OwnLines, OwnPart, query

if TYPE_CHECKING:
    from assay.store.engines.duckdb import DuckDB
    from assay.store.engines.loader import Loader

OWN = "they are read from the tables under source: in assay.yaml; take that section out, or use another workspace"
_COLUMNS = frozenset(
    "event_no load_no id id_hash t day visitor_key session_key sent_at received_at user_id".split()
) | frozenset(NAMES)
_FACT = "own"
_TYPED = "own_columns"
_SHOWN = "own_shown"  # the views of each table that has rows, and the select over them


@dataclass(frozen=True)
class Owned:
    """What a store notes of own tables. ``views``: one per table; ``unread``: databases that cannot be opened now.

    ``columns``: typed columns of declared properties, with their SQL types.
    """

    signature: str
    attached: Mapping[str, str]
    views: tuple[str, ...]
    unread: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


def opened(store: DuckDB) -> Owned | None:
    """The own tables of a store, their databases attached; None where it holds its events itself."""
    import duckdb

    try:
        rows = store.named("get_fact", key=_FACT)
    except duckdb.CatalogException:  # a store that is just being made
        return None
    if not rows:
        return None
    said = json.loads(rows[0][0])
    unread = _attach(store, said["attached"])
    columns = json.loads(store.named("get_fact", key=_TYPED)[0][0])
    return Owned(said["signature"], said["attached"], tuple(said["views"]), unread, columns)


def _attach(store: DuckDB, attached: Mapping[str, str]) -> tuple[str, ...]:
    """Attach databases for reading; what could not be, as one line each. Told where it is asked for, not here."""
    import duckdb

    unread = []
    for alias, path in attached.items():
        try:
            store.named("own_attach", {"path": literal(path), "alias": quote(alias)})
        except duckdb.Error as error:
            text = " ".join(str(error).split())
            lock = "another process has it open for writing; close it there, then ask"
            unread.append(f"{path}: {lock if 'lock' in text.lower() else text[:200]}")
    return tuple(unread)


def dropped(store: DuckDB) -> None:
    """Forget the own tables and what was derived from them. In a transaction."""
    assert store.own is not None
    widened(store)
    store.named("own_forget")
    store.named("own_drop_views")
    for view in store.own.views:
        store.named("own_drop_view", {"view": quote(view)})
    store.named("own_drop")
    store.own = None
    tables = schema.statements(store.dialect, "0001_tables")
    (made,) = (one for one in tables if one.split("(", 1)[0].split()[-1] == "events")
    store.connection.execute(made)


def show_events(store: DuckDB, properties: Mapping[str, str]) -> dict[str, str]:
    """The view ``events`` with typed columns of declared properties, read from the JSON; column → SQL type."""
    from assay.store.engines.loader import typed_columns

    columns = typed_columns(properties)
    _show(store, columns)
    return columns


def _show(store: DuckDB, columns: Mapping[str, str]) -> None:
    widened(store)
    assert store.own is not None
    extracted, made = _extracted(columns)
    store.named("own_events", {"extra": made, "extracted": extracted})
    store.named("set_fact", key=_TYPED, value=json.dumps(dict(columns)))
    store.own = replace(store.own, columns=columns)


def _extracted(columns: Mapping[str, str]) -> tuple[str, str]:
    """SQL that reads declared properties from the JSON in one pass, and the columns made from them."""
    paths = ", ".join(literal(path_of(column[2:])) for column in columns)
    made = (
        f", {typed(f'p.extracted[{place}]', kind)} AS {quote(column)}"
        for place, (column, kind) in enumerate(columns.items(), 1)
    )
    return (f", json_extract_string(props, [{paths}]) AS extracted" if columns else ""), "".join(made)


def narrow(store: DuckDB, sql: str) -> None:
    """Hide ``events`` behind a view of those columns only that a query names, for this connection."""
    known = words(sql)
    if not store.own or "events" not in known:
        return
    if names_all(sql):
        widened(store)
        return
    (whole,) = schema.named(store.dialect, "own_events")
    wanted = known & {*_COLUMNS, *store.own.columns}
    if wanted == store.shown:
        return
    chains = json.loads(store.named("get_fact", key=_SHOWN)[0][0])
    if not chains:
        return
    extracted, extra = _extracted({column: kind for column, kind in store.own.columns.items() if column in wanted})
    select = cut(whole.split(" AS\n", 1)[1].replace("{extra}", extra), wanted)
    needed = words(select) | words(extracted) | {"rn"}
    lines = " UNION ALL ".join(f"({narrowed(views, shown, needed)})" for views, shown in chains)
    select = select.replace("{extracted}", extracted).replace("own_lines", f"({lines})")
    store.named("own_narrow", {"select": select})
    store.shown = wanted


def widened(store: DuckDB) -> None:
    """Show all columns of ``events`` again."""
    if store.shown is not None:
        store.shown = None
        store.named("own_widen")


def adopted(store: DuckDB, own: Own, derivation: Derivation, keeping: Keeping) -> list[Loaded]:
    """Bring a store to what the own tables are now."""
    _attach_anew(store, own.attached)
    return store.whole("reading own tables", lambda: _Adoption(store, own, derivation, keeping).made())


def _attach_anew(store: DuckDB, attached: Mapping[str, str]) -> None:
    """Databases may have been replaced since they were attached."""
    for (alias,) in store.named("own_attached"):
        store.named("own_detach", {"alias": quote(alias)})
    unread = _attach(store, attached)
    if unread:
        raise MachineError("; ".join(unread))


class _Adoption:
    """One reading of own tables, in a transaction."""

    def __init__(self, store: DuckDB, own: Own, derivation: Derivation, keeping: Keeping) -> None:
        self.store, self.own, self.derivation, self.keeping = store, own, derivation, keeping
        self.parts = {part.name: (table, part) for table in own.tables for part in table.parts}

    def made(self) -> list[Loaded]:
        store = self.store
        for macro in self.own.macros:
            store.connection.execute(macro)
        self._prepare()
        known = {row[0] for row in store.named("own_names")}
        pieces = [Piece(name, Path(part.path)) for name, (_, part) in self.parts.items() if name not in known]
        loading = _OwnLoading(store, self.derivation, self.keeping, self)
        loaded = loading.load(pieces) if pieces else []
        self.show()
        store.named("set_fact", key="derivation", value=self.derivation.id)
        return loaded

    def _prepare(self) -> None:
        """Empty tables for keys, unless what they hold still stands in the own tables as it was."""
        store = self.store
        if store.own is None:
            ((copied,),) = store.named("count_table", {"table": "events"})
            if copied:
                raise UsageError(
                    f"this workspace holds {copied:,} events of its own, and source: would put others in their place; "
                    "give the tables a workspace of their own"
                )
            store.named("own_forget")
            store.named("own_create")
        elif not {row[0] for row in store.named("own_names")} <= self.parts.keys():
            store.named("own_forget")
            store.named("own_reset")
        for view in store.own.views if store.own else ():
            if view not in {_view(table) for table in self.own.tables}:
                store.named("own_drop_view", {"view": quote(view)})
        self._note()
        self.show()

    def _note(self) -> None:
        views = [_view(table) for table in self.own.tables]
        said = {"signature": self.own.signature, "attached": dict(self.own.attached), "views": views}
        self.store.named("set_fact", key=_FACT, value=json.dumps(said))
        self.store.own = Owned(self.own.signature, self.own.attached, tuple(views))

    def show(self) -> None:
        """Make the views show every part that has numbers."""
        store = self.store
        firsts: dict[str, int] = dict(store.named("own_spans"))
        repeats = f"({_sql('own_repeats_of')})"
        widened(store)
        chains = []
        for table in self.own.tables:
            numbered = [(part, firsts[part.name]) for part in table.parts if part.name in firsts]
            views = table.views(numbered or [(table.parts[0], 0)], repeats)
            if numbered:
                chains.append((views, table.shown))
            lines = query(views, table.shown)
            shown = lines if numbered else _sql("own_nothing", lines=lines)
            store.named("own_view", {"view": quote(_view(table)), "lines": shown})
        store.named("set_fact", key=_SHOWN, value=json.dumps(chains))
        every = " UNION ALL ".join(_sql("own_all", view=quote(_view(table))) for table in self.own.tables)
        store.named("own_view", {"view": "own_lines", "lines": every})
        _show(store, store.properties)


def own_place(store: Loader, table: str) -> str | None:
    """What a table or view is called where a person looks for somebody; None: it shows others once more."""
    owned: Owned | None = getattr(store, "own", None)
    if owned is None or table not in (*owned.views, "own_lines"):
        return table
    return None if table == "own_lines" else f"{OWN_PLACE}{table[len('own_') : -len('_lines')]}"


def _view(table: OwnLines) -> str:
    return f"own_{table.name}_lines"


def _sql(which: str, **fill: str) -> str:
    """The one statement of that name, to stand in another."""
    return schema.one("duckdb", which, **fill)


class _OwnLoading(Loading):
    """The loader over own tables: lines come from SQL, and only keys are inserted."""

    def __init__(self, store: DuckDB, derivation: Derivation, keeping: Keeping, adoption: _Adoption) -> None:
        super().__init__(store, derivation, keeping)
        self.adoption = adoption
        self.numbers: dict[str, int] = {}

    def load(self, pieces: Sequence[Piece]) -> list[Loaded]:
        """Find rows that are alike first: ids depend on them."""
        self.store.named("own_alike")
        for number, piece in enumerate(pieces):
            self.numbers[piece.name] = number
            table, part = self._of(piece)
            self.store.named("own_find_alike", {"alike": table.repeated(part)}, piece=number)
        return super().load(pieces)

    def _of(self, piece: Piece) -> tuple[OwnLines, OwnPart]:
        return self.adoption.parts[piece.name]

    def _lines(self, piece: Piece) -> None:
        table, part = self._of(piece)
        repeats = f"({_sql('own_alike_of', piece=str(self.numbers[piece.name]))})"
        self.store.named("own_piece", {"lines": table.judged(part, repeats, self.adoption.own.latest)})

    def _refused(self, piece: Piece) -> None:
        """An own table holds no lines that a collector refused."""

    def _insert(self, pieces: Sequence[Piece], counts: Sequence[Any], kept: Sequence[int]) -> None:
        store = self.store
        ((first_no,),) = store.named("own_next")
        start = first_no
        for number, (piece, one) in enumerate(zip(pieces, counts, strict=True)):
            if kept[number]:
                store.named("own_insert", piece=number, first_no=first_no, load_no=self.load_no)
            if store.named("own_count_alike", piece=number)[0][0]:
                store.named("own_insert_repeats", piece=number, first_no=first_no)
            if one.span:
                store.named("add_span", segment=piece.name, first_no=first_no, next_no=first_no + one.span)
            first_no += one.span
        self._verify(sum(kept), start)
        store.named("drop_touched")
        self.adoption.show()
