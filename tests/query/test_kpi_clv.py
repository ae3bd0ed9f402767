"""Worth of customers by age against SQL over the raw lines, and LTV:CAC and payback worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from world import DAY, ZONE, facts, world

from assay.workspace import Workspace
from support import Event, at, bought, table, view, workspace

START = at("2024-01-01 12:00")
PLAN = "site: {timezone: UTC, currency: EUR}\norders: {cost: 50%}\n"


def customers() -> list[Event]:
    """Two from ads (worth 100 at once; 40, then 60 after 40 days) and one by itself, who came last."""
    ads = {"utm_source": "google", "utm_medium": "cpc", "path": "/"}
    return [
        view("a", START, **ads), bought("a", START + 60_000_000, "1", "100", currency="EUR"),
        view("b", START + DAY, **ads), bought("b", START + DAY + 1, "2", "40", currency="EUR"), bought("b", START + 41 * DAY, "3", "60", currency="EUR"),
        bought("b", START + 45 * DAY, "4", "10", currency="EUR", props={"order_type": "renewal"}),
        bought("b", START + 45 * DAY, "5", "999", currency="EUR", props={"order_type": "test"}),
        view("c", START + 20 * DAY), bought("c", START + 20 * DAY + 1, "6", "80", currency="EUR"),
        view("z", START + 90 * DAY),
    ]  # fmt: skip


def costs(ws: Workspace, folder: Path, amount: str) -> None:
    file = folder / "costs.csv"
    file.write_text(
        f"date,source,medium,channel,campaign,cost,currency\n2024-01-01,google,cpc,Paid Search,x,{amount},EUR\n"
    )
    ws.import_files("costs", [file])


def test_worth_cost_and_payback(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAN, customers())
    costs(ws, tmp_path, "130")
    answer = ws.ask("clv", at="30d,60d,80d", **{"from": "2024-01-01", "to": "2024-01-31"})
    found = {row[0]: row[1:] for row in table(answer, "first_channel", "customers", "clv_30d", "clv_60d", "clv_80d", "cac", "ltv_cac", "payback_months")}  # fmt: skip
    # half of the revenue is profit; 80 days is an age that only the two from ads have reached
    assert [None if v is None else round(float(v), 4) for v in found["Paid Search"]] == [
        2,
        35,
        52.5,
        52.5,
        65,
        0.8077,
        None,
    ]
    assert found["Direct"] == (1, 40, 40, None, None, None, None)
    assert float(found["(all)"][2]) == pytest.approx((105 + 40) / 3)
    assert found["(all)"][3] is None
    assert float(found["(all)"][4]) == pytest.approx(130 / 3)
    assert found["(all)"][6] == 2  # 110, 145 after 60 days: more than 130
    reasons = {e.metric: e.estimate.reason for e in answer.estimates if e.group["first_channel"] == "(all)"}
    assert "not every customer is 80 days old" in reasons["clv_80d"]
    segment = ws.ask("clv", segment="first_channel = 'Direct'", **{"from": "2024-01-01", "to": "2024-01-31"})
    assert table(segment, "first_channel", "customers", "cac") == [("(all)", 1, None), ("Direct", 1, None)]
    none = ws.ask("clv", **{"from": "2024-02-01", "to": "2024-02-02"})
    assert none.empty == "nobody ordered for the first time in 1 to 2 Feb 2024"
    ws.close()


@pytest.mark.everywhere
def test_against_sql(engine: str, tmp_path: Any) -> None:
    ws = workspace(tmp_path, f"site: {{timezone: {ZONE}}}\nrules: {{session_source: own}}\n", world(), engine=engine)
    con = facts(world())
    asked = {"from": "2024-03-20", "to": "2024-03-31"}
    answer = ws.ask("clv", at="3d,9d", **asked)
    for age in (3, 9):
        want = dict(
            con.execute(f"""
WITH f AS (SELECT * FROM ord o WHERE NOT EXISTS (SELECT 1 FROM ord p WHERE p.person = o.person AND (p.t, p.oid) < (o.t, o.oid))),
x AS (SELECT f.person, (SELECT channel FROM ses s WHERE s.visitor = f.visitor ORDER BY t0 LIMIT 1) AS g,
    (SELECT sum(o.net) FROM ord o WHERE o.person = f.person AND o.t BETWEEN f.t AND f.t + {age * DAY}) AS x
FROM f WHERE day BETWEEN DATE '2024-03-20' AND DATE '2024-03-31')
SELECT g, (sum(x), count(*)) FROM x GROUP BY g""").fetchall()
        )
        got = {
            e.group["first_channel"]: (e.estimate.numerator, e.estimate.denominator)
            for e in answer.estimates
            if e.metric == f"clv_{age}d" and e.group["first_channel"] != "(all)"
        }
        assert got == want
    con.close()
    ws.close()
