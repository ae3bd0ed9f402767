"""Person: everything one visitor, user or account did, behind every list of people."""

from __future__ import annotations

from collections.abc import Sequence

from assay.plan.values import Plan
from assay.web.pages.base import Card, Page, View

KINDS = ("visitor", "user", "account", "order")


def cards(plan: Plan, view: View) -> Sequence[Card]:
    """The timeline of who the address names; without a name the visits, to choose from."""
    del plan
    who = view.own.get("id")
    if not who:
        return [
            Card("Visits, one by one", "sessions", {"limit": "200"}, view="table", about="each visit, and who made it")
        ]
    values = {"id": who, "page": view.own.get("page", "1")}
    kind = view.own.get("as", "")
    if kind in KINDS:
        values["as"] = kind
    return [
        Card(
            f"{(kind or 'timeline of').capitalize()} {who}", "user", values, view="person", about="every event in order"
        )
    ]


PAGE = Page("person", "Person", "", cards, about="Everything that one person did, in order.")
