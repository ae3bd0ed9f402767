"""Several workspaces in one server: figures only of those that whoever asks may see; nothing of one opens another."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browsing import enter, site_of, text_of
from doors import HOST
from starlette.testclient import TestClient

from assay.web.app import create
from assay.web.process import slugs
from assay.workspace import DATA, Workspace, unfinished
from support import NOW, bought, view, workspace

PLAN = """
site: {name: One, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {grow: {goal: Grow}}
metrics: {rate: {type: conversion, goal: order, per: visitor, direction: up}}
kpis: {rate: {objective: grow}}
"""


@pytest.fixture
def server(tmp_path: Path):
    lines = [view(f"v{n}", f"2024-03-{n + 1:02d} 10:00") for n in range(20)]
    lines += [bought(f"v{n}", f"2024-03-{n + 1:02d} 10:40", f"o{n}", "20", currency="EUR") for n in range(5)]
    with workspace(tmp_path / "one", PLAN, lines):
        pass
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "assay.yaml").write_text(PLAN.replace("name: One", "name: Two <i>"))
    (tmp_path / "three").mkdir()
    sites = [site_of(tmp_path / name, NOW, name) for name in ("one", "two", "three")]
    app = create(sites)
    with TestClient(app, HOST, follow_redirects=False):
        yield app, sites
    for site in sites:
        site.access.state.close()


def test_each_sees_what_is_theirs(server: Any, tmp_path: Path) -> None:
    app, sites = server
    nobody = TestClient(app, HOST, follow_redirects=False)
    page = nobody.get("/").text
    assert page.count("Sign in") == 3
    assert "One" not in text_of(page)
    client = TestClient(app, HOST, follow_redirects=False)
    enter(client, sites[0], "viewer")
    page = client.get("/").text
    with Workspace(tmp_path / "one", now=NOW) as ws:
        row = ws.ask("overview").records()[0]
    assert str(row["now"]) in text_of(page)
    assert "One" in text_of(page)
    assert "Two" not in text_of(page)
    enter(client, sites[1], "viewer")
    enter(client, sites[2], "admin")
    page = client.get("/").text
    assert "Two &lt;i&gt;" in page
    assert 'href="/three/start"' in page
    assert "may be missing" not in page
    unfinished.begin(tmp_path / "two" / DATA, "elsewhere")
    assert client.get("/").text.count("Events may be missing") == 1
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_session_of_one_opens_no_other(server: Any) -> None:
    app, sites = server
    client = TestClient(app, HOST, follow_redirects=False)
    enter(client, sites[0], "admin")
    assert client.get("/one/settings").status_code == 200
    for path in ("/two/overview", "/two/settings", "/three/start"):
        assert client.get(path).headers["location"].startswith(path[:4])
        assert "/login" in client.get(path).headers["location"]
    assert client.get("/two/api/v1/overview").status_code == 401
    assert client.get("/four/overview").status_code == 404
    assert "All sites" in client.get("/one/overview").text


def test_folders_have_names_of_their_own_in_addresses(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a/Shop", "b/shop", "c/Müller & Söhne", "d/static", "e/☃")]
    assert list(slugs(paths)) == ["shop", "shop-2", "m-ller-s-hne", "static-site", "site"]
