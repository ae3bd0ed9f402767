"""Rule sets of the field: tables of what their products say, through events and sessions."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assay.model.errors import UnknownName
from assay.query.channels import RULE_SETS, rule_set
from assay.query.channels.hosts import KINDS, hosts_of, names_of, places
from support import bought, rows, table, view, workspace

DAY = "2024-03-01 10:00"
# fields of the event line → channel by assay, ga4, plausible, posthog
TABLE: list[tuple[dict[str, Any], tuple[str, str, str, str]]] = [
    ({}, ("Direct", "Direct", "Direct", "Unknown")),
    ({"referrer": "$direct"}, ("Direct", "Direct", "Direct", "Direct")),
    ({"referrer": "https://www.google.co.uk/"}, ("Organic Search",) * 4),
    ({"referrer": "https://chatgpt.com/"}, ("AI Assistants", "Referral", "AI Assistants", "Referral")),
    ({"referrer": "https://mail.google.com/"}, ("Email", "Referral", "Email", "Email")),
    ({"referrer": "android-app://com.google.android.gm"}, ("Email", "Referral", "Email", "Email")),
    ({"referrer": "Gmail"}, ("Email", "Referral", "Email", "Email")),
    ({"referrer": "https://t.co/x"}, ("Organic Social",) * 4),
    ({"referrer": "https://notat.co/x"}, ("Referral",) * 4),
    ({"referrer": "https://news.ycombinator.com/"}, ("Organic Social",) * 4),
    ({"referrer": "https://www.lilo.org/"}, ("Referral",) * 4),
    ({"referrer": "https://search.lilo.org/"}, ("Organic Search",) * 4),
    ({"referrer": "https://l.facebook.com/", "click_id": "fbclid=1"}, ("Organic Social",) * 4),
    ({"referrer": "https://www.youtube.com/", "utm_medium": "cpc"}, ("Paid Video",) * 4),
    ({"click_id": "gclid=1"}, ("Paid Search", "Paid Search", "Direct", "Paid Unknown")),
    ({"click_id": "gad_source=1"}, ("Paid Search", "Paid Search", "Direct", "Paid Search")),
    (
        {"referrer": "https://duckduckgo.com/", "click_id": "msclkid=1"},
        ("Paid Search", "Paid Search", "Organic Search", "Organic Search"),
    ),
    ({"utm_source": "fb-ads"}, ("Unassigned", "Unassigned", "Paid Social", "Unknown")),
    ({"utm_source": "adwords"}, ("Organic Search", "Organic Search", "Paid Search", "Organic Search")),
    ({"utm_source": "Newsletter-UK"}, ("Unassigned", "Unassigned", "Email", "Unknown")),
    ({"utm_medium": "affiliate"}, ("Affiliates", "Affiliates", "Affiliates", "Affiliate")),
    ({"utm_medium": "app-push"}, ("Mobile Push Notifications",) * 3 + ("Push",)),
    ({"utm_medium": "partnership"}, ("Unassigned", "Unassigned", "Direct", "Affiliate")),
    ({"utm_campaign": "cross-network"}, ("Cross-network",) * 3 + ("Cross Network",)),
    ({"utm_source": "blog", "utm_medium": "cpm"}, ("Display", "Display", "Display", "Display")),
    ({"utm_source": "blog", "utm_medium": "ppc"}, ("Paid Other", "Paid Other", "Paid Other", "Paid Unknown")),
    ({"utm_source": "threads", "utm_medium": "email"}, ("Organic Social",) * 4),
    ({"utm_source": "mail", "utm_medium": "email", "referrer": "https://m.facebook.com/"}, ("Email",) * 4),
]


@pytest.mark.parametrize("place", range(4), ids=[one.name for one in RULE_SETS])
def test_what_each_product_says(tmp_path: Path, place: int) -> None:
    plan = {"rules": {"channels": RULE_SETS[place].name, "session_source": "own"}}
    events = [view(f"v{n:02}", DAY, **fields) for n, (fields, _) in enumerate(TABLE)]
    with workspace(tmp_path, json.dumps(plan), events) as ws:
        got = rows(ws, "SELECT visitor, channel FROM sessions JOIN visitors USING (visitor_key) ORDER BY visitor")
        assert [
            (fields, channel, wanted[place])
            for (fields, wanted), (_, channel) in zip(TABLE, got, strict=True)
            if channel != wanted[place]
        ] == []


def test_own_rules_come_before_every_set(tmp_path: Path) -> None:
    for one in RULE_SETS:
        plan = {"rules": {"channels": one.name}, "channels": [{"channel": "Ours", "where": "source = 'google'"}]}
        with workspace(tmp_path / one.name, json.dumps(plan), [view("a", DAY, utm_source="google")]) as ws:
            assert rows(ws, "SELECT channel FROM sessions") == [("Ours",)]


def test_the_lists_are_whole_and_say_where_they_are_from() -> None:
    import assay.query as query

    folder = Path(query.__file__).parent / "lists"
    assert "CC0-1.0" in (folder / "matomo.tsv").read_text(encoding="utf-8")
    assert {place.kind for place in places()} == set(KINDS)
    for kind in KINDS:
        assert hosts_of(kind) == list(dict.fromkeys(hosts_of(kind)))
        assert all(host == host.lower() and "/" not in host and not host.startswith("www.") for host in hosts_of(kind))
        assert all(name == name.lower() for name in names_of(kind))


def test_an_unknown_rule_set_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'ga4'"):
        rule_set("ga")


def test_the_question(tmp_path: Path) -> None:
    ad = {"utm_source": "google", "utm_medium": "cpc"}
    events = [
        view("a", DAY, **ad),
        bought("a", "2024-03-01 10:05", "o1", "30.00", **ad),
        view("b", DAY, **ad),
        view("b", "2024-03-02 10:00", utm_source="partner"),
        view("c", DAY),
    ]
    plan = {
        "site": {"name": "T", "currency": "EUR"},
        "rules": {"session_source": "own"},
        "channels": [{"channel": "Partners", "where": "source = 'partner'"}],
    }
    asked = {"from": "2024-03-01", "to": "2024-03-02"}
    with workspace(tmp_path, json.dumps(plan), events) as ws:
        got = ws.ask("channels", **asked)
        columns = ("channel", "sessions", "visitors", "new_share", "conversion", "orders", "revenue")
        assert table(got, *columns) == [
            ("Paid Search", 2, 2, 1.0, 0.5, 1, Decimal("30.00")),
            ("Direct", 1, 1, 1.0, 0.0, 0, 0),
            ("Partners", 1, 0, 0.0, 0.0, 0, 0),
        ]
        assert "cost" not in [c.name for c in got.columns]
        assert got.definitions[0].rules["channels"] == "assay"
        assert any("own rules come first: Partners" in note for note in got.notes)
        costs = tmp_path / "costs.csv"
        costs.write_text("date,channel,cost,currency\n2024-03-01,Paid Search,10,EUR\n2024-03-01,Display,4,EUR\n")
        ws.import_files("costs", [costs])
        got = ws.ask("channels", **asked)
        assert table(got, "channel", "cost", "cpa", "roas") == [
            ("Paid Search", 10, 10, 3.0),
            ("Direct", None, None, None),
            ("Partners", None, None, None),
            ("Display", 4, None, 0.0),
        ]
        assert table(ws.ask("channels", by="source", **asked), "source")[0] == ("google",)
        assert ws.ask("channels", segment="source = 'nobody'", **asked).empty
