"""When a session ends, what it is, and what counts as a bounce: the rules of the definitions on a few events."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.query.derive import day_expression
from support import at, event, load, rows, view, workspace

DAY = "2024-01-01 "


def counts(ws) -> list[int]:
    """Events per session, in time order, all visitors."""
    return [n for (n,) in rows(ws, "SELECT events FROM sessions ORDER BY visitor_key, session_no")]


def per_visitor(ws) -> list[int]:
    """Sessions per visitor, by the visitor's name."""
    sql = "SELECT count(*) FROM sessions JOIN visitors USING (visitor_key) GROUP BY visitor ORDER BY visitor"
    return [n for (n,) in rows(ws, sql)]


def ticks(*texts: str, **fields):
    return [event("u", "page_view", text, id=str(i), **fields) for i, text in enumerate(texts)]


@pytest.mark.parametrize(("gap", "sessions"), [("exclusive", [1, 1, 2]), ("inclusive", [1, 2, 2])])
def test_the_gap(tmp_path: Path, gap: str, sessions: list[int]) -> None:
    seconds = ["10:29:59.999999", "10:30:00", "10:30:00.000001"]
    events = [view(f"v{n}", DAY + time) for n, second in enumerate(seconds) for time in ("10:00", second)]
    ws = workspace(tmp_path, f"rules: {{session: {{gap: {gap}}}}}", events)
    assert per_visitor(ws) == sessions


def test_the_gap_is_between_neighbours_and_per_visitor(tmp_path: Path) -> None:
    events = [*ticks(DAY + "10:00", DAY + "10:25", DAY + "10:50", DAY + "11:21"), view("w", DAY + "11:00")]
    assert counts(workspace(tmp_path, "", events)) == [3, 1, 1]


# Berlin is one hour ahead of UTC in winter, two in summer; 2024-03-31 has 23 hours there, 2024-10-27 has 25.
MIDNIGHTS = [
    ("2024-01-01 22:59:59", "2024-01-01 23:00:00", 2),
    ("2024-01-01 23:59:59", "2024-01-02 00:00:01", 1),
    ("2024-03-30 22:59:59", "2024-03-30 23:00:00", 2),
    ("2024-03-31 21:59:59", "2024-03-31 22:00:00", 2),
    ("2024-03-31 22:59:59", "2024-03-31 23:00:00", 1),
    ("2024-10-26 21:59:59", "2024-10-26 22:00:00", 2),
    ("2024-10-27 22:59:59", "2024-10-27 23:00:00", 2),
]


def test_midnight_is_the_sites(tmp_path: Path) -> None:
    plan = "site: {timezone: Europe/Berlin}\nrules: {session: {split_at_midnight: true}}"
    events = [view(f"v{n}", time) for n, case in enumerate(MIDNIGHTS) for time in case[:2]]
    assert per_visitor(workspace(tmp_path, plan, events)) == [case[2] for case in MIDNIGHTS]


def test_without_the_rule_a_session_runs_over_midnight_and_belongs_to_its_first_day(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "site: {timezone: Europe/Berlin}", ticks("2024-01-01 22:50", "2024-01-01 23:10"))
    assert rows(ws, "SELECT day, events FROM sessions") == [(date(2024, 1, 1), 2)]


def test_a_new_campaign_starts_a_session_only_where_the_rule_says_so(tmp_path: Path) -> None:
    events = [
        view("u", DAY + "10:00"),
        view("u", DAY + "10:05", utm_campaign="a"),
        view("u", DAY + "10:10"),
        view("u", DAY + "10:15", utm_campaign="a"),
        view("u", DAY + "10:20", utm_campaign="b"),
        view("u", DAY + "10:25", utm_campaign="a"),
    ]
    assert counts(workspace(tmp_path / "off", "", events)) == [6]
    ws = workspace(tmp_path / "on", "rules: {session: {split_on_campaign: true}}", events)
    assert counts(ws) == [1, 3, 1, 1]
    assert rows(ws, "SELECT campaign FROM sessions ORDER BY session_no") == [(None,), ("a",), ("b",), ("a",)]


def test_the_longest_session_restarts_the_rule_from_the_split(tmp_path: Path) -> None:
    # Events every 25 minutes, at most one hour: 0, 25, 50 | 75, 100, 125 | 150 …, each counted from its own first event.
    minutes = range(0, 200, 25)
    events = [event("u", "page_view", at(DAY + "10:00") + m * 60_000_000, id=str(m)) for m in minutes]
    assert counts(workspace(tmp_path / "a", "rules: {session: {max: 1h}}", events)) == [3, 3, 2]
    # Exactly as long as allowed is allowed.
    events = [event("u", "page_view", at(DAY + "10:00") + m * 60_000_000, id=str(m)) for m in range(0, 121, 20)]
    assert counts(workspace(tmp_path / "b", "rules: {session: {max: 1h}}", events)) == [4, 3]


def test_campaign_and_length_together(tmp_path: Path) -> None:
    events = [event("u", "page_view", at(DAY + "10:00") + m * 60_000_000, id=str(m)) for m in range(0, 121, 20)]
    events[2]["utm_campaign"] = "a"  # 40: the rule starts again, so the hour runs to 100
    ws = workspace(tmp_path, "rules: {session: {max: 1h, split_on_campaign: true}}", events)
    assert counts(ws) == [2, 4, 1]


def test_a_source_keeps_its_own_sessions_unless_told_otherwise(tmp_path: Path) -> None:
    events = [
        view("u", DAY + "10:00", session="x"),
        view("u", DAY + "10:05", session="y"),
        view("u", DAY + "15:00", session="x"),
        view("u", DAY + "10:06", session="x", source="app"),
        view("w", DAY + "10:06", session="x"),
        view("u", DAY + "10:07"),
    ]
    assert counts(workspace(tmp_path / "own", "", events)) == [2, 1, 1, 1, 1]
    assert counts(workspace(tmp_path / "not", "rules: {session: {own_ids: false}}", events)) == [4, 1, 1]


def test_bots_staging_and_passive_events_open_no_session(tmp_path: Path) -> None:
    events = [
        view("bot", DAY + "10:00", bot=True),
        view("test", DAY + "10:00", environment="staging"),
        event("later", "crm_stage", DAY + "10:00", interactive=False),
        view("u", DAY + "10:00"),
        event("u", "beat", DAY + "10:30", interactive=False),
        event("u", "beat", DAY + "10:30:00.000001", interactive=False),
        event("u", "beat", DAY + "09:59", interactive=False),
    ]
    ws = workspace(tmp_path / "default", "", events)
    assert rows(ws, "SELECT visitor, events FROM sessions JOIN visitors USING (visitor_key)") == [("u", 2)]
    assert rows(ws, "SELECT count(*) FROM events WHERE session_key IS NULL") == [(5,)]
    ws = workspace(tmp_path / "bots", "rules: {bots: include}", events)
    assert rows(ws, "SELECT visitor, events FROM sessions JOIN visitors USING (visitor_key) ORDER BY 1") == [
        ("bot", 1),
        ("u", 2),
    ]


def test_a_passive_event_belongs_to_the_visit_by_the_same_gap(tmp_path: Path) -> None:
    events = [view("u", DAY + "10:00"), event("u", "beat", DAY + "10:30", interactive=False)]
    assert counts(workspace(tmp_path / "a", "", events)) == [2]
    assert counts(workspace(tmp_path / "b", "rules: {session: {gap: inclusive}}", events)) == [1]


def test_a_passive_event_does_not_bridge_a_gap_nor_end_a_bounce(tmp_path: Path) -> None:
    events = [view("u", DAY + "10:00"), event("u", "beat", DAY + "10:20", interactive=False), view("u", DAY + "10:40")]
    ws = workspace(tmp_path, "", events)
    assert rows(ws, "SELECT events, is_bounce FROM sessions ORDER BY session_no") == [(2, True), (1, True)]


def test_entry_and_exit_pages_are_cleaned_pages_of_views(tmp_path: Path) -> None:
    events = [
        event("u", "click", DAY + "10:00", path="/nav"),
        view("u", DAY + "10:01", "/p/12?x=1"),
        view("u", DAY + "10:02", "/cart#top"),
        event("u", "click", DAY + "10:03", path="/out"),
    ]
    plan = "pages: {_clean: {replace: [{regex: '/p/[0-9]+', with: '/p/N'}]}}"
    assert rows(workspace(tmp_path, plan, events), "SELECT entry_page, exit_page FROM sessions") == [("/p/N", "/cart")]


def test_new_is_the_first_in_the_store_or_what_the_source_says(tmp_path: Path) -> None:
    events = [
        view("a", DAY + "10:00"),
        view("a", DAY + "12:00"),
        view("b", DAY + "10:00", session="1", session_new=False),
    ]
    ws = workspace(tmp_path, "", events)
    assert rows(ws, "SELECT is_new FROM sessions ORDER BY visitor_key, session_no") == [(True,), (False,), (False,)]


# -- bounces -------------------------------------------------------------------------------------------------------------

V = view("u", DAY + "10:00")
BOUNCES = [
    ("one view", [V], {"assay": True, "plausible": True, "posthog": True, "matomo": True, "ga360": True, "ga4": None}),
    (
        "two views",
        [V, view("u", DAY + "10:01")],
        {"assay": False, "plausible": False, "posthog": False, "matomo": False, "ga360": False, "ga4": None},
    ),
    (
        "view and click at once",
        [V, event("u", "click", DAY + "10:00")],
        {"assay": False, "plausible": False, "posthog": False, "matomo": False, "ga360": False},
    ),
    (
        "view and a shown product",
        [V, event("u", "view_item", DAY + "10:00")],
        {"assay": True, "plausible": False, "posthog": True, "matomo": False, "ga360": False},
    ),
    (
        "one hit of two events",
        [{**V, "hit": 1}, event("u", "view_item", DAY + "10:00", hit=1)],
        {"ga360": True, "matomo": False, "assay": True},
    ),
    (
        "a passive event after 11 s",
        [V, event("u", "beat", DAY + "10:00:11", interactive=False)],
        {"assay": True, "plausible": True, "posthog": False, "matomo": True},
    ),
    (
        "custom only",
        [event("u", "signup", DAY + "10:00")],
        {"assay": False, "plausible": False, "posthog": False, "matomo": True},
    ),
    (
        "10 s in the foreground",
        [V, event("u", "beat", DAY + "10:00:05", interactive=False, props={"engagement_time_msec": 10000})],
        {"ga4": True},
    ),
    (
        "more than 10 s in the foreground",
        [
            V,
            event("u", "beat", DAY + "10:00:05", interactive=False, props={"engagement_time_msec": 6000}),
            event("u", "beat", DAY + "10:00:09", interactive=False, props={"engagement_time_msec": 4001}),
        ],
        {"ga4": False},
    ),
    (
        "a key event",
        [V, event("u", "signup", DAY + "10:00", props={"engagement_time_msec": 1})],
        {"ga4": False},
    ),
    ("the source says so", [{**V, "session_bounce": True, "session": "x"}], {"source": True}),
    ("the source says nothing", [V], {"source": None}),
]


def test_bounces(tmp_path: Path) -> None:
    events = [{**e, "visitor": title, "id": f"{title}{n}"} for title, some, _ in BOUNCES for n, e in enumerate(some)]
    ws = workspace(tmp_path, "", events)
    for rule in ("assay", "plausible", "posthog", "matomo", "ga360", "ga4", "source"):
        ws.close()
        ws = workspace(tmp_path, f"rules: {{bounce: {rule}}}\ngoals: {{signup: {{event: signup, kind: macro}}}}")
        got = dict(rows(ws, "SELECT visitor, is_bounce FROM sessions JOIN visitors USING (visitor_key)"))
        wanted = {title: expected[rule] for title, _, expected in BOUNCES if rule in expected}
        assert {title: got[title] for title in wanted} == wanted, rule


def test_the_threshold_of_posthog(tmp_path: Path) -> None:
    events = [event("s", "$pageview", DAY + "12:00:00"), event("s", "$pageleave", DAY + "12:00:15")]
    ws = workspace(tmp_path, "", events)
    for threshold, bounce in [("10s", False), ("15s", False), ("16s", True), ("30s", True)]:
        ws.close()
        ws = workspace(tmp_path, f"rules: {{bounce: {{rule: posthog, threshold: {threshold}}}}}")
        assert rows(ws, "SELECT is_bounce FROM sessions") == [(bounce,)], threshold


def test_a_micro_goal_is_a_key_event_as_soon_as_the_plan_has_it(tmp_path: Path) -> None:
    beat = event("u", "signup", DAY + "10:00", props={"engagement_time_msec": 1})
    ws = workspace(tmp_path, "rules: {bounce: ga4}", [V, beat])
    assert rows(ws, "SELECT is_bounce FROM sessions") == [(True,)]
    ws.close()
    ws = workspace(tmp_path, "rules: {bounce: ga4}\ngoals: {signup: {event: signup, kind: micro}}")
    assert rows(ws, "SELECT is_bounce FROM sessions") == [(False,)]


def test_a_rate_of_what_the_rule_cannot_say_has_no_value(tmp_path: Path) -> None:
    plan = "rules: {bounce: ga4}\nmetrics: {bounce_rate: {type: rate, of: session, where: is_bounce}}"
    said = event("a", "beat", DAY + "10:00:05", interactive=False, props={"engagement_time_msec": 10})
    ws = workspace(tmp_path / "none", plan, [view("a", DAY + "10:00"), view("b", DAY + "10:00")])
    assert ws.ask("metric", "bounce_rate").estimates[0].estimate.value is None
    load(ws, [said])
    one = ws.ask("metric", "bounce_rate").estimates[0].estimate
    assert (one.value, one.numerator, one.denominator) == (1.0, 1, 1)


# -- the site's days -----------------------------------------------------------------------------------------------------

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
]


@pytest.mark.parametrize("zone", ZONES)
def test_the_day_is_the_zones_day(tmp_path: Path, zone: str) -> None:
    """Random instants and all those around midnight, against zoneinfo; one query for all."""
    instants: set[int] = set()

    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    @given(st.lists(st.integers(631_152_000, 2_524_607_999), min_size=20, max_size=60))
    def collect(seconds: list[int]) -> None:
        instants.update(seconds)

    collect()
    for second in list(instants):
        local = datetime.fromtimestamp(second, ZoneInfo(zone)).replace(hour=0, minute=0, second=0)
        instants.update(int(local.timestamp()) + d for d in (-1, 0, 1, 7199, 7200))
    import duckdb

    values = sorted(i for i in instants if 631_152_000 <= i < 2_524_608_000)
    sql = f"SELECT t, {day_expression(zone).replace('{t}', 't')} FROM (SELECT unnest($v) AS t)"
    with duckdb.connect() as connection:
        got = connection.execute(sql, {"v": [v * 1_000_000 + 999_999 for v in values]}).fetchall()
    wrong = [(t, day) for t, day in got if day != datetime.fromtimestamp(t // 1_000_000, ZoneInfo(zone)).date()]
    assert wrong == []


def test_a_session_of_a_machine_is_listed_by_its_first_events(tmp_path: Path) -> None:
    start = at("2024-03-01 10:00")
    many = [event("robot", "page_view" if n else "first_visit", start + n * 1_000_000) for n in range(130)]
    with workspace(tmp_path, "", [*many, view("v", "2024-03-01 11:00")]) as ws:
        answer = ws.ask("sessions", **{"from": "2024-03-01", "to": "2024-03-01"})
        (machine, person) = answer.rows
        columns = [column.name for column in answer.columns]
    told = str(machine[-1]).split(" → ")
    assert (told[0], told[1], told[-1], len(told)) == ("first_visit", "page_view", "… 30 more", 101)
    assert machine[columns.index("events")] == 130
    assert person[-1] == "page_view"
