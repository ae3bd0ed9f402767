"""The ``costs`` importer: exports of ad networks and plain tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from imported import Run

from assay.model.errors import DataError, UsageError

GOOGLE = """Campaign report
"January 1, 2024 - January 2, 2024"
Day,Campaign,Campaign type,Ad group,Currency code,Cost,Impr.,Clicks,Conversions
2024-01-01,Brand,Search,A,EUR,"1,234.56","12,000",300,4.5
2024-01-01,Brand,Search,B,EUR,10.00,100,3, --
2024-01-02,Shop,Shopping,C,EUR,abc,100,3,1
2024-01-02,Total body workout,Display,C,EUR,5,100,3,1
Total: Campaigns, --,,, --,"1,249.56","12,200",306,5.5
Total: Account
"""
META = """"Reporting starts","Reporting ends","Campaign name","Amount spent (EUR)",Impressions,"Link clicks","Clicks (all)"
2024-01-01,2024-01-01,,"15.50",1100,11,20
2024-01-01,2024-01-01,Spring,"5.50",100,1,2
2024-01-01,2024-01-31,Month,"10.00",1000,10,18
"""
LINKEDIN = (
    'Campaign Performance Report (in UTC)\n"Report Start: January 1, 2024"\n\n'
    "Start Date (in UTC)\tCampaign Group Name\tCampaign Name\tTotal Spent\tImpressions\tClicks\tCurrency\n"
    '1/2/2024\tG\tLeads\t"1,000.25"\t5,000\t20\tUSD\n1/3/2024\tG\tLeads\t7\t5\t2\tUSD\n'
)


def brief(row: dict[str, Any]) -> tuple[Any, ...]:
    keys = ("day", "source", "channel", "campaign", "amount", "currency", "impressions", "clicks")
    return tuple(str(row[k]) if k == "day" else row.get(k) for k in keys)


def test_google_ads(run: Run, tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text(GOOGLE)
    done = run("costs", tmp_path / "g.csv")
    (segment,) = done.segments
    assert (segment.kind, segment.read, segment.rows, segment.quarantined, segment.skipped) == ("costs", 6, 2, 1, 2)
    assert [brief(row) for row in done.rows()] == [
        ("2024-01-01", "google", "Paid Search", "Brand", "1244.56", "EUR", 12_100, 303),
        ("2024-01-02", "google", "Display", "Total body workout", "5", "EUR", 100, 3),
    ]
    assert done.rows()[0]["claimed_conversions"] == 4.5
    assert done.bad() == [(6, "cost 'abc' is not a number")]


def test_meta(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(META)
    done = run("costs", tmp_path / "m.csv")
    assert [brief(row) for row in done.rows()] == [
        ("2024-01-01", "facebook", "Paid Social", "Spring", "5.5", "EUR", 100, 1)
    ]
    assert done.bad() == [(4, "the row covers 2024-01-01 to 2024-01-31; export it by day")]
    assert done.segments[0].skipped == 1


def test_linkedin(run: Run, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_bytes(LINKEDIN.encode("utf-16"))
    assert [brief(row) for row in run("costs", tmp_path / "l.csv").rows()] == [
        ("2024-01-02", "linkedin", "Paid Social", "Leads", "1000.25", "USD", 5000, 20),
        ("2024-01-03", "linkedin", "Paid Social", "Leads", "7", "USD", 5, 2),
    ]


def test_plain_table_with_decimal_comma(run: Run, tmp_path: Path) -> None:
    text = "Datum;Kanal;Kampagne;Kosten;Impressionen;Klicks\n01.02.2024;SEA;M;1.234,50;1.000;20\n02.02.2024;SEA;M;12,5;9;1\n"
    (tmp_path / "p.csv").write_text(text)
    assert [brief(row) for row in run("costs", tmp_path / "p.csv", options={"currency": "CHF"}).rows()] == [
        ("2024-02-01", None, "SEA", "M", "1234.5", "CHF", 1000, 20),
        ("2024-02-02", None, "SEA", "M", "12.5", "CHF", 9, 1),
    ]


def test_the_same_key_in_a_corrected_file_has_the_same_id(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "date,channel,campaign,spend\n2024-01-01,Paid Search,x,5\n2024-01-02,Paid Search,x,6\n"
    )
    (tmp_path / "b.csv").write_text("spend,date,channel,campaign\n5.5,2024-01-01,Paid Search,x\n")
    first, second = run("costs", tmp_path / "a.csv").rows(), run("costs", tmp_path / "b.csv").rows()
    assert second[0]["id"] == first[0]["id"]
    assert first[1]["id"] != first[0]["id"]


def test_parquet_and_micros(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(
        '{"segments.date":"2024-01-01","campaign.name":"x","metrics.cost_micros":"1234567"}\n'
    )
    (row,) = run("costs", tmp_path / "a.ndjson").rows()
    assert (row["amount"], row["source"], row["campaign"]) == ("1.234567", "google", "x")


def test_days_with_two_meanings_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,channel,spend\n03/04/2024,x,5\n")
    with pytest.raises(DataError, match="day '03/04/2024' has two meanings; give --day-format"):
        run("costs", tmp_path / "a.csv")
    rows = run("costs", tmp_path / "a.csv", options={"day_format": "%d/%m/%Y"}).rows()
    assert str(rows[0]["day"]) == "2024-04-03"
    (tmp_path / "b.csv").write_text("date,channel,spend\n03/04/2024,x,5\n13/04/2024,x,5\n")
    assert [str(row["day"]) for row in run("costs", tmp_path / "b.csv").rows()] == ["2024-04-03", "2024-04-13"]


def test_errors(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column for a day and a cost; give --map day=COLUMN"):
        run("costs", tmp_path / "a.csv")
    with pytest.raises(UsageError, match="no field 'spend'"):
        run("costs", tmp_path / "a.csv", options={"map": {"spend": "b"}})
