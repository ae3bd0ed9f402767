"""The browser clients of other tools, as npm has them today, in Chromium: only their host is another."""

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

import duckdb
import pytest

import assay
from assay.jobs import load_intake
from serving import free_port

FOLDER = Path(__file__).parent / "clients"
PLAN = """
site: {name: Shop, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro}}
"""
# What a person's browser does not have: clients leave machines out, and rightly.
HUMAN = """
Object.defineProperty(Navigator.prototype, 'webdriver', {get: () => false});
if (navigator.userAgentData) Object.defineProperty(Navigator.prototype, 'userAgentData', {get: () => undefined});
"""
HEADERS = {"sec-ch-ua": '"Chromium";v="143", "Google Chrome";v="143"'}
ENTRIES = {
    "posthog": """
        import posthog from 'posthog-js'
        window.posthog = posthog
        posthog.init('%%KEY%%', { api_host: '%%HOST%%', loaded: () => { window.ready = true } })
    """,
    "segment": """
        import { AnalyticsBrowser } from '@segment/analytics-next'
        window.analytics = AnalyticsBrowser.load({ writeKey: '%%KEY%%', cdnURL: '%%HOST%%' })
        window.analytics.page()
        window.analytics.ready(() => { window.ready = true })
    """,
    "plausible": """
        import { init, track } from '@plausible-analytics/tracker'
        init({ domain: 'shop.example', endpoint: '%%HOST%%/api/event', captureOnLocalhost: true })
        window.track = track
        window.ready = true
    """,
}
PAGE = """<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,"></head>
<body><h1>Shop</h1><a id="next" href="/next?page=2">Next</a><script src="/%s.js"></script></body></html>"""


def wait(
    ready: Callable[[], object],
    what: object = "it did not come about",
    seconds: float = 30,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if ready():
                return
        except OSError:
            pass
        assert time.monotonic() < until, what() if callable(what) else what
        pause(0.05)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each client bundled by esbuild from what npm installs by the lock file."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on this machine: the clients cannot be installed")
    folder = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FOLDER / name, folder)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-fund", "--no-audit"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"npm cannot install the clients here: {done.stderr.strip().splitlines()[-1:]}")
    made = {}
    for name, entry in ENTRIES.items():
        (folder / f"{name}.mjs").write_text(entry, encoding="utf-8")
        subprocess.run(
            [str(folder / "node_modules" / ".bin" / "esbuild"), f"{name}.mjs", "--bundle", "--format=iife", "--target=es2020", f"--outfile={name}.js"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        made[name] = (folder / f"{name}.js").read_text(encoding="utf-8")
    return made


class Site:
    """Pages with a client on them at ``url``, and the collector that it sends to."""

    def __init__(self, folder: Path, bundles: dict[str, str]) -> None:
        self.folder = folder
        (folder / "assay.yaml").write_text(PLAN, encoding="utf-8")
        made = self.run("key", "add", "web")
        self.key = next(word for word in made.split() if word.startswith("pk_"))
        self.run("key", "add", "web", "--key", "shop.example")
        self.port, self.collector_port = free_port(), free_port()
        self.host = f"http://127.0.0.1:{self.collector_port}"
        self.process: subprocess.Popen[bytes] | None = None
        site = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path[1:].removesuffix(".js")
                script = self.path.endswith(".js")
                text = (
                    bundles[name].replace("%%KEY%%", site.key).replace("%%HOST%%", site.host)
                    if script
                    else PAGE % site.client
                )
                body = text.encode()
                self.send_response(200)
                self.send_header("content-type", "text/javascript" if script else "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.client = ""
        self.pause: Callable[[float], object] = time.sleep
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Pages)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str) -> str:
        command = [sys.executable, "-m", "assay.cli", *words, "-w", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "assay.cli",
            "collect",
            "-w",
            str(self.folder),
            "--port",
            str(self.collector_port),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait(
            lambda: socket.create_connection(("127.0.0.1", self.collector_port), 0.2).close() is None,
            "the collector does not listen",
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def lines(self) -> list[dict[str, Any]]:
        """Every line on disk, also repeated ones."""
        return [
            json.loads(line)
            for path in sorted((self.folder / "assay-data" / "intake").rglob("*.ndjson*"))
            for line in path.read_bytes().splitlines()
        ]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.lines() if one.get("name") == name and "refused" not in one]

    def taken(self, name: str, many: int = 1) -> list[dict[str, Any]]:
        """Lines of a name, when there are so many."""
        wait(
            lambda: len(self.named(name)) >= many,
            lambda: f"no {name}; there are {[(one.get('name'), one.get('refused')) for one in self.lines()]}",
            pause=self.pause,
        )
        return self.named(name)

    def loaded(self) -> dict[str, int]:
        """The ledger's terms, summed, after the collector has ended and everything is loaded."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None
        else:
            self.start()
            return self.loaded()
        with assay.open(self.folder) as ws:
            load_intake(ws)
            answer = ws.ask("ledger")
        rows = answer.records()
        assert [row["difference"] for row in rows] == [0] * len(rows)
        return {
            name: sum(row[name] for row in rows) for name in ("received", "stored", "duplicate", "rejected", "consent")
        }


@pytest.fixture
def site(tmp_path: Path, bundles: dict[str, str]) -> Iterator[Site]:
    made = Site(tmp_path, bundles)
    yield made
    if made.process is not None:
        made.process.terminate()
        made.process.wait()
    made.server.shutdown()
    made.server.server_close()


class Watched:
    """A tab and what it said and asked for."""

    def __init__(self, tab: Any, site: Site) -> None:
        self.tab, self.site = tab, site
        self.said: list[str] = []
        self.asked: list[tuple[str, str, int]] = []
        tab.on(
            "console",
            lambda one: self.said.append(f"{one.type}: {one.text}") if one.type in ("error", "warning") else None,
        )
        tab.on(
            "response",
            lambda one: self.asked.append(
                (one.request.method, one.url.split("?")[0].removeprefix(site.host), one.status)
            ),
        )
        tab.add_init_script(HUMAN)
        site.pause = lambda seconds: tab.wait_for_timeout(seconds * 1000)  # what the browser says is heard meanwhile
        tab.set_extra_http_headers(HEADERS)

    def open(self, client: str, path: str = "/?utm_source=news&utm_medium=email") -> Any:
        self.site.client = client
        self.tab.goto(self.site.url + path)
        self.tab.wait_for_function("() => window.ready === true")
        return self.tab

    def of_collector(self) -> list[tuple[str, str, int]]:
        return [one for one in self.asked if not one[1].startswith("http")]


@pytest.fixture
def watched(tab: Any, site: Site) -> Watched:
    return Watched(tab, site)


ORDER = "{order_id: 'A1', revenue: 20.5, currency: 'EUR', products: [{product_id: 'p1', price: 20.5, quantity: 1}]}"
DO = {
    "posthog": {
        "order": f"posthog.capture('Order Completed', {ORDER})", "identify": "posthog.identify('user-1', {plan: 'pro'})",
        "last": "posthog.capture('last')",
        "expose": "posthog.featureFlags.overrideFeatureFlags({flags: {free_shipping: 'on'}}); posthog.getFeatureFlag('free_shipping')",
    },
    "segment": {
        "order": f"analytics.track('Order Completed', {ORDER})", "identify": "analytics.identify('user-1', {plan: 'pro'})",
        "last": "analytics.track('last')",
        "expose": "analytics.track('Experiment Viewed', {experiment_id: 'free_shipping', variation_name: 'on'})",
    },
}  # fmt: skip
BOTH = pytest.mark.parametrize("client", sorted(DO))
ENDPOINTS = {"posthog": "/e/", "segment": "/v1/t"}


@BOTH
def test_what_happens_arrives_as_it_was_sent(watched: Watched, site: Site, client: str) -> None:
    do = DO[client]
    tab = watched.open(client)
    (view,) = site.taken("page_view")
    for what in ("order", "identify", "expose"):
        tab.evaluate(do[what])
        site.taken({"order": "purchase", "identify": "identify", "expose": "experiment_viewed"}[what])
    tab.evaluate(do["last"])
    tab.goto("about:blank")  # sent with a beacon, or kept alive
    (last,) = site.taken("last")
    (order,), (identify,), (exposure,) = (site.named(name) for name in ("purchase", "identify", "experiment_viewed"))
    assert (view["utm_source"], view["utm_medium"], view["path"], view["title"], view.get("referrer")) == (
        "news",
        "email",
        "/",
        "Shop",
        None,
    )
    assert (order["amount"], order["currency"], order["order_id"]) == ("20.5", "EUR", "A1")
    assert order["items"] == [{"item_id": "p1", "price": 20.5, "quantity": 1}]
    assert (identify["visitor"], identify["user"]) == (view["visitor"], "user-1")
    assert (exposure["props"]["experiment_id"], exposure["props"]["variant"]) == ("free_shipping", "on")
    assert {one["visitor"] for one in (view, order, identify, exposure, last)} == {view["visitor"]}
    assert (view.get("user"), last["user"]) == (None, "user-1")
    for one in (view, order, identify, exposure, last):
        assert (one["browser"], one["device"], one["bot"]) == ("Chrome", "desktop", False)
        assert not any(value is None for value in (one.get("props") or {}).values())
    assert watched.said == []  # quiet: nothing asked for that is not answered
    assert all(status < 300 for _, _, status in watched.of_collector()), watched.asked
    assert len(watched.of_collector()) <= 12
    assert site.loaded() == {"received": 5, "stored": 5, "duplicate": 0, "rejected": 0, "consent": 0}


@BOTH
def test_an_answer_that_is_lost_makes_a_duplicate_and_not_a_second_order(
    watched: Watched, site: Site, client: str
) -> None:
    tab = watched.open(client)
    site.taken("page_view")
    lost: list[str] = []

    def lose(route: Any) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.request.url)
        route.fetch()  # the collector has it
        route.abort("connectionreset")  # the client does not know

    tab.route(f"{site.host}/**", lose)
    tab.evaluate(DO[client]["order"])
    first, again = site.taken("purchase", 2)
    assert (first["id"], first["amount"]) == (again["id"], again["amount"])
    assert len(lost) == 1
    found = site.loaded()
    assert (found["received"] - found["stored"], found["duplicate"]) == (1, 1)
    with duckdb.connect(str(site.folder / "assay-data" / "store.duckdb"), read_only=True) as store:
        assert store.execute("SELECT count(*), count(DISTINCT id) FROM events WHERE name = 'purchase'").fetchall() == [
            (1, 1)
        ]


@BOTH
def test_a_collector_that_was_away_gets_it_later(watched: Watched, site: Site, client: str) -> None:
    tab = watched.open(client)
    site.taken("page_view")
    site.kill()
    tab.evaluate(DO[client]["order"])
    site.pause(4)
    assert site.named("purchase") == []
    site.start()
    (order,) = site.taken("purchase")
    assert order["amount"] == "20.5"
    assert len([one for one in watched.said if "ERR_CONNECTION_REFUSED" not in one]) <= 2  # no storm of complaints
    assert site.loaded()["stored"] == 2


@BOTH
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_wrong(watched: Watched, site: Site, client: str, hours: int) -> None:
    watched.tab.clock.install(time=time.time() + hours * 3600)
    tab = watched.open(client)
    tab.evaluate(DO[client]["order"])
    (order,) = site.taken("purchase")
    assert abs(order["time"] - order["received_at"]) < 20e6
    assert abs(order["props"]["_time"] - order["received_at"] - hours * 3600e6) < 60e6


def test_plausible(watched: Watched, site: Site) -> None:
    tab = watched.open("plausible")
    (view,) = site.taken("page_view")
    tab.evaluate("track('Purchase', {props: {plan: 'pro'}, revenue: {amount: '20.50', currency: 'EUR'}})")
    (order,) = site.taken("purchase")
    site.pause(3.2)  # it tells of engagement from three seconds on
    tab.goto("about:blank")
    (beat,) = site.taken("user_engagement")
    assert (view["utm_source"], view["path"]) == ("news", "/")
    assert view["visitor"].startswith("day-")  # it has no id of its own
    assert (
        order["visitor"] == view["visitor"]
    )  # the beat's is another: Chromium sends its own user agent with it, not the test's
    assert (order["amount"], order["currency"], order["props"]) == ("20.5", "EUR", {"plan": "pro"})
    assert beat["props"]["engagement_time_msec"] >= 3_000
    assert watched.said == []
    assert site.loaded()["stored"] == 3
