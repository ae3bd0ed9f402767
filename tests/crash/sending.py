"""A collector in a process of its own, clients that send until they are told it is taken, and what is on disk afterwards."""

from __future__ import annotations

import collections
import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from serving import free_port, listening, wait_for

PROGRAM = """
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from assay.cli.collecting import prepared, serve
from assay.collect.wire import Decoded, Outcome, Protocol, Request, Response
import json, os

# What was synced, by inode: a test cuts a killed collector's segments back to it, as a power cut may.
synced, log = os.fdatasync, open(sys.argv[3], "a", buffering=1)
def told(handle):
    synced(handle)
    there = os.fstat(handle)
    log.write(f"{there.st_ino} {there.st_size}\\n")
os.fdatasync = told

def decode(request):
    lines = tuple(json.loads(request.body))
    return Decoded("pk_test", lines, tuple(range(len(lines))))

def answer(decoded, outcome):
    return Response(200, json.dumps({"ok": len(outcome.stored)}).encode())

app, _ = prepared(Path(sys.argv[1]), sys.argv[4])
from assay.collect.http import Collector, Source
from assay.collect.keys import Keys
app = Collector(app.spool, Keys({"pk_test": Source("web")}), app.steps, [Protocol("test", (("POST", "/t"),), decode, answer)])
app.spool.roll_seconds, app.spool.roll_bytes = 0.2, 20_000
serve(app, "127.0.0.1", int(sys.argv[2]))
"""


class Collecting:
    """A collector that can be killed and started again on the same folder."""

    def __init__(self, folder: Path, name: str = "c0") -> None:
        self.folder, self.name, self.port = folder, name, free_port()
        self.synced = folder / f"synced-{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.folder), str(self.port), str(self.synced), self.name]
        )
        wait_for(lambda: listening(self.port), 30)

    def kill(self, how: int = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait()

    def cut_back(self) -> int:
        """Take off open segments what was not synced; the bytes that went."""
        sizes: dict[int, int] = {}
        for line in self.synced.read_text().splitlines() if self.synced.exists() else []:
            inode, size = line.split()
            sizes[int(inode)] = int(size)
        gone = 0
        for path in (self.folder / "assay-data" / "intake" / self.name).rglob("*.open"):
            there = path.stat()
            whole = sizes.get(there.st_ino, 0)
            gone += there.st_size - whole
            with path.open("r+b") as file:
                file.truncate(whole)
        return gone


class Client(threading.Thread):
    """Sends numbered events until each is acknowledged; ids are the same in every try."""

    def __init__(self, name: str, port: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.label, self.port, self.random = name, port, random.Random(seed)
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.refused = 0
        self.answers: collections.Counter[tuple[int, str | None]] = collections.Counter()
        self.pausing, self.stopping = threading.Event(), threading.Event()

    def run(self) -> None:
        n = 0
        while not self.stopping.is_set():
            if self.pausing.is_set():
                time.sleep(0.02)
                continue
            ids = [f"{self.label}-{n + i}" for i in range(self.random.choice((1, 1, 3, 20)))]
            n += len(ids)
            self.sent.update(ids)
            lines = [
                {
                    "id": one,
                    "name": "page_view",
                    "time": 1_700_000_000_000_000 + n,
                    "visitor": self.label,
                    "props": {"n": one},
                }
                for one in ids
            ]
            bad = self.random.random() < 0.1
            if bad:
                lines.append({"id": "", "name": "broken", "time": 1})
            body = json.dumps(lines)
            while not self.stopping.is_set():
                if self._post(body):
                    self.acknowledged.update(ids)
                    self.refused += bad
                    break
                time.sleep(0.02)

    def _post(self, body: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("POST", "/t", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            self.answers[answer.status, answer.getheader("retry-after")] += 1
            return answer.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def judge(folder: Path, clients: Sequence[Client]) -> None:
    """Nothing acknowledged is lost, nothing is doubled or made up, and the ledger says so."""
    import assay

    with assay.open(folder) as ws:
        answer = ws.ask("ledger")
    ids = stored_ids(folder)
    acknowledged = set().union(*(client.acknowledged for client in clients))
    sent = set().union(*(client.sent for client in clients))
    assert len(acknowledged) > 50
    assert acknowledged - set(ids) == set()  # nothing lost
    assert len(ids) == len(set(ids))  # nothing doubled
    assert set(ids) <= sent  # nothing made up
    rows = answer.records()
    assert [row["difference"] for row in rows] == [0] * len(rows)
    assert sum(row["stored"] for row in rows) == len(ids)
    assert sum(row["rejected"] for row in rows) >= sum(client.refused for client in clients)
    assert [f for f in answer.findings if f.code == "ledger_apart"] == []


def stored_ids(folder: Path) -> list[str]:
    """Ids in the store, as they are; a server that holds it lends it."""
    import duckdb

    from assay.store.lending import borrow

    loan = borrow(folder / "assay-data")
    with (
        closing(loan) if loan is not None else nullcontext(),
        duckdb.connect(str(folder / "assay-data" / "store.duckdb"), read_only=True) as connection,
    ):
        return [row[0] for row in connection.execute("SELECT id FROM events").fetchall()]
