"""Rage clicks: three clicks in a row near each other, once per burst; against a loop over random clicks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import Refused
from support import Event, at, event, table, view, workspace

PLAN = """
events: {click: {properties: {x: number, y: number, element: string}}}
segments: {mobile: "device = 'mobile'"}
"""
DAY = {"from": "2024-01-01", "to": "2024-01-01"}
START = at("2024-01-01 10:00")


def click(visitor: str, ms: int, x: float, y: float, path: str = "/", **fields: Any) -> Event:
    return event(visitor, "click", START + ms * 1000, path=path, props={"x": x, "y": y, "element": "#buy"}, **fields)


def fires(clicks: list[tuple[int, float, float]]) -> list[bool]:
    """One visitor on one page: (ms, x, y) in order."""
    found, chain = [], 0
    for n, (ms, x, y) in enumerate(clicks):
        before = clicks[n - 1] if n else None
        near = before is not None and ms - before[0] < 1000 and abs(x - before[1]) + abs(y - before[2]) < 30
        chain = chain + 1 if near else 1
        found.append(chain == 3)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_every_click_against_a_loop(seed: int, tmp_path: Path, engine: str) -> None:
    draw = random.Random(seed)
    events, expected = [], []
    for visitor in ("a", "b"):
        for path in ("/", "/p"):
            ms, clicks = draw.randrange(500), []
            for _ in range(60):
                ms += draw.choice([1, 200, 999, 1000, 1001])
                clicks.append((ms, draw.choice([0, 10, 25, 29.5]), draw.choice([0, 0, 5, 30])))
            events += [click(visitor, *one, path=path, id=f"{visitor}{path}{n:03}") for n, one in enumerate(clicks)]
            expected += [(visitor, path, ms, fired) for (ms, _, _), fired in zip(clicks, fires(clicks), strict=True)]
    draw.shuffle(events)
    found = workspace(tmp_path, PLAN, events, engine=engine).ask("pages", rage="clicks", limit=10_000, **DAY)
    got = [
        (visitor, page, round(time.timestamp() * 1000) - START // 1000, fired)
        for time, visitor, page, fired in table(found, "time", "visitor", "page", "fires")
    ]
    assert sorted(got) == sorted(expected)


def test_pages_name_it_and_list_it(tmp_path: Path, engine: str) -> None:
    three = [click("a", ms, 5, 5, device="mobile") for ms in (0, 100, 200, 300)]
    again = [click("a", ms, 5, 5, device="mobile") for ms in (5000, 5100, 5200)]
    other = [click("b", ms, 50, 50, path="/p?x=1") for ms in (0, 1, 2)]
    apart = [click("c", 0, 5, 5), click("d", 1, 5, 5), click("c", 2, 5, 5), click("c", 3, 5, 5, path="/p")]
    bots = [click("bot", ms, 5, 5, bot=True) for ms in (0, 1, 2)]
    nowhere = [event("e", "click", START + n, path="/") for n in range(3)]
    views = [view(v, START - 1, "/", device="mobile" if v == "a" else None) for v in "abcde"]
    ws = workspace(tmp_path, PLAN, [*three, *again, *other, *apart, *bots, *nowhere, *views], engine=engine)
    found = ws.ask("pages", rage="pages", **DAY)
    assert table(found) == [("/", "#buy", 7, 2, 1), ("/p", "#buy", 3, 1, 1)]
    assert table(ws.ask("pages", rage="pages", segment="mobile", **DAY)) == [("/", "#buy", 7, 2, 1)]
    texts = [f for f in ws.ask("pages", **DAY).findings if f.code == "rage_clicks"]
    assert [(f.evidence["page"], f.evidence["bursts"]) for f in texts] == [("/", 2), ("/p", 1)]
    assert "2 bursts" in texts[0].text
    assert ws.ask("pages", rage="pages", rage_count=5, **DAY).empty == "no rage clicks on Mon 1 Jan 2024"
    assert table(ws.ask("pages", rage="pages", rage_count=4, **DAY)) == [("/", "#buy", 4, 1, 1)]


def test_without_a_place_of_clicks_it_is_refused(tmp_path: Path) -> None:
    ws = workspace(tmp_path, "", [view("a", START), event("a", "click", START + 5)])
    assert ws.ask("pages", **DAY).findings == ()
    with pytest.raises(Refused, match=r"x: number, y: number"):
        ws.ask("pages", rage="pages", **DAY)
