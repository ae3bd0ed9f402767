"""The shop as files: event lines in Parquet, ad costs, the orders of the shop and its till, and the truth."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.demo import catalogue, origins, payload, rates
from assay.demo.calendar import CURRENCY
from assay.demo.lines import ENGINE, Progress, sql, table, tables, write_parts
from assay.demo.sheets import money, sheet, write_claims, write_costs
from assay.demo.shop import World
from assay.demo.till import write_till
from assay.demo.truth import truth

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ORDER_MONEY = ("amount", "refund", "tax", "shipping", "discount", "cost", "shipping_cost")
_ORDER_COLUMNS = ("order_id", "time", *_ORDER_MONEY, "currency")


def write(world: World, folder: Path, part_rows: int = 1_000_000, progress: Progress | None = None) -> list[Path]:
    """Write ``events-001.parquet`` … (sorted by time, over all parts), the sheets and ``truth.json``.

    The sheets: ``costs.csv``, ``orders.csv`` (web orders with all their money), ``till.csv`` (all orders), ``ads.csv``
    (what the ad platforms claim). ``progress`` is told the share of lines written. Returns the paths of the Parquet
    parts, in order.
    """
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config=ENGINE) as engine:
        _tables(engine, world)
        total = len(world.events)
        paths = write_parts(engine, folder, world.seed, total, lambda rows: _part(world, rows), part_rows, progress)
    write_costs(world.spend, folder / "costs.csv")
    _orders(world, folder / "orders.csv")
    write_till(world.till, folder / "till.csv", "K")
    write_claims(world.calendar, world.claims, folder / "ads.csv")
    (folder / "truth.json").write_text(json.dumps(truth(world), indent=2) + "\n", encoding="utf-8")
    return paths


def _tables(engine: DuckDBPyConnection, world: World) -> None:
    """Everything that codes point to."""
    tables(
        engine, names=payload.NAMES, pages=catalogue.PAGES, host=catalogue.HOST, origins=rates.ENTRIES,
        machines=origins.PROFILES, countries=origins.COUNTRIES, sources=("web", "shop"),
    )  # fmt: skip
    table(engine, "items", text=payload.items())
    table(engine, "coupons", text=[c[0] for c in rates.COUPONS])
    table(engine, "payments", text=payload.PAYMENTS)
    table(engine, "fixed", items=[i for i, _ in payload.fixed()], props=[p for _, p in payload.fixed()])
    k = world.carts
    engine.register("carts", {
        "row": np.arange(len(k)), "item1": k.items[:, 0].copy(), "item2": k.items[:, 1].copy(),
        "item3": k.items[:, 2].copy(), "coupon": k.coupon, "payment": k.payment, "goods": k.goods,
        "discount": k.discount, "tax": k.tax, "cost": k.cost, "shipping": k.shipping,
        "shipping_cost": k.shipping_cost, "order": k.order, "refund": k.refund,
    })  # fmt: skip
    *before, make = sql("payload").split(";\n")
    for statement in before:
        engine.execute(statement)
    engine.execute(make, {"base": payload.CARTS, "kinds": len(payload.CART_EVENTS), "currency": CURRENCY})


def _part(world: World, rows: slice) -> dict[str, Any]:
    """The codes of some events, those of their session and visitor beside them; −1 = none."""
    e, people = world.events, world.people
    session, time = e.session[rows], e.time[rows]
    on_site = session >= 0
    visitor = np.where(on_site, world.sessions.visitor[session], -1)
    cart = (e.payload[rows] - payload.CARTS) // len(payload.CART_EVENTS)
    buyer = world.sessions.visitor[world.carts.session[np.where(on_site, 0, cart)]] if len(world.carts) else visitor
    person = np.where(on_site, np.where(time >= world.known_from[visitor], visitor, -1), buyer)
    return {
        "row": np.arange(len(session)),
        "number": world.number[rows],
        "name": e.name[rows],
        "time": time,
        "seq": e.seq[rows],
        "received": world.received[rows],
        "session": session,
        "visitor": visitor,
        "person": person,
        "page": e.page[rows],
        # only the first event of a session tells where it comes from
        "entry": np.where(on_site & (e.seq[rows] == 0), world.sessions.entry[session], -1),
        "profile": np.where(on_site, people.profile[visitor], -1),
        "country": np.where(on_site, people.country[visitor], -1),
        "bot": visitor >= world.visitors,
        "account": np.full(len(session), -1),
        "source": np.where(on_site, 0, 1),
        "interactive": on_site,
        "consent": on_site,
        "payload": e.payload[rows],
    }


def _orders(world: World, path: Path) -> None:
    """The shop's list of web orders, tracked or not, with what was paid back."""
    k = world.carts
    rows = np.flatnonzero(k.order >= 0)
    rows = rows[np.argsort(k.order[rows])]
    lines = []
    for row in rows.tolist():
        time = datetime.fromtimestamp(k.ordered_at[row] / 1000, UTC).isoformat(timespec="milliseconds")
        moneys = (money(int(getattr(k, name)[row])) for name in _ORDER_MONEY)
        lines.append((f"K{100_001 + int(k.order[row])}", time, *moneys, CURRENCY))
    sheet(path, _ORDER_COLUMNS, lines)
