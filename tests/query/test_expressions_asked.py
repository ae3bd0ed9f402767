"""Conditions of the plan as they are asked: the same on every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import event, workspace

PLAN = """
site: {timezone: UTC}
events: {quote: {properties: {price: number, seats: integer, place: string}}}
metrics:
  found: {type: simple, count: quote, where: "CONDITION"}
"""
QUOTES = [
    event("a", "quote", "2024-03-01 10:00", props={"price": 12, "seats": 2, "place": "ÉTÉ"}),
    event("b", "quote", "2024-03-01 10:00", props={"price": 12, "seats": 0, "place": "été"}),
    event("c", "quote", "2024-03-01 10:00", props={"price": 2, "seats": 1, "place": "Ete"}),
]


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("price / seats > 5", 1),  # what is divided by 0 has no value: neither more than 5
        ("not price / seats > 5", 1),  # nor not
        ("coalesce(price / seats, 0) = 0", 1),
        ("seats % seats = 0", 2),
        ("lower(place) = 'été'", 2),
    ],
)
def test_a_condition(tmp_path: Path, engine: str, condition: str, count: int) -> None:
    with workspace(tmp_path, PLAN.replace("CONDITION", condition), QUOTES, engine=engine) as ws:
        answer = ws.ask("metric", ["found"], **{"from": "2024-03-01", "to": "2024-03-01"})
        assert answer.records()[0]["found"] == count
