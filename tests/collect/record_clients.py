"""Drive the real clients of other tools against a small server on loopback and write down what they send.

``python tests/collect/record_clients.py [NAME…]`` in an environment that has the clients: posthog, segment-analytics-python,
ga4mp, plausible-events and umami-analytics of PyPI; with ``--node DIR`` those in ``DIR/node_modules``: posthog-node,
@segment/analytics-node, @umami/node, @plausible-analytics/tracker. The records are facts: requests, one file a client.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

OUT = Path(__file__).parent.parent / "data" / "wire"
LEFT_OUT = {
    "host",
    "connection",
    "accept",
    "accept-encoding",
    "content-length",
    "accept-language",
    "sec-fetch-mode",
    "traceparent",
}
KEY = "pk_test"
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


class Recorder(BaseHTTPRequestHandler):
    requests: ClassVar[list[dict[str, Any]]] = []

    def _taken(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        at = urlsplit(self.path)
        self.requests.append({
            "method": self.command, "path": at.path, "query": dict(parse_qsl(at.query)),
            "headers": {k.lower(): v for k, v in self.headers.items() if k.lower() not in LEFT_OUT},
            "received_at": time.time_ns() // 1000,
            **({"text": body.decode()} if body[:1] in (b"{", b"[") else {"base64": base64.b64encode(body).decode()}),
        })  # fmt: skip
        answer = self._answer(at.path, body)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET = _taken  # noqa: N815

    @staticmethod
    def _answer(path: str, body: bytes) -> bytes:
        if path.startswith("/i/v1/analytics"):
            events = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)["batch"]
            return json.dumps({"results": {one["uuid"]: {"result": "ok"} for one in events}}).encode()
        return b'{"success":true,"status":"Ok","cache":"c","sessionId":"s","visitId":"v","validationMessages":[]}'

    def log_message(self, *args: object) -> None:
        pass


@contextlib.contextmanager
def server() -> Iterator[str]:
    Recorder.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def posthog(url: str) -> None:
    from posthog import Posthog

    for options in ({}, {"gzip": True}, {"capture_mode": "v1", "gzip": True}):
        client = Posthog(KEY, host=url, flush_interval=0.05, disable_geoip=False, **options)
        client.capture("order_placed", distinct_id="u1", properties={"revenue": 19.9, "currency": "EUR", "plan": "pro"})
        client.capture("$pageview", distinct_id="0190a0b0-1111-7222-8333-444455556666",
                       properties={"$current_url": "https://shop.example/p/1?utm_source=news&gclid=abc", "$session_id": "s1"})  # fmt: skip
        client.capture("Order Completed", distinct_id="u1", groups={"company": "acme"},
                       properties={"order_id": "o1", "revenue": "29.90", "currency": "EUR",
                                   "products": [{"product_id": "p1", "name": "Cup", "price": 14.95, "quantity": 2}]})  # fmt: skip
        client.set(distinct_id="u1", properties={"email": "a@b.example"})
        client.alias(previous_id="anon1", distinct_id="u1")
        client.group_identify("company", "acme", {"size": 5})
        client.capture("no_person", properties={"x": True})
        client.flush()
        client.shutdown()


def segment(url: str) -> None:
    from segment.analytics.client import Client

    for packed in (False, True):
        client = Client(KEY, host=url, gzip=packed, upload_interval=0.05)
        moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
        client.identify("u1", {"email": "a@b.example", "plan": "pro"}, anonymous_id="anon1")
        client.track("u1", "Order Completed", {
            "order_id": "o1", "total": 33.0, "revenue": 29.9, "shipping": 3.1, "currency": "EUR",
            "products": [{"product_id": "p1", "sku": "s1", "name": "Cup", "price": 14.95, "quantity": 2, "category": "Cups"}],
        }, timestamp=moment, context={"userAgent": AGENT, "ip": "203.0.113.9", "campaign": {"name": "spring", "source": "news"}})  # fmt: skip
        client.track(
            anonymous_id="anon1", event="Experiment Viewed", properties={"experiment_id": "e1", "variation_name": "b"}
        )
        client.page(
            "u1",
            "Docs",
            "Start",
            {"url": "https://shop.example/docs?utm_source=x", "title": "Start", "referrer": "https://a.example/"},
        )
        client.screen(anonymous_id="anon1", name="Cart")
        client.group("u1", "acme", {"size": 5})
        client.alias("anon1", "u1")
        client.flush()
        client.join()


def ga4mp(url: str) -> None:
    from ga4mp import FirebaseMP, GtagMP

    clients = [GtagMP(api_secret=KEY, measurement_id="G-TEST", client_id="1234567890.1700000000"),
               FirebaseMP(api_secret=KEY, firebase_app_id="1:1:web:1", app_instance_id="a" * 32)]  # fmt: skip
    for client in clients:
        client._base_domain, client._validation_domain = f"{url}/mp/collect", f"{url}/debug/mp/collect"
        bought = client.create_new_event("purchase")
        for name, value in {"transaction_id": "o1", "currency": "EUR", "value": 29.9, "shipping": 3.1}.items():
            bought.set_event_param(name, value)
        item = bought.create_new_item("p1", "Cup")
        item.set_parameter("price", 14.95)
        item.set_parameter("quantity", 2)
        bought.add_item_to_event(item)
        seen = client.create_new_event("page_view")
        seen.set_event_param("page_location", "https://shop.example/?utm_source=x")
        client.store.set_user_property("plan", "pro")
        client.send([seen, bought])
        client.send([seen], date=datetime.now())  # noqa: DTZ005
        client.send([seen], validation_hit=True)


def plausible(url: str) -> None:
    import plausible_events

    plausible_events.PlausibleEvents._get_ip = lambda _self: "203.0.113.9"
    client = plausible_events.PlausibleEvents("shop.example", headers={"User-Agent": AGENT}, api=f"{url}/api/event")
    client.worker.daemon = True
    client.pageview("start", utm={"source": "news", "campaign": "spring"})
    client.event("Purchase", {"plan": "pro", "n": 3}, path="/thanks")
    time.sleep(1)


def umami(url: str) -> None:
    import umami as client

    client.set_url_base(url)
    client.set_website_id("11111111-2222-4333-8444-555555555555")
    client.set_hostname("shop.example")
    client.new_page_view("Start", "/start?utm_source=news", referrer="https://a.example/")
    client.new_event("sign_up", url="/join", custom_data={"plan": "pro"}, distinct_id="u1")
    client.new_revenue_event(29.9, "EUR", event_name="checkout", url="/thanks")


NODE = {
    "posthog-node": """
import { PostHog } from 'posthog-node'
const c = new PostHog('KEY', { host: 'URL', flushAt: 20, flushInterval: 0 })
c.capture({ distinctId: 'u1', event: 'Order Completed', properties: { order_id: 'o1', revenue: 29.9, currency: 'EUR', $current_url: 'https://shop.example/x' } })
c.identify({ distinctId: 'u1', properties: { plan: 'pro' } })
c.alias({ distinctId: 'u1', alias: 'anon1' })
c.groupIdentify({ groupType: 'company', groupKey: 'acme', properties: { size: 5 } })
await c.shutdown()
""",
    "segment-node": """
import { Analytics } from '@segment/analytics-node'
const c = new Analytics({ writeKey: 'KEY', host: 'URL', flushInterval: 50 })
c.track({ anonymousId: 'anon1', event: 'Product Viewed', properties: { product_id: 'p1', name: 'Cup', price: 14.95, currency: 'EUR' } })
c.identify({ userId: 'u1', anonymousId: 'anon1', traits: { plan: 'pro' } })
c.page({ userId: 'u1', name: 'Start', properties: { url: 'https://shop.example/?utm_source=x' } })
c.group({ userId: 'u1', groupId: 'acme' })
await c.closeAndFlush()
""",
    "umami-node": """
import pkg from '@umami/node'
const c = new pkg.Umami({ websiteId: '11111111-2222-4333-8444-555555555555', hostUrl: 'URL' })
await c.track({ url: '/start', title: 'Start', hostname: 'shop.example' })
await c.track('sign_up', { plan: 'pro' })
await c.identify({ plan: 'pro' })
""",
    "plausible-tracker": """
const listeners = () => {}
const doc = { referrer: 'https://a.example/', addEventListener: listeners, visibilityState: 'visible', hasFocus: () => true, body: {}, documentElement: {} }
globalThis.location = new URL('https://shop.example/p?utm_source=news')
globalThis.document = doc
globalThis.window = { fetch, addEventListener: listeners, location, history: {}, innerHeight: 800, scrollY: 0, localStorage: {}, navigator: {} }
globalThis.ResizeObserver = class { observe() {} }
const { init, track } = await import('@plausible-analytics/tracker')
init({ domain: 'shop.example', endpoint: 'URL/api/event' })
track('Purchase', { props: { plan: 'pro' }, revenue: { amount: 29.9, currency: 'EUR' }, interactive: false })
await new Promise(done => setTimeout(done, 500))
""",
}
PYTHON: dict[str, tuple[str, Callable[[str], None]]] = {
    "posthog": ("posthog", posthog), "segment": ("segment-analytics-python", segment), "ga4mp": ("ga4mp", ga4mp),
    "plausible": ("plausible-events", plausible), "umami": ("umami-analytics", umami),
}  # fmt: skip
PACKAGES = {"posthog-node": "posthog-node", "segment-node": "@segment/analytics-node", "umami-node": "@umami/node",
            "plausible-tracker": "@plausible-analytics/tracker"}  # fmt: skip


def node(folder: Path, script: str, url: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=folder, delete=False) as file:
        file.write(script.replace("URL/", f"{url}/").replace("'URL'", f"'{url}'").replace("KEY", KEY))
    try:
        subprocess.run(["node", file.name], cwd=folder, check=True, timeout=60)
    finally:
        Path(file.name).unlink()


def write(name: str, package: str, release: str) -> None:
    record = {"client": package, "version": release, "requests": Recorder.requests}
    (OUT / f"{name}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(name, release, len(Recorder.requests))


def main(arguments: list[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    folder = Path(arguments[arguments.index("--node") + 1]) if "--node" in arguments else None
    for name, (package, drive) in PYTHON.items():
        if not folder:
            with server() as url:
                drive(url)
                write(name, package, version(package))
    for name, script in NODE.items() if folder else ():
        release = json.loads((folder / "node_modules" / PACKAGES[name] / "package.json").read_text())["version"]
        with server() as url:
            node(folder, script, url)
            write(name, PACKAGES[name], release)


if __name__ == "__main__":
    main(sys.argv[1:])
