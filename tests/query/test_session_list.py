"""The visits one by one: each once, whatever the segment looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import bought, view, workspace

DAY = "2024-03-01 "
SPAN = {"from": "2024-03-01", "to": "2024-03-02"}
EVENTS = [
    view("a", DAY + "10:00", "/cart"),
    view("a", DAY + "10:01", "/cart"),
    bought("a", DAY + "10:02", "o1", "9", coupon="x"),
    bought("a", DAY + "10:03", "o2", "9", coupon="x"),
    view("b", DAY + "11:00", "/other", device="mobile"),
]


@pytest.mark.parametrize(
    ("segment", "visitors"),
    [
        (None, ["a", "b"]),
        ("page = '/cart'", ["a"]),
        ("event = 'purchase'", ["a"]),
        ("device = 'mobile'", ["b"]),
        ("customer = 'repeat'", ["a"]),
        ("first_channel = 'Direct'", ["a", "b"]),
        ("order_type in ('first', 'repeat')", ["a"]),
    ],
)
def test_each_visit_is_listed_once(tmp_path: Path, segment: str | None, visitors: list[str]) -> None:
    with workspace(tmp_path, "metrics: {sessions: {type: simple, count: session}}", EVENTS) as ws:
        found = ws.ask("sessions", segment=segment, **SPAN)
        assert found.column("visitor") == visitors
        assert ws.ask("metric", "sessions", segment=segment, **SPAN).column("sessions") == [len(visitors)]
        assert found.sentence.startswith(f"{len(visitors)} session")


def test_the_first_of_them(tmp_path: Path) -> None:
    with workspace(tmp_path, "metrics: {}", EVENTS) as ws:
        assert ws.ask("sessions", limit=1, **SPAN).sentence.startswith("The first 1 session")


def test_a_segment_with_nobody_in_it(tmp_path: Path) -> None:
    """The days have data: it is the segment that holds nothing."""
    with workspace(tmp_path, "metrics: {sessions: {type: simple, count: session}}", EVENTS) as ws:
        empty = ws.ask("sessions", segment="country = 'XX'", **SPAN)
        assert empty.sentence == "Nothing in 1 to 2 Mar 2024 is in the segment country = 'XX'."
        assert empty.next == ("assay sessions --from 2024-03-01 --to 2024-03-02",)


def test_every_answer_says_its_segment(tmp_path: Path) -> None:
    with workspace(tmp_path, "metrics: {sessions: {type: simple, count: session}}", EVENTS) as ws:
        for question, names in (("sessions", []), ("metric", ["sessions"]), ("retention", []), ("channels", [])):
            for segment in ("device = 'mobile'", "country = 'XX'"):
                assert f"only the segment {segment}" in ws.ask(question, *names, segment=segment, **SPAN).notes
