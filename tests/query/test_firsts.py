"""The first event of each unit, found without sorting events, is the one that sorting finds."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from assay.query.unit_events import firsts

# Few moments, places and names, so that most events tie in the first, and many in the second too.
EVENTS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 3), st.integers(0, 1), st.uuids().map(str)),
    max_size=30,
)


@given(events=EVENTS)
def test_ties_are_broken_by_place_and_name(events: list[tuple[int, int, int, int, str]]) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE events (unit BIGINT, cohort BIGINT, t BIGINT, seq BIGINT, id VARCHAR)")
        if events:
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", events)
        for among, width in ((("unit",), 1), (("unit", "cohort"), 2)):
            found = connection.execute(
                f"SELECT unit, cohort, t, seq, id FROM ({firsts('SELECT * FROM events', *among)})"
            ).fetchall()
            best: dict[tuple[int, ...], tuple[int, int, int, int, str]] = {}
            for event in sorted(events, key=lambda one: one[2:]):
                best.setdefault(event[:width], event)
            assert sorted(found) == sorted(best.values())


def test_events_of_one_moment_do_not_meet_each_other() -> None:
    """Ten thousand units that all start at one moment (an import by day): as many rows come out of the join, not their square."""
    events = "SELECT range AS unit, 7 AS t, 0 AS seq, CAST(range AS VARCHAR) AS id FROM range(10000)"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("CREATE TABLE who AS SELECT range AS visitor, range // 2 AS person FROM range(10000)")
        joined = f"SELECT w.person AS unit, e.t, e.seq, e.id FROM ({events}) e JOIN who w ON w.visitor = e.unit"
        plan = connection.execute(f"EXPLAIN {firsts(joined)}").fetchall()[0][1]
        assert connection.execute(f"SELECT count(*) FROM ({firsts(joined)})").fetchall() == [(5000,)]
        assert "t = first_t" not in plan
