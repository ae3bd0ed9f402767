"""The world as files: event lines in Parquet, ad costs, the till's own orders, and the truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from assay.demo import catalogue, payload, rates
from assay.demo.calendar import CURRENCY
from assay.demo.shop import World
from assay.demo.truth import truth

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ENGINE: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "2GB"}
_COST_COLUMNS = ("date", "channel", "source", "medium", "campaign", "impressions", "clicks", "amount", "currency")
_ORDER_MONEY = ("amount", "refund", "tax", "shipping", "discount", "cost", "shipping_cost")
_ORDER_COLUMNS = ("order_id", "time", *_ORDER_MONEY, "currency")

Progress = Callable[[float], None]


def write(world: World, folder: Path, part_rows: int = 1_000_000, progress: Progress | None = None) -> list[Path]:
    """Write ``events-001.parquet`` … (sorted by time, over all parts), ``costs.csv``, ``orders.csv``, ``truth.json``.

    ``progress`` is told the share of lines written. Returns the paths of the Parquet parts, in order.
    """
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    statement = _sql("write")
    paths: list[Path] = []
    with duckdb.connect(config=_ENGINE) as engine:
        _tables(engine, world)
        total = len(world.events)
        for first in range(0, total, part_rows):
            last = min(first + part_rows, total)
            engine.register("part", _part(world, slice(first, last)))
            path = folder / f"events-{len(paths) + 1:03d}.parquet"
            lines = engine.sql(statement, params={"prefix": f"{np.base_repr(world.seed, 36)}-"})
            lines.write_parquet(str(path), row_group_size=122_880)
            engine.unregister("part")
            paths.append(path)
            if progress:
                progress(last / total)
    _costs(world, folder / "costs.csv")
    _orders(world, folder / "orders.csv")
    (folder / "truth.json").write_text(json.dumps(truth(world), indent=2) + "\n", encoding="utf-8")
    return paths


def _sql(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")


def _texts(values: Iterable[str | None]) -> NDArray[np.object_]:
    return np.array(list(values), dtype=object)


def _table(engine: DuckDBPyConnection, name: str, **columns: Sequence[str | None]) -> None:
    """A small table of texts by code."""
    size = len(next(iter(columns.values())))
    engine.register(name, {"code": np.arange(size), **{k: _texts(v) for k, v in columns.items()}})


def _query(entry: rates.Entry) -> str | None:
    tags = {
        "utm_source": entry.source, "utm_medium": entry.medium, "utm_campaign": entry.campaign,
        "utm_content": entry.content, "utm_term": entry.term,
    }  # fmt: skip
    given = {k: v for k, v in tags.items() if v}
    return "?" + urlencode(given) if given else None


def _tables(engine: DuckDBPyConnection, world: World) -> None:
    """Everything that codes point to."""
    entries, machines = rates.ENTRIES, rates.PROFILES
    _table(engine, "names", text=payload.NAMES)
    _table(
        engine, "pages", path=[p for p, _ in catalogue.PAGES], title=[t for _, t in catalogue.PAGES],
        host=[catalogue.HOST] * len(catalogue.PAGES), url=[f"https://{catalogue.HOST}{p}" for p, _ in catalogue.PAGES],
    )  # fmt: skip
    _table(
        engine, "entries", referrer=[e.referrer for e in entries], source=[e.source for e in entries],
        medium=[e.medium for e in entries], campaign=[e.campaign for e in entries], term=[e.term for e in entries],
        content=[e.content for e in entries], click=[e.click for e in entries], query=[_query(e) for e in entries],
    )  # fmt: skip
    _table(
        engine, "machines", device=[rates.DEVICES[m.device] for m in machines], browser=[m.browser for m in machines],
        os=[m.os for m in machines], screen=[m.screen for m in machines],
    )  # fmt: skip
    _table(engine, "countries", country=[c[0] for c in rates.COUNTRIES], language=[c[1] for c in rates.COUNTRIES])
    _table(engine, "items", text=payload.items())
    _table(engine, "coupons", text=[c[0] for c in rates.COUPONS])
    _table(engine, "payments", text=payload.PAYMENTS)
    _table(engine, "fixed", items=[i for i, _ in payload.fixed()], props=[p for _, p in payload.fixed()])
    k = world.carts
    engine.register("carts", {
        "row": np.arange(len(k)), "item1": k.items[:, 0].copy(), "item2": k.items[:, 1].copy(),
        "item3": k.items[:, 2].copy(), "coupon": k.coupon, "payment": k.payment, "goods": k.goods,
        "discount": k.discount, "tax": k.tax, "cost": k.cost, "shipping": k.shipping,
        "shipping_cost": k.shipping_cost, "order": k.order, "refund": k.refund,
    })  # fmt: skip
    *before, make = _sql("payload").split(";\n")
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
        "payload": e.payload[rows],
    }


def _costs(world: World, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(_COST_COLUMNS)
        for s in world.spend:
            row = (s.day, s.channel, s.source, s.medium, s.campaign, s.impressions, s.clicks)
            sheet.writerow((*row, payload.money(s.amount), CURRENCY))


def _orders(world: World, path: Path) -> None:
    """The till's list: every order, tracked or not, with what was paid back."""
    k = world.carts
    rows = np.flatnonzero(k.order >= 0)
    rows = rows[np.argsort(k.order[rows])]
    with path.open("w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file)
        sheet.writerow(_ORDER_COLUMNS)
        for row in rows.tolist():
            time = datetime.fromtimestamp(k.ordered_at[row] / 1000, UTC).isoformat(timespec="milliseconds")
            money = (payload.money(int(getattr(k, name)[row])) for name in _ORDER_MONEY)
            sheet.writerow((f"K{100_001 + int(k.order[row])}", time, *money, CURRENCY))
