"""What two stores are compared by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from assay.query import moving
from assay.query.ledger import held_back

if TYPE_CHECKING:
    from assay.store.engine import Engine


@dataclass(frozen=True)
class Sums:
    """What two stores are compared by. ``days``: (events, checksum, checksum) of each; ``derived``: (sessions, their
    events, orders, net revenue) of each; ``ledger``: a segment's terms.
    """

    days: dict[date, tuple[Any, ...]]
    derived: dict[date, tuple[Any, ...]]
    costs: tuple[Any, ...]
    quarantined: int
    ledger: dict[str, tuple[Any, ...]]

    @property
    def events(self) -> int:
        """All events."""
        return sum(one[0] for one in self.days.values())

    def differences(self, other: Sums) -> list[str]:
        """Where another store has something else; empty where both hold the same."""
        found = [f"{day}: {_events(self.days.get(day))} here, {_events(other.days.get(day))} there"
                 for day in sorted({*self.days, *other.days}) if self.days.get(day) != other.days.get(day)]  # fmt: skip
        found += [f"{day}: sessions or orders are derived otherwise"
                  for day in sorted({*self.derived, *other.derived})
                  if self.derived.get(day) != other.derived.get(day)]  # fmt: skip
        if self.costs != other.costs:
            found.append(f"costs: {self.costs[0]:,} rows here, {other.costs[0]:,} there")
        if self.quarantined != other.quarantined:
            found.append(f"quarantine: {self.quarantined:,} rows here, {other.quarantined:,} there")
        names = [
            name for name in sorted({*self.ledger, *other.ledger}) if self.ledger.get(name) != other.ledger.get(name)
        ]
        return [*found, *(f"segment {name}: the ledger says otherwise" for name in names)]

    def plain(self) -> list[dict[str, Any]]:
        """The days as plain values."""
        return [
            {"day": str(day), "events": events, "checks": [int(first), int(second)]}
            for day, (events, first, second) in self.days.items()
        ]


def _events(sums: tuple[Any, ...] | None) -> str:
    return f"{sums[0]:,} events ({sums[1]}-{sums[2]})" if sums else "nothing"


def ledger(engine: Engine) -> dict[str, tuple[Any, ...]]:
    """Segment → its terms."""
    return {name: tuple(terms) for name, _, _, _, *terms in engine.run(moving.segments()).rows}


def sums(engine: Engine) -> Sums:
    """Counts and checksums of a store."""
    return Sums(
        {row[0]: row[1:] for row in engine.run(moving.days()).rows},
        {row[0]: row[1:] for row in engine.run(moving.derived_days()).rows},
        engine.run(moving.costs_sums()).one(),
        engine.run(held_back()).one()[0],
        ledger(engine),
    )
