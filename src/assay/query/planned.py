"""What comes in, by event: how much, in which environments, what its properties hold."""

from __future__ import annotations

from collections.abc import Sequence

from assay.query.sql import Binder
from assay.store.engine import Statement


def seen() -> Statement:
    """Event name, environment, events, first and last moment (µs UTC)."""
    return Statement(
        "SELECT name, environment, count(*), min(t), max(t) FROM events GROUP BY name, environment ORDER BY name, environment",
        {},
        "events by name and environment",
    )


def samples(names: Sequence[str], most: int) -> Statement:
    """Event name, properties as JSON text, and amount, of the latest events of each name."""
    bind = Binder()
    wanted = ", ".join(bind(name) for name in names)
    return bind.statement(
        f"SELECT name, props, amount FROM (SELECT name, props, amount, row_number() OVER (PARTITION BY name ORDER BY t DESC, id) AS n "
        f"FROM events WHERE name IN ({wanted})) latest WHERE n <= {bind(most)} ORDER BY name",
        "examples of events",
    )
