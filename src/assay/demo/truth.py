"""The known truth, as it goes into ``truth.json``: what was planted, and what then happened.

``planted`` are the generator's own probabilities and what follows from them; ``expected`` is what they give for the
sessions that were drawn; ``counts`` is what happened, exactly (without duplicates; people without bots).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.demo import catalogue, origins, payload, rates, visits
from assay.demo.calendar import CURRENCY, ZONE
from assay.demo.draws import Flags, Floats, Whole, run_starts
from assay.demo.sheets import claims_truth, money, signed
from assay.demo.shop import World
from assay.demo.till import till_truth

_LOOKBACK = 90 * 86_400_000  # a direct session takes over the last other source within this time


def truth(world: World) -> dict[str, Any]:
    """All keys of ``truth.json``."""
    calendar, given = world.calendar, visits.tables(world.calendar)
    return {
        "world": "shop",
        "seed": world.seed,
        "days": calendar.days,
        "timezone": ZONE,
        "currency": CURRENCY,
        "dates": {name: day.isoformat() for name, day in calendar.dates().items()},
        "quiet": calendar.quiet,
        "planted": planted(given),
        "expected": expected(world),
        "counts": counts(world),
        "broken_tracking": _broken(world),
        "influencer": {
            "day": calendar.day(calendar.influencer).isoformat(),
            "channel": rates.CHANNELS[rates.SOCIAL],
            "factor": given.influencer,
        },
        "payment_provider": provider(world),
        "till": till_truth(world.till),
        "claims": claims_truth(world.claims),
        "campaign_push": {
            "first_day": calendar.day(calendar.push[0]).isoformat(),
            "last_day": calendar.day(calendar.push[1]).isoformat(),
            "channel": rates.CHANNELS[rates.PAID_SOCIAL],
            "factor": given.push,
        },
        "experiment": experiment(world),
    }


def basket() -> dict[str, float]:
    """Expected money of one order in cents, from the tables: goods, discount, amount, cost. Rounding is left out.

    The second and third product are the first one moved on by 1 to 19 places, once and twice.
    """
    popularity = np.array([p.weight for p in catalogue.PRODUCTS])
    popularity /= popularity.sum()
    price = np.array([p.price for p in catalogue.PRODUCTS], dtype=np.float64)
    cost = np.array([p.cost_cents for p in catalogue.PRODUCTS], dtype=np.float64)
    pieces = sum(share * (q + 1) for q, share in enumerate(rates.QUANTITY)) / sum(rates.QUANTITY)
    least = np.cumsum(rates.LINES[::-1])[::-1] / sum(rates.LINES)  # probability of at least 1, 2, 3 lines
    goods = spent = 0.0
    for share in least:
        goods += float(share * pieces * popularity @ price)
        spent += float(share * pieces * popularity @ cost)
        popularity = np.mean([np.roll(popularity, step) for step in range(1, 20)], axis=0)
    off = sum(percent * share for _, percent, share in rates.COUPONS) / 100
    return {"goods": goods, "discount": goods * off, "amount": goods * (1 - off), "cost": spent}


def _contribution(variant: int) -> float:
    """Expected contribution of one order in cents, refunds charged."""
    money = basket()
    returned = rates.FULL_REFUND + (1 - rates.FULL_REFUND) * sum(rates.PARTIAL) / 200
    kept = money["amount"] * (1 - rates.REFUND[variant] * returned)
    delivery = rates.CARRIER - (rates.DELIVERY if variant == 0 else 0)
    return kept - money["cost"] - delivery


def planted(given: rates.Tables = rates.PLANTED) -> dict[str, Any]:
    """The generator's probabilities; money in the currency's units."""
    returned = rates.FULL_REFUND + (1 - rates.FULL_REFUND) * sum(rates.PARTIAL) / 200
    none = np.zeros(len(origins.DEVICES), dtype=np.int16)
    steps = visits.completion(np.arange(len(origins.DEVICES)), none, given)
    complete = np.prod(np.stack(steps), axis=0)
    return {
        "steps": rates.step_table(given),
        "purchase | begin_checkout": {d: float(c) for d, c in zip(origins.DEVICES, complete, strict=True)},
        "recovered_share_of_first_orders": rates.RECOVERED,
        "recovered_within_days": 6,
        "reorder_checkout_probability": rates.REORDER,
        "repeat_order_probability": {
            d: rates.REORDER * float(c) for d, c in zip(origins.DEVICES, complete, strict=True)
        },
        "refund_probability": rates.REFUND[0],
        "refund_days": [5, 20],
        "refund_share_of_amount": returned,
        "order": {k: v / 100 for k, v in basket().items()},
        "bot_share_of_sessions": rates.BOTS,
        "duplicate_share": rates.DUPLICATES,
        "late_share": rates.LATE,
        "channels": list(rates.CHANNELS),
    }


def expected(world: World) -> dict[str, float]:
    """Expected orders (tracked or not) of the sessions that began a checkout or came back, and what they bring.

    Revenue per visitor is before refunds.
    """
    s, device = world.sessions, world.people.device
    rows = np.flatnonzero((s.depth >= visits.BEGAN) & np.isin(s.kind, (visits.ORDINARY, visits.REORDER)))
    complete = _complete(device[s.visitor[rows]], s.variant[rows], visits.tables(world.calendar))
    orders = float(complete.sum()) + int((s.kind == visits.RECOVERY).sum())
    return {
        "orders": orders,
        "gross_revenue_per_visitor": orders * basket()["amount"] / 100 / max(1, _people_seen(world)),
    }


def _complete(device: Whole, variant: Whole, given: rates.Tables) -> Floats:
    return np.asarray(np.prod(np.stack(visits.completion(device, variant, given)), axis=0))


def _people_seen(world: World) -> int:
    s = world.sessions
    return len(np.unique(s.visitor[(s.kind >= 0) & (s.kind != visits.BOT)]))


def experiment(world: World) -> dict[str, Any]:
    """The experiment: exact relative effects for exposed visitors, and what the exposed ones did.

    ``purchase_rate`` is of visitors with an order after the exposure, however late; the effect on orders and gross
    revenue per exposed visitor is the same factor. Refunds and contribution hold for orders whose 20 days have passed.
    """
    s, carts, device = world.sessions, world.carts, world.people.device
    rows = np.flatnonzero((s.variant >= 0) & (s.kind >= 0))
    first = _complete(device[s.visitor[rows]], np.zeros(len(rows), dtype=np.int16), visits.tables(world.calendar))
    first = first / (1 - rates.RECOVERED)
    control, treatment = _contribution(0), _contribution(1)
    bought = np.zeros(len(world.people), dtype=np.bool_)
    ordered = (carts.order >= 0) & carts.tracked
    bought[s.visitor[carts.session[ordered]]] = True
    arms = {}
    for code, name in enumerate(rates.VARIANTS):
        visitors = s.visitor[rows[s.variant[rows] == code]]
        mine = np.isin(s.visitor[carts.session], visitors) & ordered
        arms[name] = {
            "exposed": len(visitors),
            "buyers": int(bought[visitors].sum()),
            "orders": int(mine.sum()),
            "refunded_orders": int((mine & (carts.refund > 0)).sum()),
            "gross_revenue": money(int(carts.amount[mine].sum())),
            "net_revenue": money(int((carts.amount - carts.refund)[mine].sum())),
        }
    return {
        "name": rates.EXPERIMENT,
        "unit": "visitor",
        "exposed_on": "first begin_checkout inside the experiment, of visitors with no checkout before",
        "relative_effect": {
            "purchase_rate": rates.UPLIFT - 1,
            "orders_per_visitor": rates.UPLIFT - 1,
            "gross_revenue_per_visitor": rates.UPLIFT - 1,
            "contribution_per_visitor": rates.UPLIFT * treatment / control - 1,
            "average_order_value": 0.0,
        },
        "refund_rate": {name: rates.REFUND[code] for code, name in enumerate(rates.VARIANTS)},
        "contribution_per_order": {"control": control / 100, "treatment": treatment / 100},
        "expected_purchase_rate": {
            "control": float(first.mean()) if len(rows) else None,
            "treatment": float(first.mean() * rates.UPLIFT) if len(rows) else None,
        },
        "counts": arms,
    }


def _broken(world: World) -> dict[str, Any]:
    carts = world.carts
    lost = (carts.order >= 0) & ~carts.tracked
    return {
        "first_day": world.calendar.day(world.calendar.broken[0]).isoformat(),
        "last_day": world.calendar.day(world.calendar.broken[1]).isoformat(),
        "event": "purchase",
        "browser": rates.BROKEN_BROWSER,
        "lost_orders": int(lost.sum()),
        "lost_revenue": money(int(carts.amount[lost].sum())),
    }


def provider(world: World) -> dict[str, Any]:
    """Sessions that come back from the payment provider's site with an order."""
    s, carts = world.sessions, world.carts
    ordered = (carts.order >= 0) & carts.tracked & (s.kind[carts.session] == visits.CAME_BACK)
    return {
        "host": "www.paypal.com",
        "sessions": int((s.kind == visits.CAME_BACK).sum()),
        "orders": int(ordered.sum()),
        "share_of_its_orders": visits.tables(world.calendar).away,
    }


def counts(world: World) -> dict[str, Any]:
    """What happened, as tests count it over the lines."""
    s, carts, e = world.sessions, world.carts, world.events
    own = world.original
    human = (s.kind >= 0) & (s.kind != visits.BOT)
    bot_event = (e.session >= 0) & (s.kind[e.session] == visits.BOT)
    people_event = own & ~bot_event
    ordered = (carts.order >= 0) & carts.tracked
    buyers = s.visitor[carts.session[ordered]]
    channel = _names(rates.CHANNELS, s.channel)
    attributed = last_non_direct(world)
    gross, refunds = int(carts.amount[ordered].sum()), int(carts.refund[ordered].sum())
    cost, delivery = int(carts.cost[ordered].sum()), int(carts.shipping_cost[ordered].sum())
    return {
        "lines": len(e),
        "duplicates": int((~own).sum()),
        "events": int(own.sum()),
        "events_by_name": _tally(payload.NAMES, e.name[people_event]),
        "bot_events": int((own & bot_event).sum()),
        "bot_sessions": int((s.kind == visits.BOT).sum()),
        "sessions": int(human.sum()),
        "visitors": _people_seen(world),
        "new_sessions": int((human & s.first).sum()),
        "bounced_sessions": int((human & s.bounce).sum()),
        "sessions_by_own_channel": _tally(rates.CHANNELS, s.channel[human]),
        "sessions_by_channel": _tally(rates.CHANNELS, attributed[human]),
        "sessions_by_device": _tally(origins.DEVICES, world.people.device[s.visitor[human]]),
        "visitors_by_first_channel": _tally(rates.CHANNELS, s.channel[human & s.first]),
        "orders": int(ordered.sum()),
        "orders_by_own_channel": _tally(rates.CHANNELS, s.channel[carts.session[ordered]]),
        "orders_by_channel": _tally(rates.CHANNELS, attributed[carts.session[ordered]]),
        "buyers": len(np.unique(buyers)),
        "repeat_orders": len(buyers) - len(np.unique(buyers)),
        "refunded_orders": int((carts.refund[ordered] > 0).sum()),
        "gross_revenue": money(gross),
        "refunds": money(refunds),
        "net_revenue": money(gross - refunds),
        "cost": money(cost),
        "shipping_cost": money(delivery),
        "contribution": signed(gross - refunds - cost - delivery),
        "gross_revenue_by_own_channel": {
            name: money(int(carts.amount[ordered & (channel[carts.session] == name)].sum())) for name in rates.CHANNELS
        },
        "steps_by_device": _steps(world, human),
        "ad_cost": money(sum(row.amount for row in world.spend)),
        "ad_clicks": sum(row.clicks for row in world.spend),
    }


def _steps(world: World, human: Flags) -> dict[str, dict[str, dict[str, int]]]:
    """Sessions that reached each step of the checkout, by device; those the experiment's treatment touched apart.

    ``purchase`` is in the session itself; ``came_back`` has it in the session that returns from the payment provider.
    """
    s, device = world.sessions, world.people.device
    steps = ("begin_checkout", "add_shipping_info", "add_payment_info", "purchase")
    rows = human & (s.depth >= visits.BEGAN) & np.isin(s.kind, (visits.ORDINARY, visits.REORDER))
    found: dict[str, dict[str, dict[str, int]]] = {}
    for group, chosen in (("untouched", rows & (s.variant != 1)), ("treatment", rows & (s.variant == 1))):
        found[group] = {}
        for code, name in enumerate(origins.DEVICES):
            here = chosen & (device[s.visitor] == code)
            reached = {step: int((here & (s.depth >= visits.BEGAN + n)).sum()) for n, step in enumerate(steps)}
            away = int((here & s.away).sum())
            found[group][name] = {**reached, "purchase": reached["purchase"] - away, "came_back": away}
    return found


def last_non_direct(world: World) -> NDArray[np.int16]:
    """Channel of each session; a direct one takes over the visitor's last other source of the 90 days before."""
    s = world.sessions
    channel, rows = s.channel, np.arange(len(s))
    group = np.maximum.accumulate(np.where(run_starts(s.visitor), rows, 0))
    known = np.maximum.accumulate(np.where(channel != rates.DIRECT, rows, -1))
    usable = (known >= group) & (s.start - s.start[known] <= _LOOKBACK)
    return np.where(usable, channel[known], channel).astype(np.int16)


def _names(names: tuple[str, ...], codes: Whole) -> NDArray[np.str_]:
    return np.array(names)[codes]


def _tally(names: tuple[str, ...], codes: Whole) -> dict[str, int]:
    found = np.bincount(codes, minlength=len(names))
    return {name: int(found[code]) for code, name in enumerate(names)}
