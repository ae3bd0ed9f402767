"""Every question over small random worlds: DuckDB, ClickHouse, Spark and a lake must say the same.

Counts, money and text are compared exactly, other numbers to 1e-12 of their size. The worlds have equal instants, several
devices of a user, bots, orders sent twice and refunds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.analyses import QUESTIONS
from assay.model.answer import Answer
from assay.model.errors import AssayError, Refused
from assay.store.engine import Statement
from assay.store.engines import ENGINES
from assay.workspace import Workspace
from engines import skip_marked
from properties import longer
from query.world import ZONE, world
from support import Event, at, load, view, workspace

UNITS = ("visitor", "user", "session", "account")
PLAN = f"""
site: {{timezone: {ZONE}}}
rules: {{bounce: plausible}}
pages: {{product: /p/*, rest: [/a, /b]}}
events:
  sign_up: {{properties: {{plan: string, seats: integer}}}}
orders: {{cost: 55%}}
goals:
  order: {{event: purchase, kind: macro, journey: shop}}
  product: {{page: /p/*, kind: micro, journey: shop}}
segments: {{mobile: "device = 'mobile'", paying: "order_type = 'first'", ads: "first_channel = 'Paid Search'"}}
cohorts:
  hesitant: {{did: view_item, did_not: purchase, within: 3d}}
funnels:
  ordered: {{steps: [view_item, add_to_cart, purchase], per: visitor, window: 7d}}
  any: {{steps: [event: null, event: null, event: purchase], per: user, window: 2d}}
  once: {{steps: [page_view, click, sign_up], per: visitor, window: 1d, entry: first}}
  strict: {{steps: [page_view, view_item], per: session, window: session, order: strict}}
  mixed: {{steps: [click, view_item, add_to_cart], per: visitor, window: 3d, order: unordered}}
  depth: {{steps: [page_view, page_view, purchase], per: account, window: 9d, order: windowfunnel}}
  clean:
    steps: [page_view, {{event: view_item, optional: true}}, add_to_cart, purchase]
    per: user
    window: 14d
    exclusions: [{{event: click, after: 1, before: 3}}]
metrics:
  sessions: {{type: simple, count: session}}
  visitors: {{type: simple, count: visitor}}
  users: {{type: simple, count: user}}
  accounts: {{type: simple, count: account}}
  orders: {{type: simple, count: order}}
  net: {{type: simple, sum: revenue.net}}
  gross: {{type: simple, sum: revenue.gross}}
  contribution: {{type: simple, sum: contribution}}
  seats: {{type: simple, sum: sign_up.seats}}
  aov: {{type: ratio, numerator: {{sum: revenue.gross}}, denominator: {{count: order}}}}
  bounce_rate: {{type: rate, of: session, where: is_bounce}}
  time_on_site: {{type: simple, sum: session.duration, per: visitor}}
  gross_share: {{type: derived, expression: net / gross}}
  refund_rate: {{type: conversion, from: order, event: refund, per: order, within: 30d}}
  click_conversion: {{type: conversion, from: click, event: purchase, per: event, within: 1d}}
  capped: {{type: simple, sum: revenue.gross, per: visitor, cap: 20}}
  middle: {{type: quantile, of: sign_up.seats, q: 0.75, per: visitor}}
  again: {{type: repeat_purchase, within: 14d}}
  gap: {{type: order_gap}}
  gap_middle: {{type: order_gap, statistic: median}}
  seen: {{type: time_on_page}}
  exits: {{type: exit_rate, not_after: [purchase]}}
  exits_of_views: {{type: exit_rate, of: view}}
  value: {{type: time_to, from: sign_up, event: purchase, within: 7d, statistic: median}}
  active: {{type: activation, from: sign_up, event: view_item, within: 7d}}
  used: {{type: feature_usage, event: view_item, at_least: 2}}
  sticky: {{type: stickiness}}
  gone: {{type: product_churn}}
""" + "".join(
    f"""
  net_per_{unit}: {{type: simple, sum: revenue.net, per: {unit}}}
  pages_per_{unit}: {{type: simple, count_distinct: page_view.page, per: {unit}}}
  bought_per_{unit}: {{type: conversion, goal: order, per: {unit}}}
  left_per_{unit}: {{type: abandonment, per: {unit}{"" if unit == "session" else ", within: 2d"}}}
"""
    for unit in UNITS
)
RANGE = {"from": "2024-03-22", "to": "2024-04-12"}
LOADED = "loaded"  # when, of the ledger: not a matter of the engine
FUNNELS = ("ordered", "any", "once", "strict", "mixed", "depth", "clean")

ASKED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("overview", (), {}),
    ("overview", (), {"compare": "previous"}),
    ("metric", (["*"],), {}),
    ("metric", (["net", "orders", "bought_per_visitor", "pages_per_user"],), {"by": ["device"]}),
    ("metric", (["gross", "bought_per_session", "left_per_visitor"],), {"by": ["channel"], "grain": "week"}),
    ("metric", (["net_per_visitor", "bought_per_user"],), {"by": ["device", "source"], "pick": "last"}),
    ("metric", (["visitors", "net_per_visitor"],), {"by": ["device"], "pick": "any", "segment": "ads"}),
    ("metric", (["sessions", "aov", "again"],), {"grain": "day", "compare": "previous"}),
    ("metric", (["bought_per_visitor"],), {"segment": "hesitant"}),
    *(("funnel", (name,), {}) for name in FUNNELS),
    *(("funnel", (name,), {"by": ["device"], "everyone": True}) for name in FUNNELS),
    *(("funnel", (name,), {"by": ["plan"]}) for name in ("ordered", "once", "mixed", "strict")),
    ("funnel", ("once",), {"by": ["plan"], "at": "last"}),
    ("funnel", ("once",), {"by": ["plan"], "at": "step:3"}),
    ("funnel", ("ordered",), {"by": ["channel"], "at": "all"}),
    ("funnel", ("ordered",), {"revenue": True}),
    ("funnel", ("any",), {"histogram": "1:2"}),
    ("funnel", ("mixed",), {"reached": 2}),
    ("funnel", ("ordered",), {"lost": 2}),
    ("segments", ("bought_per_visitor",), {"min_units": 2}),
    ("pages", (), {}),
    ("pages", (), {"rage": "pages"}),
    ("pages", (), {"group": True}),
    ("pages", (), {"conversion": True, "by": "channel"}),
    ("pages", (), {"conversion": True, "group": True, "per": "session"}),
    ("user", ("v3",), {}),
    ("user", ("u1",), {"as": "user"}),
    ("user", ("acc0",), {"limit": 20, "page": 2}),
    ("user", ("o3",), {}),
    ("quality", (), {}),
    ("explain", ("net_per_visitor",), {}),
    *(("retention", (), {"period": p, "per": u, "cohort": c}) for p, u, c in (("day", "visitor", "recurring"), ("week", "user", "first"))),
    ("retention", (), {"rolling": True, "period": "day", "rule": "bracket", "brackets": ["1", "2-7"], "by": ["device"]}),
    ("retention", (), {"start": "sign_up", "return": "purchase", "cumulative": True, "per": "account"}),
    *(("journey", (), {"node": node, "per": per}) for node, per in (("page", "visitor"), ("event", "session"), ("page_group", "user"))),
    ("journey", (), {"node": "event", "start": "view_item", "end": "purchase", "paths": True}),
    ("journey", (), {"node": "page", "gap": "20m", "collapse": False, "versus": "mobile"}),
    ("time-to", ("order",), {"at": ["1d", "7d"], "by": ["device"]}),
    ("time-to", ("purchase",), {"start": "sign_up", "within": "9d", "per": "visitor"}),
    *(("lifecycle", (), {"period": p, "per": u}) for p, u in (("day", "visitor"), ("week", "user"))),
    ("features", (["view_item", "click"],), {"first": "3d", "within": "9d"}),
    ("sessions", (), {"limit": 0}),
    ("attribution", (), {"model": ["first", "last", "linear", "position", "time_decay", "last_non_direct"]}),
    ("attribution", (), {"model": ["j", "inverse_j"], "by": "source", "per": "user", "date": "touch"}),
    ("attribution", (), {"paths": True, "transform": ["exposure"], "exclude_direct": True}),
    ("channels", (), {}),
    ("compare", ("bounce_rate",), {"rule": ["bounce=matomo"]}),
]  # fmt: skip


OTHERS = ("clickhouse", "spark", "lake")
DRAWN = [
    ("clickhouse", 5),
    ("clickhouse", 11),
    ("clickhouse", 12),
    ("clickhouse", 13),
    ("spark", 5),
    ("spark", 11),
    ("lake", 5),
]
SOAK = pytest.mark.soak


@pytest.fixture(
    scope="module",
    params=[pytest.param(one, marks=[SOAK] if n else [], id=f"{one[0]}-{one[1]}") for n, one in enumerate(DRAWN)],
)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, ...]]:
    other, seed = request.param
    if other != "clickhouse":
        request.getfixturevalue("spark")
    events = world(seed, visitors=45)
    parts: list[list[Event]] = [events[: len(events) // 2], events[len(events) // 2 :]]
    folder: Path = tmp_path_factory.mktemp(f"engines{seed}")
    made = tuple(workspace(folder / engine, PLAN, *parts, engine=engine) for engine in ("duckdb", other))
    yield made
    for ws in made:
        ws.close()


def said(
    ws: Workspace, question: str, given: tuple[Any, ...], params: dict[str, Any], days: Mapping[str, Any] = RANGE
) -> Any:
    """What the answer holds, or why there is none."""
    if given == (["*"],):
        given = (list(ws.plan.metrics),)
    try:
        answer: Answer = ws.ask(question, *given, **days, **params)
    except Refused as refused:
        return str(refused)
    estimates = [(e.metric, dict(e.group), vars_of(e.estimate)) for e in answer.estimates]
    found = [(f.title, f.text) if hasattr(f, "title") else str(f) for f in answer.findings]
    return {
        "columns": [c.name for c in answer.columns],
        "rows": [[v for v, c in zip(row, answer.columns, strict=True) if c.name != LOADED] for row in answer.rows],
        "estimates": estimates,
        "sentence": answer.sentence,
        "notes": list(answer.notes),
        "findings": found,
        "empty": answer.empty,
    }


def vars_of(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Where two answers are not the same."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [f"{where}: {sorted(set(a) ^ set(b), key=str)}"] if set(a) != set(b) else []
        return keys + [d for k in a if k in b for d in differences(a[k], b[k], f"{where}.{k}")]
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        if len(a) != len(b):
            return [f"{where}: {len(a)} and {len(b)}"]
        return [d for n, (x, y) in enumerate(zip(a, b, strict=True)) for d in differences(x, y, f"{where}[{n}]")]
    if isinstance(a, float) and isinstance(b, float):
        return [] if abs(a - b) <= 1e-12 * max(abs(a), abs(b), 1e-300) else [f"{where}: {a!r} and {b!r}"]
    if isinstance(a, date | datetime) or isinstance(b, date | datetime):
        return [] if str(a) == str(b) else [f"{where}: {a!r} and {b!r}"]
    return [] if type(a) is type(b) and a == b else [f"{where}: {a!r} and {b!r}"]


@pytest.mark.parametrize(
    ("question", "given", "params"), [pytest.param(*one, id=f"{n:02}-{one[0]}") for n, one in enumerate(ASKED)]
)
def test_the_engines_agree(
    both: tuple[Workspace, ...], question: str, given: tuple[Any, ...], params: dict[str, Any]
) -> None:
    skip_marked(f"question:{question}", both[1].engine_name)
    one, two = (said(ws, question, given, params) for ws in both)
    assert differences(one, two) == []


@pytest.fixture(scope="module", params=[pytest.param(one, marks=[SOAK] if n else []) for n, one in enumerate(OTHERS)])
def months(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, ...]]:
    if request.param != "clickhouse":
        request.getfixturevalue("spark")
    events, folder = longer.longer(), tmp_path_factory.mktemp("months")
    made = tuple(
        workspace(folder / engine, longer.PLAN, now=longer.NOW, engine=engine) for engine in ("duckdb", request.param)
    )
    for ws in made:
        load(ws, events, "months")
        longer.place(ws.folder)
    yield made
    for ws in made:
        ws.close()


@pytest.mark.parametrize(
    ("question", "given", "params"), [pytest.param(*one, id=f"{n:02}-{one[0]}") for n, one in enumerate(longer.ASKED)]
)
def test_the_engines_agree_over_months(
    months: tuple[Workspace, ...], question: str, given: tuple[Any, ...], params: dict[str, Any]
) -> None:
    skip_marked(f"question:{question}", months[1].engine_name)
    one, two = (said(ws, question, given, params, {}) for ws in months)
    assert differences(one, two) == []


def test_every_question_is_asked() -> None:
    """On every engine, or it has a mark."""
    asked = {question for question, _, _ in (*ASKED, *longer.ASKED)}
    assert [one.name for one in QUESTIONS if one.name not in asked] == []
    assert {engine for engine, _ in DRAWN} == set(OTHERS) == set(ENGINES) - {"duckdb"}


@SOAK
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_query_is_broken_off(engine: str, tmp_path: Path) -> None:
    skip_marked("breaking a query off", engine)
    breaks_off(tmp_path, engine)


def breaks_off(folder: Path, engine: str) -> None:
    """A join of 400 events four times over has 25.6 thousand million rows: nobody waits for that."""
    events = [view(f"v{n}", at("2024-03-01 10:00") + n) for n in range(400)]
    endless = "SELECT count(*) FROM events a, events b, events c, events d WHERE a.t + b.t + c.t + d.t > 1"
    with workspace(folder, "", events, engine=engine) as ws:
        assert ws.engine.run(Statement("SELECT count(*) FROM events")).rows == [(400,)]
        began = time.monotonic()
        ended = threading.Event()
        breaker = threading.Thread(target=breaking_off, args=(ws, ended))
        breaker.start()
        try:
            with pytest.raises(AssayError, match=r"broken off|cancelled"):
                ws.engine.run(Statement(endless))
        finally:
            ended.set()
            breaker.join()
        assert time.monotonic() - began < 60
        assert ws.engine.run(Statement("SELECT count(*) FROM events")).rows == [(400,)]


def breaking_off(ws: Workspace, ended: threading.Event) -> None:
    """After two seconds, again and again: between two jobs there is nothing to break off."""
    while not ended.wait(2):
        ws.engine.interrupt()
