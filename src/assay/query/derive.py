"""Derived data as a pure function of the stored events and the plan's rules: session keys, sessions, orders, refunds.

Incremental loading and rebuilding run the same statements over different scopes, per visitor, so they give the same
tables. Orders and refunds are few and are always derived whole.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from functools import cache

from assay.model.event import PASSIVE_EVENTS
from assay.model.period import DAY_US, offsets
from assay.plan.values import Plan
from assay.query import channels
from assay.query.orders import orders_statements
from assay.query.pages import VIEWS, page, told
from assay.query.sql import digest, literal
from assay.store.engine import Derivation, Statement

# A session's number is part of its key: session_key = visitor_key * SESSION_BASE + session_no.
SESSION_BASE = 16_777_216
_VERSION = 3  # raise when a derivation changes its meaning: stores then rebuild by themselves


def derivation(plan: Plan) -> Derivation:
    """Everything that loading and rebuilding need, made from the plan's rules."""
    keys = session_keys(plan)
    tables = (*sessions(plan), *orders_statements(plan))
    rules = [
        asdict(plan.rules),
        asdict(plan.orders),
        asdict(plan.cleaning),
        (plan.site.timezone, plan.site.currency, plan.site.domains),
        [asdict(c) for c in plan.channels],
    ]
    key_events = _key_events(plan) if plan.rules.bounce.rule == "ga4" else []
    return Derivation(digest(_VERSION, rules, key_events), day_expression(plan.site.timezone), keys, tables)


def _key_events(plan: Plan) -> list[str]:
    return sorted({g.event for g in plan.goals.values() if g.event})


@cache
def day_expression(zone: str) -> str:
    """SQL for the site-local day of ``{t}`` (microseconds UTC): integer arithmetic, no zone functions."""
    first, last = 631_152_000_000_000, 2_524_608_000_000_000  # 1990 to 2050
    changes = offsets(first, last, zone)
    epoch = f"DATE '{date(1970, 1, 1)}'"
    if len(changes) == 1:
        return f"({epoch} + CAST(({{t}} + {changes[0][1]}) // {DAY_US} AS INTEGER))"
    # Newest first: real traffic is recent. Halving the list keeps a lookup to a handful of comparisons.
    return f"({epoch} + CAST(({{t}} + {_search(changes)}) // {DAY_US} AS INTEGER))"


def _search(changes: list[tuple[int, int]]) -> str:
    if len({offset for _, offset in changes}) == 1:
        return str(changes[0][1])
    middle = len(changes) // 2
    return (
        f"CASE WHEN {{t}} < {changes[middle][0]} THEN {_search(changes[:middle])} ELSE {_search(changes[middle:])} END"
    )


def session_keys(plan: Plan) -> tuple[Statement, ...]:
    """Statements that fill ``keyed`` (piece, rn, event_no, visitor_key, session_key, old_key) from ``touched``."""
    rule = plan.rules.session
    compare, stays = (">=", "<") if rule.gap == "inclusive" else (">", "<=")
    timeout = rule.timeout * 1_000_000
    breaks = [f"t - lag(t) OVER w {compare} {timeout}"]
    if rule.split_at_midnight:
        breaks.append("day <> lag(day) OVER w")
    counts = "live AND NOT bot" if plan.rules.bots == "exclude" else "live"
    own = "session IS NOT NULL" if rule.own_ids else "false"
    campaign = ", campaign" if rule.split_on_campaign or rule.max is not None else ""
    runs = f"""
CREATE OR REPLACE TEMP TABLE runs AS
SELECT *, sum(CAST(opens AS BIGINT)) OVER (PARTITION BY visitor_key, own ORDER BY t, seq, id_hash ROWS UNBOUNDED PRECEDING) AS run
FROM (
    SELECT piece, rn, event_no, visitor_key, t, seq, id_hash, old_key{campaign},
        CASE WHEN {own} THEN source || chr(31) || session END AS sid, {own} AS own,
        NOT ({own}) AND coalesce({" OR ".join(breaks)}, true) AS opens
    FROM touched
    WHERE visitor_key IS NOT NULL AND interactive AND {counts}
    WINDOW w AS (PARTITION BY visitor_key, {own} ORDER BY t, seq, id_hash)
)"""
    fold = _fold(plan)
    number = f"""
CREATE OR REPLACE TEMP TABLE keyed AS
WITH mixed AS (
    SELECT DISTINCT visitor_key FROM runs WHERE own
), heads AS (
    SELECT visitor_key, sid, run, min(t) AS start_t FROM runs SEMI JOIN mixed USING (visitor_key) GROUP BY visitor_key, sid, run
), numbers AS (
    SELECT visitor_key, sid, run, visitor_key * {SESSION_BASE} + row_number() OVER (PARTITION BY visitor_key ORDER BY start_t, sid, run) AS session_key
    FROM heads
), opened AS (
    SELECT r.piece, r.rn, r.event_no, r.visitor_key, n.session_key, r.old_key, r.t, r.seq, r.id_hash, r.sid
    FROM runs r JOIN numbers n ON n.visitor_key = r.visitor_key AND n.run = r.run AND n.sid IS NOT DISTINCT FROM r.sid
    UNION ALL
    SELECT piece, rn, event_no, visitor_key, visitor_key * {SESSION_BASE} + run, old_key, t, seq, id_hash, NULL
    FROM runs ANTI JOIN mixed USING (visitor_key)
), passive AS (
    SELECT t.piece, t.rn, t.event_no, t.visitor_key, t.old_key, t.t, CASE WHEN {own} THEN t.source || chr(31) || t.session END AS sid
    FROM touched t WHERE NOT t.interactive AND t.visitor_key IS NOT NULL AND {counts}
), named AS (
    SELECT visitor_key, sid, min(session_key) AS session_key FROM opened WHERE sid IS NOT NULL GROUP BY visitor_key, sid
), attached AS (
    SELECT p.piece, p.rn, p.event_no, p.visitor_key, p.old_key,
        CASE WHEN p.sid IS NOT NULL THEN n.session_key WHEN p.t - o.t {stays} {timeout} THEN o.session_key END AS session_key
    FROM passive p
    ASOF LEFT JOIN (SELECT visitor_key, t, max(session_key) AS session_key FROM opened SEMI JOIN passive USING (visitor_key) GROUP BY visitor_key, t) o
        ON o.visitor_key = p.visitor_key AND p.t >= o.t
    LEFT JOIN named n ON n.visitor_key = p.visitor_key AND n.sid = p.sid
)
SELECT piece, rn, event_no, visitor_key, session_key, old_key FROM opened
UNION ALL SELECT piece, rn, event_no, visitor_key, session_key, old_key FROM attached
UNION ALL SELECT piece, rn, event_no, visitor_key, NULL, old_key FROM touched
    WHERE visitor_key IS NULL OR NOT ({counts})"""
    return (Statement(runs), *fold, Statement(number), Statement("DROP TABLE runs"))


def _fold(plan: Plan) -> tuple[Statement, ...]:
    """Maximum length and campaign splits restart the rule from the split: a fold over each run, as a recursive query.

    A run is cut at the first event that is too far from the start of its session, or that brings another campaign than the
    session's own; then the rule starts again from that event.
    """
    rule = plan.rules.session
    cuts = []
    if rule.max is not None:
        cuts.append(f"e.t - h.t > {rule.max * 1_000_000}")
    if rule.split_on_campaign:
        cuts.append("(e.campaign IS NOT NULL AND e.campaign IS DISTINCT FROM h.campaign)")
    if not cuts:
        return ()
    cut = " OR ".join(cuts)
    return (
        Statement(
            f"""
CREATE OR REPLACE TEMP TABLE folded AS
WITH RECURSIVE placed AS (
    SELECT visitor_key, run, t, campaign, row_number() OVER (PARTITION BY visitor_key, run ORDER BY t, seq, id_hash) AS place
    FROM runs WHERE NOT own
), heads AS (
    SELECT visitor_key, run, place, t, campaign FROM placed WHERE place = 1
    UNION ALL
    SELECT visitor_key, run, place, t, campaign FROM (
        SELECT e.visitor_key, e.run, e.place, e.t, e.campaign,
            row_number() OVER (PARTITION BY e.visitor_key, e.run ORDER BY e.place) AS nearest
        FROM heads h JOIN placed e ON e.visitor_key = h.visitor_key AND e.run = h.run AND e.place > h.place AND ({cut})
    ) WHERE nearest = 1
)
SELECT visitor_key, run, place FROM heads""",
            own={"spark": _folded_by_spark(cut)},
        ),
        Statement("""
CREATE OR REPLACE TEMP TABLE runs AS
WITH placed AS (
    SELECT *, row_number() OVER (PARTITION BY visitor_key, own, run ORDER BY t, seq, id_hash) AS place FROM runs
)
SELECT p.* EXCLUDE (place, run),
    CASE WHEN p.own THEN p.run ELSE CAST(count(f.place) OVER (PARTITION BY p.visitor_key, p.own ORDER BY p.run, p.place ROWS UNBOUNDED PRECEDING) AS BIGINT) END AS run
FROM placed p LEFT JOIN folded f ON NOT p.own AND f.visitor_key = p.visitor_key AND f.run = p.run AND f.place = p.place"""),
        Statement("DROP TABLE folded"),
    )


def _folded_by_spark(cut: str) -> str:
    """The same fold over a list of each run's events: Spark has no recursion that looks at windows."""
    return f"""
SELECT visitor_key, run, explode(cuts) AS place FROM (
    SELECT visitor_key, run, aggregate(array_sort(collect_list(struct(place, t, campaign))),
        struct(CAST(NULL AS BIGINT) AS t, CAST(NULL AS STRING) AS campaign, CAST(array() AS ARRAY<INT>) AS cuts),
        (h, e) -> CASE WHEN h.t IS NULL OR {cut} THEN struct(e.t AS t, e.campaign AS campaign, concat(h.cuts, array(e.place)) AS cuts) ELSE h END,
        h -> h.cuts) AS cuts
    FROM (SELECT visitor_key, run, t, campaign, row_number() OVER (PARTITION BY visitor_key, run ORDER BY t, seq, id_hash) AS place FROM runs WHERE NOT own)
    GROUP BY visitor_key, run
)"""


# A session has bounced when …, by rule; {threshold} in microseconds. Null where the rule cannot say.
BOUNCES = {
    "assay": "page_views = 1 AND interactions = 0",
    "ga4": "CASE WHEN engaged_us IS NOT NULL THEN NOT (engaged_us > {threshold} OR key_events > 0 OR page_views >= 2) END",
    "plausible": "page_views = 1 AND customs = 0",
    "posthog": "page_views > 0 AND NOT (page_views > 1 OR clicks > 0 OR end_t - start_t >= {threshold})",
    "matomo": "actions = 1",
    "ga360": "hits = 1",
    "source": "session_bounce",
}


def bounce(plan: Plan) -> str:
    """SQL for is_bounce over a session's columns."""
    rule = plan.rules.bounce
    return BOUNCES[rule.rule].format(threshold=(rule.threshold or 10) * 1_000_000)


_VIEWS = f"name IN ({', '.join(literal(name) for name in VIEWS)})"
_FIRST = ("day", "referrer", "device", "browser", "os", "country", "language", "account")


def sessions(plan: Plan) -> tuple[Statement, ...]:
    """Statements that derive the sessions of ``scope_visitors`` again."""
    return (
        Statement(f"CREATE OR REPLACE TEMP TABLE session_sums AS {_sums(plan)}"),
        Statement(f"CREATE OR REPLACE TEMP TABLE session_base AS {_base()}"),
        Statement("DROP TABLE session_sums"),
        Statement(f"CREATE OR REPLACE TEMP TABLE session_origins AS {_origins(plan)}"),
        Statement("DELETE FROM sessions WHERE visitor_key IN (SELECT visitor_key FROM scope_visitors)"),
        Statement(f"INSERT INTO sessions {_final(plan)}"),
        Statement("DROP TABLE session_base"),
        Statement("DROP TABLE session_origins"),
    )


def _sums(plan: Plan) -> str:
    """One row per session: what is summed from its events, and the instants of its first event, entry and exit page.

    What few sources send (hit numbers, time in the foreground) is summed apart, over the events that have it.
    """
    passive = ", ".join(literal(name) for name in sorted(PASSIVE_EVENTS))
    keys = ", ".join(literal(name) for name in _key_events(plan)) or "NULL"
    scope = "events e SEMI JOIN scope_visitors sv ON sv.visitor_key = e.visitor_key WHERE e.session_key IS NOT NULL"
    return f"""
WITH sums AS (
    SELECT e.session_key, any_value(e.visitor_key) AS visitor_key, min(e.t) AS start_t, max(e.t) AS end_t, count(*) AS events,
        count(*) FILTER (WHERE e.interactive) AS actions,
        count(*) FILTER (WHERE hit IS NULL AND e.interactive) AS lone_hits,
        count(*) FILTER (WHERE {_VIEWS}) AS page_views,
        count(*) FILTER (WHERE e.interactive AND NOT ({_VIEWS}) AND name NOT IN ({passive})) AS interactions,
        count(*) FILTER (WHERE e.interactive AND NOT ({_VIEWS})) AS customs,
        count(*) FILTER (WHERE name IN ('click', '$autocapture')) AS clicks,
        count(*) FILTER (WHERE name IN ({keys})) AS key_events,
        bool_or(session_new) AS session_new, bool_or(session_bounce) AS session_bounce, min(session) AS source_session,
        min(e.t) FILTER (WHERE e.interactive) AS first_t,
        min(e.t) FILTER (WHERE {_VIEWS} AND path IS NOT NULL) AS entry_t, max(e.t) FILTER (WHERE {_VIEWS} AND path IS NOT NULL) AS exit_t
    FROM {scope} GROUP BY e.session_key
), rare AS (
    SELECT e.session_key, count(DISTINCT hit) AS hits, sum({told("engagement_time_msec")} * 1000) AS engaged_us
    FROM {scope} AND (hit IS NOT NULL OR props LIKE '%engagement_time_msec%') GROUP BY e.session_key
)
SELECT s.*, s.lone_hits + coalesce(r.hits, 0) AS hits, r.engaged_us FROM sums s LEFT JOIN rare r ON r.session_key = s.session_key"""


def _base() -> str:
    """The sums with what the first event says (``f``) and the first and last page; ties of one instant by (seq, id)."""
    names = (*_FIRST, "utm_source", "utm_medium", "utm_campaign", "session_channel")
    first = ", ".join(f"'{name}': e.{name}" for name in names)
    viewed = f"{_VIEWS} AND path IS NOT NULL"
    return f"""
WITH marks AS (
    SELECT e.session_key,
        arg_min({{{first}, 'click_name': {channels.click_name("e.click_id")}}}, (e.seq, e.id)) FILTER (WHERE e.interactive AND e.t = s.first_t) AS f,
        arg_min(path, (e.seq, e.id)) FILTER (WHERE {viewed} AND e.t = s.entry_t) AS entry_path,
        arg_max(path, (e.seq, e.id)) FILTER (WHERE {viewed} AND e.t = s.exit_t) AS exit_path
    FROM events e JOIN session_sums s ON s.session_key = e.session_key AND (e.t = s.first_t OR e.t = s.entry_t OR e.t = s.exit_t)
    GROUP BY e.session_key
)
SELECT s.*, m.f, m.entry_path, m.exit_path FROM session_sums s JOIN marks m ON m.session_key = s.session_key"""


_ORIGIN = "concat_ws(chr(31), coalesce(f.utm_source, ''), coalesce(f.utm_medium, ''), coalesce(f.utm_campaign, ''), coalesce(f.click_name, ''), coalesce(f.referrer, ''))"


def _origins(plan: Plan) -> str:
    """One row per distinct origin, so that hosts and channel rules are judged once each and not once per session."""
    source, medium = channels.source_medium()
    ignored = channels.ignored("host", plan)
    bare = channels.bare_source()
    return f"""
WITH raw AS (
    SELECT {_ORIGIN} AS origin, any_value(f.utm_source) AS utm_source, any_value(f.utm_medium) AS utm_medium,
        any_value(f.utm_campaign) AS campaign, any_value(f.click_name) AS click_name, any_value(f.referrer) AS referrer,
        any_value({channels.referring_host("f.referrer")}) AS host
    FROM session_base GROUP BY 1
), referred AS (
    SELECT * EXCLUDE (host, referrer), CASE WHEN NOT {ignored} THEN host END AS ref_host,
        coalesce(referrer = {literal(channels.NO_REFERRER)} OR {ignored}, false) AS no_referrer
    FROM raw
), known AS (
    {channels.known_places()}
), places AS ({channels.kinds_of("SELECT DISTINCT ref_host AS text FROM referred WHERE ref_host IS NOT NULL")}
), sourced AS (
    SELECT *, {source} AS source, {medium} AS medium
    FROM (SELECT r.*, p.kind AS ref_kind FROM referred r LEFT JOIN places p ON p.text = r.ref_host)
), named AS ({channels.kinds_of(f"SELECT lower(source) AS text FROM sourced WHERE source IS NOT NULL UNION SELECT {bare} FROM sourced")}
)
SELECT *, {channels.channel(plan)} AS channel FROM (
    SELECT s.*, n.kind AS source_kind, a.kind AS ads_kind
    FROM sourced s LEFT JOIN named n ON n.text = lower(s.source) LEFT JOIN named a ON a.text = {bare}
)"""


def _final(plan: Plan) -> str:
    """Sessions with channel (a direct session takes over the last other source of 90 days), pages, new and bounce."""
    takes = "false"
    if plan.rules.session_source == "last_non_direct":
        takes = f"direct AND before IS NOT NULL AND start_t - before.t <= {90 * DAY_US}"
    origin = ", ".join(
        f"CASE WHEN takes THEN before.{c} ELSE {c} END AS {c}" for c in ("channel", "source", "medium", "campaign")
    )
    number = f"session_key - visitor_key * {SESSION_BASE}"
    return f"""
WITH pages AS (
    SELECT path, {page("path", plan)} AS page
    FROM (SELECT entry_path AS path FROM session_base UNION SELECT exit_path FROM session_base) WHERE path IS NOT NULL
), own AS (
    SELECT b.*, g.source, g.medium, g.campaign, coalesce(f.session_channel, g.channel) AS channel,
        f.session_channel IS NULL AND g.channel = 'Direct' AS direct
    FROM (SELECT *, {_ORIGIN} AS origin FROM session_base) b JOIN session_origins g USING (origin)
), known AS (
    SELECT *, last_value(CASE WHEN NOT direct THEN {{'t': start_t, 'channel': channel, 'source': source, 'medium': medium, 'campaign': campaign}} END IGNORE NULLS)
        OVER (PARTITION BY visitor_key ORDER BY session_key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM own
), settled AS (
    SELECT *, {takes} AS takes FROM known
)
SELECT session_key, visitor_key, {number}, source_session, f.day, start_t, end_t, events, hits, page_views, interactions, clicks, engaged_us,
    coalesce(session_new, {number} = 1), {bounce(plan)}, {origin}, f.referrer, en.page AS entry_page, ex.page AS exit_page,
    f.device, f.browser, f.os, f.country, f.language, f.account
FROM settled LEFT JOIN pages en ON en.path = entry_path LEFT JOIN pages ex ON ex.path = exit_path
ORDER BY f.day, session_key"""
