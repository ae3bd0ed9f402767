"""Matomo's counting: visits, actions, goals, orders and abandoned carts, as its own test suite expects them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from assay.workspace import Workspace
from cases.area_session import everything, session_rule
from cases.vocabulary import Case, Make, UnknownWord, Words, lines
from support import Event

CENT = Decimal("0.01")
ACTIONS = {"pageview": "page_view", "view": "page_view", "outlink": "outlink", "download": "download"}
OTHERS = {"goal": "goal", "order": "purchase", "cart": "cart"}
SENTENCES = {
    "goal": ("each goal converts at most once per visit (Matomo default)",),
    "action": ("pageview, outlink, download; a goal alone is not an action",),
    "order_dedupe": ("order id, once per site, forever",),
    "aov": ("revenue / orders",),
    "conversion_rate": ("visits with an order / all visits",),
    "abandoned_cart": ("visit whose last cart update has no order after it; its value is the last cart total",),
}


def event_lines(case: Case) -> tuple[list[Event], list[int]]:
    """Event lines as an importer of Matomo's requests would write them, and the goals that occur."""

    def rename(name: str) -> str:
        known = {**ACTIONS, **OTHERS}
        if name not in known:
            raise UnknownWord(f"event {name!r}")
        return known[name]

    made: list[Event] = []
    goals: set[int] = set()
    for line in lines(case, rename):
        props = dict(line.pop("props", {}))
        goal = props.pop("goal", None)
        if line["name"] == "purchase":
            line |= {"order_id": props.pop("order_id"), "amount": props.pop("revenue"), "currency": "USD"}
            props["quantity"] = props.pop("items", 0)
        line["props"] = props
        if goal is not None:
            goals.add(int(goal))
            value = {"goal": int(goal), "worth": str(props.pop("revenue", 0))}
            if line["name"] == "goal":
                line["props"] = value
            else:  # a page that also reaches a goal: two events of one request
                made.append({**line, "id": f"{line['id']}-goal", "name": "goal", "props": value, "interactive": False})
        if line["name"] == "goal":
            line["interactive"] = False  # alone it is no action
        made.append(line)
    return made, sorted(goals)


def plan_of(rule: dict[str, Any], goals: list[int]) -> dict[str, Any]:
    """The measurement plan that says what Matomo counts."""
    simple: dict[str, Any] = {
        "visits": {"count": "session"},
        "visitors": {"count": "visitor"},
        "orders": {"count": "order"},
        "order_revenue": {"sum": "revenue.gross"},
        "pageviews": {"count": "page_view"},
        "outlinks": {"count": "outlink"},
        "downloads": {"count": "download"},
        "length": {"sum": "session.duration"},
        **{name: {"sum": f"purchase.{name}"} for name in ("subtotal", "tax", "shipping", "discount", "quantity")},
        **{f"value_{g}": {"sum": f"goal_{g}.value", "per": "session"} for g in goals},
    }
    metrics: dict[str, Any] = {name: {"type": "simple", **keys} for name, keys in simple.items()}
    metrics["bounces"] = {"type": "rate", "of": "session", "where": "is_bounce"}
    metrics["ordering"] = {"type": "conversion", "event": "purchase", "per": "session"}
    metrics["aov"] = {"type": "ratio", "numerator": {"sum": "revenue.gross"}, "denominator": {"count": "order"}}
    metrics["abandoned"] = {"type": "abandonment", "from": "cart", "per": "session"}
    metrics["abandoned_value"] = {**metrics["abandoned"], "value": "cart.total"}
    metrics["goals"] = {"type": "conversion", "event": "goal", "per": "session"}
    for g in goals:
        metrics[f"goal_{g}"] = {"type": "conversion", "goal": f"goal_{g}", "per": "session"}
    money = dict.fromkeys(("subtotal", "tax", "shipping", "discount"), "money")
    return {
        "site": {"currency": "USD"},
        "rules": {"session": rule, "bounce": "matomo", "abandonment": "matomo"},
        "events": {
            "purchase": {"properties": {**money, "quantity": "integer"}},
            "cart": {"properties": {"total": "money"}},
            "goal": {"properties": {"goal": "integer", "worth": "money"}},
            "outlink": {},
            "download": {},
        },
        "goals": {f"goal_{g}": {"event": "goal", "where": f"goal = {g}", "value": "worth"} for g in goals},
        "metrics": metrics,
    }


def days(case: Case, when: str | None) -> dict[str, str]:
    """The range: a day, a week from a Monday, or everything."""
    if when is None:
        return everything(case)
    if when.startswith("week of "):
        first = date.fromisoformat(when.removeprefix("week of "))
        return {"from": str(first), "to": str(first + timedelta(6))}
    return {"from": str(date.fromisoformat(when)), "to": when}


def answer(case: Case, make: Make) -> dict[str, Any]:
    """Matomo's columns from the plan's metrics."""
    words = Words(case["definition"])
    rule = session_rule(Words(words.get("session", {})))
    for key, sentences in SENTENCES.items():
        words.word(key, sentences)
    span = days(case, words.get("date"))
    words.done()
    events, goals = event_lines(case)
    ws = make(plan_of(rule, goals), events)
    top, bottom = sums(ws, span)
    listed = ws.ask("sessions", limit=0, **span).records()
    actions = [
        sum(name in set(ACTIONS.values()) for name in str(r["names"]).split(" → ")) for r in listed
    ]  # what was done besides goals, carts and orders
    return {**columns(top, bottom, goals), "actions": sum(actions), "max_actions_in_visit": max(actions, default=0)}


def sums(ws: Workspace, span: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numerators and denominators of every metric of the plan."""
    top: dict[str, Any] = {}
    bottom: dict[str, Any] = {}
    for name in ws.plan.metrics:
        found = ws.ask("metric", [name], **span).estimates
        if not found:  # nothing happened in the range
            top[name] = bottom[name] = 0
            continue
        one = found[0].estimate
        top[name] = one.numerator if one.numerator is not None else one.value or 0
        bottom[name] = one.denominator or 0
    return top, bottom


def share(part: Any, whole: Any, percent: bool = True) -> Any:
    """``part / whole``; None where there is nothing to divide by."""
    return Decimal(part) * (100 if percent else 1) / Decimal(whole) if whole else None


def money(value: Any) -> str:
    """Decimal text without zeros at the end."""
    text = f"{Decimal(str(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def columns(top: dict[str, Any], bottom: dict[str, Any], goals: list[int]) -> dict[str, Any]:
    """Matomo's names."""
    visits = int(top["visits"])
    length = float(top["length"]) + visits  # Matomo adds a second to each visit
    shop = not goals
    converted = int(top["ordering"]) if shop else int(top["goals"])
    rate = share(converted, visits)
    revenue = money(top["order_revenue"]) if shop else float(sum(Decimal(str(top[f"value_{g}"])) for g in goals))
    aov = share(top["order_revenue"], top["orders"], percent=False)
    found: dict[str, Any] = {
        "visits": visits,
        "unique_visitors": int(top["visitors"]),
        "bounces": int(top["bounces"]),
        "bounce_rate_percent": share(top["bounces"], visits),
        "sum_visit_length_seconds": length,
        "avg_visit_length_seconds": length / visits if visits else None,
        "conversions": int(top["orders"]) if shop else sum(int(top[f"goal_{g}"]) for g in goals),
        "visits_converted": converted,
        "conversion_rate_percent": rate,
        "revenue": revenue,
        "orders": int(top["orders"]),
        "items": int(top["quantity"]),
        "aov": aov,
        "abandoned_carts": int(top["abandoned"]),
        "abandoned_revenue": money(top["abandoned_value"]),
        "abandoned_visits_percent": share(top["abandoned"], visits),
        **{name: money(top[name]) for name in ("subtotal", "tax", "shipping", "discount")},
        **{name: int(top[name]) for name in ("pageviews", "outlinks", "downloads")},
    }
    rounded = {
        f"{key}_rounded_2": f"{Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)}"
        for key, value in found.items()
        if value is not None
    }
    return found | rounded
