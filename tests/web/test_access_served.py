"""Over a real socket, and by the command line: a workspace from its first start on."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path

import httpx2
import pytest
import uvicorn
from doors import PASSWORD, csrf
from starlette.applications import Starlette

from assay.cli.run import run
from serving import free_port, listening, wait_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run(["init", str(tmp_path / "shop")]) == 0
    return tmp_path / "shop"


def test_a_first_admin_an_invitation_and_a_key_over_a_real_server(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Real argon2 at its real cost, the real clock, real processes of the command line beside a server."""
    import doors as parts

    from assay.store.state import State
    from assay.web.access import links
    from assay.web.access.base import Access
    from assay.web.access.guard import Guard
    from assay.web.access.headers import SecurityHeaders

    state = State(folder / "assay-data" / "state.sqlite")
    path = links.first_link(state)
    assert path is not None
    port = free_port()
    app = SecurityHeaders(Guard(Starlette(routes=parts.routes()), Access(state)))
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", port, log_level="error", server_header=False, lifespan="off")
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        wait_for(lambda: listening(port))
        base = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=base) as admin, httpx2.Client(base_url=base) as invited:
            form = {
                "csrf": csrf(admin.get(path).text),
                "email": "ann@example.org",
                "password": PASSWORD,
                "again": PASSWORD,
            }
            assert admin.post(path, data=form, headers={"Origin": base}).headers["location"] == "/"
            assert admin.get("/settings").json()["role"] == "admin"
            capfd.readouterr()
            assert run(["users", "add", "bo@example.org", "--role", "viewer", "--url", base, "-w", str(folder)]) == 0
            link = re.search(rf"^{base}(/welcome/\S+)$", capfd.readouterr().out, re.M)
            assert link
            form = {"csrf": csrf(invited.get(link[1]).text), "name": "Bo", "password": PASSWORD, "again": PASSWORD}
            assert invited.post(link[1], data=form, headers={"Origin": base}).status_code == 303
            assert (invited.get("/").status_code, invited.get("/settings").status_code) == (200, 403)
            assert run(["users", "role", "bo@example.org", "admin", "-w", str(folder)]) == 0
            assert invited.get("/settings").status_code == 200
            assert run(["users", "remove", "bo@example.org", "-w", str(folder)]) == 0
            assert invited.get("/settings").status_code == 303
            capfd.readouterr()
            assert run(["api-key", "add", "notebook", "-w", str(folder)]) == 0
            key = capfd.readouterr().out.split()[0]
            headers = {"Authorization": f"Bearer {key}"}
            assert httpx2.get(f"{base}/funnels.csv", headers=headers).status_code == 200
            assert httpx2.get(f"{base}/plan", headers=headers).status_code == 403
            assert run(["api-key", "revoke", "1", "-w", str(folder)]) == 0
            assert httpx2.get(f"{base}/funnels.csv", headers=headers).status_code == 401
            raw = httpx2.get(f"{base}/login").headers
            assert "server" not in raw
    finally:
        server.should_exit = True
        thread.join()
        state.close()


def test_the_command_line_lists_and_explains(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def said(*words: str, code: int = 0) -> str:
        capfd.readouterr()
        assert run([*words, "-w", str(folder)]) == code
        out, err = capfd.readouterr()
        return out + err

    assert "assay users add" in said("users", "list")
    assert "assay api-key add" in said("api-key", "list")
    assert "http://127.0.0.1:8080/welcome/" in said(
        "users", "add", "Ann@example.org", "--role", "admin", "--name", "Ann"
    )
    assert said("users", "list") == "ann@example.org  admin  Ann  invited, no password yet\n"
    assert "for seven days" in said("users", "link", "ann@example.org")
    assert "already" in said("users", "add", "ann@example.org", code=2)
    assert "no e-mail address" in said("users", "add", "ann", code=2)
    assert "did you mean 'viewer'" in said("users", "role", "ann@example.org", "viewr", code=2)
    assert "ann@example.org" in said("users", "remove", "an@example.org", code=2)
    assert said("api-key", "add", "build", "--scope", "read", "--scope", "write", "--days", "7").startswith("ak_")
    assert "  build  read, write  until " in said("api-key", "list")
    assert "did you mean 'read'" in said("api-key", "add", "x", "--scope", "reed", code=2)
    assert "no API key 9" in said("api-key", "revoke", "9", code=2)
