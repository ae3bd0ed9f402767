"""Views and boards are kept, changes and tests are acted on, by clicking; and what may not is refused."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browsing import browsing, enter, text_of
from doors import HOST, csrf
from starlette.testclient import TestClient

from assay.workspace import Workspace
from support import NOW, bought, view, workspace

PLAN = """
site: {name: Kept, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {grow: {goal: Grow}}
metrics: {rate: {type: conversion, goal: order, per: visitor, direction: up}}
kpis: {rate: {objective: grow}}
segments: {mobile: "device = 'mobile'"}
experiments: {banner: {hypothesis: It sells, primary: rate}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keeping")
    lines = [view(f"v{n}", f"2024-03-{n + 1:02d} 10:00", device="mobile" if n % 2 else "desktop") for n in range(20)]
    lines += [bought(f"v{n}", f"2024-03-{n + 1:02d} 10:40", f"o{n}", "20", currency="EUR") for n in range(4)]
    with workspace(folder, PLAN, lines):
        pass
    return folder


@pytest.fixture
def client(tmp_path: Path, base: Path):
    shutil.copytree(base, tmp_path / "shop")
    with browsing(tmp_path / "shop", NOW, "analyst") as made:
        yield made


def post(client: Any, path: str, **fields: str) -> Any:
    form = {"csrf": csrf(client.get("/shop/account").text), **fields}
    return client.post(path, data=form, headers={"Origin": HOST})


def test_a_view_is_kept_by_the_star_of_its_page_and_taken_away(client: Any) -> None:
    page = client.get("/shop/segments?segment=mobile&wait=1").text
    star = re.search(r'href="(/shop/kept\?view=[^"]*)"', page)
    assert star
    form = client.get(html.unescape(star.group(1))).text
    wanted = re.search(r'id="view" name="view" value="([^"]*)"', form)
    assert wanted
    address = html.unescape(wanted.group(1))
    assert address == "/segments?segment=mobile"
    kept = post(client, "/shop/kept", act="view", view=address, title="Phones <b>")
    assert kept.headers["location"] == "/shop/segments?segment=mobile"
    listed = client.get("/shop/kept").text
    assert 'href="/shop/segments?segment=mobile"><bdi>Phones &lt;b&gt;</bdi>' in listed
    assert post(client, "/shop/kept", act="view-away", no="1").status_code == 303
    assert "No views are kept yet" in client.get("/shop/kept").text


def test_a_card_goes_onto_a_board_with_its_question(client: Any) -> None:
    page = client.get("/shop/kpi?metric=rate&wait=1").text
    params = re.search(r'name="question" value="metric">.*?name="params" value="([^"]*)"', page, re.S)
    assert params
    assert json.loads(html.unescape(params.group(1)))["names"] == "rate"
    fields = {"title": "How we sell", "question": "metric", "shown": "answer", "params": html.unescape(params.group(1))}
    put = post(client, "/shop/kept", act="card", board="The big four", **fields)
    assert put.headers["location"] == "/shop/boards/The%20big%20four"
    board = client.get("/shop/boards/The big four?segment=mobile&wait=1").text
    assert "How we sell" in board
    with Workspace(client.folder, now=NOW) as ws:
        answer = ws.ask("metric", "rate", grain="day", segment="mobile")
    assert answer.rows
    assert "only the segment mobile" in text_of(board).lower() or "mobile" in text_of(board)
    assert 'class="banner bad"' not in board
    assert 'href="/shop/boards/The%20big%20four"' in client.get("/shop/kept").text
    assert post(client, "/shop/kept", act="card-away", no="1").status_code == 303
    assert client.get("/shop/boards/The big four").status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"act": "view", "view": "https://evil.example", "title": "x"}, "is no view"),
        ({"act": "view", "view": "/overview", "title": " "}, "needs a title"),
        ({"act": "card", "title": "x", "question": "nothing"}, "no card"),
        ({"act": "card", "title": "x", "question": "metric", "params": "[]"}, "no card"),
        ({"act": "card", "title": "x", "question": "metric", "params": "{"}, "no card"),
        ({"act": "card", "title": "x", "question": "metric", "params": '{"no": 1}'}, "no"),
        (
            {"act": "card", "title": "x", "question": "metric", "shown": "../x", "params": '{"names": "rate"}'},
            "no card",
        ),
        ({"act": "card-away", "no": "7"}, "not there any more"),
        ({"act": "view-away", "no": "' OR 1=1"}, "which one"),
        ({"act": "rm"}, "no such act"),
    ],
)
def test_what_cannot_be_kept_is_said(client: Any, fields: dict[str, str], says: str) -> None:
    got = post(client, "/shop/kept", **fields)
    assert (got.status_code, says in html.unescape(got.text)) == (422, True), text_of(got.text)


def test_a_change_is_noted_and_marked(client: Any) -> None:
    assert "What changed" in client.get("/shop/act/change").text
    assert post(client, "/shop/act/change", what="New prices", kind="price", date="2024-03-10").status_code == 303
    with Workspace(client.folder, now=NOW) as ws:
        assert ("New prices", "price") in {(row["what"], row["kind"]) for row in ws.ask("changes").records()}
    wrong = post(client, "/shop/act/change", what="x", kind="price", date="yesterday")
    assert (wrong.status_code, "yesterday" in wrong.text) == (422, True)
    assert post(client, "/shop/act/change", kind="price").status_code == 422


def test_ideas_are_kept_and_rated(client: Any) -> None:
    assert post(client, "/shop/act/idea", title="Bigger button", metric="rate", worth="1,200").status_code == 303
    assert post(client, "/shop/act/rate", no="1", confidence="7", effort="2").status_code == 303
    with Workspace(client.folder, now=NOW) as ws:
        (row,) = ws.ask("backlog").records()
    assert (row["confidence"], row["effort"]) == (7, 2)
    assert post(client, "/shop/act/rate", no="1", confidence="70").status_code == 422
    assert post(client, "/shop/act/idea", title="x", worth="much").status_code == 422


def test_a_test_is_started_stopped_and_decided(client: Any) -> None:
    started = post(client, "/shop/act/start", name="banner", force="yes")
    assert started.headers["location"] == "/shop/experiments?experiment=banner"
    assert post(client, "/shop/act/stop", name="banner", reason="enough").status_code == 303
    assert post(client, "/shop/act/stop", name="banner").status_code == 422
    assert post(client, "/shop/act/start", name="none").status_code == 422
    assert client.get("/shop/act/nothing").status_code == 404


def test_the_report_is_taken_away_as_a_file(client: Any) -> None:
    for form, begins in {"md": "# ", "html": "<!doctype html>", "json": "{"}.items():
        got = client.get(f"/shop/report.{form}")
        assert (got.status_code, got.text.lower().startswith(begins)) == (200, True), got.text[:200]
        assert got.headers["content-disposition"] == f'attachment; filename="report.{form}"'
    assert client.get("/shop/report.exe").status_code == 422
    assert client.get("/shop/report.md?from=soon").status_code == 422
    assert client.get("/shop/report.md?experiment=nothing").status_code in (404, 422)


def test_viewers_look_and_analysts_do(client: Any) -> None:
    other = TestClient(client.app, HOST, follow_redirects=False)
    enter(other, client.site, "viewer")
    assert other.get("/shop/kept").status_code == 200
    assert "Keep this view" not in other.get("/shop/overview").text
    assert post(other, "/shop/kept", act="view", view="/overview", title="x").status_code == 403
    assert post(other, "/shop/act/change", what="x").status_code == 403
