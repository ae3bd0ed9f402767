"""reconcile: every difference has one reason, and the reasons add up to the difference, whatever the two sides hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.decide.reconcile import Tracked, reconcile
from assay.model.errors import DataError, UsageError
from assay.model.period import Period
from assay.workspace import Workspace
from support import bought, view, workspace

DAY = date(2024, 3, 1)
MARCH = Period(date(2024, 3, 1), date(2024, 3, 31))
PLAN = """
site: {name: Test, currency: EUR, timezone: Europe/Berlin}
metrics: {revenue: {type: simple, sum: revenue.net}}
kpis: {revenue: {}}
"""
TILL = """order_id,time,amount,currency,status,channel,consent
o1,2024-03-02T10:00:00+00:00,10.00,EUR,paid,web,granted
o2,2024-03-02T11:00:00+00:00,25.00,EUR,paid,web,granted
o3,2024-03-03T22:30:00+00:00,30.00,EUR,paid,web,granted
o4,2024-03-03T10:00:00+00:00,5.00,EUR,paid,web,denied
o5,2024-03-03T10:00:00+00:00,7.00,EUR,paid,phone,
o6,2024-03-03T10:00:00+00:00,1.00,EUR,test,web,
o1,2024-03-02T10:00:00+00:00,10.00,EUR,paid,web,granted
o7,2024-03-04T10:00:00+00:00,8.00,EUR,paid,web,granted
o8,2024-03-04T10:00:00+00:00,-8.00,EUR,refunded,web,granted
o9,2024-03-04T10:00:00+00:00,9.00,USD,paid,web,granted
o10,sometime,9.00,EUR,paid,web,granted
o11,2024-03-04T10:00:00+00:00,11.00,EUR,paid,web,granted
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    events = [view("a", "2024-03-01 08:00"), view("a", "2024-03-05 08:00")]
    events += [bought("a", "2024-03-02 10:00", "o1", "10.00"), bought("a", "2024-03-02 11:00", "o2", "20.00")]
    events += [bought("a", "2024-03-03 22:30", "o3", "30.00"), bought("a", "2024-03-04 12:00", "own", "4.00")]
    events += [bought("b", "2024-03-04 10:00", "o11", "11.00", bot=True)]
    (tmp_path / "till.csv").write_text(TILL)
    return workspace(tmp_path, PLAN, events)


def test_each_order_has_its_reason(shop: Workspace) -> None:
    answer = shop.ask("reconcile", "till.csv")
    rows = {row["reason"]: row for row in answer.records()}
    assert (rows["till"]["orders"], rows["till"]["amount"]) == (9, Decimal("107.00"))
    assert (rows["tracked"]["orders"], rows["tracked"]["amount"]) == (4, Decimal("64.00"))
    concerned = {name: (row["orders"], row["amount"]) for name, row in rows.items() if name not in ("till", "tracked")}
    assert concerned == {
        "not_tracked": (1, Decimal("8.00")),
        "no_consent": (1, Decimal("5.00")),
        "offline": (1, Decimal("7.00")),
        "test_orders": (1, Decimal("1.00")),
        "duplicates": (1, Decimal("10.00")),
        "bots": (1, Decimal("11.00")),
        "other_amount": (1, Decimal("5.00")),
        "not_in_till": (1, Decimal("4.00")),
    }
    assert sum(row["adds_orders"] for row in rows.values()) - 4 == 4
    assert sum(row["adds_amount"] for row in rows.values()) - 64 == 64
    assert answer.sentence.startswith("The tracking sees 50.0 % of the till's orders (3 of 6")
    assert any("1 rows of the file cannot be read, the first on line 12" in note for note in answer.notes)
    assert any("1 refund rows" in note for note in answer.notes)
    assert any("1 rows in another currency" in note for note in answer.notes)


def test_an_order_after_midnight_is_on_another_day(shop: Workspace) -> None:
    text = TILL.replace("o3,2024-03-03T22:30:00+00:00", "o3,2024-03-03T23:30:00+00:00")  # 4 March in Berlin
    (shop.folder / "late.csv").write_text(text)
    whole = shop.ask("reconcile", "late.csv").records()
    (moved,) = [r for r in whole if r["reason"] == "other_day"]
    assert (moved["orders"], moved["adds_orders"], moved["adds_amount"]) == (1, 0, 0)
    short = shop.ask("reconcile", "late.csv", **{"from": "2024-03-01", "to": "2024-03-03"}).records()
    (moved,) = [r for r in short if r["reason"] == "other_day"]
    assert (moved["adds_orders"], moved["adds_amount"]) == (1, Decimal("30.00"))
    assert sum(r["adds_orders"] for r in short[:-1]) == short[-1]["orders"]


def test_coverage_is_kept_and_told(shop: Workspace) -> None:
    assert "assay reconcile" in shop.ask("quality").notes[0]
    shop.ask("reconcile", "till.csv", keep=True)
    found = [f for f in shop.ask("quality").findings if f.code == "low_coverage"]
    assert found[0].evidence["tracked"] == 3
    assert any("tracked coverage 50.0 %" in note for note in shop.ask("overview").notes)


def test_claims_are_held_against_the_last_click(shop: Workspace) -> None:
    (shop.folder / "ads.csv").write_text(
        "date,channel,conversions,value\n2024-03-02,Direct,5,99.00\n2024-04-02,Direct,1,1\n"
    )
    answer = shop.ask("reconcile", "till.csv", claims="ads.csv")
    (found,) = [f for f in answer.findings if f.code == "other_attribution"]
    assert found.evidence == {
        "channel": "Direct", "claimed": 5.0, "claimed_value": "99.00", "tracked": 4.0, "tracked_value": "64.00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", DataError, "empty"),
        ("a,b\n1,2\n", UsageError, "no column is the order's id"),
        ("order_id,time,amount\n1,soon,2\n", DataError, "line 2: the time 'soon'"),
    ],
)
def test_files_that_cannot_be_used(shop: Workspace, text: str, error: type[Exception], words: str) -> None:
    (shop.folder / "bad.csv").write_text(text)
    with pytest.raises(error, match=words):
        shop.ask("reconcile", "bad.csv")


def test_columns_by_name_and_other_habits_of_numbers(shop: Workspace) -> None:
    (shop.folder / "de.csv").write_text(
        "Beleg;Datum;Summe\no1;02.03.2024 11:00;10,00 €\no2;02.03.2024;1.020,50\n", encoding="cp1252"
    )
    answer = shop.ask("reconcile", "de.csv", column="id=Beleg")
    assert answer.records()[0]["amount"] == Decimal("1030.50")
    with pytest.raises(UsageError, match="did you mean 'Beleg'"):
        shop.ask("reconcile", "de.csv", column="id=Belegg")
    with pytest.raises(UsageError, match="no such file"):
        shop.ask("reconcile", "nothing.csv")


@dataclass(frozen=True)
class Row:
    id: str
    day: date
    amount: Decimal
    kind: str
    denied: bool


DAYS = st.dates(date(2024, 2, 27), date(2024, 4, 3))
MONEY = st.decimals(0, 1000, places=2)
IDS = st.sampled_from([f"o{n}" for n in range(12)])
KINDS = st.sampled_from(["sale", "sale", "test", "offline", "renewal", "cancelled"])
SALES = st.lists(st.builds(Row, IDS, DAYS, MONEY, KINDS, st.booleans()), max_size=25)
STORED = st.dictionaries(
    IDS, st.builds(Tracked, DAYS, MONEY, st.booleans(), st.sampled_from(["first", "test", "offline"]))
)


@given(SALES, STORED, st.sets(IDS), st.tuples(st.integers(0, 3), MONEY))
def test_it_always_adds_up_to_zero(
    sales: list[Row], tracked: dict[str, Tracked], bots: set[str], nameless: tuple[int, Decimal]
) -> None:
    balance = reconcile(sales, tracked, bots, nameless, MARCH)
    assert balance.left == (0, Decimal(0))
    assert balance.till.orders == sum(MARCH.first <= s.day <= MARCH.last for s in sales)
    assert balance.seen.orders <= balance.should.orders
