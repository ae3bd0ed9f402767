"""``assay serve``: the pages beside the collector, from an empty folder on; what is killed comes back, and nothing is left."""

from __future__ import annotations

import http.cookiejar
import json
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from serving import AGENT, ASSAY, free_port, ran, wait_for

PASSWORD = "four words in a row"


class Browser:
    """What a person does without scripts: links and forms, with cookies."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> tuple[int, str, str]:
        return self._ask(urllib.request.Request(self.base + path if path.startswith("/") else path))

    def send(self, path: str, **fields: str) -> tuple[int, str, str]:
        token = re.search(r'name="csrf" value="([^"]*)"', self.get(path)[1])
        assert token, path
        data = urllib.parse.urlencode({"csrf": token.group(1), **fields}).encode()
        return self._ask(urllib.request.Request(self.base + path, data, {"Origin": self.base}))

    def _ask(self, request: urllib.request.Request) -> tuple[int, str, str]:
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.read().decode(), answer.url
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode(), answer.url
        except OSError:
            return 0, "", ""


class Serving:
    """``assay serve`` over folders, and what it says."""

    def __init__(self, said: Path, *folders: Path) -> None:
        self.said, self.pages, self.collect = said, free_port(), free_port()
        words = [*map(str, folders), "--port", str(self.pages), "--collect-port", str(self.collect)]
        with said.open("w") as file:
            self.process = subprocess.Popen([*ASSAY, "serve", *words], stdout=file, stderr=subprocess.STDOUT)
        self.browser = Browser(f"http://127.0.0.1:{self.pages}")
        wait_for(lambda: self.browser.get("/healthz")[0] == 200, told=said.read_text)

    def link(self, slug: str) -> str:
        wait_for(lambda: f"/{slug}/welcome/" in self.said.read_text())
        return "/" + re.findall(rf"({slug}/welcome/\S+)", self.said.read_text())[-1]

    def enter(self, slug: str) -> str:
        """Become the admin by the printed link; the page that follows."""
        status, _, url = self.browser.send(
            self.link(slug), email="ann@example.org", name="Ann", password=PASSWORD, again=PASSWORD
        )
        assert status == 200, url
        return url.removeprefix(self.browser.base)

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    running: list[Serving] = []

    def start(*folders: Path) -> Serving:
        running.append(Serving(tmp_path / f"said{len(running)}.txt", *folders))
        return running[-1]

    yield start
    for one in running:
        one.end()


def sent(port: int, key: str, **event: Any) -> int:
    data = json.dumps({"key": key, "visitor": "v1", **event}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/e", data, {"user-agent": AGENT})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_new_users_path_without_git(tmp_path: Path, started: Any) -> None:
    """Empty folder → serve → first plan → the tag → events → first funnel → its YAML → the report."""
    folder = tmp_path / "My Shop"
    folder.mkdir()
    serving = started(folder)
    browser = serving.browser
    assert serving.enter("my-shop") == "/my-shop/start"
    status, page, url = browser.send(
        "/my-shop/start", template="shop", name="My Shop", timezone="Europe/Berlin", currency="EUR"
    )
    assert (status, url.removeprefix(browser.base)) == (200, "/my-shop/snippet"), page
    key = re.findall(r"pk_[0-9a-f]+", page)[0]
    assert f"http://127.0.0.1:{serving.collect}/assay.js" in page
    assert "Waiting for the first event" in browser.get("/my-shop/snippet/check")[1]
    wait_for(lambda: sent(serving.collect, key, id="e0", name="page_view", url="https://shop.example/") == 202)
    for n, name in enumerate(("view_item", "add_to_cart", "purchase"), 1):
        more = {"props": {"order_id": "o1", "revenue": 20, "currency": "EUR"}} if name == "purchase" else {}
        assert sent(serving.collect, key, id=f"e{n}", name=name, **more) == 202
    browser.get("/my-shop/live")
    time.sleep(1.5)  # the collector looks once a second whether somebody watches
    assert sent(serving.collect, key, id="e9", name="view_item", url="https://shop.example/seen-live") == 202
    wait_for(lambda: "/seen-live" in browser.get("/my-shop/live/events")[1])
    wait_for(lambda: "the tag works: page_view" in browser.get("/my-shop/snippet/check")[1])
    wait_for(lambda: "<option>add_to_cart</option>" in browser.get("/my-shop/build/funnel")[1])
    fields = {
        "name": "first",
        "steps.0.event": "page_view",
        "steps.1.event": "add_to_cart",
        "steps.2.event": "purchase",
    }
    tried = browser.send("/my-shop/build/funnel", act="try", **fields)[1]
    seen = re.search(r'name="seen" value="(\w+)"', tried)
    assert seen, tried
    kept = browser.send("/my-shop/build/funnel", act="keep", seen=seen.group(1), **fields)
    assert kept[2].endswith("/my-shop/funnels?funnel=first")
    assert "steps: [page_view, add_to_cart, purchase]" in (folder / "assay.yaml").read_text()
    # the command line beside the running server says the same
    assert "first" in json.loads(ran(folder, "catalog", "--format", "json"))["sentence"] + ran(folder, "catalog")
    today = datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat()

    def counted() -> list[int]:
        rows = json.loads(ran(folder, "funnel", "first", "--to", today, "--format", "json"))["rows"]
        return [row[1] for row in rows]

    wait_for(lambda: counted() == [1, 1, 1])
    made = tmp_path / "report.pdf"
    pytest.importorskip("weasyprint")
    ran(folder, "report", "--out", str(made))
    assert made.read_bytes().startswith(b"%PDF")


def test_what_is_killed_comes_back_and_nothing_is_left(tmp_path: Path, started: Any) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for one in folders:
        one.mkdir()
        (one / "assay.yaml").write_text(f"site: {{name: {one.name}, timezone: UTC}}\n")
    serving = started(*folders)
    assert serving.enter("one") == "/one/overview"
    assert serving.browser.get("/two/overview")[2].endswith("/two/login?next=/two/overview")
    wait_for(lambda: len(serving.children()) == 3)
    for child in serving.children():
        subprocess.run(["kill", "-9", str(child)], check=True)
    wait_for(lambda: serving.browser.get("/one/overview")[0] == 200)  # still signed in: sessions are in the state
    wait_for(lambda: len(serving.children()) == 3)
    assert "ended (-9); it is started again" in serving.said.read_text()
    children = serving.children()
    serving.process.send_signal(signal.SIGKILL)
    serving.process.wait()
    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert not list(tmp_path.rglob("lending.json"))


def test_ports_in_use_and_wrong_plans_are_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text("site: {name: x}\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*ASSAY, "serve", "-w", str(tmp_path), "--port", str(port)], capture_output=True, text=True
        )
    assert (done.returncode, "choose others with --port and --collect-port" in done.stderr) == (3, True)
    (tmp_path / "assay.yaml").write_text("sites: {}\n")
    done = subprocess.run([*ASSAY, "serve", "-w", str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, "did you mean 'site'" in done.stderr) == (2, True)
    done = subprocess.run([*ASSAY, "serve", str(tmp_path / "nothing")], capture_output=True, text=True)
    assert (done.returncode, "is no folder" in done.stderr) == (2, True)
