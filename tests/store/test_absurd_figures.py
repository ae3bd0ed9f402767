"""Whoever may send events may send absurd figures: they end no load, and no question."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.store.engine import Statement
from support import Event, bought, event, load, view, workspace

PLAN = """
site: {timezone: UTC, currency: EUR}
orders: {cost: 55%, shipping: shipping}
metrics:
  net: {type: simple, sum: revenue.net}
  time_read: {type: time_on_page, page: "/*"}
"""
MOST = "999999999999.99"
ABSURD: dict[str, list[Event]] = {
    "a beat of ages": [event("v1", "user_engagement", "2024-01-10 08:01", props={"engagement_time_msec": 10**16})],
    "beats of ages": [
        event("v1", "user_engagement", f"2024-01-10 08:0{n}", props={"engagement_time_msec": 9 * 10**15})
        for n in (1, 2)
    ],
    "a beat before time": [event("v1", "user_engagement", "2024-01-10 08:01", props={"engagement_time_msec": -5})],
    "a thousand pages down": [event("v1", "scroll", "2024-01-10 08:01", props={"percent_scrolled": 10**18})],
    "quantities": [
        bought("v1", f"2024-01-10 08:0{n}", f"o{n}", "10", items=[{"item_id": "a", "price": MOST, "quantity": 9 * 10**18}])
        for n in (1, 2)
    ],
    "refunds": [
        bought("v1", "2024-01-10 08:01", "o2", "5"),
        event(None, "refund", "2024-01-11 08:00", order_id="o2", amount=MOST),
        event(None, "refund", "2024-01-12 08:00", order_id="o2", amount=MOST),
    ],
    "a negative refund": [
        bought("v1", "2024-01-10 08:01", "o2", MOST),
        event(None, "refund", "2024-01-11 08:00", order_id="o2", amount=f"-{MOST}"),
    ],
    "tax and shipping": [
        bought("v1", "2024-01-10 08:01", "o2", "5", props={"tax": "9" * 16, "shipping": f"-{'9' * 20}"}),
        bought("v1", "2024-01-10 08:02", "o3", MOST, props={"tax": MOST, "shipping": f"-{MOST}"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", ABSURD)
def test_a_load_goes_on_and_questions_answer(tmp_path: Path, engine: str, what: str) -> None:
    days = {"from": "2024-01-10", "to": "2024-01-20"}
    with workspace(tmp_path, PLAN, [view("v1", "2024-01-10 08:00", "/a")], engine=engine) as ws:
        assert load(ws, ABSURD[what], "absurd").stored == len(ABSURD[what])
        assert load(ws, [bought("v2", "2024-01-10 09:00", "fine", "7.50")], "after").stored == 1
        assert ws.engine.run(Statement("SELECT net FROM orders WHERE order_id = 'fine'")).rows == [(7.5,)]
        engaged = ws.engine.run(Statement("SELECT max(engaged_us) FROM sessions")).rows[0][0]
        assert engaged is None
        for question, words in (("overview", ()), ("products", ()), ("pages", ()), ("metric", (["net", "time_read"],))):
            assert ws.ask(question, *words, **days).sentence
