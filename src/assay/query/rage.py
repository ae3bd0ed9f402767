"""Rage clicks: several clicks of one visitor on one page, each near the one before in time and place."""

from __future__ import annotations

from dataclasses import dataclass

from assay.plan.values import Plan
from assay.query.cut import Cut, Frame
from assay.query.unit_events import unit_events
from assay.store.engine import Statement

CLICKS = ("click", "$autocapture")
# The first of these that the plan declares for a click names what was clicked.
_ELEMENTS = ("element", "selector", "link_id", "link_text", "link_url")


@dataclass(frozen=True)
class Limits:
    """``clicks`` in a row, each less than ``ms`` milliseconds and ``px`` pixels (sum of both axes) from the one before."""

    clicks: int = 3
    ms: int = 1000
    px: float = 30


def can_tell(plan: Plan) -> bool:
    """The plan declares where a click happened (numbers ``x`` and ``y``)."""
    return any({"x", "y"} <= set(plan.events[name].properties) for name in CLICKS if name in plan.events)


def rage_pages(plan: Plan, cut: Cut, limits: Limits) -> Statement:
    """Page, element, clicks in bursts, bursts, visitors; most bursts first. A burst counts once, where it fires."""
    frame = Frame(plan, cut)
    k = limits.clicks
    sql = f"""
WITH placed AS ({_placed(frame, limits)}), bursts AS (
    SELECT unit, page, run, count(*) AS clicks, max(CASE WHEN place = {k} THEN element END) AS element
    FROM placed GROUP BY unit, page, run
)
SELECT page, element, CAST(sum(clicks) AS BIGINT) AS clicks, count(*) AS bursts, count(DISTINCT unit) AS visitors
FROM bursts WHERE clicks >= {k} GROUP BY page, element ORDER BY bursts DESC, visitors DESC, page, element"""
    return frame.bind.statement(sql, "rage clicks by page")


def rage_clicks(plan: Plan, cut: Cut, limits: Limits) -> Statement:
    """Every click in order: moment (µs), visitor, page, element, x, y, its place in the burst, whether it fires."""
    frame = Frame(plan, cut)
    sql = f"""
WITH placed AS ({_placed(frame, limits, "v.visitor AS who")})
SELECT t, who, page, element, x, y, place, place = {limits.clicks} AS fires FROM placed ORDER BY t, seq, id"""
    return frame.bind.statement(sql, "clicks")


def _placed(frame: Frame, limits: Limits, *more: str) -> str:
    """The clicks with the number of their burst (``run``) per visitor and page and their ``place`` in it, from 1."""
    cut, dims = frame.cut, frame.dims
    named = [name for name in CLICKS if name in frame.plan.events]
    declared = {prop for name in named for prop in frame.plan.events[name].properties}
    elements = [dims.property(name) for name in _ELEMENTS if name in declared]
    element = f"coalesce({', '.join(elements)})" if len(elements) > 1 else "".join(elements)
    x, y = dims.property("x"), dims.property("y")
    columns = ["e.t", "e.seq", "e.id", f"{dims.get('page').sql} AS page", f"{x} AS x", f"{y} AS y"]
    columns += [f"{element or 'CAST(NULL AS VARCHAR)'} AS element", *more]
    condition = f"e.name IN ({frame.bind.all(CLICKS)}) AND {x} IS NOT NULL AND {y} IS NOT NULL"
    clicks = unit_events(
        frame, "visitor", columns, condition, first=cut.period.first, last=cut.period.last, segment=cut.where
    )
    order = "PARTITION BY unit, page ORDER BY t, seq, id"
    near = f"t - t0 < {limits.ms * 1000} AND abs(x - x0) + abs(y - y0) < {limits.px:g}"
    return f"""
    SELECT *, row_number() OVER (PARTITION BY unit, page, run ORDER BY t, seq, id) AS place FROM (
        SELECT *, sum(opens) OVER ({order} ROWS UNBOUNDED PRECEDING) AS run FROM (
            SELECT *, CASE WHEN n > 1 AND {near} THEN 0 ELSE 1 END AS opens FROM (
                SELECT *, row_number() OVER ({order}) AS n, lag(t) OVER ({order}) AS t0, lag(x) OVER ({order}) AS x0, lag(y) OVER ({order}) AS y0
                FROM ({clicks}))))"""
