"""Page views with what happened on them: how long, how far down, and whether the session ended there."""

from __future__ import annotations

from assay.plan.measures import Made
from assay.query.made.base import frame_of
from assay.query.pages import VIEWS, told
from assay.query.rows import RowBuilder
from assay.query.selecting import live


def views(builder: RowBuilder, made: Made) -> str:
    """One row per page view of the sessions in the range.

    Events after a view, up to the session's next, happened on it. ``seconds``: what its engagement beats add up to; without
    beats the time until the next interactive event or page view (or, ``until="page"``, the next page view); of the session's
    last page unknown. ``depth``: the largest seen, 0 where none was; unknown where no page of the range told one.
    """
    frame = frame_of(builder)
    bind = frame.bind
    view = f"e.name IN ({bind.all(VIEWS)})"
    excused = [name for select in made.rows if select for name in select.events or ()]
    excuse = f"CASE WHEN e.name IN ({bind.all(excused)}) THEN 1 ELSE 0 END" if excused else "0"
    counts = f"e.session_key IS NOT NULL AND {live(frame.plan)}"
    # What is sorted is narrow: neither names nor properties go through the window, and all of the rest is done on views.
    narrow = (
        f"SELECT e.event_no, e.session_key, e.t, e.seq, e.id, e.interactive, CASE WHEN {view} THEN 1 ELSE 0 END AS is_view, {excuse} AS excused, "
        f"{told('engagement_time_msec', 'e.props')} AS beat, {told('percent_scrolled', 'e.props')} AS percent "
        f"FROM events e WHERE {counts}"
    )
    marked = (
        "SELECT *, sum(is_view) OVER (PARTITION BY session_key ORDER BY t, seq, id ROWS UNBOUNDED PRECEDING) AS view_no FROM narrow "
        f"WHERE session_key IN (SELECT e.session_key FROM events e WHERE {counts} AND {frame.in_range('e')})"
    )
    acted = "CASE WHEN is_view = 0 AND interactive THEN t END" if made.until == "event" else "CAST(NULL AS BIGINT)"
    folded = (  # what came before a session's first view has no event_no, so nothing is joined to it
        "SELECT session_key, view_no, max(CASE WHEN is_view = 1 THEN event_no END) AS event_no, max(CASE WHEN is_view = 1 THEN t END) AS t, "
        f"min({acted}) AS acted_t, max(excused) AS excused, "
        "sum(CASE WHEN is_view = 0 THEN beat END) AS beats, max(percent) AS percent FROM marked GROUP BY session_key, view_no"
    )
    ended = (
        "SELECT *, lead(t) OVER (PARTITION BY session_key ORDER BY view_no) AS later_t, "
        f"{'max(excused) OVER (PARTITION BY session_key)' if excused else '0'} AS let_off FROM folded"
    )
    some = "(SELECT count(percent) FROM folded) > 0"
    leaves = "x.later_t IS NULL AND x.let_off = 0"
    return (
        f"WITH narrow AS ({narrow}), marked AS ({marked}), folded AS ({folded}), ended AS ({ended}) SELECT e.*, "
        "CASE WHEN x.beats IS NOT NULL THEN x.beats / 1000.0 WHEN x.later_t IS NOT NULL THEN (coalesce(x.acted_t, x.later_t) - x.t) / 1000000.0 END AS seconds, "
        f"CASE WHEN {some} THEN coalesce(x.percent, 0) END AS depth, "
        f"CASE WHEN {some} THEN CASE WHEN coalesce(x.percent, 0) >= {made.within or 100} THEN 1 ELSE 0 END END AS reached, "
        f"CASE WHEN {leaves} THEN 1 ELSE 0 END AS exit, CASE WHEN {leaves} THEN e.session_key END AS exit_session "
        "FROM events e JOIN ended x ON x.event_no = e.event_no"
    )
