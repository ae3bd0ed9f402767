"""Journeys against a loop over random sessions, and what each parameter does on a few events."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName, UsageError
from assay.workspace import Workspace
from support import Event, at, bought, event, halved, table, view, workspace

MINUTE = 60_000_000
START = at("2024-01-10 09:00")
RANGE = {"from": "2024-01-10", "to": "2024-01-12"}
PLAN = """
pages: {product: /p/*, _clean: {replace: [{regex: "^/cart/$", with: /cart}]}}
events: {tap: {properties: {screen: string}}}
goals: {order: {event: purchase, kind: macro}}
segments: {mobile: "device = 'mobile'"}
"""
PLAIN = PLAN.replace(', _clean: {replace: [{regex: "^/cart/$", with: /cart}]}', "")
Step = tuple[int, str, str, float | None]


def random_events(seed: int) -> list[Event]:
    """Visitors with a few views and clicks on a grid so coarse that instants coincide and gaps are exactly 30 minutes."""
    draw = random.Random(seed)
    found = []
    for n in range(60):
        time = START + draw.randrange(2 * 24 * 60) * MINUTE
        for k in range(draw.randint(1, 12)):
            name = draw.choice(["page_view"] * 4 + ["click"])
            path = draw.choice(["/a", "/a", "/b", "/c", "/d"])
            found.append(
                event(f"v{n}", name, time, path=path, seq=(k * 7) % 11 + 11 * (k // 11), id=f"{n}-{draw.random()}-{k}")
            )
            time += draw.choice([0, 0, 1, 5, 29, 30, 31]) * MINUTE
    draw.shuffle(found)
    return found


def sessions(events: list[Event], only: str | None, gap: int, splits_at: bool) -> dict[str, list[list[Event]]]:
    """Visitor → sessions made of the events named ``only`` (None: of all), in order."""
    found: dict[str, list[list[Event]]] = defaultdict(list)
    last: dict[str, int] = {}
    for one in sorted(events, key=lambda e: (e["visitor"], e["time"], e["seq"], e["id"])):
        if only not in (None, one["name"]):
            continue
        visitor = one["visitor"]
        apart = one["time"] - last.get(visitor, -(10**18))
        if apart > gap or (splits_at and apart == gap):
            found[visitor].append([])
        found[visitor][-1].append(one)
        last[visitor] = one["time"]
    return found


def walk(session: list[Event], steps: int, collapse: bool, start: str | None, end: str | None) -> list[Step]:
    """The edges of one session."""
    nodes: list[tuple[str, int]] = []
    for one in session:
        if one["name"] != "page_view":
            continue
        if collapse and nodes and nodes[-1][0] == one["path"]:
            nodes.pop()  # of equal neighbours the last one stays
        nodes.append((one["path"], one["time"]))
    names = [name for name, _ in nodes]
    if end is not None and start is None:
        if end not in names:
            return []
        nodes = nodes[: names.index(end) + 1][::-1]
        hops: list[Step] = []
        for k, (name, t) in enumerate(nodes[: steps - 1], start=1):
            before = nodes[k] if k < len(nodes) else None
            hops.append((-k, before[0] if before else "(starts here)", name, (t - before[1]) / 1e6 if before else None))
        return hops
    if start is not None:
        if start not in names:
            return []
        nodes = nodes[names.index(start) :]
    if end is not None:
        ends = [k for k, (name, _) in enumerate(nodes) if name == end and k > 0]
        if not ends:
            return []
        nodes = nodes[: ends[0] + 1]
    hops = []
    for k, (name, t) in enumerate(nodes[: steps - 1], start=1):
        after = nodes[k] if k < len(nodes) else None
        if after is None and end is not None:
            break
        hops.append((k, name, after[0] if after else "(ends here)", (after[1] - t) / 1e6 if after else None))
    return hops


def brute(
    found: dict[str, list[list[Event]]], per: str, **how: Any
) -> dict[tuple[int, str, str], tuple[int, float | None]]:
    """Edge → units and mean seconds."""
    units: dict[tuple[int, str, str], set[Any]] = defaultdict(set)
    times: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    for visitor, own in found.items():
        for number, session in enumerate(own):
            for depth, a, b, took in walk(session, **how):
                units[depth, a, b].add(visitor if per == "visitor" else (visitor, number))
                times[depth, a, b] += [took] if took is not None else []
    return {key: (len(who), sum(times[key]) / len(times[key]) if times[key] else None) for key, who in units.items()}


def edges(ws: Workspace, **params: Any) -> dict[tuple[int, str, str], tuple[int, float | None]]:
    found = ws.ask("journey", edges=10_000, **RANGE, **params)
    return {(depth, a, b): (n, s) for depth, a, b, n, s in table(found, "depth", "from", "to", "units", "avg_seconds")}


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return random_events(3)


@pytest.fixture
def ws(
    events: list[Event], engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("journeys"), PLAIN, events, engine=engine)
    return opened[engine]


@pytest.mark.parametrize(
    ("per", "collapse", "ends"),
    halved(
        ("visitor", "session"), (True, False),
        ((None, None), ("/b", None), (None, "/c"), ("/a", "/d"), ("/a", "/a")),
    ),
)  # fmt: skip
def test_sessions_against_a_loop(
    ws: Workspace, events: list[Event], per: str, collapse: bool, ends: tuple[str | None, str | None]
) -> None:
    start, end = ends
    own = sessions(events, None, 30 * MINUTE, splits_at=False)
    for steps in (2, 4):
        expected = brute(own, per, steps=steps, collapse=collapse, start=start, end=end)
        got = edges(ws, per=per, steps=steps, collapse=collapse, start=start, end=end)
        assert got == {key: (n, pytest.approx(s) if s is not None else None) for key, (n, s) in expected.items()}


def test_own_gaps_against_a_loop(ws: Workspace, events: list[Event]) -> None:
    own = sessions(events, "page_view", 5 * MINUTE, splits_at=False)
    expected = brute(own, "visitor", steps=4, collapse=True, start=None, end=None)
    assert {k: n for k, (n, _) in edges(ws, gap="5m", steps=4).items()} == {k: n for k, (n, _) in expected.items()}


def test_the_others_of_a_step_are_one_row(ws: Workspace, events: list[Event]) -> None:
    full = edges(ws, steps=4)
    found = ws.ask("journey", steps=4, edges=5, **RANGE)
    shown = {(d, a, b): n for d, a, b, n in table(found, "depth", "from", "to", "units")}
    kept = {key: n for key, n in shown.items() if key[1] != "(other)"}
    assert len(kept) == 5
    assert all(full[key][0] == n for key, n in kept.items())
    assert min(kept.values()) >= max(n for key, (n, _) in full.items() if key not in kept)
    own = sessions(events, None, 30 * MINUTE, splits_at=False)
    for depth in {d for d, a, _ in shown if a == "(other)"}:
        who = {
            visitor
            for visitor, those in own.items()
            for session in those
            for d, a, b, _ in walk(session, steps=4, collapse=True, start=None, end=None)
            if d == depth and (d, a, b) not in kept
        }
        assert shown[depth, "(other)", "(other)"] == len(who)


def session(visitor: str, day: int, *paths: str, **fields: Any) -> list[Event]:
    return [view(visitor, f"2024-01-{day} 10:{n:02}", path, **fields) for n, path in enumerate(paths)]


SHOP = [
    *session("a", 10, "/", "/p/1?x=1", "/p/2", "/cart/", device="mobile"),
    bought("a", "2024-01-10 10:09", "o1", "5"),
    *session("b", 10, "/", "/p/1", device="desktop"),
    *session("c", 10, "/", "/p/1", device="mobile"),
    *session("c", 11, "/", "/p/1", device="mobile"),
    bought("c", "2024-01-11 10:09", "o2", "5"),
    *session("bot", 10, "/", "/p/1", bot=True),
    *session("t", 10, "/", "/p/1", environment="staging"),
    *session("late", 13, "/", "/p/1"),
    event("b", "tap", "2024-01-10 10:05", props={"screen": "menu"}),
    event("b", "tap", "2024-01-10 10:06", props={"screen": "help"}),
]


def test_pages_groups_events_and_properties(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, SHOP)
    assert edges(ws) == {
        (1, "/", "/p/1"): (3, 60.0),
        (2, "/p/1", "(ends here)"): (2, None),
        (2, "/p/1", "/p/2"): (1, 60.0),
        (3, "/p/2", "/cart"): (1, 60.0),
        (4, "/cart", "(ends here)"): (1, None),
    }
    assert edges(ws, node="page_group")[1, "(none)", "product"][0] == 3
    # /p/1 and /p/2 are one group: equal neighbours, left at 10:02.
    assert edges(ws, node="page_group", segment="mobile")[1, "(none)", "product"] == (2, (120 + 60 + 60) / 3)
    assert edges(ws, node="event")[1, "page_view", "tap"] == (1, 300.0)  # from the last view to the last tap
    assert edges(ws, node="event", events="order,tap") == {
        (1, "purchase", "(ends here)"): (2, None),
        (1, "tap", "(ends here)"): (1, None),
    }
    assert edges(ws, node="screen") == {(1, "menu", "help"): (1, 60.0), (2, "help", "(ends here)"): (1, None)}


def test_whole_paths_and_how_they_convert(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, SHOP)
    columns = ("path", "units", "paths", "converted", "conversion_rate")
    assert table(ws.ask("journey", paths=True, **RANGE), *columns) == [
        ("/ → /p/1", 2, 3, 1, 0.5),
        ("/ → /p/1 → /p/2 → /cart", 1, 1, 1, 1.0),
    ]
    assert table(ws.ask("journey", paths=True, per="session", **RANGE), *columns)[0] == ("/ → /p/1", 3, 3, 1, 1 / 3)
    # b taps after its path; the goal before a path begins is no conversion of it.
    assert table(ws.ask("journey", paths=True, goal="tap", **RANGE), "converted") == [(1,), (0,)]
    assert table(ws.ask("journey", paths=True, goal="page_view", start="/cart", **RANGE), *columns) == [
        ("/cart", 1, 1, 1, 1.0)
    ]
    backward = ws.ask("journey", paths=True, end="/p/2", **RANGE)
    assert table(backward, "path", "units") == [("/ → /p/1 → /p/2", 1)]


def test_two_segments(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, SHOP)
    found = ws.ask("journey", segment="mobile", versus="device = 'desktop'", **RANGE)
    rows = {(d, a, b): rest for d, a, b, *rest in table(found)}
    share, versus, delta, low, high = rows[2, "/p/1", "(ends here)"]
    assert (share, versus, delta) == (0.5, 1.0, -0.5)
    assert low < -0.5 < high
    assert rows[2, "/p/1", "/p/2"][:3] == [0.5, 0.0, 0.5]


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"node": "pge"}, UnknownName, "did you mean 'page'"),
        ({"node": "device"}, UsageError, "does not belong to an event"),
        ({"events": "ordr"}, UnknownName, "did you mean 'order'"),
        ({"goal": "ordr", "paths": True}, UnknownName, "did you mean 'order'"),
        ({"steps": 1}, UsageError, "steps"),
        ({"gap": "soon"}, UsageError, "gap 'soon'"),
        ({"gap": "30m", "per": "session"}, UsageError, "--per session"),
        ({"paths": True, "versus": "mobile"}, UsageError, "leave one out"),
        ({"versus": "mobil"}, UnknownName, "did you mean 'mobile'"),
    ],
)
def test_bad_input(ws: Workspace, params: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        ws.ask("journey", **RANGE, **params)


def test_nothing_to_say(ws: Workspace) -> None:
    assert ws.ask("journey", start="/nowhere", **RANGE).empty == "no journeys from /nowhere in 10 to 12 Jan 2024"
    assert ws.ask("journey", paths=True, end="/nowhere", **RANGE).empty is not None


def test_nothing_found_and_what_to_ask_next(ws: Workspace) -> None:
    """A name that nobody has, and questions that this plan can answer."""
    assert "did you mean" in ws.ask("journey", node="event", start="page_veiw", **RANGE).sentence
    plain = ws.ask("journey", **RANGE)
    for command in plain.next:
        assert command.startswith("assay journey --")
        assert "--from" in command
