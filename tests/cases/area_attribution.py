"""Attribution cases: touches and purchases → the public ``attribution`` question, by source."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from cases.vocabulary import Case, Make, UnknownWord, Words, instant
from support import Event, event

MODELS = {
    "first": "first",
    "last": "last",
    "last_non_direct": "last_non_direct",
    "linear": "linear",
    "position": "position",
    "u_shaped_40_20_40": "position",
    "j_shaped_20_20_60": "j",
    "inverse_j_60_20_20": "inverse_j",
    "time_decay": "time_decay",
    None: "linear",
}
TRANSFORMS = {
    "exposure": False,
    "first": False,
    "remove_if_last_and_not_all": True,
    "remove_if_not_all": True,
    None: False,
}
OWN = {"position": (40, 20, 40), "j": (20, 20, 60), "inverse_j": (60, 20, 20)}
NO_TOUCH = "(no touch)"


def answer(case: Case, make: Make) -> dict[str, Any]:
    """Credit, revenue and path of the case."""
    words = Words(case["definition"])
    goal, value = words.get("goal", "purchase"), words.get("value", "revenue")
    params: dict[str, Any] = {
        "model": [words.word("model", MODELS, "linear")],
        "lookback": f"{int(words.get('window_seconds', 30 * 86_400))}s",
        "exclude_direct": bool(words.word("exclude_direct", [True, False], False)),
        "touch": words.word("touchpoint", {"session": "touch"}, "touch"),
        "by": "source",
    }
    words.word("half_life", ["window/4, at least 1 day"])
    transform, dropped = words.word("transform", TRANSFORMS), words.get("channel")
    name = case["definition"].get("transform")
    if name:
        params["transform"] = [f"{name}={dropped}" if transform else name]
    first, last = words.get("report_from"), words.get("report_to")
    words.get("meaning")
    params["model"] = [weighted(params["model"][0], words.get("weights"))]
    words.done()
    made = lines(case, goal, value)
    days = sorted(instant(e["timestamp"]) for e in case["events"])
    params["from"] = _day(instant(first)) if first else _day(days[0])
    params["to"] = _day(instant(last) - ("T00:00" in str(last))) if last else _day(days[-1] + 86_400_000_000)
    plan: dict[str, Any] = {"events": {"touch": {}}, "rules": {"session_source": "own"}}
    if goal != "purchase":
        plan |= {
            "events": {"touch": {}, goal: {"properties": {value: "money"}}},
            "goals": {"converted": {"event": goal, "kind": "macro", "value": value}},
        }
        params["goal"] = "converted"
    ws = make(plan, made)
    return read(ws.ask("attribution", **params).records(), ws.ask("attribution", paths=True, **params).records(), case)


def weighted(model: str, weights: Any) -> str:
    """The model with the shares of first, middle and last touch that the case gives: "40/20/40", 40 or 0.4 each."""
    if weights is None or model not in OWN:  # elsewhere the model's name says all
        return model
    if isinstance(weights, dict):
        ends = weights["first"], weights["last"]
        whole = 1 if sum(ends) <= 1 else 100
        weights = [ends[0], whole - sum(Fraction(str(end)) for end in ends), ends[1]]
    parts = weights.replace("%", "").split("/") if isinstance(weights, str) else weights
    if len(parts) != 3:
        raise UnknownWord(f"weights: {weights!r} is not in the vocabulary")
    shares = [Fraction(*part) if isinstance(part, list) else Fraction(str(part).strip()) for part in parts]
    percent = tuple(share * 100 // sum(shares) for share in shares)
    return model if OWN.get(model) == percent else "/".join(str(share) for share in percent)


def read(rows: list[dict[str, Any]], paths: list[dict[str, Any]], case: Case) -> dict[str, Any]:
    """The answer in the case's words. A fraction is given in the terms of the expected one, where it is equal to it."""
    total = sum(row["conversions"] for row in rows)
    touched = [row for row in rows if row["source"] != NO_TOUCH]
    of = sum(row["conversions"] for row in touched) or 1
    credit = {row["source"]: _share(row["conversions"]) for row in touched}
    wanted = case["expected"].get("credit") or {}
    known = [path["path"].split(" > ") for path in paths if path["path"] != NO_TOUCH]
    return {
        "credit": {key: _as(share, wanted.get(key)) for key, share in credit.items()},
        "credit_percent": {key: float(share / _share(of) * 100) for key, share in credit.items()},
        "revenue": {row["source"]: row["revenue"] for row in touched},
        "revenue_total": sum(row["revenue"] for row in rows),
        "conversions": total,
        "path": known[0] if known else [],
    }


def _share(value: int | float) -> Fraction:
    near = Fraction(value).limit_denominator(10_000)
    return near if abs(near - Fraction(value)) < Fraction(1, 10**9) else Fraction(value)


def _as(share: Fraction, wanted: Any) -> Any:
    if not isinstance(wanted, list):
        return float(share)
    equal = Fraction(*wanted) == share
    return wanted if equal else [share.numerator, share.denominator]


def lines(case: Case, goal: str, value: str) -> list[Event]:
    """Event lines; a case that has touches only gets one conversion behind them."""
    made = []
    for n, one in enumerate(case["events"]):
        if set(one) - {"user", "event", "timestamp", "properties", "session", "event_id"}:
            raise UnknownWord(f"event with {', '.join(sorted(one))}")
        given = dict(one.get("properties") or {})
        source = given.pop("utm_source", None) or given.pop("channel", None)
        tags = {f"utm_{tag}": given.pop(f"utm_{tag}") for tag in ("medium", "campaign") if given.get(f"utm_{tag}")}
        line = event(
            one["user"], one["event"], instant(one["timestamp"]), id=one.get("event_id", f"{n:06}"), seq=n, **tags
        )
        if one.get("session") is not None:
            line["session"] = one["session"]
        if source is not None:
            line["utm_source"] = source
        if one["event"] == goal and value in given and goal == "purchase":
            line["amount"] = str(given.pop(value))
        if "order_id" in given:
            line["order_id"] = str(given.pop("order_id"))
        if given:
            line["props"] = given
        made.append(line)
    if not any(one["event"] == goal for one in case["events"]):
        if set(case["expected"]) - {"path"}:
            raise UnknownWord(f"no {goal} among {json.dumps(case['events'])}")
        end = max(line["time"] for line in made) + 3_600_000_000
        made += [
            event(user, "purchase", end, id=f"end-{user}", amount="1") for user in {e["user"] for e in case["events"]}
        ]
    return made


def _day(t: int) -> str:
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)).date())
