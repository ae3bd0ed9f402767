"""A page of odd answers by the pages' own templates: `python tests/odd.py OUT.html` (beside a folder ``static``).

Long German names, a right-to-left name, nine-digit revenue, no rows, one row, two hundred segments, a broken
guardrail, a refused verdict.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from assay.analyses.experimenting.laying import columns as lines_of
from assay.analyses.overview import COLUMNS
from assay.model.answer import Answer, Column, Definition
from assay.model.finding import Finding
from assay.plan.load import loads
from assay.web.access.values import Principal
from assay.web.cards import Shape, broken, shape
from assay.web.pages import BY_NAME, PAGES
from assay.web.pages.base import Card, View
from assay.web.rendering import templates

LONG = "bestellabschlussquote_nach_versandkostenfreigrenzenunterschreitung"
STEP = "Zahlungsmittelauswahlbestätigung"
NAME = "متجر القهوة والشاي في حيفا"
PLAN = f"""
site: {{name: "{NAME}", timezone: Asia/Jerusalem, currency: JPY}}
goals: {{order: {{event: purchase, kind: macro, journey: shop, agreed_by: [all]}}}}
objectives: {{grow: {{goal: "Umsatzwachstumsbeschleunigung im Geschäftskundenbereich um zehn vom Hundert"}}}}
metrics:
  {LONG}: {{type: conversion, goal: order, per: session, direction: up, description: "שיעור ההזמנות מכלל הביקורים"}}
  revenue: {{type: simple, sum: revenue.net}}
  bounces: {{type: rate, of: session, where: is_bounce, direction: down}}
kpis: {{{LONG}: {{objective: grow}}, revenue: {{objective: grow}}, bounces: {{guardrail: true, direction: down}}}}
segments:
""" + "\n".join(f"  segment_{n:03d}: \"device = 'd{n}'\"" for n in range(200)) + f"""
funnels: {{buy: {{steps: [page_view, add_to_cart, purchase]}}}}
experiments: {{banner: {{primary: {{metric: {LONG}, mde: 5%}}, guardrails: [{{metric: bounces, margin: 2pp}}]}}}}
"""  # fmt: skip
AS_OF = datetime(2026, 11, 7, 12, tzinfo=UTC)


def overview() -> Answer:
    """Three KPIs: a long name that fell, nine digits of money that rose, a guardrail that broke; windows open."""
    rows = (
        _kpi(LONG, "kpi", "rate", 0.0123, 0.0131, (-0.0016, -0.0002), now="1.23 %", change="▼ 0.08 points",
             final_until=date(2026, 10, 30), open=1234, matured=0.0128, target_value=0.02,
             standing="2.00 % by 31 Dec: 4 % chance, off track"),
        _kpi("revenue", "kpi", "money", Decimal("987654321.00"), Decimal("900000000"), (5e7, 1.2e8),
             now="987,654,321 ¥", change="▲ 9.7 %", standing="1,000,000,000 ¥ by 31 Dec: 87 % chance, on track"),
        _kpi("bounces", "guardrail", "rate", 0.61, 0.48, (0.1, 0.16), now="61.0 %", change="▲ 13 points"),
    )  # fmt: skip
    days = [[f"2026-10-{n:02d}", 0.012 + 0.001 * (n % 5), n > 20] for n in range(1, 29)]
    found = (
        Finding("kpi_moved", "bad", f"{LONG} is 0.08 points below the period before", {"metric": LONG}),
        Finding("kpi_moved", "good", "revenue is 9.7 % above the period before", {"metric": "revenue"}),
        Finding("kpi_moved", "bad", "bounces is 13 points above the period before", {"metric": "bounces"}),
    )
    return Answer(
        "overview", {}, COLUMNS, rows, findings=found, sentence=f"{LONG} is 1.23 %; beyond ordinary noise.",
        definitions=(Definition("abc123", LONG, "שיעור ההזמנות מכלל הביקורים", "sessions with an order", "sessions"),),
        chart={"kind": "tiles", "course": {LONG: days, "revenue": [], "bounces": days[:1]}}, as_of=AS_OF,
    )  # fmt: skip


def _kpi(
    name: str, role: str, kind: str, value: Any, before: Any, ends: tuple[float, float], **more: Any
) -> tuple[Any, ...]:
    difference = float(value) - float(before)
    objective = "Umsatzwachstumsbeschleunigung im Geschäftskundenbereich um zehn vom Hundert"
    cells = {"kpi": name, "role": role, "kind": kind, "value": value, "before": before, "range": "1.1 % to 1.4 %",
             "difference": difference, "difference_low": ends[0], "difference_high": ends[1], "objective": "grow",
             "objective_words": objective, "units": 123456789} | more  # fmt: skip
    return tuple(cells.get(column.name) for column in COLUMNS)


def groups(count: int) -> Answer:
    """So many segments with revenue of up to nine digits."""
    columns = (Column("segment"), Column("revenue", "money", currency="JPY"), Column("visitors", "count"))
    names = ["מובייל בלבד", "Geschäftskundenstammdatenverwaltungsoberfläche", *(f"segment_{n:03d}" for n in range(200))]
    rows = tuple((names[n], Decimal(987654321 // (n + 1)), 10**8 // (n + 1)) for n in range(count))
    return Answer(
        "metric", {}, columns, rows, sentence=f"revenue by segment, {count} of them, 3 to 30 Sep." if count else "",
        chart={"kind": "bars", "x": "segment", "y": ["revenue"]}, as_of=AS_OF,
        empty=None if count else "no data in 3 to 30 Sep", next=("assay metric revenue --by channel",),
    )  # fmt: skip


def funnel() -> Answer:
    """Two groups, one with a right-to-left name, and steps with long names."""
    names = ("device", "step", "units", "from_start", "from_previous", "lost", "median_from_previous")
    kinds = ("text", "text", "count", "rate", "rate", "count", "duration")
    columns = tuple(
        Column(n, k, "visitors" if n == "units" else "") for n, k in zip(names, kinds, strict=True)
    )  # fmt: skip
    rows = tuple(
        row
        for device, size in (("נייד", 123456789), ("Geschäftskundenarbeitsplatzrechner", 41))
        for row in (
            (device, "page_view", size, 1.0, None, None, None),
            (device, STEP, size // 3, 1 / 3, 1 / 3, size - size // 3, 86400.0),
            (device, "purchase", 0, 0.0, 0.0, size // 3, None),
        )
    )
    chart = {"kind": "funnel", "steps": ["page_view", STEP, "purchase"], "by": ["device"]}
    return Answer("funnel", {"name": "buy"}, columns, rows, sentence="0 % get to purchase.", chart=chart, as_of=AS_OF)


def readout(state: str, because: tuple[str, ...] = (), low: float | None = 0.02) -> Answer:
    """A test's read-out with that verdict."""
    columns = lines_of(single=True)
    hidden = because[:1] == ("health",)

    def row(metric: str, role: str, word: str, ends: tuple[float | None, float, float]) -> tuple[Any, ...]:
        cells: dict[str, Any] = {"metric": metric, "role": role, "variant": "treatment", "state": word,
                                 "reading": "as planned"}  # fmt: skip
        if not hidden:
            first, value, last = ends
            cells |= {"values": "1.20 % → 1.32 %", "effect": "+0.12 (+0.02 to +0.22) points", "difference": value,
                      "low": first, "high": last, "lift_value": value, "lift_low": first, "lift_high": last,
                      "lift": "+10 (+2 to +18) %"}  # fmt: skip
        return tuple(cells.get(column.name) for column in columns)

    word = "better" if state == "ship" else "open"
    rows = (row(LONG, "primary", word, (low, 0.1, 0.18)), row("bounces", "guardrail", "shown safe", (-0.01, 0.0, 0.01)))
    evidence = {"variant": "treatment", "verdict": state, "because": list(because)}
    if not hidden:
        evidence["money"] = {"low": "98765432.10", "high": "987654321.00", "currency": "JPY", "chance_of_loss": 0.004,
                             "expected": "87654321.00", "prior": "effects are small"}  # fmt: skip
    split = Finding("srm", "bad", "the split is not the planned one: control 60 %, treatment 40 %")
    verdict = Finding("verdict", "good" if state == "ship" else "info", f"{state}: {LONG} is better", evidence)
    return Answer(
        "experiment-readout", {"name": "banner"}, columns, rows, sentence="The verdict.", as_of=AS_OF,
        findings=((split,) if hidden else (Finding("split_ok", "good", "the split is as planned"),)) + (verdict,),
        chart={"kind": "intervals", "x": "lift_value", "low": "lift_low", "high": "lift_high", "y": "metric"},
    )  # fmt: skip


def shapes() -> list[tuple[Card, Shape | None]]:
    """Every odd card in order; the last is not answered yet."""
    plan = loads(PLAN)
    asked = [
        (Card("Scorecard", "overview", view="tiles"), overview()),
        (Card("Zweihundert Segmente nebeneinandergestellt", "metric", width=6), groups(200)),
        (Card("All of them", "metric", view="table", width=6), groups(202)),
        (Card("One", "metric", width=6), groups(1)),
        (Card("None", "metric", width=6, about="the groups side by side"), groups(0)),
        (Card("Step by step", "funnel", view="funnel"), funnel()),
        (Card("Ship", "experiment-readout", view="verdict"), readout("ship")),
        (Card("Keep running", "experiment-readout", view="verdict", width=6), readout("keep_running", low=None)),
        (Card("Not to be trusted", "experiment-readout", view="verdict", width=6),
         readout("abstain", ("health", "the split is not the planned one"))),
    ]  # fmt: skip
    found: list[tuple[Card, Shape | None]] = []
    for card, answer in asked:
        known = replace(card, plan=plan)
        found.append((known, shape(known, answer, {}, "/shop/api/v1")))
    failed = Card("Broken", "metric", width=6)
    return [
        *found,
        (failed, broken(failed, "metric: names: what is no metric")),
        (Card("Slow", "metric", width=6), None),
    ]


def page(view: View | None = None, **more: Any) -> str:
    """The page, as a site would send it; ``more`` of its context."""
    shown = BY_NAME["kpi"]
    plan, view = loads(PLAN), view or View.of({"segment": "segment_007"})
    context: dict[str, Any] = {
        "site": "shop", "plan": plan, "page": shown, "pages": PAGES, "view": view, "here": "/shop", "cards": shapes(),
        "title": shown.title, "problem": None, "doubt": "", "choices": shown.choices(plan), "chosen": shown.chosen(plan, view),
        "who": Principal(), "shared": False, "several": False, **more,
    }  # fmt: skip
    return str(templates().get_template("page.html").render(**context))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page().replace('"/static/', '"static/'), encoding="utf-8")
