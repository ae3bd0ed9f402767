"""Which events count, which of them a selection means, and whose they are: what every reading of events shares."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.measures import Select
from assay.plan.values import Plan
from assay.query.dimensions import Dimensions, person_join
from assay.query.sql import matches_globs

UNITS = ("visitor", "user", "session", "account")


def live(plan: Plan, alias: str = "e") -> str:
    """The event counts: live, and no bot unless the plan takes them."""
    bots = f" AND NOT {alias}.bot" if plan.rules.bots == "exclude" else ""
    return f"{alias}.environment = 'live'{bots}"


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


def own_names(plan: Plan, events: Sequence[str] | None) -> frozenset[str]:
    """Properties that the named events declare themselves: an event's ``coupon`` is not its order's."""
    known = [plan.events[name].properties for name in events or () if name in plan.events]
    return frozenset(name for properties in known for name in properties) - {"items"}


def selected(dims: Dimensions, select: Select) -> str:
    """The condition on events ``e`` that a selection of events makes (name, page, its own ``where``)."""
    parts = []
    if select.events:
        one = len(select.events) == 1
        names = dims.bind.all(select.events)
        parts.append(f"e.name = {names}" if one else f"e.name IN ({names})")
    if select.page:
        parts.append(matches_globs(dims.get("page").sql, select.page, dims.bind))
    if select.where is not None:
        parts.append(f"({dims.expression(select.where, own_names(dims.plan, select.events))})")
    return " AND ".join(parts) or "true"
