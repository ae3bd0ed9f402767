"""Every entry of the function map, run on every engine: the same values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import MachineError
from assay.store.engine import Statement
from assay.workspace import Workspace
from support import Event, bought, event, view, workspace

DAY = "2024-03-01 "
EVENTS: list[Event] = [
    view("a", DAY + "10:00", "/p/1", device="mobile", props={"plan": "pro", "n": 3, "empty": ""}),
    view("a", DAY + "10:01", "/cart"),
    bought("a", DAY + "10:02", "o1", "12.50", items=[{"item_id": "x", "price": 2.5}, {"item_id": "y", "quantity": 2}]),
    view("b", DAY + "11:00", "/p/2", device="desktop", props={"plan": "it's", "n": "many"}),
    event("c", "click", DAY + "12:00"),
]

NUMBERS = ("", " 5 ", "-12.5", "1.2345675", "12.5", "1e3", "3.0", "99999999999999999999", "many")
TEXTS = " UNION ALL ".join(f"SELECT '{text}' AS n" for text in NUMBERS)
STATEMENTS: dict[str, tuple[str, dict[str, Any], list[tuple[Any, ...]]]] = {
    "full match, bound": (
        "SELECT count(*) FROM events WHERE regexp_full_match(path, $v1)",
        {"v1": "/p/.*"},
        [(2,)],
    ),
    "full match is not a search": ("SELECT count(*) FROM events WHERE regexp_full_match(path, 'p')", {}, [(0,)]),
    "integer division": ("SELECT DISTINCT (t // 86400000000) FROM events", {}, [(19783,)]),
    "json path, bound": (
        "SELECT json_extract_string(props, $v1) FROM events WHERE visitor IN ('a', 'b') AND name = 'page_view' ORDER BY t",
        {"v1": '$."plan"'},
        [("pro",), (None,), ("it's",)],
    ),
    "json path as text": (
        "SELECT json_extract_string(props, '$.empty'), json_extract_string(props, '$.n') FROM events WHERE path = '/p/1'",
        {},
        [("", "3")],
    ),
    "cast or null": (
        "SELECT TRY_CAST(json_extract_string(props, '$.n') AS BIGINT) FROM events WHERE props IS NOT NULL ORDER BY t",
        {},
        [(3,), (None,)],
    ),
    "texts as numbers": (
        f"SELECT n, TRY_CAST(n AS BIGINT), TRY_CAST(n AS DOUBLE), TRY_CAST(n AS DECIMAL(18, 6)) FROM ({TEXTS}) ORDER BY n",
        {},
        [
            ("", None, None, None),
            (" 5 ", 5, 5.0, Decimal("5.000000")),
            ("-12.5", -13, -12.5, Decimal("-12.500000")),
            ("1.2345675", 1, 1.2345675, Decimal("1.234568")),
            ("12.5", 13, 12.5, Decimal("12.500000")),
            ("1e3", 1000, 1000.0, Decimal("1000.000000")),
            ("3.0", 3, 3.0, Decimal("3.000000")),
            ("99999999999999999999", None, 1e20, None),
            ("many", None, None, None),
        ],
    ),
    "letters outside ASCII": ("SELECT lower('ÉTÉ Ä'), upper('été ä')", {}, [("été ä", "ÉTÉ Ä")]),
    "hashes are hexadecimal text": (
        "SELECT sha256('é' || 'x') = '"
        + sha256("éx".encode()).hexdigest()
        + "', md5('é') = '"
        + md5("é".encode(), usedforsecurity=False).hexdigest()
        + "'",
        {},
        [(True, True)],
    ),
    "decimals keep their scale": (
        "SELECT TRY_CAST('1.5' AS DECIMAL(18, 6)), sum(amount) FROM events",
        {},
        [(Decimal("1.500000"), Decimal("12.500000"))],
    ),
    "misses of a left join are null": (
        "SELECT e.visitor, o.order_id, o.net FROM events e LEFT JOIN orders o ON o.event_no = e.event_no WHERE e.visitor = 'b'",
        {},
        [("b", None, None)],
    ),
    "nothing has no minimum": (
        "SELECT min(t), sum(t), count(*) FROM events WHERE name = 'none'",
        {},
        [(None, None, 0)],
    ),
    "days": (
        "SELECT DISTINCT day, day + 1, CAST(date_trunc('week', day) AS DATE) FROM events",
        {},
        [(date(2024, 3, 1), date(2024, 3, 2), date(2024, 2, 26))],
    ),
    "days between": (
        "SELECT DISTINCT day - $v1, day - DATE '2024-02-01', day - 1 FROM events",
        {"v1": date(2024, 2, 28)},
        [(2, 29, date(2024, 2, 29))],
    ),
    "bound day and list": (
        "SELECT count(*) FROM events WHERE day >= $v1 AND name IN ($v2, $v3)",
        {"v1": date(2024, 3, 1), "v2": "click", "v3": "page_view"},
        [(4,)],
    ),
    "first and last by a tuple": (
        "SELECT visitor, arg_min({'v': path}, (t, id)).v, arg_max(name, (t, id)) FROM events GROUP BY visitor ORDER BY visitor",
        {},
        [("a", "/p/1", "purchase"), ("b", "/p/2", "page_view"), ("c", None, "click")],
    ),
    "names of joined columns": (
        "SELECT unit FROM (SELECT v.visitor_key AS k, v.visitor AS unit FROM visitors v JOIN sessions s ON s.visitor_key = v.visitor_key) ORDER BY unit",
        {},
        [("a",), ("b",), ("c",)],
    ),
    "quantiles interpolate": (
        "SELECT quantile_cont(x, 0.25) FROM (SELECT 1.0 AS x UNION ALL SELECT 2.0 UNION ALL SELECT 4.0)",
        {},
        [(1.5,)],
    ),
    "first of each": (
        "SELECT visitor, name FROM events QUALIFY row_number() OVER (PARTITION BY visitor ORDER BY t) = 1 ORDER BY visitor",
        {},
        [("a", "page_view"), ("b", "page_view"), ("c", "click")],
    ),
    "nearest before": (
        "WITH v AS (SELECT visitor_key AS unit, t FROM events WHERE name = 'page_view'), p AS (SELECT visitor_key AS unit, t FROM events WHERE name = 'purchase') SELECT p.t - v.t FROM p ASOF JOIN v ON v.unit = p.unit AND p.t >= v.t",
        {},
        [(60_000_000,)],
    ),
    "texts joined in order": (
        "SELECT visitor, string_agg(name, ' > ' ORDER BY t, id), string_agg(device, ',' ORDER BY t) FROM events GROUP BY visitor ORDER BY visitor",
        {},
        [("a", "page_view > page_view > purchase", "mobile"), ("b", "page_view", "desktop"), ("c", "click", None)],
    ),
    "bits": (
        "SELECT bit_or(CAST(1 AS BIGINT) << CAST(b AS BIGINT)), (12 >> 2) & 1 FROM (SELECT 1 AS b UNION ALL SELECT 3)",
        {},
        [(10, 1)],
    ),
    "no neighbour is null": (
        "SELECT lag(name) OVER (ORDER BY t), lead(t) OVER (ORDER BY t) IS NULL FROM events WHERE visitor = 'a' ORDER BY t",
        {},
        [(None, False), ("page_view", False), ("page_view", True)],
    ),
    "not there": (
        "SELECT visitor FROM visitors v WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.visitor_key = v.visitor_key) ORDER BY visitor",
        {},
        [("b",), ("c",)],
    ),
    "distinct from null": ("SELECT count(*) FROM events WHERE device IS DISTINCT FROM 'mobile'", {}, [(4,)]),
    "flags": ("SELECT DISTINCT bot, interactive FROM events", {}, [(False, True)]),
    "nothing bound": ("SELECT count(*) FROM events WHERE $v1 IS NULL", {"v1": None}, [(5,)]),
}


PLAN = "metrics: {lines: {type: simple, count: purchase}, pieces: {type: simple, sum: purchase.quantity}}"


@pytest.fixture
def ws(engine: str, opened: dict[str, Workspace], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    if engine not in opened:
        opened[engine] = workspace(tmp_path_factory.mktemp("render"), PLAN, EVENTS, engine=engine)
    return opened[engine]


@pytest.mark.parametrize("case", STATEMENTS)
def test_same_on_both(case: str, ws: Workspace) -> None:
    sql, params, expected = STATEMENTS[case]
    assert ws.engine.run(Statement(sql, params)).rows == expected


def test_items_are_rows(ws: Workspace) -> None:
    day = {"from": "2024-03-01", "to": "2024-03-01"}
    found = {r["item_id"]: r["pieces"] for r in ws.metric(["pieces"], by="item_id", **day).records()}
    assert found == {"x": 1, "y": 2}


def test_an_error_of_clickhouse_is_one_line(tmp_path: Path) -> None:
    with (
        workspace(tmp_path, "", EVENTS, engine="clickhouse") as ws,
        pytest.raises(MachineError, match="ClickHouse says"),
    ):
        ws.engine.run(Statement("SELECT nothing_there FROM events"))
