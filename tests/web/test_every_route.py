"""Every route of a workspace, tried by nobody, by every role, by keys and by a share link; and with hostile input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import enter, site_of
from doors import HOST
from httpx2 import InvalidURL
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from assay.web.access import keys, shares
from assay.web.access.rules import rule_of
from assay.web.access.values import CONSOLE, ROLES
from assay.web.app import create
from assay.web.pages import BY_NAME
from support import NOW, bought, view, workspace

PLAN = """
site: {name: Routes, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
metrics: {rate: {type: conversion, goal: order, per: visitor, direction: up}}
funnels: {buy: {steps: [page_view, purchase]}}
segments: {mobile: "device = 'mobile'"}
"""
SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT, "\"><img src=x onerror=alert(1)>", "'; DROP TABLE events; --", "../../../../etc/passwd", "%00", "\x00", "{{7*7}}",
    "a" * 2_000, "-1", "9" * 400, "NaN", "\u202e", "javascript:alert(1)", "//evil.example", "[]", "\r\nSet-Cookie: x=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder: Path = tmp_path_factory.mktemp("routes")
    with workspace(
        folder, PLAN, [view("v1", "2024-03-01 10:00"), bought("v1", "2024-03-01 10:05", "o1", "9", currency="EUR")]
    ):
        pass
    site = site_of(folder, NOW)
    app = create([site])
    with TestClient(app, HOST, follow_redirects=False):
        yield app, site
    site.access.state.close()


@pytest.fixture(scope="module")
def callers(served: Any) -> dict[str, TestClient]:
    app, site = served
    found = {"nobody": TestClient(app, HOST, follow_redirects=False)}
    for role in ROLES:
        found[role] = TestClient(app, HOST, follow_redirects=False)
        enter(found[role], site, role)
    for scope in ("read", "write", "admin"):
        key = keys.add(site.access, scope, [scope], CONSOLE)
        found[f"key {scope}"] = TestClient(
            app, HOST, follow_redirects=False, headers={"Authorization": f"Bearer {key}"}
        )
    return found


def all_routes(routes: list[BaseRoute], under: str = "", above: Any = None) -> Iterator[tuple[str, str, Any]]:
    """Method, a real path, and the rule of every route."""
    for route in routes:
        if isinstance(route, Mount):
            yield from all_routes(list(route.routes), f"{under}{route.path}", rule_of(route.app) or above)
        elif isinstance(route, Route) or hasattr(route, "methods"):
            path = re.sub(r"\{[^}]*\}", lambda m: FILLED.get(m.group(0), "x"), f"{under}{route.path}")  # type: ignore[attr-defined]
            for method in sorted(set(route.methods or ("GET",)) - {"HEAD", "OPTIONS"}):  # type: ignore[attr-defined]
                yield method, path, above or rule_of(route.endpoint)  # type: ignore[attr-defined]


FILLED = {
    "{page}": "overview",
    "{kind}": "funnel",
    "{name}": "buy",
    "{board}": "Ours",
    "{act}": "change",
    "{token}": "t" * 43,
}


def test_every_route_says_who_may(served: Any) -> None:
    _, site = served
    assert site.door.uncovered() == []
    assert len(list(all_routes(list(site.door.routes)))) > 150


def test_every_route_lets_in_whom_it_says_and_nobody_else(served: Any, callers: dict[str, TestClient]) -> None:
    _, site = served
    held = {"viewer": 0, "analyst": 1, "admin": 2, "key read": 0, "key write": 1, "key admin": 2}
    wrong = []
    for method, path, rule in all_routes(list(site.door.routes)):
        if path in ("/logout", "/account/sign-out") or (method, path) == ("POST", "/login"):
            continue  # they would end the sessions of the next ones; a wrong password is answered with 401
        for name, client in callers.items():
            got = client.request(method, f"/shop{path}", headers={"Origin": HOST})
            kind = "key" if name.startswith("key") else "none" if name == "nobody" else "user"
            may = rule.role is None or (kind in rule.kinds and held[name] >= ROLES.index(rule.role))
            csrf_missing = method == "POST" and kind != "key" and rule.csrf
            if (
                (got.status_code >= 500 and got.status_code != 503)
                or (may and not csrf_missing and got.status_code in (401, 403))
                or (
                    not may
                    and not (got.status_code in (401, 403) or got.headers.get("location", "").startswith("/shop/login"))
                )
                or (
                    csrf_missing
                    and got.status_code != 403
                    and not got.headers.get("location", "").startswith("/shop/login")
                )
            ):
                wrong.append((method, path, name, got.status_code))
    assert wrong == []


def test_a_share_link_opens_pages_only(served: Any, callers: dict[str, TestClient]) -> None:
    _, site = served
    for path, status in {**{f"/{name}": 200 for name in ("overview", "funnels")}, "/settings": 404, "/build": 404,
                         "/api/v1/overview": 404, "/metrics": 404, "/kept": 404, "/act/change": 404}.items():  # fmt: skip
        link = shares.add(site.access, path, CONSOLE)
        assert callers["nobody"].get(f"/shop{link}").status_code == status, path


@pytest.mark.parametrize("hostile", HOSTILE, ids=[repr(one[:20]) for one in HOSTILE])
def test_hostile_input_is_text_or_a_mistake(callers: dict[str, TestClient], hostile: str) -> None:
    client = callers["analyst"]
    parameters = ("from", "to", "range", "compare", "segment", "metric", "funnel", "by", "experiment", "part", "wait", "id", "q",
                  "kind", "model", "step", "a", "b")  # fmt: skip
    for page in BY_NAME:
        got = client.get(f"/shop/{page}", params={**dict.fromkeys(parameters, hostile)})
        assert got.status_code in (200, 404, 422, 413, 414, 431), (page, got.status_code, got.text[-500:])
        assert SCRIPT not in got.text
        assert "<img src=x" not in got.text
        assert "Traceback" not in got.text
        assert "set-cookie" not in {name.lower() for name in got.headers if got.headers[name] == "x=1"}
    for path in (f"/shop/{hostile}", f"/{hostile}", f"/shop/boards/{hostile}", f"/shop/build/{hostile}", f"/shop/act/{hostile}",
                 f"/shop/build/funnel/{hostile}", f"/static/{hostile}", f"/static/../../../../../etc/passwd?{hostile}"):  # fmt: skip
        try:
            got = client.get(path)
        except InvalidURL:  # what no client sends
            continue
        assert got.status_code < 500
        assert "root:" not in got.text
        assert SCRIPT not in got.text


def test_nobody_is_sent_elsewhere(callers: dict[str, TestClient]) -> None:
    for wanted in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/shop/../..//evil.example",
        "javascript:alert(1)",
    ):
        got = callers["viewer"].get("/shop/login", params={"next": wanted})
        assert got.headers["location"].startswith("/shop")
    for path in ("//evil.example", "/shop//evil.example", "/shop/%2F%2Fevil.example"):
        got = callers["viewer"].get(path)
        assert not got.headers.get("location", "").startswith(("//", "http"))


def test_every_answer_has_the_headers(callers: dict[str, TestClient]) -> None:
    for path in (
        "/",
        "/healthz",
        "/shop/overview",
        "/shop/api/v1/overview",
        "/static/app.css",
        "/nowhere",
        "/shop/login",
    ):
        got = callers["viewer"].get(path)
        assert "default-src 'none'" in got.headers["content-security-policy"], path
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["x-frame-options"] == "DENY"
        assert "script-src 'self'" in got.headers["content-security-policy"]
