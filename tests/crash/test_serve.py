"""``assay serve`` as a user runs it: events in over HTTP, in the store seconds later; a collector that dies comes back."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sending import stored_ids

from assay.collect.scripts import script
from serving import AGENT, ASSAY, free_port, ran, wait_for

PLAN = "site: {name: Served, timezone: UTC, currency: EUR}\n"


class Served:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.pages = folder, free_port(), free_port()
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        made = self.run("key", "add", "web", "--origin", "https://shop.example")
        self.key = re.findall(r"pk_[0-9a-f]+", made)[0]
        self.process = subprocess.Popen(
            [*ASSAY, "serve", "-w", str(folder), "--port", str(self.pages), "--collect-port", str(self.port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        wait_for(lambda: self.process.poll() is not None or self.get("/healthz")[0] == 200, 120)
        assert self.process.poll() is None, self.process.communicate()[0]

    def run(self, *words: str) -> str:
        return ran(self.folder, *words)

    def get(self, path: str) -> tuple[int, str]:
        return self.ask(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"))

    def post(self, body: object, **headers: str) -> tuple[int, str]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        agent = {"user-agent": AGENT}  # a script that says that it is one is a bot
        return self.ask(urllib.request.Request(f"http://127.0.0.1:{self.port}/e", data, {**agent, **headers}))

    def ask(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()
        except OSError:
            return 0, ""

    def ids(self) -> list[str]:
        try:
            return sorted(stored_ids(self.folder))
        except Exception:  # while the loader has the store
            return []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    if made.process.stdout is not None:
        made.process.stdout.close()


def event(n: int) -> dict[str, object]:
    return {
        "id": f"id-{n}",
        "name": "page_view",
        "time": int(time.time() * 1000),
        "visitor": "v1",
        "url": "https://shop.example/a",
    }


def test_from_a_request_to_the_store_and_back_after_a_crash(served: Served) -> None:
    assert served.post({"key": served.key, "events": [event(1), event(2), {"id": "x", "name": ""}]})[0] == 202
    assert served.post({"key": served.key, **event(2)})[0] == 202  # a retry of the same event
    assert served.post({"key": "pk_unknown", **event(3)})[0] == 401
    assert served.post({"key": served.key, **event(3)}, origin="https://evil.example")[0] == 403
    assert served.post(b"\xff\x00 no json")[0] == 400
    assert [served.get(path)[0] for path in ("/assay.atuo.js", "/assays", "/assay/x.js")] == [404] * 3
    if script() is not None:
        assert '"experiments":[]' in served.get("/assay.experiments.js")[1]
    wait_for(lambda: served.ids() == ["id-1", "id-2"])
    for child in Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split():
        subprocess.run(["kill", "-9", child], check=True)
    wait_for(lambda: served.post({"key": served.key, **event(4)}, origin="https://shop.example")[0] == 202)
    wait_for(lambda: served.ids() == ["id-1", "id-2", "id-4"])
    served.run("key", "revoke", served.key)
    after: list[int] = []  # the collector may know the key for some seconds yet

    def refused() -> bool:
        after.append(served.post({"key": served.key, **event(5)}, origin="https://shop.example")[0])
        return after[-1] == 401

    wait_for(refused)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(20) == 0
    said = served.process.stdout.read() if served.process.stdout else ""
    assert "started again" in said
    assert f'src="http://127.0.0.1:{served.port}/assay.js" data-key="{served.key}"' in said
    assert said.count("the tag works: page_view of https://shop.example/a is here") == 1
    rows = json.loads(served.run("ledger", "--format", "json"))
    totals = dict(zip([c["name"] for c in rows["columns"]], zip(*rows["rows"], strict=True), strict=True))
    late = after.count(202)
    stored, doubled = sum(totals["stored"]), sum(totals["duplicate"])
    assert (stored, doubled, sum(totals["rejected"])) == (3 + min(late, 1), 1 + max(late - 1, 0), 1)
    assert set(totals["difference"]) == {0}
    assert "refused_lines" in served.run("quality", "--format", "json")


def test_tail_tells_what_each_step_did(served: Served) -> None:
    watching = subprocess.Popen(
        [*ASSAY, "tail", "--steps", "--count", "3", "--seconds", "60", "-w", str(served.folder)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    flag = served.folder / "assay-data" / "intake" / "watched"
    wait_for(flag.exists)
    time.sleep(1.5)  # the collector looks once a second
    served.post(
        {"key": served.key, "name": "page_view", "visitor": "tail-1", "url": "https://shop.example/a?email=a@b.example"}
    )
    served.post(
        {
            "key": served.key,
            "name": "page_view",
            "visitor": "tail-2",
            "consent": "denied",
            "url": "https://shop.example/",
        }
    )
    served.post({"key": served.key, "name": "sign_up", "visitor": "tail-3"})
    out = watching.communicate(timeout=70)[0]
    assert "page_view  path=/a  visitor=tail-1" in out
    assert "put_browser: " in out
    assert "browser=Chrome" in out
    assert "a@b.example" not in out.split("put_scrubbed")[1]
    assert "refused: consent" in out
    assert "tail-2" not in out
    assert not flag.exists()
    wait_for(lambda: not list(served.folder.rglob("trace.*")), 60)  # nobody watches: nothing is told


def test_erasing_while_it_serves(served: Served) -> None:
    for n in range(20):
        served.post({"key": served.key, "id": f"e{n}", "name": "page_view", "visitor": f"visitor-{n % 2}"})
    done = json.loads(served.run("erase", "--visitor", "visitor-1", "--yes", "--format", "json"))
    assert (done["erased"]["left"], done["erased"]["events"]) == ({}, 10)
    wait_for(lambda: served.ids() == sorted(f"e{n}" for n in range(0, 20, 2)))
    left = [path for path in (served.folder / "assay-data").rglob("*.ndjson*") if b"visitor-1" in path.read_bytes()]
    assert left == []
