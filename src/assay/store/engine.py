"""The engine protocol, the second waist: load, run, explain, migrate, close. Everything else is SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

# Told a text, how much is done and of how much (0: unknown).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Past:
    """What another store's ledger says of a segment that moves: its own holds good, line by line or not.

    A line that displaced one of an earlier segment counts with that one, so terms do not follow from the lines.
    """

    loaded_at: int
    terms: Mapping[str, Any]  # rows, stored, duplicates, clashes, quarantined, erased, expired
    refusals: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Piece:
    """A segment ready to load: NDJSON or Parquet in event-line (``events``) or cost (``costs``) form.

    ``replays``: the segment whose quarantined lines these are, each with its number as ``line``; they leave the
    quarantine and count with that segment. ``past``: of a segment that comes from another store.
    """

    name: str
    path: Path
    kind: str = "events"
    quarantine: Path | None = None
    replays: str | None = None
    past: Past | None = None


@dataclass(frozen=True)
class Statement:
    """SQL in DuckDB's words with ``$name`` parameters. ``title`` says what it is for, in progress and plans.

    ``own``: dialect → the same query in an engine's own words, where DuckDB's cannot be said in them.
    """

    sql: str
    params: Mapping[str, Any] | None = None
    title: str = ""
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Derivation:
    """The SQL, made from the plan in ``query``, that loading and rebuilding run; see ``query/derive``.

    ``day`` is an expression over ``t`` giving the site-local day. ``keys`` fills the temporary table ``keyed`` from the
    temporary table ``touched``. ``tables`` re-derive sessions, orders and refunds of the visitors and orders in the
    temporary tables ``scope_visitors`` and ``scope_orders``. ``id`` names the rules.
    """

    id: str
    day: str
    keys: tuple[Statement, ...]
    tables: tuple[Statement, ...]


@dataclass(frozen=True)
class Loaded:
    """What loading one segment did. ``again``: the segment had been loaded before and nothing was done."""

    name: str
    kind: str
    rows: int = 0
    stored: int = 0
    duplicates: int = 0
    clashes: int = 0
    quarantined: int = 0
    again: bool = False
    erased: int = 0
    expired: int = 0


@dataclass(frozen=True)
class Tombstone:
    """Somebody who was erased. ``kind``: visitor or user; ``hash``: SHA-256 of salt, kind and id, hexadecimal.

    It holds for events that happened from ``since`` to ``until`` (µs UTC); one without a beginning (``since`` below 0)
    also for what was received until then.
    """

    kind: str
    hash: str
    since: int
    until: int


@dataclass(frozen=True)
class Keeping:
    """What must not be in the store: people who were erased, and events from before a moment (µs UTC).

    ``cuts``: event name → moment; ``default_cut`` for the others, None: all are kept.
    """

    tombstones: tuple[Tombstone, ...] = ()
    salt: str = ""
    cuts: Mapping[str, int] = field(default_factory=dict)
    default_cut: int | None = None

    @property
    def nothing(self) -> bool:
        """Whether everything may come in."""
        return not self.tombstones and not self.cuts and self.default_cut is None


ALL = Keeping()
NO_ROLLUPS = "only a lake (assay move --to spark:DIR) keeps rollups; this store answers from the events themselves"


@dataclass(frozen=True)
class Subject:
    """Somebody by an id. ``kind``: visitor or user; ``names``: every id of theirs, that one first."""

    kind: str
    id: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """Rows of a query, values in Python's types (int, Decimal, float, str, date, None)."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def one(self) -> tuple[Any, ...]:
        """The single row."""
        (row,) = self.rows
        return row


class Taking(Protocol):
    """What takes people and old events out of a store."""

    def spans_of(self, user: str) -> list[tuple[str, int, int, bool]]:
        """Devices of a user: visitor, from and until when (µs UTC), whether nobody else was ever known on it."""
        ...

    def found(self, subject: Subject) -> int:
        """Events that belong to somebody."""
        ...

    def stored(self, subject: Subject) -> dict[str, list[dict[str, Any]]]:
        """Everything that belongs to somebody: table → rows, values in Python's types."""
        ...

    def places(self, names: tuple[str, ...]) -> dict[str, int]:
        """Table and column → rows in which one of the ids stands."""
        ...

    def erase(self, subject: Subject, derivation: Derivation) -> tuple[int, int]:
        """Delete somebody's events and the quarantined rows that name them (how many of each); derive again."""
        ...

    def unload(self, names: Sequence[str], derivation: Derivation) -> int:
        """Take segments out as if never loaded (how many events); derive again. Costs go with all of their load."""
        ...

    def expire(self, keeping: Keeping, derivation: Derivation) -> int:
        """Delete events from before their cut (how many); derive again."""
        ...

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the store's files."""
        ...


class Engine(Protocol):
    """What assay needs of a database. Errors come as ``MachineError`` or ``DataError`` of the error tree."""

    dialect: str

    def load(self, pieces: Sequence[Piece], derivation: Derivation, keeping: Keeping = ALL) -> list[Loaded]:
        """Load segments, each once ever, all in one transaction, and derive what they touch."""
        ...

    def rebuild(self, derivation: Derivation) -> None:
        """Derive everything again from the stored events, in one transaction."""
        ...

    def taking(self) -> Taking:
        """What takes people and old events out of the store."""
        ...

    def run(self, statement: Statement) -> Result:
        """Answer one query."""
        ...

    def write(self, statement: Statement, path: Path) -> None:
        """Answer a query into a Parquet file of this machine."""
        ...

    def explain(self, statement: Statement) -> str:
        """The engine's own plan of a query."""
        ...

    def fits(self, properties: Mapping[str, str]) -> bool:
        """Whether ``migrate`` would change nothing, so that the store can stay open for reading only."""
        ...

    def migrate(self, properties: Mapping[str, str]) -> None:
        """Bring the tables to this version, with one typed column per declared property (name → plan type)."""
        ...

    def beside(self, derivation: Derivation, as_of: int) -> Engine:
        """A second derived set, never over the stored one: other rules, or only what was received by ``as_of``."""
        ...

    def roll_up(self, made: Mapping[str, str]) -> tuple[int, int]:
        """Keep some more days of rollups (name → query over ``events``): days made, days still missing.

        UsageError where it keeps none.
        """
        ...

    def tell(self, progress: Progress) -> None:
        """Whom to tell how far a question is that takes long."""
        ...

    def interrupt(self) -> None:
        """Break off the query that another thread runs on this connection."""
        ...

    def twin(self) -> Engine:
        """A connection of its own to the same open store, for another thread."""
        ...

    def derivation(self) -> str | None:
        """Id of the rules that the derived tables were made with; None when nothing was loaded."""
        ...

    def close(self) -> None:
        """Release the store."""
        ...
