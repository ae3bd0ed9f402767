"""A server lends its store to commands beside it: it lets go, waits, and has it back, however the borrower ends."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from assay.store.held import Held
from assay.store.lending import FILE, Lender, borrow
from assay.workspace import Workspace
from support import NOW, view, workspace

PLAN = "site: {name: Lent, timezone: UTC}\nmetrics: {views: {type: simple, count: page_view}}\n"
COUNT = ("metric", "views")


@pytest.fixture
def lent(tmp_path: Path):
    with workspace(tmp_path, PLAN, [view("a", "2024-03-01 10:00"), view("b", "2024-03-01 11:00")]):
        pass
    held = Held(tmp_path / "assay-data")
    lender = Lender(held)
    yield held
    lender.close()
    held.close()


def of_server(folder: Path, held: Held) -> int:
    with Workspace(folder, now=NOW, held=held) as ws:
        return int(ws.ask(*COUNT).rows[0][0])


def beside(folder: Path, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


ASKS = "import sys, assay; ws = assay.open(sys.argv[1]); print(ws.ask('metric', 'views').rows[0][0]); "


def test_a_command_beside_the_server_asks_and_the_server_goes_on(tmp_path: Path, lent: Held) -> None:
    assert of_server(tmp_path, lent) == 2
    other = beside(tmp_path, ASKS)
    assert other.communicate(timeout=60)[0] == "2\n"
    assert of_server(tmp_path, lent) == 2


def test_a_notebook_that_stays_open_keeps_nothing(tmp_path: Path, lent: Held) -> None:
    other = beside(tmp_path, ASKS + "sys.stdout.flush(); sys.stdin.read()")
    assert other.stdout is not None
    assert other.stdout.readline() == "2\n"
    assert of_server(tmp_path, lent) == 2  # while the other one is still there
    other.kill()
    other.communicate()


def test_who_dies_with_a_loan_gives_it_back(tmp_path: Path, lent: Held) -> None:
    held_for_ever = (
        "import sys, assay; ws = assay.open(sys.argv[1]); ws.engine; print('has it', flush=True); sys.stdin.read()"
    )
    other = beside(tmp_path, held_for_ever)
    assert other.stdout is not None
    assert other.stdout.readline() == "has it\n"
    got: list[int] = []
    asking = threading.Thread(target=lambda: got.append(of_server(tmp_path, lent)))
    asking.start()
    time.sleep(0.3)
    assert got == []  # the server waits for it
    other.send_signal(signal.SIGKILL)
    asking.join(30)
    assert got == [2]
    other.communicate()


def test_loads_and_questions_of_several_processes_take_turns(tmp_path: Path, lent: Held) -> None:
    done: list[int] = []
    asking = [
        threading.Thread(target=lambda: done.extend(of_server(tmp_path, lent) for _ in range(5))) for _ in range(2)
    ]
    others = [beside(tmp_path, ASKS + "ws.rebuild(); print(ws.ask('metric', 'views').rows[0][0])") for _ in range(2)]
    for one in asking:
        one.start()
    assert [one.communicate(timeout=120)[0] for one in others] == ["2\n2\n"] * 2
    for one in asking:
        one.join(60)
    assert done == [2] * 10


def test_only_who_may_read_the_file_borrows(tmp_path: Path, lent: Held) -> None:
    path = tmp_path / "assay-data" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    for secret in (b"", b"wrong", told["secret"][:-1].encode(), b"x" * 100_000):
        with socket.create_connection(("127.0.0.1", told["port"]), 5) as caller:
            caller.settimeout(10)
            caller.sendall(secret + b"\n")
            with suppress(ConnectionResetError):
                assert caller.recv(10) == b""
    assert of_server(tmp_path, lent) == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"port": "x"}', '{"port": 1, "secret": "x", "pid": 1}'])
def test_a_file_of_a_server_that_was_killed_is_nothing(tmp_path: Path, text: str) -> None:
    with workspace(tmp_path, PLAN, [view("a", "2024-03-01 10:00")]):
        pass
    (tmp_path / "assay-data" / FILE).write_text(text, encoding="utf-8")
    assert borrow(tmp_path / "assay-data") is None
    with Workspace(tmp_path, now=NOW) as ws:
        assert ws.ask(*COUNT).rows[0][0] == 1


def test_nothing_is_lent_after_the_end(tmp_path: Path) -> None:
    held = Held(tmp_path)
    lender = Lender(held)
    loan = borrow(tmp_path)
    assert loan is not None
    loan.close()
    lender.close()
    assert not (tmp_path / FILE).exists()
    assert borrow(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
