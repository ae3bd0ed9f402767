"""A shop of a few pages, a collector beside it, and Chromium."""

from __future__ import annotations

import http.server
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
PLAN = """
site: {name: Shop, timezone: UTC, currency: EUR}
funnels: {checkout: {steps: [page_view, add_to_cart, purchase], per: visitor, window: 1d}}
"""
PAGE = """<!doctype html><html lang="en"><head><title>%(title)s</title>%(tag)s</head><body>
<h1>%(title)s</h1><a id="next" href="/product.html">Product</a><a id="away" href="http://localhost:%(port)d/other.html">Other</a>
<button id="spa" onclick="history.pushState({}, '', '/spa/' + Date.now())">Go on</button>
<button id="buy" onclick="assay('purchase', {revenue: 20.5, currency: 'EUR', order_id: 'A1', items: [{item_id: 'p1', quantity: 1}], coupon: 'X'})">Buy</button>
</body></html>"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Shop:
    """Pages at ``url``; what the collector has taken in ``lines``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        self.port, self.collector_port = free_port(), free_port()
        self.attributes = ""
        self.collector: subprocess.Popen[bytes] | None = None
        made = self.run("key", "add", "web")
        self.key = next(word for word in made.split() if word.startswith("pk_"))
        shop = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = shop.page(self.path).encode()
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Pages)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, path: str) -> str:
        from assay.collect.snippet import tag

        made = tag(f"http://127.0.0.1:{self.collector_port}", self.key).replace(
            "<script defer", f"<script defer {self.attributes}"
        )
        return PAGE % {"title": path.strip("/").split("?")[0] or "Home", "tag": made, "port": self.port}

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "assay.cli", *words, "-w", str(self.folder)],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def start(self) -> None:
        self.collector = subprocess.Popen(
            [sys.executable, "-m", "assay.cli", "collect", "-w", str(self.folder), "--port", str(self.collector_port)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.wait(lambda: socket.create_connection(("127.0.0.1", self.collector_port), 0.2).close() is None)

    def stop(self) -> None:
        if self.collector is not None:
            self.collector.send_signal(signal.SIGTERM)
            self.collector.wait()
            self.collector = None

    def wait(self, ready: Callable[[], object], seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if ready():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(
            f"it did not come about; lines: {[(one.get('name'), one.get('path')) for one in self.lines()]}"
        )

    def lines(self) -> list[dict[str, Any]]:
        """Everything on disk, in the order of its segments, each id once."""
        found: dict[str, dict[str, Any]] = {}
        for path in sorted((self.folder / "assay-data" / "intake").rglob("*.ndjson*")):
            for line in path.read_bytes().splitlines():
                one = json.loads(line)
                found.setdefault(str(one.get("id")), one)
        return list(found.values())

    def named(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.lines() if one.get("name") == name]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    from assay.collect.snippet import script

    if script() is None:
        pytest.skip("the snippet is not built: Node was not there when assay was installed")
    made = Shop(tmp_path)
    yield made
    made.stop()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not on this machine")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A page of a fresh profile; what it says on its console is an error of the test."""
    context = chromium.new_context(user_agent=AGENT)  # a browser that says it has no head is a bot, and rightly
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []
    context.close()
