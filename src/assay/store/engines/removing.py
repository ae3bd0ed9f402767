"""Events out of a store: of a person, or older than they may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.store.engine import Derivation, Keeping, Subject
from assay.store.engines.duckdb_file import errors, literal, quote
from assay.store.engines.duckdb_own import own_place
from assay.store.naming import naming

if TYPE_CHECKING:
    from assay.store.engines.loader import Loader


class Taking:
    """What takes people and old events out of a store."""

    def __init__(self, store: Loader) -> None:
        self.store = store

    def spans_of(self, user: str) -> list[tuple[str, int, int, bool]]:
        """Devices of a user: visitor, from and until when (µs UTC), whether nobody else was ever known on it."""
        return [
            (visitor, since, until, alone) for visitor, since, until, alone in self.store.named("person_spans", id=user)
        ]

    def found(self, subject: Subject) -> int:
        """Events that belong to somebody."""
        with errors("looking for a person"):
            self.store.named(f"gone_of_{subject.kind}", id=subject.id)
            ((n,),) = self.store.named("count_gone_events")
            self.store.named("drop_mentions")
        return int(n)

    def places(self, names: tuple[str, ...]) -> dict[str, int]:
        """Table and column → rows in which one of the ids stands."""
        pattern = naming(names)
        there: dict[str, int] = {}
        with errors("looking for a person"):
            for table, column in self.store.named("text_columns"):
                shown = own_place(self.store, table)
                if shown is None:
                    continue
                fill = {"table": quote(table), "column": quote(column)}
                ((n,),) = self.store.named("count_naming", fill, pattern=pattern)
                if n:
                    there[f"{shown}.{column}"] = int(n)
        return there

    def stored(self, subject: Subject) -> dict[str, list[dict[str, Any]]]:
        """Everything that belongs to somebody: table → rows, values in Python's types."""
        there: dict[str, list[dict[str, Any]]] = {}
        with errors("looking for a person"):
            self.store.named(f"gone_of_{subject.kind}", id=subject.id)
            for table in ("events", "sessions", "orders", "refunds", "quarantine"):
                there[table] = self.store.records(f"theirs_{table}", pattern=naming(subject.names))
            self.store.named("drop_mentions")
        return there

    def erase(self, subject: Subject, derivation: Derivation) -> tuple[int, int]:
        """Delete somebody's events and the quarantined rows that name them (how many of each); derive again."""
        store = self.store
        with store.transaction("erasing"):
            store.named(f"gone_of_{subject.kind}", id=subject.id)
            events = self._remove("erased")
            ((rows,),) = store.named("remove_mentions", pattern=naming(subject.names))
            store.named("drop_mentions")
            if events:
                store.derive_all(derivation)
        return events, int(rows)

    def unload(self, names: Sequence[str], derivation: Derivation) -> int:
        """Take segments out as if never loaded (how many events); derive again. Costs go with all of their load.

        Their rows in quarantine and lines of the ledger go too; whose events are older than spans are cannot be told.
        """
        store, listed = self.store, ", ".join(literal(name) for name in names)
        with store.transaction("taking segments out"):
            store.named("gone_of_segments", {"names": listed})
            events = self._remove("erased")
            store.named("forget_segments", {"names": listed})
            store.named("drop_mentions")
            if events:
                store.derive_all(derivation)
        return events

    def expire(self, keeping: Keeping, derivation: Derivation) -> int:
        """Delete events from before their cut (how many); derive again."""
        cuts = ", ".join(f"({literal(name)}, {cut})" for name, cut in keeping.cuts.items())
        default = "NULL" if keeping.default_cut is None else str(keeping.default_cut)
        with self.store.transaction("expiring"):
            self.store.named("gone_by_age", {"cuts": cuts or "(NULL, NULL)", "default_cut": default})
            events = self._remove("expired")
            if events:
                self.store.derive_all(derivation)
        return events

    def _remove(self, term: str) -> int:
        ((n,),) = self.store.named("count_gone_events")
        if n:
            self.store.named("remove_gone", {"term": term})
        return int(n)

    def rewrite(self) -> None:
        """Leave nothing of what was deleted in the store's files."""
        self.store.rewrite()
