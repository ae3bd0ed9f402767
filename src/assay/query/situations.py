"""SQL behind situations of the playbook that no metric says: ad clicks, where forms are left, slow pages."""

from __future__ import annotations

from assay.model.period import Period
from assay.plan.draft import goal_rows
from assay.plan.values import Goal, Plan
from assay.query.dimensions import Dimensions
from assay.query.pages import VIEWS
from assay.query.selecting import selected
from assay.query.sql import Binder
from assay.store.engine import Statement

SLOW = 2500  # ms of LCP


def ad_clicks(period: Period) -> Statement:
    """Per campaign: clicks and impressions."""
    bind = Binder()
    return bind.statement(
        "SELECT campaign, CAST(sum(clicks) AS BIGINT), CAST(sum(impressions) AS BIGINT) FROM costs WHERE campaign IS NOT NULL "
        f"AND day BETWEEN {bind(period.first)} AND {bind(period.last)} GROUP BY campaign ORDER BY campaign",
        "ad clicks",
    )


def last_fields(plan: Plan, period: Period, prop: str, sent: tuple[str, ...]) -> Statement:
    """Per form field: visitors who touched it, and those whose last touched field it was and who sent no form after it."""
    bind = Binder()
    field = Dimensions(plan, bind).property(prop)
    names = bind.all(sent) if sent else "''"
    sql = f"""
WITH touched AS (
    SELECT e.visitor_key, CAST({field} AS VARCHAR) AS field, max(e.t) AS t FROM events e
    WHERE e.environment = 'live' AND NOT e.bot AND e.visitor_key IS NOT NULL AND {field} IS NOT NULL
        AND e.day BETWEEN {bind(period.first)} AND {bind(period.last)}
    GROUP BY e.visitor_key, CAST({field} AS VARCHAR)
), ends AS (
    SELECT visitor_key, arg_max(field, t) AS field, max(t) AS t FROM touched GROUP BY visitor_key
), sent AS (
    SELECT visitor_key, max(t) AS t FROM events WHERE name IN ({names}) AND visitor_key IS NOT NULL GROUP BY visitor_key
), stopped AS (
    SELECT n.field AS field, count(*) AS stops FROM ends n LEFT JOIN sent s ON s.visitor_key = n.visitor_key
    WHERE s.t IS NULL OR s.t < n.t GROUP BY n.field
)
SELECT r.field, r.reached, coalesce(s.stops, 0) FROM (SELECT field, count(*) AS reached FROM touched GROUP BY field) r
LEFT JOIN stopped s ON s.field = r.field ORDER BY 2 DESC, 1"""
    return bind.statement(sql, "where forms are left")


def speed(plan: Plan, period: Period, prop: str, goal: Goal, group: bool) -> Statement:
    """Per page (group): measured views, 75th percentile of LCP, sessions with a slow view and of them with the goal, others."""
    bind = Binder()
    dims = Dimensions(plan, bind)
    value, page = dims.property(prop), dims.get("page_group" if group else "page").sql
    reached = selected(dims, goal_rows(goal))
    sql = f"""
WITH seen AS (
    SELECT {page} AS page, e.session_key, CAST({value} AS DOUBLE) AS ms FROM events e
    WHERE e.name IN ({bind.all(VIEWS)}) AND e.session_key IS NOT NULL AND {value} IS NOT NULL
        AND e.day BETWEEN {bind(period.first)} AND {bind(period.last)}
), won AS (
    SELECT DISTINCT e.session_key FROM events e WHERE e.session_key IS NOT NULL AND {reached}
), each AS (
    SELECT s.page AS page, s.session_key AS session_key, max(s.ms) AS slowest FROM seen s GROUP BY s.page, s.session_key
), rates AS (
    SELECT e.page AS page, count(*) FILTER (WHERE e.slowest > {SLOW}) AS slow,
        count(w.session_key) FILTER (WHERE e.slowest > {SLOW}) AS slow_won,
        count(*) FILTER (WHERE e.slowest <= {SLOW}) AS fast, count(w.session_key) FILTER (WHERE e.slowest <= {SLOW}) AS fast_won
    FROM each e LEFT JOIN won w ON w.session_key = e.session_key GROUP BY e.page
), views AS (
    SELECT page, count(*) AS views, quantile_cont(ms, 0.75) AS p75 FROM seen WHERE page IS NOT NULL GROUP BY page
)
SELECT v.page, v.views, v.p75, r.slow, r.slow_won, r.fast, r.fast_won FROM views v JOIN rates r ON r.page = v.page
ORDER BY v.views DESC, v.page"""
    return bind.statement(sql, "page speed")
