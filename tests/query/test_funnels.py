"""Ordered funnels against a brute-force count on random visitors, and the rules one by one on a few events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.workspace import Workspace
from support import Event, at, event, table, view, workspace

START = at("2024-01-10 12:00")
SECOND = 1_000_000
RANGE = {"from": "2024-01-01", "to": "2024-01-31"}

Step = Callable[[Event], bool]


def is_(name: str | None, **props: Any) -> Step:
    return lambda e: (
        (name is None or e["name"] == name) and all(e.get("props", {}).get(k) == v for k, v in props.items())
    )


# name → (keys of the plan, steps as conditions, no event fills two of them)
FUNNELS: dict[str, tuple[str, list[Step], bool]] = {
    "abc": ("steps: [a, b, c]", [is_("a"), is_("b"), is_("c")], True),
    "two": ("steps: [b, a]", [is_("b"), is_("a")], True),
    "aba": ("steps: [a, b, a]", [is_("a"), is_("b"), is_("a")], False),
    "aaa": ("steps: [a, a, a]", [is_("a"), is_("a"), is_("a")], False),
    "any": ("steps: [a, {event: null}, c]", [is_("a"), is_(None), is_("c")], False),
    "where": ('steps: [{event: a, where: "n = 1"}, b, c]', [is_("a", n=1), is_("b"), is_("c")], True),
}
WINDOWS = {"20 seconds": 20, "7d": 7 * 86_400}
PLAN = (
    "rules: {session_source: own}\nevents: {a: {properties: {n: integer}}, b: {}, c: {}}\n"
    "segments: {mobile: \"device = 'mobile'\"}\nfunnels:\n"
    + "".join(
        f"  {name}_{entry}_{seconds}: {{{keys}, entry: {entry}, window: {seconds}s}}\n"
        for name, (keys, _, _) in FUNNELS.items()
        for entry in ("latest", "first")
        for seconds in WINDOWS.values()
    )
    + "  in_session: {steps: [a, b, c], window: session}\n"
)


def depth(
    events: list[Event], steps: list[Step], window: int | None, entry: str, disjoint: bool
) -> tuple[int, Event | None]:
    """How deep the deepest attempt comes, and the first event of the counted attempt.

    Counted is the attempt that gets deepest first; where several do at one instant, the latest start (a new step 1 is a new
    attempt). Events of one instant may be taken in any order; one event fills one step.
    """
    ordered = sorted(events, key=lambda e: (e["time"], e["seq"], e["id"]))
    best: tuple[int, int, int, int] = (0, 0, 0, 0)
    found = None
    for place, first in enumerate(ordered):
        if not steps[0](first):
            continue
        # Where a chain may stand after a level: its time, and what it has used of that instant.
        level, ends = 1, {(first["time"], frozenset({place}))}
        while level < len(steps):
            further = set()
            for now, used in ends:
                for i, e in enumerate(ordered):
                    inside = window is None or e["time"] - first["time"] <= window * SECOND
                    if steps[level](e) and inside and e["time"] >= now and (disjoint or i not in used):
                        further.add((e["time"], (used if e["time"] == now else frozenset()) | {i}))
            if not further:
                break
            level, ends = level + 1, further
        rank = (level, -min(now for now, _ in ends), first["time"], -place)
        if found is None or rank > best:
            best, found = rank, first
        if entry == "first" and all(e["time"] > first["time"] or not steps[0](e) for e in ordered[place + 1 :]):
            break
    return best[0], found


def counts(levels: list[int], steps: int) -> tuple[int, ...]:
    return tuple(sum(level >= k for level in levels) for k in range(1, steps + 1))


@pytest.fixture(scope="module")
def visitors() -> list[list[Event]]:
    """Random visitors, each with a few events on a grid so coarse that instants, gaps and windows coincide."""
    found: list[list[Event]] = []
    one = st.tuples(
        st.sampled_from("aabbcd"),
        st.integers(0, 6),
        st.integers(0, 2),
        st.integers(0, 1),
        st.sampled_from(["s1", "s2"]),
    )

    @settings(max_examples=160, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(one, min_size=1, max_size=9))
    def collect(drawn: list[tuple[str, int, int, int, str]]) -> None:
        visitor = f"v{len(found)}"
        found.append(
            [
                event(
                    visitor,
                    name,
                    START + step * 10 * SECOND,
                    seq=seq,
                    session=session,
                    user=f"u{len(found) // 2}" if len(found) % 3 else None,
                    device="mobile" if session == "s1" else "desktop",
                    props={"n": n},
                    utm_source=visitor,
                    id=f"{visitor}-{place}",
                )
                for place, (name, step, seq, n, session) in enumerate(drawn)
            ]
        )

    collect()
    return found


@pytest.fixture(scope="module")
def ws(visitors: list[list[Event]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    # Loaded backwards: nothing may hang on the order of loading.
    made = workspace(tmp_path_factory.mktemp("funnels"), PLAN, [e for events in reversed(visitors) for e in events])
    yield made
    made.close()


def asked(ws: Workspace, name: str, **params: Any) -> tuple[int, ...]:
    return tuple(n for (n,) in table(ws.ask("funnel", name, **RANGE, **params), "units"))


def by_unit(visitors: list[list[Event]], unit: str) -> list[list[Event]]:
    groups: dict[Any, list[Event]] = {}
    for e in (e for events in visitors for e in events):
        key = {"visitor": e["visitor"], "user": e["user"] or e["visitor"], "session": (e["visitor"], e["session"])}[
            unit
        ]
        groups.setdefault(key, []).append(e)
    return list(groups.values())


@pytest.mark.parametrize("name", FUNNELS)
@pytest.mark.parametrize("entry", ["latest", "first"])
def test_against_brute_force(ws: Workspace, visitors: list[list[Event]], name: str, entry: str) -> None:
    _, steps, disjoint = FUNNELS[name]
    for seconds in WINDOWS.values():
        for unit in ("visitor", "user", "session"):
            levels = [depth(events, steps, seconds, entry, disjoint)[0] for events in by_unit(visitors, unit)]
            got = asked(ws, f"{name}_{entry}_{seconds}", per=unit, window=f"{seconds}s")
            assert got == counts(levels, len(steps)), (unit, seconds)
            assert list(got) == sorted(got, reverse=True)


@pytest.mark.parametrize("name", [name for name, (_, _, disjoint) in FUNNELS.items() if disjoint])
@pytest.mark.parametrize("entry", ["latest", "first"])
def test_groups_are_those_of_the_first_attempt_that_gets_deepest(
    ws: Workspace, visitors: list[list[Event]], name: str, entry: str
) -> None:
    _, steps, disjoint = FUNNELS[name]
    for seconds in WINDOWS.values():
        want: dict[tuple[str, str], list[int]] = {}
        for events in visitors:
            level, start = depth(events, steps, seconds, entry, disjoint)
            if start is not None:
                want.setdefault((start["device"], str(start["props"]["n"])), []).append(level)
        answer = ws.ask("funnel", f"{name}_{entry}_{seconds}", **RANGE, by=["device", "n"])
        got: dict[tuple[str, str], list[int]] = {}
        for device, n, units in table(answer, "device", "n", "units"):
            got.setdefault((device, str(n)), []).append(units)
        assert {k: tuple(v) for k, v in got.items()} == {k: counts(v, len(steps)) for k, v in want.items()}


def test_per_visitor_within_one_session(ws: Workspace, visitors: list[list[Event]]) -> None:
    steps = FUNNELS["abc"][1]
    best: dict[str, int] = {}
    for events in by_unit(visitors, "session"):
        level = depth(events, steps, None, "latest", True)[0]
        best[events[0]["visitor"]] = max(best.get(events[0]["visitor"], 0), level)
    assert asked(ws, "in_session") == counts(list(best.values()), 3)
    assert asked(ws, "in_session", by="event") == counts(list(best.values()), 3)


@pytest.mark.parametrize("unit", ["visitor", "session"])
def test_a_filter_on_visits_equals_filtering_the_events_first(
    ws: Workspace, visitors: list[list[Event]], unit: str
) -> None:
    for name, (_, steps, disjoint) in FUNNELS.items():
        mobile = [[e for e in events if e["device"] == "mobile"] for events in by_unit(visitors, unit)]
        levels = [depth(events, steps, 20, "latest", disjoint)[0] for events in mobile]
        assert asked(ws, f"{name}_latest_20", per=unit, window="20s", segment="mobile") == counts(levels, len(steps))


# -- the rules one by one ------------------------------------------------------------------------------------------------

SHOP = """
pages: {product: /p/*}
funnels:
  buy: {steps: [view, cart, pay], window: 1h}
  pages: {steps: [{page: /}, {page: product}, {page: /done}], window: 1h}
  accounts: {steps: [view, pay], per: account}
events: {view: {}, cart: {}, pay: {}}
"""


def at_minutes(visitor: str, *steps: tuple[str, float], **fields: Any) -> list[Event]:
    return [event(visitor, name, START + round(minute * 60 * SECOND), **fields) for name, minute in steps]


def test_the_window_is_inclusive_and_counts_from_step_1(tmp_path: Path) -> None:
    events = [
        *at_minutes("exact", ("view", 0), ("cart", 59), ("pay", 60)),
        *at_minutes("late", ("view", 0), ("cart", 59), ("pay", 60.0001)),
        *at_minutes("again", ("view", 0), ("view", 30), ("cart", 59), ("pay", 90)),
        *at_minutes("mixed", ("view", 0), ("cart", 1), ("view", 50), ("pay", 61)),
    ]
    assert asked(workspace(tmp_path, SHOP, events), "buy") == (4, 4, 2)


def test_mixpanels_entry_is_not_restarted(tmp_path: Path) -> None:
    events = at_minutes("u", ("view", 0), ("view", 30), ("cart", 45), ("pay", 75))
    ws = workspace(tmp_path, SHOP + "rules: {funnel_entry: first}", events)
    assert asked(ws, "buy") == (1, 1, 0)
    ws.close()
    assert asked(workspace(tmp_path, SHOP), "buy") == (1, 1, 1)


def test_other_events_between_and_steps_before_do_not_matter(tmp_path: Path) -> None:
    events = [
        *at_minutes("u", ("pay", -9), ("cart", -8), ("view", 0), ("noise", 1), ("cart", 2), ("noise", 3), ("pay", 4)),
        *at_minutes("w", ("pay", 0), ("cart", 1), ("view", 2)),
    ]
    assert asked(workspace(tmp_path, SHOP, events), "buy") == (2, 1, 1)


def test_pages_as_steps(tmp_path: Path) -> None:
    events = [
        view("u", START, "/"),
        view("u", START + SECOND, "/p/1?x=2"),
        view("u", START + 2 * SECOND, "/done"),
        view("w", START, "/p/1"),
        view("w", START + 1, "/"),
    ]
    assert asked(workspace(tmp_path, SHOP, events), "pages") == (2, 1, 1)


def test_per_account_and_the_known_user(tmp_path: Path) -> None:
    events = [
        *at_minutes("a", ("view", 0), account="x", user="u"),
        *at_minutes("b", ("cart", 5), account="x", user="u"),
        *at_minutes("b", ("pay", 6), account="x", user="u"),
        *at_minutes("c", ("view", 0), ("pay", 1)),
    ]
    ws = workspace(tmp_path, SHOP, events)
    assert asked(ws, "accounts") == (1, 1)
    assert asked(ws, "buy", per="user", window="1h") == (2, 1, 1)
    assert asked(ws, "buy", per="visitor", window="1h") == (2, 0, 0)


def test_bots_staging_and_duplicates_do_not_count(tmp_path: Path) -> None:
    good = at_minutes("u", ("view", 0), ("cart", 1))
    events = [
        *good,
        *good,
        *at_minutes("bot", ("view", 0), bot=True),
        *at_minutes("test", ("view", 0), environment="staging"),
    ]
    assert asked(workspace(tmp_path, SHOP, events), "buy") == (1, 1, 0)


def test_the_range_picks_starts_and_later_steps_may_follow(tmp_path: Path) -> None:
    events = [
        event("u", "view", "2024-01-31 23:50"),
        event("u", "cart", "2024-02-01 00:10"),
        event("w", "view", "2024-02-01 00:00"),
        event("w", "cart", "2024-02-01 00:10"),
    ]
    assert asked(workspace(tmp_path, SHOP, events), "buy") == (1, 1, 0)


def test_windows_are_exact_seconds_across_a_clock_change(tmp_path: Path) -> None:
    plan = (
        "site: {timezone: Europe/Berlin}\nevents: {view: {}, pay: {}}\nfunnels: {buy: {steps: [view, pay], window: 1d}}"
    )
    first = at("2024-03-30 12:00", "Europe/Berlin")
    events = [
        event("u", "view", first),
        event("u", "pay", first + 86_400 * SECOND),
        event("w", "view", first),
        event("w", "pay", first + 86_400 * SECOND + 1),
    ]
    ws = workspace(tmp_path, plan, events)
    assert tuple(
        n for (n,) in table(ws.ask("funnel", "buy", **{"from": "2024-03-30", "to": "2024-03-30"}), "units")
    ) == (2, 1)


def test_empty_later_steps_and_nobody(tmp_path: Path) -> None:
    ws = workspace(tmp_path, SHOP, at_minutes("u", ("view", 0)))
    assert asked(ws, "buy") == (1, 0, 0)
    assert ws.ask("funnel", "pages", **RANGE).empty
