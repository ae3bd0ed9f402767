"""Every form of a funnel against the exact kernel, the kernel against chains found by trying, and its rules one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay.model.period import Period
from assay.query.cut import Cut
from assay.query.funnels import FunnelQuery, Unit
from assay.query.funnels.sequence import Rule, counted, moments
from assay.workspace import Workspace
from support import Event, at, event, examples, halved, rows, workspace

START = at("2024-01-10 12:00")
SECOND = 1_000_000
JANUARY = Period(date(2024, 1, 1), date(2024, 1, 31))

# -- the kernel against chains found by trying ---------------------------------------------------------------------------

Row = tuple[int, int, int, int, int]  # t, starts, mask, excluded, event
world = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 7)), min_size=1, max_size=7)


def stream(drawn: list[tuple[int, int]]) -> list[Row]:
    return [(t, 1, mask, 0, n) for n, (t, mask) in enumerate(sorted(drawn, key=lambda one: one[0]))]


def tried(rows: list[Row], steps: int, window: int, strict: bool, again: bool = False) -> tuple[int, int, int] | None:
    """(depth, −end, start) of the counted attempt: every chain of different events in order of time is tried.

    ``again``: an event may stand for several steps, with others of its instant between them, as ClickHouse has it.
    """
    best: tuple[int, int, int] | None = None

    def extend(chain: list[int], level: int) -> None:
        nonlocal best
        last, start = rows[chain[-1]], rows[chain[0]]
        rank = (level, -last[0], start[0])
        if (not strict or adjacent(rows, chain)) and (best is None or rank > best):
            best = rank
        if level == steps:
            return
        for i, row in enumerate(rows):
            fresh = again or i not in chain
            if fresh and row[2] >> level & 1 and row[0] >= last[0] and row[0] - start[0] <= window:
                extend([*chain, i], level + 1)

    for i, row in enumerate(rows):
        if row[2] & 1:
            extend([i], 1)
    return best


def adjacent(rows: list[Row], chain: list[int]) -> bool:
    """Some order of the instants puts nothing between the events of the chain."""
    first, last = rows[chain[0]][0], rows[chain[-1]][0]
    return all(i in chain for i, row in enumerate(rows) if first < row[0] < last)


@settings(max_examples=examples(900), deadline=None, derandomize=True, database=None)
@given(world, st.integers(0, 5), st.sampled_from(["ordered", "strict", "windowfunnel"]))
def test_ordered_strict_and_windowfunnel_are_the_best_chain(
    drawn: list[tuple[int, int]], window: int, order: str
) -> None:
    rows = stream(drawn)
    attempt = counted(moments(rows), Rule(order, 3, window))
    got = None if attempt is None else (attempt.depth, -attempt.end, attempt.start)
    want = tried(rows, 3, window, order == "strict", order == "windowfunnel")
    if order == "windowfunnel" and got and want:
        assert got[0] == want[0]
    else:
        assert got == want


@settings(max_examples=examples(900), deadline=None, derandomize=True, database=None)
@given(world, st.integers(0, 5))
def test_unordered_is_the_window_with_most_steps(drawn: list[tuple[int, int]], window: int) -> None:
    rows = stream(drawn)

    def most(left: tuple[int, ...], masks: list[int]) -> int:
        if not left:
            return 0
        options = [most(left[1:], masks)]
        options += [1 + most(left[1:], masks[:i] + masks[i + 1 :]) for i, m in enumerate(masks) if m >> left[0] & 1]
        return max(options)

    want = 0
    for t, *_ in rows:
        want = max(want, most((0, 1, 2), [r[2] for r in rows if t <= r[0] <= t + window]))
    attempt = counted(moments(rows), Rule("unordered", 3, window))
    assert (attempt.depth if attempt else 0) == want


# -- the SQL forms against the kernel ------------------------------------------------------------------------------------

STEPS = {
    "abc": "[a, b, c]",
    "aba": "[a, b, a]",
    "pages": "[{page: /a}, {page: /b}, {page: /c}]",
    "any": "[a, {event: null}, c]",
}
PLAN = "events: {a: {}, b: {}, c: {}, d: {}}\nfunnels:\n" + "".join(
    f"  {name}_{order}_{entry}_{window}: {{steps: {steps}, order: {order}, entry: {entry}, window: {window}}}\n"
    for name, steps in STEPS.items()
    for order in ("ordered", "strict", "unordered", "windowfunnel")
    for entry in ("latest", "first")
    for window in ("20s", "session")
)


# Two sessions of a visitor begin at one instant, or get as deep at one instant: (name, tens of seconds, session).
Drawn = tuple[str, int, str]
DEEP_SECOND: list[Drawn] = [("a", 0, "s1"), ("a", 0, "s2"), ("b", 1, "s2")]
DEEP_FIRST: list[Drawn] = [("a", 0, "s2"), ("a", 0, "s1"), ("b", 1, "s1")]
UNEQUAL: list[Drawn] = [*DEEP_SECOND, ("c", 1, "s1"), ("b", 3, "s1"), ("c", 7, "s2")]
ALIKE: list[Drawn] = [(n, t, s) for s, b in (("s1", 2), ("s2", 1)) for n, t in (("a", 0), ("b", b), ("c", 3))]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    events: list[Event] = []
    one = st.tuples(st.sampled_from("aabbccd"), st.integers(0, 8), st.sampled_from(["s1", "s2"]))

    @settings(
        max_examples=examples(450),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(one, min_size=1, max_size=9))
    @example(DEEP_SECOND)
    @example(DEEP_FIRST)
    @example(UNEQUAL)
    @example(ALIKE)
    def collect(drawn: list[Drawn]) -> None:
        visitor = f"v{len(events)}"
        for n, (name, step, session) in enumerate(drawn):
            t = START + step * 10 * SECOND
            id_ = f"{visitor}-{n}"
            events.append(event(visitor, name, t, session=session, seq=n, id=id_, path=f"/{name}", device=session))

    collect()
    made = workspace(tmp_path_factory.mktemp("exact"), PLAN, events)
    yield made
    made.close()


def both(ws: Workspace, name: str, per: str, by: tuple[str, ...] = ()) -> tuple[FunnelQuery, FunnelQuery]:
    from dataclasses import replace

    funnel = replace(ws.plan.funnels[name], per=per)
    chosen, exact = (FunnelQuery(ws.plan, funnel, Cut(JANUARY, by), ws.engine.run) for _ in range(2))
    exact._form = "kernel"
    return chosen, exact


def told(units: list[Unit]) -> list[Any]:
    """Whether a window is open is asked only of units that are not through."""
    return sorted((u.unit, u.times, u.last_start if u.times[-1] is None else 0) for u in units)


@pytest.mark.parametrize(
    ("name", "order", "window"),
    halved(tuple(STEPS), ("ordered", "strict", "unordered", "windowfunnel"), ("20s", "session")),
)
def test_the_fast_forms_are_the_exact_rule(ws: Workspace, name: str, order: str, window: str) -> None:
    for entry in ("latest", "first"):
        for per in ("visitor", "session"):
            chosen, exact = both(ws, f"{name}_{order}_{entry}_{window}", per)
            if name == "abc":
                assert chosen.form() != "kernel"
            assert told(chosen.units()) == told(exact.units()), (entry, per)
            summed, followed = chosen.reached(cutoff=START), exact.reached(cutoff=START)
            assert summed == followed
            for one in summed.values():
                assert list(one.units) == sorted(one.units, reverse=True)


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered", "windowfunnel"])
def test_groups_of_the_fast_forms(ws: Workspace, order: str) -> None:
    for entry, window in (("latest", "20s"), ("latest", "session"), ("first", "session")):
        for per in ("visitor", "session"):
            chosen, exact = both(ws, f"abc_{order}_{entry}_{window}", per, ("event", "device"))
            assert chosen.reached() == exact.reached(), (entry, window, per)


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
@pytest.mark.parametrize("entry", ["latest", "first"])
def test_attempts_within_a_session_are_the_best_chain_of_any_session(ws: Workspace, order: str, entry: str) -> None:
    """A visitor's attempts that must end in their session, by trying every chain of every session.

    With ``entry: first`` the first step 1 is the earliest one; of several at that instant any may be the first.
    """
    found = rows(
        ws, "SELECT v.visitor_key, e.session_key, e.t, e.name FROM events e JOIN visitors v USING (visitor_key)"
    )
    visitors: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for visitor, session, t, name in found:
        visitors.setdefault(visitor, {}).setdefault(session, []).append((t, MASKS.get(name, 0)))
    want = {}
    for visitor, sessions in visitors.items():
        attempts = [one for events in sessions.values() for one in chains(stream(events), order)]
        if entry == "first":
            attempts = [one for one in attempts if one[2] == min(start for *_, start in attempts)]
        if attempts:
            want[visitor] = max(attempts)
    for query in both(ws, f"abc_{order}_{entry}_session", "visitor"):
        assert {u.unit: (u.depth, -u.end, u.start) for u in query.units()} == want


MASKS = {"a": 1, "b": 2, "c": 4}


def chains(events: list[Row], order: str) -> Iterator[tuple[int, int, int]]:
    """(depth, −end, start) of the best attempt from each start of a session, without a window; unordered: from the first."""
    if order == "unordered":
        done = [min(t for t, _, mask, *_ in events if mask & bit) for bit in {row[2] for row in events} - {0}]
        if done:
            yield len(done), -max(done), min(done)
        return
    for start in {t for t, _, mask, *_ in events if mask & 1}:
        from_here = [(t, 1, mask if t == start else mask & ~1, 0, n) for t, _, mask, _, n in events if t >= start]
        best = tried(from_here, 3, 10**12, order == "strict")
        assert best is not None
        yield best


# -- the rules one by one ------------------------------------------------------------------------------------------------


def follow(text: str, rule: Rule, marks: dict[str, tuple[int, int]]) -> Any:
    """``A0 B5 x7``: an event per word, its mask and exclusions from ``marks``, its second behind it."""
    rows = [(int(w[1:]), 1, *marks[w[0]], n) for n, w in enumerate(text.split())]
    return counted(moments(sorted(rows, key=lambda r: r[0])), rule)


ABC = {"A": (1, 0), "B": (2, 0), "C": (4, 0), "x": (0, 1), "-": (0, 0)}


@pytest.mark.parametrize(
    ("events", "depth"),
    [
        ("A0 x1 A31", 1),  # a clean attempt is enough to stay in
        ("A0 A31 x32", 1),
        ("A0 A1 x2", 0),
        ("A0 B1 x2 C3", 3),  # behind the far step nothing is excluded
        ("A0 x1 B2 C3", 0),
        ("A0 x11 B12", 1),  # only inside the window
        ("A0 x1 A2 B3", 2),
        ("A0 x0 B1", 2),  # at one instant, in the order that is best
        ("A0 B1 x1 C2", 3),
    ],
)
def test_exclusions_leave(events: str, depth: int) -> None:
    attempt = follow(events, Rule("ordered", 3, 10, exclusions=((1, 2, "leave"),)), ABC)
    assert (attempt.depth if attempt else 0) == depth


def test_exclusions_clear() -> None:
    rule = Rule("ordered", 3, 10, exclusions=((1, 3, "clear"),))
    assert follow("A0 B1 x2 C3", rule, ABC).depth == 1
    assert follow("A0 B1 x2 A3 B4", rule, ABC).depth == 2
    unordered = Rule("unordered", 3, 10, exclusions=((1, 3, "clear"),))
    assert follow("A0 B1 x2 C3", unordered, ABC).depth == 1
    assert follow("A0 x1 B2 C3", unordered, ABC).times == (2, 3, None)
    assert follow("A0 B1 x2", Rule("unordered", 3, 10, exclusions=((1, 3, "leave"),)), ABC) is None


def test_optional_steps() -> None:
    rule = Rule("ordered", 3, 10, optional=frozenset({1}))
    assert follow("A0 C2", rule, ABC).times == (0, None, 2)
    assert follow("A0 B1 C2", rule, ABC).times == (0, 1, 2)
    assert follow("A0 C2 B3", rule, ABC).times == (0, None, 2)
    assert follow("B0 A0 C0", rule, ABC).times == (0, 0, 0)
    assert follow("A0 B3", rule, ABC).times == (0, 3, None)


def test_strict_and_its_instants() -> None:
    rule = Rule("strict", 3, 100)
    assert follow("A0 B1 C2", rule, ABC).depth == 3
    assert follow("A0 -1 B2 C3", rule, ABC).depth == 1
    assert follow("A0 A1 B2 C3", rule, ABC).times == (1, 2, 3)
    assert follow("C0 B0 A0 -0", rule, ABC).depth == 3
    assert follow("A0 -1 B1 C2", rule, ABC).depth == 2
    assert follow(" ".join(["A0"] * 30 + ["B0", "C0"]), rule, ABC).depth == 3


def test_many_events_at_one_instant_are_quick() -> None:
    rows = [(0, 1, 1 << n % 10 | 1 << (n * 7) % 10, 0, n) for n in range(60)]
    for order in ("ordered", "strict", "unordered"):
        assert counted(moments(rows), Rule(order, 10, 5)).depth == 10  # type: ignore[union-attr]


def test_moments_are_instants() -> None:
    rows = [(0, 0, 1, 0, 1), (0, 1, 2, 1, 2), (5, 1, 4, 0, 3)]
    assert [len(m.masks) for m in moments(rows)] == [len(list(g)) for _, g in groupby(rows, key=lambda r: r[0])]
