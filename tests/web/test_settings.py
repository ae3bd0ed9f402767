"""Settings by clicking: users, keys, links, sendings; what is told once; the log. And the first hour in an empty folder."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path
from typing import Any

import pytest
from browsing import browsing
from doors import HOST, PASSWORD, csrf, sign_in
from starlette.testclient import TestClient

from assay.plan.load import load
from assay.web.asking import Asker
from support import NOW, workspace

PLAN = "site: {name: Set, timezone: UTC, currency: EUR}\nmetrics: {views: {type: simple, count: page_view}}\n"


@pytest.fixture
def client(tmp_path: Path):
    with workspace(tmp_path, PLAN):
        pass
    with browsing(tmp_path, NOW, "admin") as made:
        yield made


def act(client: Any, act_: str, **fields: str) -> Any:
    form = {"csrf": csrf(client.get("/shop/settings").text), "act": act_, **fields}
    return client.post("/shop/settings", data=form, headers={"Origin": HOST})


def once(page: str) -> str:
    found = re.search(r'id="once"><code>([^<]*)</code>', page)
    assert found, page
    return html.unescape(found.group(1))


def test_somebody_is_invited_and_comes_in(client: Any) -> None:
    link = once(act(client, "user-add", email="Bo@example.org", role="analyst").text)
    assert link.startswith(f"{HOST}/shop/welcome/")
    other = TestClient(client.app, HOST, follow_redirects=False)
    path = link.removeprefix(HOST)
    form = {"csrf": csrf(other.get(path).text), "name": "Bo", "password": PASSWORD, "again": PASSWORD}
    assert other.post(path, data=form, headers={"Origin": HOST}).headers["location"] == "/shop/"
    assert other.get("/shop/build").status_code == 200
    assert other.get("/shop/settings").status_code == 403
    assert act(client, "user-role", email="bo@example.org", role="viewer").status_code == 200
    assert other.get("/shop/build").status_code == 403
    assert act(client, "user-remove", email="bo@example.org").status_code == 200
    assert other.get("/shop/overview").status_code == 303
    log = client.get("/shop/settings/log").text
    assert all(words in log for words in ("added a user", "changed a role", "removed a user", "bo@example.org"))
    assert "added a user" not in re.sub(r"<option.*?</option>", "", client.get("/shop/settings/log?what=role").text)


def test_how_to_send_a_report_by_itself_is_told_in_lines_that_the_plan_takes(client: Any, tmp_path: Path) -> None:
    def told() -> str:
        found = re.search(r'<pre id="schedule"[^>]*><code>(.*?)</code>', client.get("/shop/settings").text, re.DOTALL)
        assert found
        return html.unescape(found.group(1))

    file = next(tmp_path.rglob("assay.yaml"))
    file.write_text(PLAN + told() + "\n")
    plan = load(file.parent)
    (one,) = plan.report.schedules
    assert (one.every, one.format) == ("monday 08:00", "pdf")
    assert one.to[0] in client.get("/shop/account").text  # whoever reads it
    for _ in range(100):
        if "Add another" in (page := client.get("/shop/settings").text):
            break
        time.sleep(0.1)
    assert "monday 08:00: pdf to" in page
    file.write_text(file.read_text() + told() + "\n")
    assert len(load(file.parent).report.schedules) == 2


def test_keys_open_the_api_until_they_are_revoked(client: Any) -> None:
    key = once(act(client, "key-add", name="notebook", scope="read", days="3").text)
    other = TestClient(client.app, HOST, headers={"Authorization": f"Bearer {key}"})
    assert other.get("/shop/api/v1/catalog").status_code == 200
    page = client.get("/shop/settings").text
    assert key not in page
    number = re.search(r'name="no" value="(\d+)"><span><code>ak_', page)
    assert number
    assert act(client, "key-revoke", no=number.group(1)).status_code == 200
    assert other.get("/shop/api/v1/catalog").status_code == 401


def test_a_shared_view_is_seen_without_a_password_and_leads_nowhere(client: Any) -> None:
    link = once(act(client, "share-add", view="/overview?compare=previous", days="2", title="For the board").text)
    other = TestClient(client.app, HOST, follow_redirects=False)
    seen = other.get(f"{link}?wait=1")
    assert seen.status_code == 200
    assert "/api/v1" not in seen.text
    assert "Settings" not in seen.text
    assert other.get(f"{link}?part=0").text.lstrip().startswith("<section")
    assert other.get("/shop/overview").status_code == 303
    assert act(client, "share-revoke", no="1").status_code == 200
    assert other.get(link).status_code == 404


def test_write_keys_and_the_tag(client: Any) -> None:
    key = once(act(client, "write-key-add", source="web", kind="public", origins="https://shop.example").text)
    assert key.startswith("pk_")
    assert key in html.unescape(client.get("/shop/snippet").text)
    assert "assay.auto.js" in html.unescape(client.get("/shop/snippet?auto=on").text)
    assert "Waiting for the first event" in client.get("/shop/snippet/check").text
    secret = once(act(client, "write-key-add", source="server", kind="secret").text)
    assert secret.startswith("sk_")
    assert secret not in client.get("/shop/settings").text
    mark = re.search(rf'name="mark" value="(\w+)"><span><code>{key}', client.get("/shop/settings").text)
    assert mark
    assert act(client, "write-key-revoke", mark=mark.group(1)).status_code == 200
    assert act(client, "write-key-revoke", mark=mark.group(1)).status_code == 422


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("user-add", {"email": "nobody", "role": "viewer"}, "is no e-mail address"),
        ("user-add", {"email": "a@example.org", "role": "king"}, "there is no role"),
        ("user-role", {"email": "admin@example.org", "role": "viewer"}, "is the only admin"),
        ("user-remove", {"email": "admin@example.org"}, "is the only admin"),
        ("user-link", {"email": "<b>x@example.org"}, "x@example.org"),
        ("key-add", {"name": "", "scope": "read"}, "needs a name"),
        ("key-add", {"name": "x", "scope": "all"}, "there is no scope"),
        ("key-add", {"name": "x", "scope": "read", "days": "-1"}, "no number of days"),
        ("key-revoke", {"no": "99999999999999999999"}, "there is no API key"),
        ("share-add", {"view": "https://evil.example/"}, "is no view"),
        ("share-add", {"view": "//evil.example"}, "is no view"),
        ("share-revoke", {"no": "x"}, "which one"),
        ("write-key-add", {"source": "web", "origins": "shop.example"}, "an origin is such as"),
        ("write-key-revoke", {"mark": "pk_"}, "no such key"),
        ("send-again", {"no": "7"}, "no sending 7"),
        ("", {}, "no such act"),
        ("__class__", {}, "no such act"),
    ],
)
def test_mistakes_change_nothing(client: Any, name: str, fields: dict[str, str], says: str) -> None:
    got = act(client, name, **fields)
    assert got.status_code == 422
    assert says in html.unescape(got.text)
    assert "<b>x@" not in got.text


def test_an_empty_folder_asks_what_it_is_for(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    with browsing(folder, NOW, "admin") as client:

        def look(site: Any) -> None:
            site.asker = Asker(folder, clock=NOW)

        client.app.app.routes[-1].app.__self__.look = look
        assert client.get("/shop/").headers["location"] == "/shop/start"
        page = client.get("/shop/start").text
        for offered in ("purchase rate", "checkout", "A first plan for a shop", 'value="My Shop"'):
            assert offered in page
        assert client.get("/shop/overview").status_code == 409
        form = {
            "csrf": csrf(page),
            "template": "saas",
            "name": "Soft <b>",
            "timezone": "Europe/Berlin",
            "currency": "usd",
        }
        wrong = client.post("/shop/start", data={**form, "timezone": "Berlin"}, headers={"Origin": HOST})
        assert (wrong.status_code, "Soft &lt;b&gt;" in wrong.text, list(folder.glob("*.yaml"))) == (422, True, [])
        done = client.post("/shop/start", data=form, headers={"Origin": HOST})
        assert (done.status_code, done.headers["location"]) == (303, "/shop/snippet")
        plan = load(folder)
        assert (plan.site.name, plan.site.timezone, plan.site.currency) == ("Soft <b>", "Europe/Berlin", "USD")
        assert client.get("/shop/start").headers["location"] == "/shop/"
        assert client.get("/shop/overview?wait=1").status_code == 200
        assert client.get("/shop/build").status_code == 200


def test_only_an_admin_chooses_the_first_plan(tmp_path: Path) -> None:
    with browsing(tmp_path, NOW, "viewer") as client:
        page = client.get("/shop/start").text
        assert "An admin of this workspace chooses" in page
        got = client.post("/shop/start", data={"csrf": csrf(page), "template": "shop"}, headers={"Origin": HOST})
        assert (got.status_code, list(tmp_path.glob("*.yaml"))) == (403, [])


def test_signing_in_leads_back(client: Any) -> None:
    other = TestClient(client.app, HOST, follow_redirects=False)
    first = other.get("/shop/overview?from=2024-03-01")
    assert first.headers["location"] == "/shop/login?next=/shop/overview%3Ffrom%3D2024-03-01"
    done = sign_in(other, "admin@example.org", wanted="/shop/overview?from=2024-03-01", under="/shop")
    assert done.headers["location"] == "/shop/overview?from=2024-03-01"
