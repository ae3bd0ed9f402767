"""Events by unit: what funnels, journeys, retention, attribution and cohorts are made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from assay.plan.measures import Expression, Select
from assay.query.cut import Frame
from assay.query.dimensions import person_join, session_filter, uses, visitor_joins
from assay.query.sql import matches_globs

UNITS = ("visitor", "user", "session", "account")
PLURAL = {"visitor": "visitors", "user": "users", "session": "sessions", "account": "accounts"}


def unit_key(per: str, alias: str = "e") -> str:
    """SQL for the unit of a row of events, sessions or orders (``alias``); users and accounts need ``unit_join``."""
    return {
        "visitor": f"{alias}.visitor_key",
        "session": f"{alias}.session_key",
        "user": "v.person_key",
        "account": f"coalesce({alias}.account, v.account)",
    }[per]


def unit_join(per: str, alias: str = "e") -> str:
    """The join behind ``unit_key``; empty where none is needed."""
    if per not in ("user", "account"):
        return ""
    return person_join(alias, f"{alias}.start_t" if alias == "s" else f"{alias}.t")


def selected(frame: Frame, select: Select) -> str:
    """The condition on events ``e`` that a selection of events makes (name, page, its own ``where``)."""
    parts = []
    if select.events is not None:
        one = len(select.events) == 1
        parts.append(
            f"e.name = {frame.bind(select.events[0])}" if one else f"e.name IN ({frame.bind.all(select.events)})"
        )
    if select.page:
        parts.append(matches_globs(frame.dims.get("page").sql, select.page, frame.bind))
    if select.where is not None:
        parts.append(f"({frame.dims.expression(select.where, own_names(frame, select.events))})")
    return " AND ".join(parts) or "true"


def own_names(frame: Frame, events: Sequence[str] | None) -> frozenset[str]:
    """Properties that the named events declare themselves: they mean the event's own value."""
    known = [frame.plan.events[name].properties for name in events or () if name in frame.plan.events]
    return frozenset(name for properties in known for name in properties) - {"items"}


def unit_events(
    frame: Frame,
    per: str,
    columns: Sequence[str],
    condition: str = "true",
    *,
    first: date | None = None,
    last: date | None = None,
    segment: Expression | None = None,
) -> str:
    """SELECT of the live events (bots by the plan's rule) that belong to a unit: ``unit``, then ``columns``.

    ``columns`` and ``condition`` are SQL over the fixed aliases (``e`` events, ``s`` its session, ``o`` its order, ``v`` its
    visitor, ``f`` the visitor's first session, ``b`` what the customer bought); joins are added as they are named.
    ``first`` and ``last`` bound the site's days, both included; None leaves that side open. ``segment`` filters by session.
    """
    where = ["e.environment = 'live'", condition]
    if frame.plan.rules.bots == "exclude":
        where.append("NOT e.bot")
    if first is not None:
        where.append(f"e.day >= {frame.bind(first)}")
    if last is not None:
        where.append(f"e.day <= {frame.bind(last)}")
    if segment is not None:
        where.append(session_filter(frame.dims, segment))
    unit = unit_key(per)
    where.append(f"{unit} IS NOT NULL")
    texts = " ".join([*columns, *where])
    source = "events e" + (unit_join(per) or (unit_join("user") if uses(texts, "v") else ""))
    if uses(texts, "s"):
        source += " LEFT JOIN sessions s ON s.session_key = e.session_key"
    if uses(texts, "o"):
        source += " LEFT JOIN orders o ON o.event_no = e.event_no"
    source += visitor_joins(texts, "e.visitor_key")
    kept = [w for w in where if w != "true"]
    return f"SELECT {', '.join([f'{unit} AS unit', *columns])} FROM {source} WHERE {' AND '.join(kept)}"
