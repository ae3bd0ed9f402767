"""SQL behind situations of the playbook that no metric says: ad clicks, where forms are left, slow pages."""

from __future__ import annotations

from assay.model.period import Period
from assay.plan.draft import goal_rows
from assay.plan.values import Goal, Plan
from assay.query.cut import Cut, Frame
from assay.query.dimensions import session_filter, visitor_joins
from assay.query.pages import VIEWS
from assay.query.selecting import live, selected
from assay.query.sql import Binder
from assay.store.engine import Statement

SLOW = 2500  # ms of LCP
_MEASURED = (*VIEWS, "web_vitals")  # a view says itself how long it took, or the tag says so once per page
SHARE = 0.25  # of views: as many may be slow at the 75th percentile


def ad_clicks(period: Period) -> Statement:
    """Per campaign: clicks and impressions."""
    bind = Binder()
    return bind.statement(
        "SELECT campaign, CAST(sum(clicks) AS BIGINT), CAST(sum(impressions) AS BIGINT) FROM costs WHERE campaign IS NOT NULL "
        f"AND day BETWEEN {bind(period.first)} AND {bind(period.last)} GROUP BY campaign ORDER BY campaign",
        "ad clicks",
    )


def last_fields(plan: Plan, cut: Cut, prop: str, sent: tuple[str, ...]) -> Statement:
    """Per form field: visitors who touched it, and those whose last touched field it was and who sent no form after it."""
    frame = Frame(plan, cut)
    joins, only = _segment(frame)
    field = f"CAST({frame.dims.property(prop)} AS VARCHAR)"
    sql = f"""
WITH touched AS (
    SELECT e.visitor_key AS visitor_key, {field} AS field, max(e.t) AS t, max(e.seq) AS seq
    FROM events e{joins}
    WHERE {live(plan)} AND e.visitor_key IS NOT NULL AND {field} IS NOT NULL AND {frame.in_range("e")}{only}
    GROUP BY e.visitor_key, {field}
), ends AS (
    SELECT visitor_key, arg_max(field, (t, seq, field)) AS field, max(t) AS t FROM touched GROUP BY visitor_key
), sent AS (
    SELECT e.visitor_key AS visitor_key, max(e.t) AS t FROM events e
    WHERE {live(plan)} AND e.name IN ({frame.bind.all(sent)}) AND e.visitor_key IS NOT NULL GROUP BY e.visitor_key
), stopped AS (
    SELECT n.field AS field, count(*) AS stops FROM ends n LEFT JOIN sent x ON x.visitor_key = n.visitor_key
    WHERE x.t IS NULL OR x.t < n.t GROUP BY n.field
), reached AS (
    SELECT field, count(*) AS people FROM touched GROUP BY field
)
SELECT r.field AS field, r.people AS people, coalesce(s.stops, 0) AS stops FROM reached r
LEFT JOIN stopped s ON s.field = r.field ORDER BY r.people DESC, r.field"""
    return frame.bind.statement(sql, "where forms are left")


def speed(plan: Plan, cut: Cut, prop: str, goal: Goal, group: bool) -> Statement:
    """Per page (group): measured views, 75th percentile of LCP, slow views beyond one in four and their spread by visitor,
    sessions with a slow view, of them with the goal, and the same of all other sessions.
    """
    frame = Frame(plan, cut)
    joins, only = _segment(frame)
    value, page = frame.dims.property(prop), frame.dims.get("page_group" if group else "page").sql
    reached = selected(frame.dims, goal_rows(goal))
    sql = f"""
WITH seen AS (
    SELECT {page} AS page, e.session_key AS session_key, e.visitor_key AS visitor_key, CAST({value} AS DOUBLE) AS ms
    FROM events e{joins}
    WHERE e.name IN ({frame.bind.all(_MEASURED)}) AND {live(plan)} AND e.session_key IS NOT NULL AND {value} IS NOT NULL
        AND {frame.in_range("e")}{only}
), won AS (
    SELECT DISTINCT e.session_key AS session_key FROM events e WHERE {live(plan)} AND e.session_key IS NOT NULL AND {reached}
), each AS (
    SELECT s.page AS page, s.session_key AS session_key, max(s.ms) AS slowest FROM seen s GROUP BY s.page, s.session_key
), marked AS (
    SELECT a.page AS page, a.slowest > {SLOW} AS slow, CASE WHEN w.session_key IS NULL THEN 0 ELSE 1 END AS won
    FROM each a LEFT JOIN won w ON w.session_key = a.session_key
), rates AS (
    SELECT m.page AS page, count(*) FILTER (WHERE m.slow) AS slow, coalesce(sum(m.won) FILTER (WHERE m.slow), 0) AS slow_won,
        count(*) FILTER (WHERE NOT m.slow) AS fast, coalesce(sum(m.won) FILTER (WHERE NOT m.slow), 0) AS fast_won
    FROM marked m GROUP BY m.page
), people AS (
    SELECT s.page AS page, s.visitor_key AS visitor_key, count(*) FILTER (WHERE s.ms > {SLOW}) - {SHARE} * count(*) AS more
    FROM seen s GROUP BY s.page, s.visitor_key
), spread AS (
    SELECT p.page AS page, sum(p.more) AS more, sum(p.more * p.more) AS squares FROM people p GROUP BY p.page
), views AS (
    SELECT s.page AS page, count(*) AS views, quantile_cont(s.ms, 0.75) AS p75 FROM seen s WHERE s.page IS NOT NULL GROUP BY s.page
)
SELECT v.page AS page, v.views AS views, v.p75 AS p75, d.more AS more, d.squares AS squares,
    CAST(r.slow AS BIGINT) AS slow, CAST(r.slow_won AS BIGINT) AS slow_won, CAST(r.fast AS BIGINT) AS fast,
    CAST(r.fast_won AS BIGINT) AS fast_won
FROM views v JOIN rates r ON r.page = v.page JOIN spread d ON d.page = v.page ORDER BY v.views DESC, v.page"""
    return frame.bind.statement(sql, "page speed")


def _segment(frame: Frame) -> tuple[str, str]:
    """The joins and the condition that a segment needs."""
    if frame.cut.where is None:
        return "", ""
    only = session_filter(frame.dims, frame.cut.where)
    return f" JOIN sessions s ON s.session_key = e.session_key{visitor_joins(only)}", f" AND {only}"
