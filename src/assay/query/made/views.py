"""Page views with what happened on them: how long, how far down, and whether the session ended there."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.made.base import frame_of
from assay.query.pages import VIEWS
from assay.query.rows import RowBuilder
from assay.query.selecting import live


def _number(name: str) -> str:
    """A whole number in the JSON of the few events that have it."""
    return f"CASE WHEN e.props LIKE '%{name}%' THEN TRY_CAST(json_extract_string(e.props, '$.{name}') AS BIGINT) END"


def views(builder: RowBuilder, made: Made) -> str:
    """One row per page view of the sessions in the range.

    Events after a view, up to the session's next, happened on it. ``seconds``: what its engagement beats add up to; without
    beats the time until the next event (or page); of the session's last page unknown. ``depth``: the largest seen, 0 where
    none was; unknown where no page of the range told one.
    """
    frame = frame_of(builder)
    bind = frame.bind
    view = f"e.name IN ({bind.all(VIEWS)})"
    excused = [name for select in made.rows if select for name in select.events or ()]
    done = (
        f"max(CASE WHEN e.name IN ({bind.all(excused)}) THEN 1 ELSE 0 END) OVER (PARTITION BY e.session_key)"
        if excused
        else "0"
    )
    order = "ORDER BY e.t, e.seq, e.id"
    nexts = f"PARTITION BY e.session_key, {view if made.until == 'page' else 'e.interactive'} {order}"
    counts = f"e.session_key IS NOT NULL AND {live(frame.plan)}"
    marked = (
        f"SELECT e.event_no, e.session_key, e.t, {view} AS is_view, "
        f"sum(CASE WHEN {view} THEN 1 ELSE 0 END) OVER (PARTITION BY e.session_key {order} ROWS UNBOUNDED PRECEDING) AS view_no, "
        f"lead(CAST(e.t AS BIGINT)) OVER ({nexts}) AS next_t, {done} AS excused, "
        f"{_number('engagement_time_msec')} AS beat, {_number('percent_scrolled')} AS percent "
        f"FROM events e WHERE {counts} AND e.session_key IN (SELECT e.session_key FROM events e WHERE {counts} AND {frame.in_range('e')})"
    )
    folded = (  # what came before a session's first view has no event_no, so nothing is joined to it
        "SELECT session_key, view_no, max(CASE WHEN is_view THEN event_no END) AS event_no, max(CASE WHEN is_view THEN t END) AS t, "
        "max(CASE WHEN is_view THEN next_t END) AS next_t, max(excused) AS excused, "
        "sum(CASE WHEN NOT is_view THEN beat END) AS beats, max(percent) AS percent FROM marked GROUP BY session_key, view_no"
    )
    ended = "SELECT *, max(view_no) OVER (PARTITION BY session_key) AS last_no FROM folded"
    told = "(SELECT count(percent) FROM folded) > 0"
    leaves = "x.view_no = x.last_no AND x.excused = 0"
    return (
        f"WITH marked AS ({marked}), folded AS ({folded}), ended AS ({ended}) SELECT e.*, "
        "CASE WHEN x.beats IS NOT NULL THEN x.beats / 1000.0 WHEN x.view_no < x.last_no THEN (x.next_t - x.t) / 1000000.0 END AS seconds, "
        f"CASE WHEN {told} THEN coalesce(x.percent, 0) END AS depth, "
        f"CASE WHEN {told} THEN CASE WHEN coalesce(x.percent, 0) >= {made.within or 100} THEN 1 ELSE 0 END END AS reached, "
        f"CASE WHEN {leaves} THEN 1 ELSE 0 END AS exit, CASE WHEN {leaves} THEN e.session_key END AS exit_session "
        "FROM events e JOIN ended x ON x.event_no = e.event_no"
    )
