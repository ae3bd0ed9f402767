"""Charts and the pages' script in Chromium, under the policy that pages have."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import assay
from assay.charts import chart
from assay.model.answer import Answer, Column

STATIC = Path(assay.__file__).parent / "web" / "static"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
ROWS = (("mobile", 0.02, 0.01, 0.03), ("desktop", 0.05, 0.04, 0.06))
COLUMNS = (Column("device"), *(Column(name, "rate") for name in ("rate", "rate_low", "rate_high")))
PAGE = """<!doctype html><html lang="en"><head><title>T</title><script src="/static/theme.js"></script>
<link rel="stylesheet" href="/static/app.css"><script src="/static/app.js" defer></script>
<script src="/static/charts.js" defer></script></head><body><nav><ul data-list><li><a href="#one" data-go="o">One</a></li>
<li><a href="#two" data-go="t">Two</a></li></ul></nav><main><h1>Test</h1><label>Search <input type="search" data-search></label>
<button type="button" data-theme-set="auto">Auto</button><button type="button" data-theme-set="dark">Dark</button>
<details class="menu"><summary class="button">More</summary><div class="menu-panel"><a href="#x">Export</a></div></details>
<figure class="chart" data-chart data-name="rates"><figcaption>Rates</figcaption><div class="chart-plot h120"></div>
<script type="application/json">CHART</script><details class="chart-table"><summary>Table</summary><table><tr><td>2 %</td></tr></table></details>
<button type="button" class="button" data-png hidden>Save as PNG</button></figure></main></body></html>"""


class Handler(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    if not (STATIC / "charts.js").is_file():
        pytest.skip("the browser files are not built: Node was not there when assay was installed")
    (tmp_path / "static").symlink_to(STATIC)
    made = chart(Answer("q", {}, COLUMNS, ROWS, sentence="Rates", chart={"kind": "bars", "x": "device", "y": "rate"}))
    assert made is not None
    text = PAGE.replace("CHART", json.dumps(asdict(made)).replace("<", "\\u003c"))
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


def opened(tab: Any, url: str) -> list[str]:
    """The page with its chart drawn; what the browser refused is collected."""
    refused: list[str] = []
    tab.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    tab.goto(url)
    tab.wait_for_selector('figure[data-state="drawn"] svg')
    return refused


def test_a_chart_is_drawn_under_the_policy(page: str, tab: Any) -> None:
    refused = opened(tab, page)
    plot = tab.locator(".chart-plot")
    assert plot.get_attribute("role") == "img"
    assert plot.get_attribute("aria-label") == "Bars of rate: highest desktop with 5.00 %, lowest mobile with 2.00 %."
    assert "5.00 %" in tab.locator(".chart-plot svg").inner_html()
    bar = tab.locator(".chart-plot svg path[fill='#1f5fbf']")
    assert bar.count() == 2
    bar.nth(1).hover()
    tab.wait_for_selector("text=5.00 % (4.00 % to 6.00 %)")
    assert refused == []


def test_the_theme_is_kept_and_charts_follow(page: str, tab: Any) -> None:
    opened(tab, page)
    tab.click("text=Dark")
    tab.wait_for_selector(".chart-plot svg path[fill='#7fb0ff']")
    tab.reload()
    tab.wait_for_selector(".chart-plot svg path[fill='#7fb0ff']")
    assert tab.get_attribute("html", "data-theme") == "dark"
    tab.click("text=Auto")
    tab.wait_for_selector(".chart-plot svg path[fill='#1f5fbf']")


def test_a_chart_is_saved_as_png(page: str, tab: Any) -> None:
    refused = opened(tab, page)
    with tab.expect_download() as download:
        tab.click("text=Save as PNG")
    assert download.value.suggested_filename == "rates.png"
    assert Path(download.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert refused == []


def test_keys(page: str, tab: Any) -> None:
    opened(tab, page)
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.type") == "search"
    tab.keyboard.type("g?")  # typing is typing
    assert tab.input_value("input") == "g?"
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("g")
    tab.keyboard.press("t")
    assert tab.evaluate("location.hash") == "#two"
    tab.keyboard.press("?")
    tab.wait_for_selector("dialog#keys[open]")
    tab.keyboard.press("Escape")
    tab.focus("text=One")
    tab.keyboard.press("ArrowDown")
    assert tab.evaluate("document.activeElement.textContent") == "Two"


def test_a_menu_is_closed_by_escape_and_gives_the_focus_back(page: str, tab: Any) -> None:
    opened(tab, page)
    tab.click("text=More")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.querySelector('details.menu').open") is False
    assert tab.evaluate("document.activeElement.textContent") == "More"


def test_without_scripts_the_table_is_there(page: str, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page)
    assert plain.locator(".chart-plot").is_hidden()
    assert plain.locator("td").is_visible()
    context.close()
