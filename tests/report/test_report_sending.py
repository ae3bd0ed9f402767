"""Sending, with a real mail server and a real web server: failed is tried again, sent is sent once."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import reported
from aiosmtpd.controller import Controller

from assay.cli.run import run
from assay.jobs import JOBS, send_reports
from assay.plan.reporting import Schedule
from assay.report.outbox import MOST_TRIES, due, wait
from assay.workspace import Workspace
from support import at, workspace

MONDAY = at("2026-05-04 09:00")  # 11:00 in Berlin
HOUR = 3_600_000_000


@dataclass
class Inbox:
    """What a mail server took; ``refuse``: how many it refuses first, ``after`` the whole mail was sent to it."""

    refuse: int = 0
    mails: list[Any] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            self.refuse -= 1
            return "451 try again later"
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 taken"


@dataclass
class Site:
    """A web server: answers with these codes one after the other, then 200; what was posted."""

    codes: list[int] = field(default_factory=list)
    posts: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    box = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port, server_hostname="localhost")
    server.start()
    yield box, port
    server.stop()


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.posts.append((dict(self.headers), body))
            code = found.codes.pop(0) if found.codes else 200
            self.send_response(code)
            if code == 302:
                self.send_header("Location", f"{found.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def plan(port: int, *to: str, every: str = "monday 08:00", format: str = "html") -> str:  # noqa: A002
    head, _, _ = reported.plan().partition("report:")
    return head + (
        "report:\n  title: The week\n  link: https://example.com/reports\n"
        f"  mail: {{host: 127.0.0.1, port: {port}, tls: none, from: reports@example.com}}\n"
        "  hooks:\n    team: {kind: slack, url: env:TEAM_URL}\n    crm: {url: env:CRM_URL}\n"
        f"  schedules:\n    - {{every: {every}, to: [{', '.join(to)}], format: {format}}}\n"
    )


def opened(folder: Path, text: str, now: int = MONDAY) -> Workspace:
    if not (folder / "assay.yaml").exists():
        workspace(folder, text, reported.events(), now=now).close()
    return Workspace(folder, now=now)


def states(ws: Workspace) -> dict[str, tuple[str, int]]:
    return {row["receiver"]: (row["state"], row["tries"]) for row in ws.state.read("outbox")}


def test_a_slot_goes_to_everybody_once(
    tmp_path: Path, inbox: tuple[Inbox, int], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_URL", f"{site.url}/slack")
    monkeypatch.setenv("CRM_URL", f"{site.url}/crm")
    box, port = inbox
    text = plan(port, "anna@example.com", "team", "crm")
    with opened(tmp_path / "shop", text) as ws:
        ran = JOBS["reports"](ws)
        assert (ran.sent, ran.failed, ran.waiting) == (3, 0, 0)  # type: ignore[attr-defined]
    for hours in (0, 1, 24, 100):
        with opened(tmp_path / "shop", text, MONDAY + hours * HOUR) as ws:
            assert send_reports(ws).sent == 0
    assert len(box.mails) == 1
    to, mail = box.mails[0]
    assert to == ["anna@example.com"]
    assert mail["Subject"] == "The week"
    body = mail.get_body(("plain",)).get_content()
    assert "KPIs with a target" in body
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "report-2026-05-04T0800.html"
    stored = (tmp_path / "shop" / "assay-data" / "reports" / "report-2026-05-04T0800.html").read_bytes()
    assert attached.get_payload(decode=True).replace(b"\r\n", b"\n") == stored
    slack, crm = site.posts[0][1], site.posts[1][1]
    assert set(slack) == {"text"}
    assert "<https://example.com/reports/report-2026-05-04T0800.html|" in slack["text"]
    assert base64.b64decode(crm["file"]["base64"]) == stored
    assert crm["file"]["sha256"] == hashlib.sha256(stored).hexdigest()
    with opened(tmp_path / "shop", text, MONDAY + 7 * 24 * HOUR) as ws:
        assert send_reports(ws).sent == 3


def test_what_failed_is_tried_again_after_a_growing_wait_and_shown(
    tmp_path: Path, inbox: tuple[Inbox, int], site: Site, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("CRM_URL", f"{site.url}/crm")
    monkeypatch.delenv("TEAM_URL", raising=False)
    box, port = inbox
    box.refuse, site.codes[:] = 1, [503, 302]
    text = plan(port, "anna@example.com", "team", "crm", format="md")
    folder = tmp_path / "shop"
    with opened(folder, text) as ws:
        ran = send_reports(ws)
        assert (ran.sent, ran.failed, ran.waiting) == (0, 3, 3)
        assert send_reports(ws).failed == 0  # not before a minute has passed
    assert run(["report", "outbox", "-w", str(folder)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for word in ("451", "try again later", "crm answered 503", "no TEAM_URL", "3 not delivered"):
        assert word in shown
    with opened(folder, text, MONDAY + 61_000_000) as ws:
        send_reports(ws)
        assert states(ws) == {"anna@example.com": ("sent", 2), "team": ("waiting", 2), "crm": ("waiting", 2)}
        assert send_reports(ws).failed == 0
    with opened(folder, text, MONDAY + HOUR) as ws:
        send_reports(ws)
        assert states(ws)["crm"] == ("sent", 3)
    assert len(box.mails) == 1
    assert len(site.posts) == 3  # where it was sent elsewhere nobody followed
    keys = {headers["Idempotency-Key"] for headers, _ in site.posts}
    assert len(keys) == 1


def test_after_many_tries_it_is_given_up_and_can_be_sent_by_hand(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", f"{site.url}/crm")
    site.codes[:] = [500] * MOST_TRIES
    folder, text = tmp_path / "shop", plan(1, "crm", format="md")
    for n in range(MOST_TRIES + 2):
        with opened(folder, text, MONDAY + n * 7 * HOUR) as ws:
            send_reports(ws)
    with opened(folder, text, MONDAY + 100 * HOUR) as ws:
        assert states(ws) == {"crm": ("given_up", MOST_TRIES)}
    assert len(site.posts) == MOST_TRIES
    assert run(["report", "outbox", "--again", "1", "-w", str(folder)]) == 0
    with Workspace(folder) as ws:
        assert send_reports(ws).sent >= 1
    assert run(["report", "outbox", "--again", "99", "-w", str(folder)]) == 2


def test_a_sending_that_died_is_not_repeated_by_itself(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:
    box, port = inbox
    folder, text = tmp_path / "shop", plan(port, "anna@example.com", format="md")
    with opened(folder, text) as ws:
        send_reports(ws)
        ws.state.write("again_outbox", no=1, now=MONDAY)
        assert ws.state.write("claim_outbox", no=1, tries=1, now=MONDAY) == 1
        assert ws.state.write("claim_outbox", no=1, tries=1, now=MONDAY) == 0  # a second process gets nothing
    with opened(folder, text, MONDAY + HOUR) as ws:
        assert send_reports(ws).sent == 0
        assert states(ws) == {"anna@example.com": ("unclear", 2)}
    assert len(box.mails) == 1


def test_a_server_that_is_not_there_is_a_failure_that_is_sure(tmp_path: Path) -> None:
    with opened(tmp_path / "shop", plan(1, "anna@example.com", format="md")) as ws:
        assert send_reports(ws).failed == 1
        (row,) = ws.state.read("outbox")
    assert row["state"] == "waiting"
    assert "127.0.0.1" in row["why"]


def slots(every: str, day: int | str, minute: int, now: str) -> list[str]:
    schedule = Schedule(every, day, minute, ("a@example.com",))
    return [slot.at for slot in due((schedule,), "Europe/Berlin", at(now, "Europe/Berlin"))]


def test_slots_are_moments_of_the_sites_days() -> None:
    assert slots("monday 08:00", 0, 480, "2026-05-04 07:59") == []
    assert slots("monday 08:00", 0, 480, "2026-05-04 08:00") == ["2026-05-04T08:00:00+02:00"]
    assert slots("monday 08:00", 0, 480, "2026-05-06 23:00") == ["2026-05-04T08:00:00+02:00"]
    assert slots("monday 08:00", 0, 480, "2026-05-09 08:00") == []  # missed by too much: not made up for
    assert slots("day 07:30", "day", 450, "2026-05-04 07:00") == ["2026-05-03T07:30:00+02:00"]
    assert slots("month 06:00", "month", 360, "2026-02-01 06:00") == ["2026-02-01T06:00:00+01:00"]


def test_waits_grow_to_hours() -> None:
    assert [wait(n) for n in range(1, 11)] == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 21600]
