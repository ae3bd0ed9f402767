"""A small shop whose names are hostile, with two tests: one sound, one whose split is broken; and its report."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from assay.jobs import made_report
from assay.report.seal import Made
from assay.workspace import Workspace
from support import Event, at, bought, event, view, workspace

LONG = "donaudampfschifffahrtsgesellschaftskapitaensmuetzenverkaufsrate"
HOSTILE = "<script>alert('x')</script> & \"Söhne\""
NOW = at("2026-05-04 09:00")
FIRST, DAYS = date(2026, 3, 2), 63
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF", "KWD")
PLAN = """
site: {{name: Kaffee, timezone: Europe/Berlin, currency: {currency}}}
events:
  experiment_viewed: {{properties: {{experiment_id: string, variant: string}}}}
goals: {{order: {{event: purchase, kind: macro}}}}
objectives:
  grow: {{goal: "{goal}"}}
  trust: {{goal: "لا ينبغي أن تتضرر الثقة"}}
metrics:
  revenue: {{type: simple, sum: revenue.net, description: All that was sold}}
  rpv: {{type: simple, sum: revenue.net, per: visitor}}
  {long}: {{type: conversion, goal: order, per: visitor}}
kpis:
  revenue: {{objective: grow, target: +10% by 2026-06-30, baseline: 2026-03-02..2026-03-29}}
  rpv: {{objective: grow, target: 1000000 by 2026-06-30}}
  {long}: {{objective: trust, target: 1% by 2026-06-30, guardrail: true}}
funnels:
  path: {{steps: [page_view, purchase]}}
experiments:
  big_button: {{hypothesis: "A <b>big</b> button sells", start: 2026-03-02, end: 2026-04-12,
    variants: {{control: 50, treatment: 50}}, primary: {long}, looks: fixed, window: 1d}}
  crooked: {{start: 2026-03-02, end: 2026-04-12, variants: {{control: 50, treatment: 50}}, primary: {long}, looks: fixed,
    window: 1d}}
report: {{title: "{title}", for: "شركة القهوة <img src=x onerror=alert(1)>", logo: logo.svg}}
"""
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 16"><rect width="40" height="16" fill="#123"/></svg>'


def plan(currency: str = "EUR") -> str:
    """The plan's text."""
    title = HOSTILE.replace('"', '\\"')
    return PLAN.format(currency=currency, goal=f"Grow {title}", long=LONG, title=title)


def events(amount: str = "40.00", currency: str | None = None) -> list[Event]:
    """Nine weeks; every fourth visitor buys, of those who see the big button every second."""
    made: list[Event] = []
    more: dict[str, Any] = {"currency": currency} if currency else {}
    for n in range(DAYS):
        day = FIRST + timedelta(n)
        for k in range(24):
            who, big, crooked = f"v{n}-{k}", k % 2 == 0, k % 12 == 0
            made.append(view(who, f"{day} 09:{k:02d}", "/"))
            if n < 42:
                for name, treated in (("big_button", big), ("crooked", crooked)):
                    props = {"experiment_id": name, "variant": "treatment" if treated else "control"}
                    made.append(event(who, "experiment_viewed", f"{day} 09:{k:02d}:10", props=props))
            if k % (3 if big else 8) == 0 or (n * 7 + k) % 13 == 0:
                made.append(bought(who, f"{day} 09:{k:02d}:30", f"o{n}-{k}", amount, **more))
    return made


def shop(folder: Path, currency: str = "EUR", amount: str = "40.00", more: str = "") -> Workspace:
    """The workspace, filled."""
    made = workspace(folder, plan(currency) + more, events(amount, currency), now=NOW)
    for name in ("big_button", "crooked") if not more else ():
        made.start_experiment(name, at=at("2026-03-01 23:00"), force=True)
        made.stop_experiment(name, "planned end", at=at("2026-04-12 22:00"))
    (folder / "logo.svg").write_text(LOGO, encoding="utf-8")
    return made


def report(ws: Workspace, experiment: str | None = None) -> Made:
    """Its report."""
    return made_report(ws, experiment=experiment)
