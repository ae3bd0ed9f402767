"""The ``ga360`` and ``ga4`` importers, on small tables and on Google's public samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from imported import Run

from assay.model.errors import DataError


def ndjson(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" if not isinstance(row, str) else row + "\n" for row in rows))
    return path


PAGE = {"pagePath": "/p/1?x=2", "hostname": "Shop.example", "pageTitle": "One"}
SESSION = {
    "fullVisitorId": "7", "visitId": "1501583974", "visitStartTime": "1501583974", "visitNumber": "1",
    "totals": {"bounces": None, "newVisits": "1"},
    "trafficSource": {"source": "example.org", "medium": "referral", "campaign": "(not set)", "referralPath": "/a"},
    "device": {"deviceCategory": "mobile", "browser": "Chrome"},
    "channelGrouping": "Referral",
    "hits": [
        {"hitNumber": "1", "time": "0", "type": "PAGE", "page": PAGE, "eCommerceAction": {"action_type": "2"},
         "product": [{"productSKU": "s1", "productPrice": "4990000"}, {"productSKU": "s2", "isImpression": True}]},
        {"hitNumber": "2", "time": "1500", "type": "EVENT", "eCommerceAction": {"action_type": "3"},
         "eventInfo": {"eventCategory": "shop", "eventAction": "add"}, "product": [{"productSKU": "s1", "productQuantity": "2"}]},
        {"hitNumber": "3", "time": "2000", "type": "EVENT", "eventInfo": {"eventCategory": "video", "eventValue": "3"},
         "isInteraction": False},
        {"hitNumber": "4", "time": "3000", "type": "PAGE", "page": PAGE, "eCommerceAction": {"action_type": "6"},
         "transaction": {"transactionId": "T1", "transactionRevenue": "30430001", "transactionTax": "1500000",
                         "currencyCode": "EUR"}},
        {"hitNumber": "5", "time": "3000", "type": "PAGE", "page": PAGE, "eCommerceAction": {"action_type": "6"},
         "transaction": {"transactionId": "T1", "transactionRevenue": None}},
        {"hitNumber": "6", "time": "4000", "type": "TRANSACTION", "transaction": {"transactionId": "T2", "transactionRevenue": "0"}},
        {"hitNumber": "7", "time": "4000", "type": "ITEM", "item": {"transactionId": "T2", "productSku": "s9", "itemQuantity": "1"}},
        {"hitNumber": "8", "time": "5000", "type": "APPVIEW", "appInfo": {"screenName": "Home"}},
    ],
}  # fmt: skip


def test_ga360_hits_become_events(run: Run, tmp_path: Path) -> None:
    done = run("ga360", ndjson(tmp_path / "s.ndjson", SESSION))
    rows = done.rows()
    assert [(row["hit"], row["name"]) for row in rows] == [
        (1, "page_view"), (1, "view_item"), (2, "add_to_cart"), (3, "ga_event"), (4, "page_view"), (4, "purchase"),
        (5, "page_view"), (5, "purchase"), (6, "purchase"), (7, "ga_item"), (8, "screen_view"),
    ]  # fmt: skip
    view, item, cart, event, _, first, _, second, old, *_ = rows
    assert (view["visitor"], view["session"], view["time"]) == ("7", "1501583974", 1_501_583_974_000_000)
    assert (view["url"], view["host"], view["path"]) == ("https://Shop.example/p/1?x=2", "shop.example", "/p/1")
    assert (view["referrer"], view["utm_source"], "utm_campaign" in view) == (
        "https://example.org/a",
        "example.org",
        False,
    )
    assert (view["session_channel"], view["session_new"], view["session_bounce"]) == ("Referral", True, False)
    assert json.loads(item["items"]) == [{"item_id": "s1", "price": 4.99}]
    assert (cart["time"] - view["time"], json.loads(cart["items"])) == (1_500_000, [{"item_id": "s1", "quantity": 2}])
    assert json.loads(cart["props"]) == {"event_category": "shop", "event_action": "add"}
    assert (event["interactive"], json.loads(event["props"])) == (False, {"event_category": "video", "event_value": 3})
    assert (first["order_id"], first["amount"], first["currency"]) == ("T1", "30.430001", "EUR")
    assert json.loads(first["props"]) == {"tax": 1.5}
    assert (second["order_id"], "amount" in second) == ("T1", False)
    assert (old["order_id"], old["amount"], json.loads(old["items"])) == ("T2", "0", [{"item_id": "s9", "quantity": 1}])


def test_ga360_bad_sessions_and_hits(run: Run, tmp_path: Path) -> None:
    broken = [
        {**SESSION, "fullVisitorId": None},
        "{not json",
        {**SESSION, "visitStartTime": "soon"},
        {**SESSION, "visitId": "2", "hits": []},
        {**SESSION, "visitId": "3", "hits": [{"hitNumber": "1", "time": "0"}, SESSION["hits"][0]]},  # type: ignore[index]
    ]
    done = run("ga360", ndjson(tmp_path / "s.ndjson", SESSION, *broken))
    assert done.bad() == [
        (2, "the session has neither fullVisitorId nor clientId"),
        (3, "the line is not valid JSON"),
        (4, "visitStartTime 'soon' is not a time in seconds"),
        (5, "the session has no hits"),
        (6, "hit 1 has no type"),
    ]
    assert len(done.rows()) == 11 + 2
    assert json.loads(done.raw()[0])["visitId"] == "1501583974"


def test_ga360_parquet_may_lack_most_fields(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "s.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'v' AS fullVisitorId, 5 AS visitId, 1501583974 AS visitStartTime, "
            "[{'hitNumber': 1, 'type': 'PAGE', 'page': {'pagePath': '/'}}] AS hits) "
            f"TO '{file}' (FORMAT parquet)"
        )
    (row,) = run("ga360", file).rows()
    assert (row["name"], row["path"], row["session"]) == ("page_view", "/", "5")
    assert not {"session_new", "session_bounce", "device"} & row.keys()


def test_ga360_impressions_on_demand(run: Run, tmp_path: Path) -> None:
    rows = run("ga360", ndjson(tmp_path / "s.ndjson", SESSION), options={"impressions": True}).rows()
    (seen,) = (row for row in rows if row["name"] == "view_item_list")
    assert (seen["hit"], seen["interactive"], json.loads(seen["items"])) == (1, False, [{"item_id": "s2"}])


def test_ga360_sample(run: Run, data_file: Callable[[str], Path]) -> None:
    done = run("ga360", data_file("ga3_sessions_20170801_half.parquet"))
    assert done.segments[0].read == 1348
    assert done.query("SELECT count(DISTINCT (visitor, session)), count(DISTINCT visitor), count(DISTINCT id) = count(*) FROM e") == (
        1348, 1200, True,
    )  # fmt: skip
    assert done.query("SELECT count(*) FILTER (WHERE name = 'page_view'), count(DISTINCT (visitor, session, hit)) FROM e") == (
        5688, 7006,
    )  # fmt: skip
    assert done.query(
        "SELECT count(*) FROM (SELECT 1 FROM e GROUP BY visitor, session HAVING count(DISTINCT hit) = 1)"
    ) == (658,)
    assert done.query(
        "SELECT count(*), sum(money)::VARCHAR FROM (SELECT arg_min(CAST(amount AS DECIMAL(18, 2)), (time, seq, id)) "
        "FILTER (WHERE amount IS NOT NULL) AS money FROM e WHERE name = 'purchase' GROUP BY order_id)"
    ) == (22, "2931.76")


def test_ga360_sample_funnel(run: Run, data_file: Callable[[str], Path]) -> None:
    done = run("ga360", data_file("ga3_sessions_20170801_half.parquet"))
    steps, before = [], "SELECT visitor, session, -1 AS t FROM e GROUP BY ALL"
    for name in ("view_item", "add_to_cart", "begin_checkout", "purchase"):
        before = (
            f"SELECT e.visitor, e.session, min(e.time) AS t FROM e JOIN ({before}) b ON b.visitor = e.visitor "
            f"AND b.session = e.session AND e.time >= b.t WHERE e.name = '{name}' GROUP BY ALL"
        )
        steps.append(done.query(f"SELECT count(*) FROM ({before})")[0])
    assert steps == [223, 79, 41, 15]


def param(key: str, **value: object) -> dict[str, object]:
    return {"key": key, "value": {f"{kind}_value": v for kind, v in value.items()}}


EVENT = {
    "event_timestamp": "1604195084942033", "event_name": "purchase", "user_pseudo_id": "1.2", "user_id": None,
    "event_params": [
        param("ga_session_id", int="77"), param("ga_session_number", int="1"), param("page_location", string="https://s.de/thanks?a=1"),
        param("engagement_time_msec", int="120"), param("value", double=12.5), param("currency", string="eur"),
        param("source", string="news"), param("campaign", string="(referral)"), param("transaction_id", string="T9"),
        param("empty", string=None),
    ],
    "privacy_info": {"analytics_storage": "Yes"}, "device": {"category": "mobile", "web_info": {"browser": "Safari"}},
    "traffic_source": {"source": "first", "medium": "(none)"},
    "items": [{"item_id": "a", "price": 5.25, "quantity": "2", "item_brand": "(not set)"}],
}  # fmt: skip


def test_ga4_events(run: Run, tmp_path: Path) -> None:
    start = {
        **EVENT,
        "event_name": "session_start",
        "event_params": [param("ga_session_id", int="77"), param("value", int="3")],
    }
    unset = {
        **EVENT,
        "event_timestamp": "1604195084942034",
        "ecommerce": {"transaction_id": "(not set)", "purchase_revenue": 11},
    }
    done = run(
        "ga4", ndjson(tmp_path / "e.ndjson", EVENT, start, EVENT, unset, {"event_name": "x", "event_timestamp": "x"})
    )
    assert done.bad() == [(5, "time 'x' cannot be read as a time")]
    first, begun, twin, other = done.rows()
    assert (first["time"], first["visitor"], first["session"]) == (1_604_195_084_942_033, "1.2", "77")
    assert (first["host"], first["path"], first["utm_source"]) == ("s.de", "/thanks", "news")
    assert (first["order_id"], first["amount"], first["currency"]) == ("T9", "12.5", "EUR")
    assert (first["consent"], first["device"], first["browser"], first["session_new"]) == (
        "granted",
        "mobile",
        "Safari",
        True,
    )
    assert "utm_campaign" not in first
    assert json.loads(first["items"]) == [{"item_id": "a", "price": 5.25, "quantity": 2}]
    assert json.loads(first["props"]) == {
        "ga_session_number": 1,
        "engagement_time_msec": 120,
        "first_user_source": "first",
    }
    assert (begun["interactive"], "amount" in begun) == (False, False)
    assert json.loads(begun["props"])["value"] == 3
    assert twin["id"] != first["id"]
    assert ("order_id" in other, other["amount"]) == (False, "11")


def test_ga4_daily_table_does_not_double_the_intraday_one(run: Run, tmp_path: Path) -> None:
    later = {**EVENT, "traffic_source": {"source": "other"}, "user_first_touch_timestamp": "1"}
    first = run("ga4", ndjson(tmp_path / "intraday.ndjson", EVENT)).rows()
    second = run("ga4", ndjson(tmp_path / "daily.ndjson", later)).rows()
    assert first[0]["id"] == second[0]["id"]


def test_ga4_sample(run: Run, data_file: Callable[[str], Path]) -> None:
    done = run("ga4", data_file("ga4_events_sampled.parquet"))
    (segment,) = done.segments
    assert (segment.read, segment.rows, segment.quarantined) == (24_219, 24_219, 0)
    assert done.query(
        "SELECT count(DISTINCT id), count(DISTINCT visitor), count(DISTINCT (visitor, session)), "
        "count(*) FILTER (WHERE name = 'page_view'), count(*) FILTER (WHERE name = 'purchase') FROM e"
    ) == (24_219, 19_210, 20_705, 7498, 624)
    # 526 in the export's own column, one of them "(not set)"; three purchases have their id only as a parameter.
    assert done.query(
        "SELECT count(DISTINCT order_id), sum(CAST(amount AS DECIMAL(18, 2)))::VARCHAR FROM e WHERE name = 'purchase'"
    ) == (525 + 3, "41529.00")


@pytest.mark.parametrize(
    ("name", "title", "column"), [("ga360", "GA360", "visitStartTime"), ("ga4", "GA4", "event_params")]
)
def test_other_files_are_refused(run: Run, tmp_path: Path, name: str, title: str, column: str) -> None:
    row = {"fullVisitorId": "1", "hits": [], "event_name": "x", "event_timestamp": "1", "user_id": "u"}
    with pytest.raises(DataError, match=f"is no {title} export: column {column} is missing"):
        run(name, ndjson(tmp_path / "x.ndjson", row))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="this is CSV"):
        run(name, tmp_path / "x.csv")
