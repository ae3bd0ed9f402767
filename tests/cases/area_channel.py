"""Channel cases: the product's own properties → an event line → sessions by channel.

A source's display name that is a host comes with the referrer, any other name with the tag, as Plausible resolves them.
"""

from __future__ import annotations

from typing import Any

from cases import vocabulary
from cases.vocabulary import Case, Make, UnknownWord, Words
from support import Event, event

RULES = {
    "Plausible default channel grouping (GA4 list plus AI Assistants)": "plausible",
    "PostHog channel type": "posthog",
}
PROPERTIES = {
    "plausible": {"source", "click_id", "utm_source", "utm_medium", "utm_campaign"},
    "posthog": {"referring_domain", "utm_source", "utm_medium", "utm_campaign", "gclid", "gad_source"},
}
TAGS = ("utm_source", "utm_medium", "utm_campaign")


def answer(case: Case, make: Make) -> dict[str, Any]:
    """The channel of the one session that the case describes."""
    words = Words(case["definition"])
    rules = words.word("rule", RULES)
    words.done()
    plan = {
        "site": {"name": "Case"},
        "rules": {"channels": rules, "session_source": "own"},
        "metrics": {"sessions": {"type": "simple", "count": "session"}},
    }
    ws = make(plan, lines(case, rules))
    day = vocabulary.instant(case["events"][0]["timestamp"]) // 86_400_000_000
    asked = ws.ask("metric", ["sessions"], by=["channel"], **{"from": _day(day), "to": _day(day)})
    (row,) = [record for record in asked.records() if record["sessions"]]
    return {"channel": row["channel"]}


def lines(case: Case, rules: str) -> list[Event]:
    """The case's events as event lines."""
    made = []
    for n, one in enumerate(case["events"]):
        given = one.get("properties") or {}
        if set(given) - PROPERTIES[rules]:
            raise UnknownWord(f"properties {', '.join(sorted(set(given) - PROPERTIES[rules]))}")
        if rules == "posthog":  # there, empty text and the word null are no value
            given = {key: value for key, value in given.items() if value not in ("", "null")}
        fields: dict[str, Any] = {tag: str(given[tag]) for tag in TAGS if given.get(tag) is not None}
        fields |= plausible(given) if rules == "plausible" else posthog(given)
        made.append(
            event(
                one["user"], "page_view", vocabulary.instant(one["timestamp"]), path="/", id=f"{n:06}", seq=n, **fields
            )
        )
    return made


def plausible(given: dict[str, Any]) -> dict[str, Any]:
    """Where from and the click id; a tag that is given beside the display name is the one that was resolved to it."""
    source, found = given.get("source"), {}
    if source and "." in source and " " not in source:
        found["referrer"] = source if "://" in source else f"https://{source}/"
    elif source and not given.get("utm_source"):
        found["utm_source"] = source
    if given.get("click_id"):
        found["click_id"] = f"{given['click_id']}=1"
    return found


def posthog(given: dict[str, Any]) -> dict[str, Any]:
    """The referring domain (``$direct`` as it is) and Google's ad click, which ``gad_source`` tells more of than ``gclid``."""
    domain, found = given.get("referring_domain"), {}
    if domain:
        found["referrer"] = domain if domain.startswith("$") else f"https://{domain}/"
    if given.get("gad_source") is not None:
        found["click_id"] = f"gad_source={given['gad_source']}"
    elif given.get("gclid"):
        found["click_id"] = f"gclid={given['gclid']}"
    return found


def _day(number: int) -> str:
    from datetime import date, timedelta

    return str(date(1970, 1, 1) + timedelta(number))
