"""What the real clients sent when they were recorded (``record_clients.py``), decoded and answered."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from assay.collect import steps
from assay.collect.protocols import PROTOCOLS
from assay.collect.wire import Decoded, Outcome, Request, Response

FOLDER = Path(__file__).parent.parent / "data" / "wire"


def exchanges(client: str) -> list[tuple[Decoded, Response]]:
    """Each recorded request decoded, taken through the steps and answered."""
    made = []
    for one in json.loads((FOLDER / f"{client}.json").read_text(encoding="utf-8"))["requests"]:
        body = one["text"].encode() if "text" in one else base64.b64decode(one["base64"])
        request = Request(
            one["method"], one["path"], one["query"], one["headers"], body, one["received_at"], "127.0.0.1"
        )
        protocol = next(p for p in PROTOCOLS if (one["method"], one["path"]) in p.routes)
        decoded = protocol.decode(request)
        for line in decoded.lines:
            context = steps.Context(source=protocol.name).of(request, b"salt")
            assert steps.run(line, context) is None
        made.append((decoded, protocol.answer(decoded, Outcome(decoded.lines, decoded.refusals))))
    return made


def brief(line: dict[str, Any], *fields: str) -> tuple[Any, ...]:
    return tuple(line.get(field) for field in ("name", "visitor", "user", *fields))


@pytest.mark.parametrize("client", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_nothing_is_refused_and_ids_are_unique(client: str) -> None:
    found = exchanges(client)
    ids = [line["id"] for decoded, _ in found for line in decoded.lines]
    assert found
    assert len(ids) == len(set(ids))
    for decoded, response in found:
        assert decoded.refusals == ()
        assert decoded.key in ("pk_test", "shop.example", "11111111-2222-4333-8444-555555555555")
        assert response.status in (200, 202, 204)
        assert not any(line.get("bot") for line in decoded.lines)
        assert not any({"_agent", "_address"} & line.keys() for line in decoded.lines)
        assert b"203.0.113.9" not in json.dumps(decoded.lines).encode()


def test_posthog() -> None:
    plain, packed, newest = exchanges("posthog")
    assert [r.body for _, r in (plain, packed)] == [b'{"status":"Ok"}'] * 2
    results = json.loads(newest[1].body)["results"]
    assert {one["result"] for one in results.values()} == {"ok"}
    for decoded, _ in (plain, packed, newest):
        assert [brief(line) for line in decoded.lines] == [
            ("order_placed", None, "u1"),
            ("page_view", "0190a0b0-1111-7222-8333-444455556666", None),
            ("purchase", None, "u1"),
            ("$set", None, "u1"),
            ("alias", "anon1", "u1"),
            ("group", None, None),
            ("no_person", decoded.lines[6]["visitor"], None),
        ]
        placed, page, bought, about = decoded.lines[:4]
        assert (placed["amount"], placed["currency"]) == ("19.9", "EUR")
        assert (page["host"], page["path"], page["utm_source"], page["click_id"]) == (
            "shop.example",
            "/p/1",
            "news",
            "gclid=abc",
        )
        assert (page["session"], page.get("os")) == ("s1", None)  # the system is the server's
        assert (bought["order_id"], bought["amount"], bought["currency"], bought["account"]) == (
            "o1",
            "29.9",
            "EUR",
            "acme",
        )
        assert bought["items"] == [{"item_id": "p1", "item_name": "Cup", "price": 14.95, "quantity": 2}]
        assert about["props"]["$set"] == {"email": "[email]"}
        assert [line.get("interactive") for line in decoded.lines] == [None, None, None, False, False, False, None]


def test_segment() -> None:
    for decoded, response in exchanges("segment"):
        assert response.body == b'{"success":true}'
        assert [brief(line) for line in decoded.lines] == [
            ("identify", "anon1", "u1"), ("purchase", None, "u1"), ("experiment_viewed", "anon1", None), ("page_view", None, "u1"),
            ("screen_view", "anon1", None), ("group", None, "u1"), ("alias", "anon1", "u1"),
        ]  # fmt: skip
        bought = decoded.lines[1]
        assert (bought["order_id"], bought["amount"], bought["currency"]) == ("o1", "29.9", "EUR")
        assert bought["props"] == {"total": 33.0, "shipping": 3.1}
        assert (bought["browser"], bought["os"], bought["device"]) == ("Chrome", "Windows", "desktop")
        assert (bought["utm_source"], bought["utm_campaign"]) == ("news", "spring")
        assert decoded.lines[2]["props"] == {"experiment_id": "e1", "variant": "b"}
        assert decoded.lines[3]["title"] == "Start"
        assert decoded.lines[5]["account"] == "acme"


def test_segment_of_node() -> None:
    ((decoded, _),) = exchanges("segment-node")
    assert [brief(line) for line in decoded.lines] == [
        ("view_item", "anon1", None), ("identify", "anon1", "u1"), ("page_view", None, "u1"), ("group", None, "u1"),
    ]  # fmt: skip
    assert decoded.lines[0]["items"] == [{"item_id": "p1", "item_name": "Cup", "price": 14.95}]


def test_posthog_of_node() -> None:
    ((decoded, _),) = exchanges("posthog-node")
    assert [brief(line) for line in decoded.lines] == [
        ("purchase", None, "u1"), ("identify", None, "u1"), ("alias", "anon1", "u1"), ("group", None, None),
    ]  # fmt: skip


def test_ga4() -> None:
    found = exchanges("ga4mp")
    assert [(len(d.lines), r.status) for d, r in found] == [(2, 204), (1, 204), (0, 200)] * 2
    assert json.loads(found[2][1].body) == {"validationMessages": []}
    seen, bought = found[0][0].lines
    assert (seen["visitor"], seen["host"], seen["utm_source"]) == ("1234567890.1700000000", "shop.example", "x")
    assert (bought["order_id"], bought["amount"], bought["currency"]) == ("o1", "29.9", "EUR")
    assert bought["items"] == [{"item_id": "p1", "item_name": "Cup", "price": 14.95, "quantity": 2}]
    assert bought["props"]["user_properties"] == {"plan": "pro"}
    assert found[3][0].lines[0]["visitor"] == "a" * 32


def test_plausible() -> None:
    (page, answer), (bought, _) = exchanges("plausible")
    assert (answer.status, answer.body) == (202, b"ok")
    assert page.lines[0]["utm_campaign"] == "spring"
    assert bought.lines[0]["name"] == "purchase"
    assert page.lines[0]["visitor"] == bought.lines[0]["visitor"]  # by address and agent of the day


def test_plausible_tracker() -> None:
    (_, _), (bought, _) = exchanges("plausible-tracker")
    line = bought.lines[0]
    assert brief(line, "amount", "currency", "interactive")[0::3] == ("purchase", "29.9")
    assert (line["interactive"], line["props"]) == (False, {"plan": "pro"})


def test_umami() -> None:
    page, event, revenue = (decoded.lines[0] for decoded, _ in exchanges("umami"))
    assert (page["name"], page["url"], page["screen"]) == (
        "page_view",
        "https://shop.example/start?utm_source=news",
        "1920x1080",
    )
    assert brief(event)[::2] == ("sign_up", "u1")
    assert brief(revenue, "amount", "currency")[3:] == ("29.9", "EUR")
    assert set(json.loads(exchanges("umami")[0][1].body)) == {"cache", "sessionId", "visitId"}
    assert [decoded.lines[0]["name"] for decoded, _ in exchanges("umami-node")] == ["page_view", "sign_up", "identify"]
