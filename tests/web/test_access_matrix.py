"""Every route with every role, by session, by key and with nothing: what is not said to be open is closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import HOST, Doors, made, token_of
from starlette.testclient import TestClient

ROUTES = [  # path, method, least role; "" = anybody, None = no rule
    ("/", "GET", "viewer"),
    ("/", "HEAD", "viewer"),
    ("/funnels", "GET", "viewer"),
    ("/people/7", "GET", "viewer"),
    ("/funnels.csv", "GET", "viewer"),
    ("/plan", "GET", "analyst"),
    ("/notes", "POST", "analyst"),
    ("/plan", "PUT", "analyst"),
    ("/plan", "DELETE", "analyst"),
    ("/settings", "GET", "admin"),
    ("/settings", "POST", "admin"),
    ("/help", "GET", ""),
    ("/forgotten", "GET", None),
    ("/forgotten", "POST", None),
    ("/folder/known", "GET", "viewer"),
    ("/folder/forgotten", "GET", None),
    ("/raw/anything", "GET", None),
    ("/open/anything", "GET", ""),
    ("/api/v1/overview", "GET", "viewer"),
    ("/api/v1/backlog", "POST", "analyst"),
    ("/api/v1/erase", "POST", "admin"),
    ("/api/v1/forgotten", "GET", None),
    ("/api/v1/included/inner", "GET", None),
]
WHO = ("none", "viewer", "analyst", "admin", "read", "write", "admin key")
RANK = {"": 0, "viewer": 1, "analyst": 2, "admin": 3}
HOLDS = {"none": 0, "viewer": 1, "analyst": 2, "admin": 3, "read": 1, "write": 2, "admin key": 3}


@pytest.fixture(scope="module")
def open_doors(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Doors, dict[str, tuple[TestClient, dict[str, str]]]]]:
    doors = made(tmp_path_factory.mktemp("matrix"))
    who: dict[str, tuple[TestClient, dict[str, str]]] = {"none": (doors.client(), {})}
    for role in ("viewer", "analyst", "admin"):
        client = doors.signed_in(role)
        who[role] = (client, {"X-CSRF-Token": token_of(client), "Origin": HOST})
    for name, scope in (("read", "read"), ("write", "write"), ("admin key", "admin")):
        who[name] = (doors.client(), doors.key(scope))
    yield doors, who
    doors.access.state.close()


def expected(path: str, who: str, least: str | None) -> set[int]:
    if who == "none" and least:
        return {401} if path.startswith("/api") else {303}
    if least is None or HOLDS[who] < RANK[least]:
        return {403}
    return {200}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("path", "method", "least"), ROUTES, ids=[f"{m} {p}" for p, m, _ in ROUTES])
def test_a_route_is_open_to_its_role_and_those_above(
    open_doors, path: str, method: str, least: str | None, who: str
) -> None:
    client, headers = open_doors[1][who]
    got = client.request(method, path, headers=headers)
    assert got.status_code in expected(path, who, least), got.text
    if got.status_code == 303:
        assert got.headers["location"].startswith("/login")
    if got.status_code >= 400 and (path.startswith("/api") or "Authorization" in headers):
        assert set(got.json()) == {"error"}
        assert set(got.json()["error"]) == {"code", "message"}


def test_routes_without_a_rule_are_found(open_doors) -> None:
    found = open_doors[0].guard.uncovered()
    assert sorted(found) == [
        "/api/v1 (_IncludedRouter)",
        "/api/v1/forgotten",
        "/folder/forgotten",
        "/forgotten",
        "/raw",
    ]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/api", "/folder/", "/plan/", "/settings/%2e%2e"])
def test_paths_that_no_route_has(open_doors, path: str, who: str) -> None:
    client, headers = open_doors[1][who]
    assert client.get(path, headers=headers).status_code in ({303, 401} if who == "none" else {404})


def test_a_method_that_a_route_does_not_have(open_doors) -> None:
    """It is refused by the route's rule first, then by the route."""
    clients = open_doors[1]
    assert clients["none"][0].delete("/settings").status_code == 303
    assert clients["viewer"][0].delete("/settings", headers=clients["viewer"][1]).status_code == 403
    assert clients["admin"][0].delete("/settings", headers=clients["admin"][1]).status_code == 405


def test_a_rule_by_path_for_a_route_that_cannot_say_its_own(tmp_path: Path) -> None:
    from assay.web.access.rules import requires

    doors = made(tmp_path, ["viewer"])
    doors.guard.paths["/raw/anything"] = requires("viewer")
    assert doors.signed_in("viewer").get("/raw/anything").text == "a whole application without a rule"
    assert doors.client().get("/raw/anything").status_code == 303
    assert doors.signed_in("viewer").get("/raw/else").status_code == 403
    doors.access.state.close()


def test_a_page_for_people_is_closed_to_keys(open_doors) -> None:
    client, headers = open_doors[1]["admin key"]
    got = client.get("/account", headers=headers)
    assert (got.status_code, got.json()["error"]["code"]) == (403, "forbidden")


def test_a_role_holds_from_the_next_request_on(doors: Doors) -> None:
    from assay.web.access import users
    from assay.web.access.values import CONSOLE

    client = doors.signed_in("analyst")
    assert client.get("/plan").status_code == 200
    users.set_role(doors.access, "analyst@example.org", "viewer", CONSOLE)
    assert client.get("/plan").status_code == 403
    users.remove(doors.access, "analyst@example.org", CONSOLE)
    assert client.get("/").status_code == 303
    assert ("analyst@example.org", "refused", "GET /plan") in doors.audit()


def test_a_user_of_one_workspace_is_nobody_in_another(tmp_path: Path) -> None:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Mount, Route

    from assay.web.access.guard import everywhere

    shop, leads = made(tmp_path, slug="shop"), made(tmp_path, ["admin"], slug="leads")

    async def portfolio(request: Request) -> Response:
        return JSONResponse([who.role for who in everywhere(request.scope, [shop.access, leads.access])])

    workspaces = [Mount("/w/shop", app=shop.guard), Mount("/w/leads", app=leads.guard)]
    server = Starlette(routes=[*workspaces, Route("/portfolio", portfolio)])
    client = TestClient(server, HOST, follow_redirects=False)
    got = client.get("/w/shop/login", params={"next": "/w/shop/funnels?a=1"})
    from doors import PASSWORD, csrf

    form = {"csrf": csrf(got.text), "email": "analyst@example.org", "password": PASSWORD, "next": "/w/leads/plan"}
    done = client.post("/w/shop/login", data=form, headers={"Origin": HOST})
    assert (done.status_code, done.headers["location"]) == (303, "/w/shop/")
    assert client.get("/w/shop/plan").json()["role"] == "analyst"
    assert client.get("/w/leads/").headers["location"] == "/w/leads/login"
    assert client.get("/portfolio").json() == ["analyst", ""]
    key = shop.key("admin")
    assert client.get("/w/shop/settings", headers=key).status_code == 200
    assert client.get("/w/leads/settings", headers=key).status_code == 401
    for one in (shop, leads):
        one.access.state.close()
