"""Every step by a table, and their order."""

from ipaddress import ip_network
from typing import Any

import pytest

from assay.collect import steps
from assay.collect.enrich.country import country_of
from assay.collect.steps import Context, Drop, run
from assay.collect.wire import Request

NOW = 1_767_225_600_000_000  # 2026-01-01
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
BASE: dict[str, Any] = {"received_at": NOW, "agent": CHROME, "address": "203.0.113.9"}


def line(**fields: Any) -> dict[str, Any]:
    return {"id": "i", "name": "page_view", "time": NOW, **fields}


def after(context: dict[str, Any], **fields: Any) -> dict[str, Any]:
    one = line(**fields)
    assert run(one, Context(**{**BASE, **context})) is None
    return one


@pytest.mark.parametrize(
    ("context", "fields", "drop"),
    [
        ({}, {}, None),
        ({"gpc": True}, {}, Drop("consent", "drop_without_consent")),
        ({"dnt": True}, {"consent": "granted"}, Drop("consent", "drop_without_consent")),
        ({"gpc": True, "dnt": True, "honoured": frozenset({"denied"})}, {}, None),
        ({}, {"consent": "denied"}, Drop("consent", "drop_without_consent")),
        ({"honoured": frozenset({"unknown"})}, {}, Drop("consent", "drop_without_consent")),
        ({"honoured": frozenset({"unknown"})}, {"consent": "granted"}, None),
        ({"honoured": frozenset({"unknown"}), "trusted": True}, {}, None),  # a server has decided
        ({"honoured": frozenset({"denied", "unknown"}), "trusted": True}, {"consent": "denied"}, Drop("consent", "drop_without_consent")),
        ({"consent_default": "denied"}, {}, Drop("consent", "drop_without_consent")),
        ({"domains": ("shop.example",)}, {"host": "www.shop.example"}, None),
        ({"domains": ("shop.example",)}, {"host": "notshop.example"}, Drop("wrong_host", "drop_wrong_host")),
        ({"domains": ("shop.example",), "hosts": ("stage.example",)}, {"host": "shop.example"}, Drop("wrong_host", "drop_wrong_host")),
        ({"domains": ("shop.example",)}, {}, None),
        ({"domains": ("shop.example",)}, {"host": "localhost", "url": "app://localhost/x"}, None),
        ({"hosts": ("*",)}, {"host": "any"}, None),
        ({}, {"time": NOW + 2 * steps.DAY}, Drop("bad_time", "drop_wrong_time")),
        ({}, {"time": NOW + 2 * steps.DAY, "sent_at": NOW + 2 * steps.DAY}, None),  # a clock that is wrong
        ({}, {"time": 5}, Drop("bad_time", "drop_wrong_time")),
    ],
)  # fmt: skip
def test_what_is_dropped(context: dict[str, Any], fields: dict[str, Any], drop: Drop | None) -> None:
    one = line(_agent=CHROME, **fields)
    assert run(one, Context(**{**BASE, **context})) == drop
    assert not {"_agent", "_address"} & one.keys()


@pytest.mark.parametrize(
    ("context", "fields", "environment"),
    [
        ({"internal_addresses": (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))}, {}, "internal"),
        ({"internal_addresses": (ip_network("203.0.113.0/24"),)}, {"_address": "198.51.100.1"}, None),
        ({"internal_addresses": (ip_network("203.0.113.0/24"),), "address": "no address"}, {}, None),
        ({"internal": (("user", "*@shop.example"),)}, {"user": "ann@shop.example"}, "internal"),
        ({"internal": (("staff", "True"),)}, {"props": {"staff": True}}, "internal"),
        ({"internal": (("staff", "True"),), "source": "web", "environment": "staging"}, {"props": {}}, "staging"),
        ({"tests": (("coupon", "TEST*"),)}, {"name": "purchase", "props": {"coupon": "TEST-1"}}, "test"),
        ({"tests": (("order_id", "T-*"),)}, {"name": "refund", "order_id": "T-9"}, "test"),
        ({"tests": (("coupon", "TEST*"),)}, {"name": "add_to_cart", "props": {"coupon": "TEST-1"}}, None),  # no order
        ({"tests": (("coupon", "TEST*"),)}, {"name": "purchase", "props": {"coupon": "MAY"}}, None),
    ],
)  # fmt: skip
def test_the_teams_own_visits_and_test_orders_stand_apart(
    context: dict[str, Any], fields: dict[str, Any], environment: str | None
) -> None:
    assert after(context, **fields).get("environment") == environment


@pytest.mark.parametrize(
    ("fields", "time", "props"),
    [
        ({"time": NOW - 10, "sent_at": NOW - 500_000}, NOW - 10, None),
        ({"time": NOW - 3_600_000_000, "sent_at": NOW - 3_590_000_000}, NOW - 10_000_000, {"_time": NOW - 3_600_000_000}),
        ({"time": NOW + 60_000_000, "sent_at": NOW + 61_000_000, "props": {"a": 1}}, NOW - 1_000_000, {"a": 1, "_time": NOW + 60_000_000}),
        ({"time": NOW - 5, "sent_at": None}, NOW - 5, None),
    ],
)  # fmt: skip
def test_clock(fields: dict[str, Any], time: int, props: dict[str, Any] | None) -> None:
    one = after({}, **fields)
    assert (one["time"], one.get("props")) == (time, props)


def test_browser_and_bot() -> None:
    one = after({})
    assert (one["browser"], one["os"], one["device"], one["bot"]) == ("Chrome", "Windows", "desktop", False)
    assert after({}, browser="Mine", bot=True)["browser"] == "Mine"
    assert after({}, bot=True)["bot"] is True
    assert after({"agent": "curl/8"}, bot=False)["bot"] is True
    assert after({"agent": None})["bot"] is True
    server = after({"trusted": True, "agent": "python-requests/2"})
    assert ("bot" in server, "browser" in server) == (False, False)
    assert after({"agent": "python-requests/2"}, _agent=CHROME)["browser"] == "Chrome"
    assert "bot" not in after({"agent": "python-requests/2"}, _agent="")


def test_visitors_of_a_day() -> None:
    salt = {"salt": b"s" * 80}
    one = after(salt, host="a.example")["visitor"]
    assert one.startswith("day-")
    assert one == after(salt, host="a.example")["visitor"]
    others = [
        after({"salt": b"t"}, host="a.example"),
        after(salt, host="b.example"),
        after({**salt, "address": "203.0.113.8"}, host="a.example"),
    ]
    assert len({one, *(other["visitor"] for other in others)}) == 4
    assert after(salt, host="a.example", visitor="v")["visitor"] == "v"
    for context, fields in (({}, {"host": "a.example"}), (salt, {}), (salt, {"host": "a.example", "user": "u"}), ({**salt, "trusted": True}, {"host": "a.example"})):  # fmt: skip
        assert after(context, **fields).get("visitor") is None


def test_nothing_personal_stays() -> None:
    one = after(
        {},
        url="https://shop.example/?email=a@b.de",
        path="/a@b.de",
        title="Hello a@b.de",
        utm_term="+4915123456789",
        props={"pwd": "x", "note": "a@b.de"},
    )
    assert one["url"] == "https://shop.example/?email=[removed]"
    assert (one["path"], one["title"], one["utm_term"], one["props"]) == (
        "/[email]",
        "Hello [email]",
        "[phone]",
        {"note": "[email]"},
    )
    kept = after({"scrubs": False, "blocked": frozenset()}, title="a@b.de", props={"pwd": "x"})
    assert (kept["title"], kept["props"]) == ("a@b.de", {"pwd": "x"})


def test_limits() -> None:
    one = after(
        {"most_props": 2, "most_value": 5, "most_key": 3},
        title="t" * 600,
        props={"abcdef": "123456", "b": [{"c": "123456"}] * 3, "d": 1},
    )
    assert one["title"] == "t" * 500 + "…"
    assert one["props"] == {"abc…": "12345…", "b": [{"c": "12345…"}] * 2 + ["…1"], "_cut": 1}


def test_context_of_a_request() -> None:
    headers = {"user-agent": "UA", "sec-gpc": "1", "dnt": "0", "sec-ch-ua": "x", "cookie": "y"}
    context = Context(source="web", domains=("a",)).of(
        Request("POST", "/e", {}, headers, b"", NOW, "203.0.113.9"), b"salt"
    )
    assert (context.source, context.agent, context.gpc, context.dnt, context.address, context.received_at) == (
        "web",
        "UA",
        True,
        False,
        "203.0.113.9",
        NOW,
    )
    assert (context.hints, context.salt) == ({"sec-ch-ua": "x"}, b"salt")


def test_origin_and_country(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "country_of", lambda address, path: {"203.0.113.9": "DE"}.get(address))
    one = after({"source": "web", "environment": "staging", "countries": "x.mmdb"})
    assert (one["source"], one["environment"], one["received_at"], one["country"]) == ("web", "staging", NOW, "DE")
    assert after({"countries": "x.mmdb"}, country="FR")["country"] == "FR"
    assert "country" not in after({"countries": "x.mmdb", "trusted": True})
    assert callable(country_of)


def test_names_say_what_steps_do() -> None:
    assert all(step.__name__.startswith(("drop_", "put_")) for step in steps.STEPS)
