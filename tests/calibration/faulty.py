"""Simulated shop-days with faults put in at known days, as event lines. For the alerts' precision, recall and delay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

FIRST = date(2024, 1, 1)
PLAN = """
site: {name: Faulty, timezone: UTC, currency: EUR}
events:
  view_item: {properties: {list_name: string}, required: [list_name]}
goals:
  order: {event: purchase, kind: macro, journey: shop}
  in_cart: {event: add_to_cart, kind: micro, journey: shop}
  newsletter: {event: sign_up, kind: micro, journey: shop}
objectives: {grow: {goal: more}}
metrics:
  purchase_rate: {type: conversion, goal: order, per: visitor}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  aov: {type: ratio, numerator: {sum: revenue.net}, denominator: {count: order}}
  bounce_rate: {type: rate, of: session, where: is_bounce, direction: down}
kpis:
  purchase_rate: {objective: grow}
  rpv: {objective: grow}
  aov: {objective: grow}
  bounce_rate: {objective: grow}
funnels:
  checkout: {steps: [view_item, add_to_cart, begin_checkout, add_shipping_info, add_payment_info, purchase], per: visitor, window: 7d}
"""
STEPS = ("view_item", "add_to_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase")
CHANNELS = (
    ("Direct", None, None, 0.20), ("Organic Search", "https://www.google.com/", None, 0.30),
    ("Paid Search", None, ("google", "cpc"), 0.20), ("Email", None, ("news", "email"), 0.10),
    ("Paid Social", None, ("facebook", "paid_social"), 0.14), ("Referral", "https://blog.example.org/", None, 0.06),
)  # fmt: skip
MOBILE = np.array([0.48, 0.50, 0.48, 0.45, 0.82, 0.42])
BROWSERS = (("Chrome", "Firefox", "Safari", "Edge"), ("Chrome", "Safari", "Samsung Internet"))
BROWSER_SHARE = ((0.55, 0.15, 0.15, 0.15), (0.45, 0.43, 0.12))
COUNTRIES, COUNTRY_SHARE = ("DE", "AT", "CH", "NL", "US"), (0.70, 0.12, 0.08, 0.06, 0.04)
RATES = np.array(  # by channel: view_item, add_to_cart | view_item, begin_checkout | add_to_cart
    [
        [0.62, 0.26, 0.62],
        [0.64, 0.24, 0.62],
        [0.74, 0.27, 0.62],
        [0.78, 0.31, 0.66],
        [0.55, 0.18, 0.58],
        [0.60, 0.23, 0.62],
    ]
)
DEVICE_STEP = np.array([[0.84, 0.93, 0.95], [0.70, 0.88, 0.93]])  # shipping, payment, purchase; desktop, mobile
WEEK = np.array([1.02, 1.05, 1.04, 1.0, 0.92, 0.93, 1.04])
KINDS = ("vanished", "doubled", "emptied", "bots", "channel", "mobile", "mix", "decline")
CAUSE = {
    "vanished": "tracking", "doubled": "tracking", "emptied": "tracking", "bots": "bots", "channel": "volume",
    "mobile": "rate", "mix": "mix", "decline": "rate",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """``what``: the event, property, channel … ``part``: only this browser."""

    kind: str
    first: int
    last: int
    what: str = ""
    part: str = ""


@dataclass
class Lines:
    """Columns of event lines, piece by piece."""

    pieces: list[dict[str, Any]] = field(default_factory=list)

    def add(self, n: int, **columns: Any) -> None:
        self.pieces.append({"n": n, **columns})


def schedule(seed: int, days: int, first: int = 50, every: int = 9) -> list[Fault]:
    """The sharp faults in turn, one every ``every`` days, each for one to three days."""
    draw = np.random.default_rng(seed + 1000)
    variants = {
        "vanished": [("purchase", ""), ("add_to_cart", ""), ("purchase", "Safari"), ("begin_checkout", "")],
        "doubled": [("add_to_cart", ""), ("purchase", ""), ("sign_up", ""), ("begin_checkout", "")],
        "emptied": [("amount", ""), ("list_name", "")],
        "bots": [("DE", ""), ("US", ""), ("SG", "")],
        "channel": [("Paid Search", ""), ("Email", ""), ("Paid Social", "")],
        "mobile": [("", "")],
        "mix": [("Paid Social", "")],
    }
    found, day, turn = [], first, 0
    kinds = list(variants)
    while day + 3 < days:
        if turn % len(kinds) == 0:
            draw.shuffle(kinds)
        kind = kinds[turn % len(kinds)]
        what, part = variants[kind][(turn // len(kinds)) % len(variants[kind])]
        found.append(Fault(kind, day, day + int(draw.integers(0, 3)), what, part))
        day += every + int(draw.integers(-1, 2))
        turn += 1
    return found


def declines(days: int, first: int = 70, length: int = 28, every: int = 77) -> list[Fault]:
    """A rate that sinks 1.5 % a day for four weeks, then is mended; told apart from one another by seven weeks."""
    return [Fault("decline", d, d + length - 1, "add_to_cart") for d in range(first, days - length, every)]


def write(path: Path, days: int, visitors: int, seed: int, faults: list[Fault], rough: bool = False) -> Path:
    """The events of so many days as one Parquet file in event-line form. ``rough``: two to three times the noise from
    day to day, and with a long memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    volume, rate = (_noise(rng, days, 0.12, 0.6), _noise(rng, days, 0.08, 0.6)) if rough else (
        _noise(rng, days, 0.05), _noise(rng, days, 0.04)
    )  # fmt: skip
    lines, number = Lines(), 0
    for day in range(days):
        today = [f for f in faults if f.first <= day <= f.last]
        mean = visitors * WEEK[(FIRST + timedelta(day)).weekday()] * np.exp(volume[day] + 0.0006 * day)
        number += _day(lines, rng, day, int(rng.poisson(mean)), float(np.exp(rate[day])), today, number, visitors)
    columns = {
        name: pa.concat_arrays([_array(pa, piece, name, kind) for piece in lines.pieces])
        for name, kind in _COLUMNS.items()
    }
    total = len(columns["time"])
    columns["id"] = pa.array(np.char.add("e", np.arange(total).astype(str)))
    columns["source"] = pa.array(["web"] * total)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


_COLUMNS = {
    "name": "text", "time": "int", "seq": "int", "visitor": "text", "device": "text", "browser": "text",
    "country": "text", "path": "text", "referrer": "text", "utm_source": "text", "utm_medium": "text",
    "order_id": "text", "amount": "text", "currency": "text", "props": "text",
}  # fmt: skip


def _array(pa: Any, piece: dict[str, Any], name: str, kind: str) -> Any:
    value, n = piece.get(name), piece["n"]
    type_ = pa.int64() if kind == "int" else pa.string()
    if value is None:
        return pa.nulls(n, type_)
    if isinstance(value, str | int):
        return pa.array([value] * n, type_)
    return pa.array(value.tolist() if isinstance(value, np.ndarray) else value, type_)


def _noise(rng: np.random.Generator, days: int, size: float, memory: float = 0.3) -> Any:
    """Day-to-day noise with some memory."""
    found = np.zeros(days)
    for day in range(days):
        before = found[day - 1] if day else 0.0
        found[day] = memory * before + rng.normal(0, size * np.sqrt(1 - memory**2))
    return found


def _day(
    lines: Lines,
    rng: np.random.Generator,
    day: int,
    n: int,
    rate: float,
    faults: list[Fault],
    number: int,
    visitors: int,
) -> int:
    start = (np.datetime64(FIRST) + day - np.datetime64("1970-01-01")).astype(int) * 86_400_000_000
    channel = rng.choice(len(CHANNELS), n, p=[c[3] for c in CHANNELS])
    for fault in faults:
        if fault.kind == "channel":
            channel = channel[np.array([c[0] for c in CHANNELS])[channel] != fault.what]
        if fault.kind == "mix":  # as many visits, most of them from where people buy little
            there = [c[0] for c in CHANNELS].index(fault.what)
            channel = np.where(rng.random(n) < 0.6, there, channel)
    n = len(channel)
    mobile = rng.random(n) < MOBILE[channel]
    desktop_browser = np.array(BROWSERS[0])[rng.choice(4, n, p=BROWSER_SHARE[0])]
    mobile_browser = np.array(BROWSERS[1])[rng.choice(3, n, p=BROWSER_SHARE[1])]
    who = {
        "visitor": np.char.add("v", (number + np.arange(n)).astype(str)),
        "device": np.where(mobile, "mobile", "desktop"),
        "browser": np.where(mobile, mobile_browser, desktop_browser),
        "country": np.array(COUNTRIES)[rng.choice(len(COUNTRIES), n, p=COUNTRY_SHARE)],
    }
    began = start + (rng.beta(3, 2.2, n) * 22.5 * 3.6e9).astype(np.int64)
    come = {
        "referrer": [CHANNELS[c][1] for c in channel],
        "utm_source": [CHANNELS[c][2][0] if CHANNELS[c][2] else None for c in channel],
        "utm_medium": [CHANNELS[c][2][1] if CHANNELS[c][2] else None for c in channel],
    }
    lines.add(n, name="page_view", time=began, seq=0, path="/", **who, **come)
    more = np.flatnonzero(rng.random(n) < 0.5)
    _send(lines, rng, "page_view", began + 20_000_000, 1, more, who, [], path="/more")
    _way(lines, rng, day, began, channel, mobile.astype(int), rate, who, faults)
    signed = np.flatnonzero(rng.random(n) < 0.04)
    _send(lines, rng, "sign_up", began + 25_000_000, 2, signed, who, faults)
    extra = 0
    for fault in faults:
        if fault.kind == "bots":
            extra = int(visitors * rng.uniform(0.4, 0.7))
            robots = np.char.add("r", (number + np.arange(extra)).astype(str))
            at = start + (rng.random(extra) * 23 * 3.6e9).astype(np.int64)
            lines.add(
                extra, name="page_view", time=at, seq=0, path="/", visitor=robots, device="desktop", browser="Chrome",
                country=fault.what,
            )  # fmt: skip
    return n + extra


def _way(
    lines: Lines, rng: np.random.Generator, day: int, began: Any, channel: Any, mobile: Any, rate: float, who: Any,
    faults: list[Fault],
) -> None:  # fmt: skip
    on = np.ones(len(channel), dtype=bool)
    factor = {1: 1.0}
    for fault in faults:
        if fault.kind == "decline":
            factor[1] = 0.985 ** (day - fault.first + 1)
    for step, name in enumerate(STEPS):
        chance = RATES[channel, step] if step < 3 else DEVICE_STEP[mobile, step - 3]
        chance = np.clip(chance * (rate if step == 1 else 1.0) * factor.get(step, 1.0), 0, 1)
        broken = any(f.kind == "mobile" for f in faults) and step == 3
        reached = on.copy()
        if broken:
            chance = np.where(mobile == 1, chance * 0.2, chance)
        on = on & (rng.random(len(on)) < chance)
        if broken:  # those who are stopped try again
            again = np.flatnonzero(reached & ~on & (mobile == 1) & (rng.random(len(on)) < 0.4))
            _send(lines, rng, "begin_checkout", began + 170_000_000, 9, again, who, faults)
        _send(lines, rng, name, began + (step + 1) * 45_000_000, 3 + step, np.flatnonzero(on), who, faults)


def _send(
    lines: Lines,
    rng: np.random.Generator,
    name: str,
    time: Any,
    seq: int,
    rows: Any,
    who: Any,
    faults: list[Fault],
    path: str = "/p",
) -> None:
    for fault in faults:
        if fault.kind == "vanished" and fault.what == name:
            gone = who["browser"][rows] == fault.part if fault.part else np.ones(len(rows), dtype=bool)
            rows = rows[~gone]
    times = 2 if any(f.kind == "doubled" and f.what == name for f in faults) else 1
    columns: dict[str, Any] = {"path": path}
    if name == "view_item" and not any(f.kind == "emptied" and f.what == "list_name" for f in faults):
        columns["props"] = '{"list_name": "home"}'
    if name == "purchase":
        amount = np.round(rng.lognormal(3.9, 0.5, len(rows)), 2)
        empty = any(f.kind == "emptied" and f.what == "amount" for f in faults)
        columns |= {
            "order_id": np.char.add("o", who["visitor"][rows]), "currency": "EUR",
            "amount": None if empty else [f"{a:.2f}" for a in amount],
        }  # fmt: skip
    mine = {key: values[rows] for key, values in who.items()}
    for again in range(times):
        lines.add(len(rows), name=name, time=time[rows] + again * 1000, seq=seq, **mine, **columns)
