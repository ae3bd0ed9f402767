"""A derived set as of an earlier moment is the set of a store that had only received what was received by then."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from assay.store.engine import Statement
from support import Event, at, bought, dump, event, refunded, view, workspace

START = at("2024-03-01 08:00")
HOUR = 3_600_000_000


def events(seed: int) -> list[Event]:
    draw = random.Random(seed)
    found: list[Event] = []
    for _ in range(80):
        time = START + draw.randrange(100) * HOUR // 2
        visitor = f"v{draw.randrange(6)}"
        user = {"user": f"u{draw.randrange(3)}"} if draw.random() < 0.1 else {}
        if draw.random() < 0.2:
            one = bought(visitor, time, f"o{draw.randrange(8)}", draw.choice(["3.00", "4.50", None]), **user)
        elif draw.random() < 0.2:
            one = refunded(time, f"o{draw.randrange(8)}", draw.choice(["1.00", None]))
        else:
            one = view(visitor, time, draw.choice(["/", "/a"]), **user)
        one["id"] = f"e{draw.randrange(70)}"
        one["received_at"] = time + draw.choice([0, 0, 0, 30 * HOUR])
        found.append(one)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_beside_is_what_was_known_then(tmp_path: Path, seed: int) -> None:
    known = events(seed)
    ws = workspace(tmp_path / "all", "", known)
    before = dump(ws)
    moment = START + 30 * HOUR
    beside = ws.engine.beside(ws.derivation, moment)
    then = dump(SimpleNamespace(engine=beside))  # type: ignore[arg-type]
    early = workspace(tmp_path / "early", "", [e for e in known if e["received_at"] <= moment])
    assert then == dump(early)
    assert 0 < len(then["events"]) < len(before["events"])
    beside.close()
    assert dump(ws) == before


def test_other_rules_beside(tmp_path: Path) -> None:
    known = [event("a", "page_view", START + n * HOUR // 3, id=str(n)) for n in range(6)]
    ws = workspace(tmp_path / "a", "", known)
    other = workspace(tmp_path / "b", "rules: {session: {timeout: 15m}}", known)
    assert len(dump(ws)["sessions"]) == 1
    beside = ws.engine.beside(other.derivation, ws.now)
    assert dump(SimpleNamespace(engine=beside)) == dump(other)  # type: ignore[arg-type]


@pytest.mark.soak
def test_a_set_beside_of_many_sessions(tmp_path: Path) -> None:
    """More rows than DuckDB writes at once (122,880): it has lost them without a word."""
    many = [view(f"v{n}", START + n * 1_000_000) for n in range(130_000)]
    with workspace(tmp_path, "", many) as ws:
        beside = ws.engine.beside(ws.derivation, ws.now)
        for table in ("sessions", "persons"):
            counted = Statement(f"SELECT count(*) FROM {table} WHERE visitor_key >= 0")
            assert beside.run(counted).rows == ws.engine.run(counted).rows == [(130_000,)]
        beside.close()
