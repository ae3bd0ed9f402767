"""A shop of a few pages with the tag on them, and a collector beside it."""

from __future__ import annotations

import http.server
import json
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import assay
from assay.collect.keys import make
from assay.collect.snippet import Tag
from serving import ASSAY, free_port, listening, ran, wait_for

PLAN = """
site: {name: Shop, timezone: UTC, currency: EUR}
funnels: {checkout: {steps: [page_view, add_to_cart, purchase], per: visitor, window: 1d}}
"""
PAGE = """<!doctype html><html lang="en"><head><title>%(title)s</title>%(tag)s</head><body><main>
<h1>%(title)s</h1><a id="next" href="/product.html">Product</a> <a id="away" href="http://localhost:%(port)d/other.html">Other</a>
<button id="spa" onclick="history.pushState({}, '', '/spa/' + Date.now())">Go on</button>
<button id="buy" onclick="assay('purchase', {revenue: 20.5, currency: 'EUR', order_id: 'A1', items: [{item_id: 'p1', quantity: 1}], coupon: 'X'})">Buy</button>
%(body)s</main></body></html>"""


class Shop:
    """Pages at ``url``; what the collector has taken in ``lines``.

    ``tag``: fields of the tag; ``host``: another one. ``attributes``: further ones of its script. ``early``: before it.
    ``head`` and ``body``: what pages have besides. ``headers``: of every page.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        self.port, self.collector_port = free_port(), free_port()
        self.tag: dict[str, Any] = {}
        self.host = self.attributes = self.early = self.head = self.body = ""
        self.headers: dict[str, str] = {}
        self.collector: subprocess.Popen[bytes] | None = None
        with assay.open(folder) as opened:
            self.key = make(opened.state, opened.now, "web")
        shop = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, page = shop.page(self.path)
                self.send_response(200)
                for name, value in {"content-type": kind, "content-length": str(len(page)), **shop.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Pages)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def collecting(self) -> str:
        return f"http://127.0.0.1:{self.collector_port}"

    def page(self, path: str) -> tuple[str, bytes]:
        name = path.strip("/").split("?")[0]
        if name.endswith((".js", ".pdf")):
            return "text/javascript" if name.endswith(".js") else "application/pdf", b""
        tag = Tag(self.host or self.collecting, self.key, **self.tag).html.replace(
            " data-key=", f" {self.attributes} data-key="
        )
        made = PAGE % {
            "title": name or "Home", "tag": self.early + tag + self.head, "port": self.port, "body": self.body
        }  # fmt: skip
        return "text/html; charset=utf-8", made.encode()

    def run(self, *words: str) -> str:
        return ran(self.folder, *words)

    def start(self) -> None:
        self.collector = subprocess.Popen(
            [*ASSAY, "collect", "-w", str(self.folder), "--port", str(self.collector_port)], stdout=subprocess.DEVNULL
        )
        self.wait(lambda: listening(self.collector_port))

    def stop(self) -> None:
        if self.collector is not None:
            self.collector.send_signal(signal.SIGTERM)
            self.collector.wait()
            self.collector = None

    def wait(self, ready: Callable[[], object], seconds: float = 30) -> None:
        wait_for(ready, seconds, lambda: f"; lines: {[(one.get('name'), one.get('path')) for one in self.lines()]}")

    def raw(self) -> list[dict[str, Any]]:
        """Every line on disk, in the order of its segments."""
        paths = sorted((self.folder / "assay-data" / "intake").rglob("*.ndjson*"))
        return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]

    def lines(self) -> list[dict[str, Any]]:
        """Events, each id once."""
        found: dict[str, dict[str, Any]] = {}
        for one in self.raw():
            found.setdefault(str(one.get("id")), one)
        return list(found.values())

    def named(self, name: str) -> list[dict[str, Any]]:
        """Events of a name, in order of time."""
        return sorted(
            (one for one in self.lines() if one.get("name") == name and "id" in one), key=lambda one: one["time"]
        )
