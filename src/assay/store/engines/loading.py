"""Segments into the tables of a store: staged, deduplicated, keyed and inserted, within one transaction.

What the loader leaves out is counted with its segment: duplicates, clashes, unusable lines (quarantined), lines of
erased people and lines older than they may be kept.

Nothing is inserted from a query without rows where more may follow: after that, DuckDB 2.0.0 loses what the same
transaction inserts into the table, without a word, once it is 122,880 rows or more. So what is there is counted then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assay.model.errors import MachineError
from assay.model.event import FIELDS
from assay.store.engine import Derivation, Keeping, Loaded, Piece
from assay.store.engines.duckdb_file import literal, path_of, quote, typed

if TYPE_CHECKING:
    from assay.store.engines.loader import Loader

_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "VARCHAR"}
_JSON_TYPES = {**_TYPES, "json": "JSON"}
# Keys of a written line beside the event line: why it was refused, why it waits, which line of its segment it was.
_MARKS = {"refused": "VARCHAR", "held": "VARCHAR", "line": "BIGINT"}


@dataclass
class _Counted:
    """Lines of one piece: ``span`` = the room that its event numbers take."""

    rows: int
    unusable: int
    erased: int
    expired: int
    span: int


class Loading:
    """One load. ``store`` is in a transaction."""

    def __init__(self, store: Loader, derivation: Derivation, keeping: Keeping) -> None:
        self.store, self.derivation, self.keeping = store, derivation, keeping
        (self.load_no,) = store.named("next_load")[0]

    def load(self, pieces: Sequence[Piece]) -> list[Loaded]:
        """Load new pieces and record them."""
        if not self.keeping.nothing:
            self._keep()
        events = [piece for piece in pieces if piece.kind == "events"]
        done = self._events(events) if events else []
        done += [self._costs(piece) for piece in pieces if piece.kind == "costs"]
        by_name = {piece.name: piece for piece in pieces}
        return [self._record(by_name[one.name], one) for one in done]

    def _keep(self) -> None:
        """What must not come in, as temporary tables."""
        rows = ", ".join(
            f"({literal(one.kind)}, {literal(one.hash)}, {one.since}, {one.until})" for one in self.keeping.tombstones
        )
        cuts = ", ".join(f"({literal(name)}, {cut})" for name, cut in self.keeping.cuts.items())
        empty = {"tombstones": "(NULL, NULL, NULL, NULL)", "cuts": "(NULL, NULL)"}
        self.store.file("keeping", {"tombstones": rows or empty["tombstones"], "cuts": cuts or empty["cuts"]})

    # -- events ----------------------------------------------------------------------------------------------------

    def _events(self, pieces: Sequence[Piece]) -> list[Loaded]:
        store, derivation = self.store, self.derivation
        store.file("stage")
        counts = [self._staged(number, piece) for number, piece in enumerate(pieces)]
        lost = self._deduplicate(pieces)
        store.file("visitors", {"day_staged": derivation.day.replace("{t}", "s.t")})
        store.execute(derivation.keys)
        store.named("rekey")
        self._insert(pieces, counts, [_kept(one, lost.get(number)) for number, one in enumerate(counts)])
        store.file("persons")
        store.execute(derivation.tables)
        store.named("set_fact", key="derivation", value=derivation.id)
        loaded = []
        for number, (piece, one) in enumerate(zip(pieces, counts, strict=True)):
            duplicates, clashes = lost.get(number, (0, 0))
            if number == 0:  # a stored line that had to give way counts with the first segment of the load
                duplicates, clashes = duplicates + lost.get(-1, (0, 0))[0], clashes + lost.get(-1, (0, 0))[1]
            stored = _kept(one, (duplicates, clashes))
            rows = one.rows + one.erased + one.expired
            loaded.append(
                Loaded(piece.name, piece.kind, rows, stored, duplicates, clashes, one.unusable, False, one.erased,
                       one.expired)
            )  # fmt: skip
        return loaded

    def _staged(self, number: int, piece: Piece) -> _Counted:
        store = self.store
        self._open(piece)
        ((rows, unusable),) = store.named("count_rows")
        erased = expired = 0
        if not self.keeping.nothing:
            ((erased, expired),) = store.named("count_gone")
        segment = piece.replays or piece.name
        if piece.replays:
            store.named("unquarantine", name=segment)
        if unusable:
            store.named("unusable", name=segment, file=piece.path.name)
        self._refused(piece)
        if rows > unusable:
            store.file("stage_piece", piece=number)
        return _Counted(rows, unusable, erased, expired, store.named("span_of_piece")[0][0])

    def _refused(self, piece: Piece) -> None:
        """Count the lines of a segment that say what was refused."""
        if piece.path.suffix != ".parquet" and not piece.replays:
            self.store.named("refused", name=piece.name)

    def _insert(self, pieces: Sequence[Piece], counts: Sequence[_Counted], kept: Sequence[int]) -> None:
        """Write the lines that count, ``kept`` of each piece."""
        store = self.store
        store.named("drop_touched")
        fill = {"day_piece": self.derivation.day.replace("{t}", 'p."time"'), **self._property_values()}
        (first_no,) = store.named("next_event")[0]
        start = first_no
        for number, (piece, one) in enumerate(zip(pieces, counts, strict=True)):
            if kept[number]:
                self._open(piece)
                store.file("insert_piece", fill, piece=number, load_no=self.load_no, first_no=first_no)
            if one.span:
                segment = piece.replays or piece.name
                store.named("add_span", segment=segment, first_no=first_no, next_no=first_no + one.span)
            first_no += one.span
        self._verify(sum(kept), start)

    def _verify(self, expected: int, first_no: int) -> None:
        """See that what was to be stored is there: events with new numbers, from ``first_no`` on."""
        ((found,),) = self.store.named("count_new", first_no=first_no)
        if found != expected:
            raise MachineError(
                f"loading: {expected:,} events were to be stored and {found:,} are there; this load is undone, nothing"
                " is lost. Please report it with the sizes of the segments"
            )

    def _deduplicate(self, pieces: Sequence[Piece]) -> dict[int, tuple[int, int]]:
        """Decide between lines of one id; returns piece → (duplicates, clashes), −1 = lines that were in the store."""
        store = self.store
        store.file("dedup_candidates")
        having = sorted(number for (number,) in store.named("pieces_with_twins"))
        if not having:
            store.named("no_losers")
            return {}
        for number in having:
            self._open(pieces[number])
            store.file("dedup_piece", {"content_line": _content(stored=False)}, piece=number)
        store.file("dedup_old", {"content_stored": _content(stored=True)})
        store.file("dedup_decide")
        return {piece: (same, other) for piece, same, other in store.named("losers")}

    def _open(self, piece: Piece) -> None:
        """Make ``piece_rows`` show the lines of a segment."""
        self._lines(piece)
        lines = "piece_all"
        if not self.keeping.nothing:
            cut, lines = self.keeping.default_cut, "piece_kept"
            fill = {"salt": self.keeping.salt, "default_cut": "NULL" if cut is None else str(cut)}
            self.store.file("piece_kept", fill)
        self.store.file("piece_rows", {"lines": lines})

    def _lines(self, piece: Piece) -> None:
        """Make ``piece_all`` show them."""
        path = literal(str(piece.path))
        if piece.path.suffix == ".parquet":
            present = {row[0]: row[1] for row in self.store.named("describe_parquet", {"path": path})}
            columns = ", ".join(_column(f.name, _TYPES[f.kind], f.name in present) for f in FIELDS)
            self.store.file("piece", {"columns": columns, "path": path})
        else:
            kinds = {f.name: _JSON_TYPES[f.kind] for f in FIELDS} | _MARKS
            types = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in kinds.items()) + "}"
            columns = ", ".join(_column(f.name, _TYPES[f.kind], True) for f in FIELDS)
            self.store.file("piece_json", {"columns": columns, "path": path, "types": types})

    def _property_values(self) -> dict[str, str]:
        """SQL that reads all declared properties from the JSON in one pass, and the columns made from them."""
        properties = self.store.properties
        if not properties:
            return {"extracted": "", "extra": ""}
        paths = ", ".join(literal(path_of(column[2:])) for column in properties)
        values = (f"p.extracted[{place}]" for place in range(1, len(properties) + 1))
        made = (typed(value, kind) for value, kind in zip(values, properties.values(), strict=True))
        return {
            "extracted": f", json_extract_string(props, [{paths}]) AS extracted",
            "extra": "".join(f", {one}" for one in made),
        }

    # -- costs and the record --------------------------------------------------------------------------------------

    def _costs(self, piece: Piece) -> Loaded:
        path = literal(str(piece.path))
        ((rows, known),) = self.store.named("count_costs", {"path": path})
        if rows:
            self.store.named("load_costs", {"path": path}, load_no=self.load_no)
        return Loaded(piece.name, piece.kind, rows, rows - known, known)

    def _record(self, piece: Piece, loaded: Loaded) -> Loaded:
        """Keep the segment's name and what became of its rows; a replay moves rows between the terms of its segment."""
        store = self.store
        if piece.quarantine:
            path = literal(str(piece.quarantine))
            refused = store.named("count_quarantine", {"path": path})[0][0]
            if refused:
                store.named("quarantine_file", {"path": path}, name=piece.name)
            loaded = replace(loaded, rows=loaded.rows + refused, quarantined=loaded.quarantined + refused)
        now = time.time_ns() // 1000
        if piece.past:
            now, loaded = piece.past.loaded_at, replace(loaded, **piece.past.terms)
            for reason, lines in piece.past.refusals:
                store.named("refused_before", name=piece.name, reason=reason, lines=lines)
        terms: dict[str, Any] = {
            "rows": loaded.rows, "stored": loaded.stored, "duplicates": loaded.duplicates, "clashes": loaded.clashes,
            "quarantined": loaded.quarantined, "erased": loaded.erased, "expired": loaded.expired,
        }  # fmt: skip
        if piece.replays:
            store.named("replayed", name=piece.replays, **terms)
        else:
            store.named("record", name=piece.name, kind=piece.kind, load_no=self.load_no, now=now, **terms)
        return loaded


def _kept(one: _Counted, lost: tuple[int, int] | None) -> int:
    """Lines of a piece that are stored: ``lost`` are its duplicates and clashes."""
    return one.rows - one.unusable - sum(lost or ())


def _column(name: str, kind: str, present: bool) -> str:
    return f"CAST({quote(name) if present else 'NULL'} AS {kind}) AS {quote(name)}"


def _content(stored: bool) -> str:
    """Hash over what a line says, without when it was sent and received."""
    parts = []
    for field in FIELDS:
        name = field.name
        if name in ("id", "sent_at", "received_at"):
            continue
        column = {"time": "t", "user": "user_id"}.get(name, name) if stored else name
        value = f"{'e' if stored else 'p'}.{quote(column)}"
        default = {"seq": "0", "source": "'unknown'", "environment": "'live'", "bot": "false", "interactive": "true"}
        if name == "amount":
            value = f"TRY_CAST({value} AS DECIMAL(18, 6))"
        elif name in default:
            value = f"coalesce({value}, {default[name]})"
        parts.append(f"coalesce(CAST({value} AS VARCHAR), chr(0))")
    return f"md5(concat_ws(chr(31), {', '.join(parts)}))"
