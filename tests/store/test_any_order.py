"""The derived tables are a function of the events and the rules: not of the order, the batches or the repetitions of loading."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import at, dump, event, load, workspace

RULES = {
    "default": "",
    "fold": "rules: {session: {max: 1h, split_on_campaign: true}, session_source: own}",
    "midnight": "site: {timezone: Europe/Berlin}\nrules: {session: {split_at_midnight: true, gap: inclusive}, orders: last}",
    "all in": "rules: {bots: include, session: {own_ids: false}}\norders: {sources: [shop, web]}",
}
START = at("2024-03-30 21:00")
MINUTE = 60_000_000


@st.composite
def lines(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """One event; ids repeat, so that duplicates and clashes occur."""
    name = draw(st.sampled_from(["page_view", "page_view", "click", "purchase", "refund", "beat"]))
    time = START + draw(st.integers(0, 40)) * 10 * MINUTE
    fields: dict[str, Any] = {"id": f"e{draw(st.integers(0, n + n // 2))}", "seq": draw(st.integers(0, 1))}
    fields["received_at"] = time + draw(st.integers(0, 2)) * MINUTE
    if draw(st.booleans()):
        fields["sent_at"] = time
    if name in ("purchase", "refund"):
        fields["order_id"] = draw(st.sampled_from(["o1", "o2", None]))
        fields["amount"] = draw(st.sampled_from(["10.00", "7.50", None]))
        fields["source"] = draw(st.sampled_from(["web", "shop"]))
    if name == "page_view":
        fields["path"] = draw(st.sampled_from(["/", "/a", "/b"]))
    if draw(st.integers(0, 3)) == 0:
        fields |= draw(
            st.sampled_from(
                [
                    {"bot": True},
                    {"environment": "staging"},
                    {"session": "s1"},
                    {"session": "s2"},
                    {"utm_campaign": "spring"},
                    {"utm_campaign": "summer", "utm_source": "mail"},
                    {"referrer": "https://www.google.com/"},
                ]
            )
        )
    if name in ("refund", "beat"):
        fields["interactive"] = False
    if draw(st.integers(0, 4)) == 0:
        fields["user"] = draw(st.sampled_from(["u1", "u2"]))
    visitor = draw(st.sampled_from(["a", "b", "c", None]))
    return event(visitor, name, time, **fields)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    count = draw(st.integers(12, 40))
    events = [draw(lines(count)) for _ in range(count)]
    shuffled = draw(st.permutations(events))
    cuts = sorted({0, count, *draw(st.lists(st.integers(0, count), max_size=2))})
    batches = [list(shuffled[a:b]) for a, b in pairwise(cuts)]
    if draw(st.booleans()):
        batches.append(list(events[: count // 2]))
    return events, batches


def same(rules: str, world: tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]) -> None:
    events, batches = world
    with TemporaryDirectory() as folder:
        whole = workspace(Path(folder) / "whole", RULES[rules], events)
        parts = workspace(Path(folder) / "parts", RULES[rules], *batches)
        want, got = dump(whole), dump(parts)
        assert got == want
        parts.rebuild()
        assert dump(parts) == want
        assert sum(x.stored for x in [load(parts, events)]) == 0
        assert dump(parts) == want
        whole.close()
        parts.close()


@pytest.mark.parametrize("rules", RULES)
def test_any_order_any_batches_twice(rules: str) -> None:
    settings(max_examples=2, deadline=None, derandomize=True, database=None)(
        given(worlds())(lambda world: same(rules, world))
    )()


@pytest.mark.soak
@pytest.mark.parametrize("rules", RULES)
def test_any_order_any_batches_twice_long(rules: str) -> None:
    settings(max_examples=40, deadline=None)(given(worlds())(lambda world: same(rules, world)))()
