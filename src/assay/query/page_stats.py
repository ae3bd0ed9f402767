"""Pages: views, entries, exits, bounces: one pass over page views, folded per page and session, then per page and visitor.

How long they were looked at and how far down, beside: from the rows that the metrics ``time_on_page`` and ``scroll_depth`` have.
"""

from __future__ import annotations

from assay.plan.measures import Made
from assay.plan.values import Plan
from assay.query.cut import Cut, Frame, block
from assay.query.dimensions import session_filter, uses, visitor_joins
from assay.query.made.views import views
from assay.query.pages import VIEWS
from assay.query.rows import RowBuilder
from assay.store.engine import Statement


def page_statement(plan: Plan, cut: Cut, group: bool) -> Statement:
    """Per page (or page group): views, sessions, visitors, entries, exits, bounces, and the products for two rates.

    Columns: page, views, sessions, entries, exits, bounces, then two blocks of moments per visitor: exits over sessions, and
    bounces over the entries that the bounce rule can judge.
    """
    frame = Frame(plan, cut)
    page = frame.dims.get("page_group" if group else "page").sql
    frame_entry = frame.dims.get("entry_page_group").sql if group else "s.entry_page"
    frame_exit = frame_entry.replace("s.entry_page", "s.exit_page")
    where = [
        f"e.name IN ({frame.bind.all(VIEWS)})",
        "e.path IS NOT NULL",
        frame.in_range("s"),
    ]
    if cut.where is not None:
        where.append(session_filter(frame.dims, cut.where))
    joins = visitor_joins(" ".join(where)) if uses(" ".join(where), "f") or uses(" ".join(where), "b") else ""
    sql = f"""
WITH seen AS (
    SELECT {page} AS page, e.session_key, any_value(e.visitor_key) AS visitor_key, count(*) AS views,
        max(CAST({frame_entry} IS NOT DISTINCT FROM {page} AS INTEGER)) AS entry, max(CAST({frame_exit} IS NOT DISTINCT FROM {page} AS INTEGER)) AS exit,
        max(CAST({frame_entry} IS NOT DISTINCT FROM {page} AND s.is_bounce AS INTEGER)) AS bounce,
        max(CAST({frame_entry} IS NOT DISTINCT FROM {page} AND s.is_bounce IS NOT NULL AS INTEGER)) AS judged
    FROM events e JOIN sessions s ON s.session_key = e.session_key{joins}
    WHERE {" AND ".join(where)}
    GROUP BY 1, 2
), clusters AS (
    SELECT page, visitor_key, count(*) AS sessions, sum(views) AS views, sum(entry) AS entries, sum(exit) AS exits, coalesce(sum(bounce), 0) AS bounces,
        sum(judged) AS judged
    FROM seen GROUP BY page, visitor_key
)
SELECT page, CAST(sum(views) AS BIGINT), CAST(sum(sessions) AS BIGINT), CAST(sum(entries) AS BIGINT), CAST(sum(exits) AS BIGINT),
    CAST(sum(bounces) AS BIGINT), {block("exits", "sessions", "count(*)")}, {block("bounces", "judged", "count(*)", only="judged > 0")}
FROM clusters GROUP BY page ORDER BY 2 DESC, 1"""
    return frame.bind.statement(sql, "pages")


def time_statement(plan: Plan, cut: Cut, group: bool, until: str) -> Statement:
    """Per page (or page group): page, views whose time is known, median and mean of their seconds, views that tell how far
    down was read, and the mean of their largest depth, in per cent. What is unknown counts in no mean. ``until``: without
    beats a page lasts until the session's next ``event`` or ``page``.
    """
    frame = Frame(plan, cut)
    builder = RowBuilder(plan, frame.dims, cut)
    page = frame.dims.get("page_group" if group else "page").sql
    where = ["e.path IS NOT NULL", frame.in_range("s")]
    if cut.where is not None:
        where.append(session_filter(frame.dims, cut.where))
    needed = visitor_joins(" ".join(where))
    sql = f"""
SELECT {page} AS page, count(e.seconds), quantile_cont(CAST(e.seconds AS DOUBLE), 0.5), avg(CAST(e.seconds AS DOUBLE)), count(e.depth), avg(CAST(e.depth AS DOUBLE))
FROM ({views(builder, Made("view", until=until))}) e JOIN sessions s ON s.session_key = e.session_key{needed}
WHERE {" AND ".join(where)} GROUP BY 1"""
    return frame.bind.statement(sql, "pages")
