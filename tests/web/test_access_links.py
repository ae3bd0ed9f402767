"""The first admin, invitations, new passwords, API keys, share links, the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doors import HOST, PASSWORD, Doors, csrf, made, sign_in

from assay.model.errors import UnknownName, UsageError
from assay.web.access import audit, keys, links, shares, users
from assay.web.access.values import CONSOLE, DAY, SECOND, Actor


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Doors]:
    """A workspace that nobody has entered."""
    found = made(tmp_path, [])
    yield found
    found.access.state.close()


def enter(client: Any, path: str, **fields: str) -> Any:
    form = {"csrf": csrf(client.get(path).text), "password": PASSWORD, "again": PASSWORD, **fields}
    return client.post(path, data=form, headers={"Origin": HOST})


def test_the_first_one_with_the_link_becomes_the_admin(empty: Doors) -> None:
    before = links.first_link(empty.access.state, empty.clock.now)
    path = links.first_link(empty.access.state, empty.clock.now)
    assert before is not None
    assert path is not None
    client = empty.client()
    assert client.get(before).status_code == 404  # a new start makes a new link, the old one is void
    assert enter(client, path, email="no address").status_code == 422
    assert enter(client, path, email="Ann@Example.org", again="something else").status_code == 422
    done = enter(client, path, email="Ann@Example.org", name="Ann")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert client.get("/settings").json() == {
        "kind": "user",
        "name": "Ann",
        "role": "admin",
        "path": "/settings",
        "query": "",
    }
    assert client.get(path).status_code == 404
    assert links.first_link(empty.access.state) is None
    assert ("ann@example.org", "first_admin", "") in empty.audit()


def test_a_first_link_ends_after_a_day_and_when_there_is_an_admin(empty: Doors) -> None:
    path = links.first_link(empty.access.state, empty.clock.now)
    assert path is not None
    empty.clock.now += DAY
    assert empty.client().get(path).status_code == 404
    path = links.first_link(empty.access.state, empty.clock.now)
    assert path is not None
    users.add(empty.access, "bo@example.org", "admin", CONSOLE)
    assert enter(empty.client(), links.make(empty.access, "bo@example.org", CONSOLE)).status_code == 303
    assert empty.client().get(path).status_code == 404
    with pytest.raises(UsageError, match="no longer valid"):
        links.use(empty.access, path.removeprefix(links.PATH), PASSWORD, "", "eve@example.org")


def test_an_invitation_works_once(doors: Doors) -> None:
    users.add(doors.access, "new@example.org", "analyst", CONSOLE)
    first = links.make(doors.access, "new@example.org", CONSOLE)
    path = links.make(doors.access, "new@example.org", CONSOLE)
    assert sign_in(doors.client(), "new@example.org", "").status_code == 401
    client = doors.client()
    assert (client.get(first).status_code, client.get(path).status_code) == (404, 200)
    assert (
        enter(client, path, name="New", email="admin@example.org").status_code == 303
    )  # a given address counts for nothing
    assert client.get("/plan").json()["role"] == "analyst"
    assert doors.client().get(path).status_code == 404


def test_a_link_for_a_new_password_ends_sessions(doors: Doors) -> None:
    before = doors.signed_in("viewer")
    path = links.make(doors.access, "viewer@example.org", Actor("admin@example.org"))
    assert before.get("/").status_code == 200
    client = doors.client()
    assert enter(client, path, password="a wholly new one", again="a wholly new one").status_code == 303
    assert (before.get("/").status_code, client.get("/").status_code) == (303, 200)
    assert sign_in(doors.client(), "viewer@example.org").status_code == 401
    assert users.find(doors.access, "viewer@example.org")["name"] == "Viewer"
    assert ("admin@example.org", "reset_link", "viewer@example.org") in doors.audit()


@pytest.mark.parametrize("password", ["short", "a" * 2000, "aaaaaaaaaaaaaaaa", "viewer@example.org", " " * 20, ""])
def test_weak_passwords_use_nothing_up(doors: Doors, password: str) -> None:
    path = links.make(doors.access, "viewer@example.org", CONSOLE)
    got = enter(doors.client(), path, password=password, again=password)
    assert (got.status_code, 'role="alert"' in got.text) == (422, True)
    assert enter(doors.client(), path).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "../settings", "a" * 5000, "%00", "' OR 1=1 --", "é" * 43])
def test_made_up_links_open_nothing(doors: Doors, token: str) -> None:
    client = doors.client()
    for path in (f"/welcome/{token}", f"/s/{token}"):
        assert client.get(path).status_code in (303, 404)
        assert client.post(path, headers={"Origin": HOST}).status_code in (303, 403, 404)


@pytest.mark.parametrize(
    "email",
    [
        "ann",
        "ann@",
        "@example.org",
        "a b@example.org",
        "ann@example.org\r\nX: y",
        "<b>@example.org",
        "a" * 300 + "@example.org",
        "ann@localhost",
        "a\u202e@example.org",
    ],
)
def test_what_is_no_address(doors: Doors, email: str) -> None:
    with pytest.raises(UsageError, match="no e-mail address"):
        users.add(doors.access, email, "viewer", CONSOLE)


def test_users_are_one_whatever_the_letters(doors: Doors) -> None:
    with pytest.raises(UsageError, match="already"):
        users.add(doors.access, " Viewer@EXAMPLE.org ", "viewer", CONSOLE)
    with pytest.raises(UsageError, match="did you mean 'admin'"):
        users.add(doors.access, "new@example.org", "admn", CONSOLE)
    with pytest.raises(UnknownName, match=r"viewer@example\.org"):
        users.remove(doors.access, "viewr@example.org", CONSOLE)


# -- API keys ----------------------------------------------------------------------------------------------------------


def test_a_key_holds_until_it_ends_or_is_revoked(doors: Doors) -> None:
    client = doors.client()

    def status(key: str) -> int:
        return int(client.get("/api/v1/overview", headers={"Authorization": f"Bearer {key}"}).status_code)

    short, long = (keys.add(doors.access, name, ["read"], CONSOLE, days) for name, days in (("a", 1), ("b", 2)))
    assert (status(short), status(long)) == (200, 200)
    doors.clock.now += DAY
    assert (status(short), status(long)) == (401, 200)
    (found,) = [one for one in keys.everyone(doors.access) if one.state == "in use"]
    assert (found.name, found.start, found.scopes, found.used_at) == ("b", long[:8], ("read",), doors.clock.now)
    keys.revoke(doors.access, found.no, CONSOLE)
    assert status(long) == 401
    with pytest.raises(UsageError, match="no API key"):
        keys.revoke(doors.access, found.no, CONSOLE)
    assert [one.state for one in keys.everyone(doors.access)] == ["revoked", "over"]


@pytest.mark.parametrize(
    "given",
    [
        "Bearer",
        "Bearer x",
        "Basic abc",
        "Bearer ak_",
        f"Bearer ak_{'a' * 43}",
        "Bearer " + "a" * 9000,
        "ak_x",
        "Bearer ak_é",
    ],
)
def test_a_wrong_key_is_nobody_whatever_cookie_comes_with_it(doors: Doors, given: str) -> None:
    client = doors.signed_in("admin")
    got = client.get("/settings", headers={"Authorization": given.encode()})
    assert (got.status_code, got.json()["error"]["code"]) == (401, "unauthenticated")
    assert got.headers["www-authenticate"] == "Bearer"


def test_a_key_wants_no_token_of_a_form_and_is_told_as_such(doors: Doors) -> None:
    headers = doors.key("read", "write")
    assert doors.client().post("/api/v1/backlog", headers=headers).json() == {"noted": "yes"}
    client = doors.client()
    assert client.get("/funnels.csv", headers=headers).text == "a,b\n1,2\n"
    row = doors.access.state.read("audit", limit=1, before=None, what="export")[0]
    assert (row["who"], row["via"], row["about"]) == ("a program", "key 1", "/funnels.csv")


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", ["read"], 1), ("a", [], 1), ("a", ["reed"], 1), ("a", ["read"], 0), ("a", ["read"], 9999)],
)
def test_keys_that_cannot_be(doors: Doors, name: str, scopes: list[str], days: int) -> None:
    with pytest.raises(UsageError):
        keys.add(doors.access, name, scopes, CONSOLE, days)


# -- share links -------------------------------------------------------------------------------------------------------


def test_a_share_link_shows_one_view_and_nothing_else(doors: Doors) -> None:
    path = shares.add(doors.access, "/funnels?segment=mobile&name=a%20b", CONSOLE, title="Checkout")
    client = doors.client()
    assert client.get(path).json() == {
        "kind": "share", "name": "Checkout", "role": "viewer", "path": "/funnels", "query": "segment=mobile&name=a%20b",
    }  # fmt: skip
    assert client.get("/funnels?segment=mobile").status_code == 303
    assert client.get(path + "/more").status_code == 404
    assert client.post(path, headers={"Origin": HOST}).status_code == 404
    assert "set-cookie" not in client.get(path).headers


@pytest.mark.parametrize(("added", "query"), [
    ("?segment=everybody", "segment=mobile"),
    ("?part=steps", "segment=mobile&part=steps"),
    ("?part=../settings", "segment=mobile"),
    ("?part=a%26segment%3Db", "segment=mobile"),
    ("?part=a&part=b&x=1", "segment=mobile&part=b"),
])  # fmt: skip
def test_the_query_of_a_share_link_is_its_own(doors: Doors, added: str, query: str) -> None:
    path = shares.add(doors.access, "/funnels?segment=mobile", CONSOLE)
    assert doors.client().get(path + added).json()["query"] == query


@pytest.mark.parametrize(
    "view",
    [
        "/settings",
        "/people/7",
        "/funnels.csv",
        "/account",
        "/login",
        "/help",
        "/forgotten",
        "/api/v1/overview",
        "/nowhere",
        "/s/x",
    ],
)
def test_what_is_not_for_sharing_is_not_shared_even_with_an_admin(doors: Doors, view: str) -> None:
    path = shares.add(doors.access, view, CONSOLE)
    assert doors.client().get(path).status_code == 404
    assert doors.signed_in("admin").get(path).status_code == 404


@pytest.mark.parametrize(
    "view", ["", "funnels", "//evil.example", "https://evil.example", "/a/../b", "/a\\b", "/a%2e%2e/b", "/a\r\nb"]
)
def test_what_is_no_view(doors: Doors, view: str) -> None:
    with pytest.raises(UsageError, match="no view"):
        shares.add(doors.access, view, CONSOLE)


def test_a_share_link_ends_and_can_be_revoked(doors: Doors) -> None:
    first, second = (shares.add(doors.access, "/", CONSOLE, days) for days in (1, 30))
    client = doors.client()
    doors.clock.now += DAY
    assert [client.get(one).status_code for one in (first, second)] == [404, 200]
    no = next(one.no for one in shares.everyone(doors.access) if one.state == "in use")
    shares.revoke(doors.access, no, CONSOLE)
    assert client.get(second).status_code == 404
    assert [one.state for one in shares.everyone(doors.access)] == ["revoked", "over"]


# -- the log -----------------------------------------------------------------------------------------------------------


def test_the_log_comes_in_pages_and_words(doors: Doors) -> None:
    for n in range(25):
        doors.clock.now += SECOND
        audit.note(doors.access.state, CONSOLE, "export", doors.clock.now, f"/{n}")
    first = audit.page(doors.access.state, 10, what="export")
    assert [one.about for one in first.entries] == [f"/{n}" for n in range(24, 14, -1)]
    assert (first.entries[0].text, first.entries[0].who, first.entries[0].at) == (
        "exported",
        "command line",
        doors.clock.now,
    )
    third = audit.page(
        doors.access.state, 10, audit.page(doors.access.state, 10, first.older, "export").older, "export"
    )
    assert ([one.about for one in third.entries], third.older) == ([f"/{n}" for n in range(4, -1, -1)], None)


def test_strangers_push_nothing_out_of_the_log(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.web.access.audit.KEPT", 5)
    kept = len(doors.audit())
    for _ in range(20):
        audit.note(doors.access.state, Actor(""), "login_failed", 1, "x" * 9999)
    assert len(doors.audit()) == kept + 5
    assert max(len(about) for _, _, about in doors.audit()) == 500


def test_every_change_of_rights_is_in_the_log(doors: Doors) -> None:
    state, by = doors.access, Actor("admin@example.org", "session 1")
    users.add(state, "x@example.org", "viewer", by)
    users.set_role(state, "x@example.org", "analyst", by)
    keys.add(state, "k", ["read"], by)
    keys.revoke(state, 1, by)
    shares.add(state, "/", by)
    shares.revoke(state, 1, by)
    users.remove(state, "x@example.org", by)
    mine = [what for who, what, _ in doors.audit() if who == "admin@example.org"][-7:]
    assert mine == ["user_added", "role", "key_added", "key_revoked", "share_added", "share_revoked", "user_removed"]
