"""The pages' cards in Chromium with odd answers: width, touch, keys, print, no scripts, axe. Under the pages' policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import assay
import odd
from assay.web.pages import PAGES

STATIC = Path(assay.__file__).parent / "web" / "static"
AXE = Path(__file__).parent.parent.parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'"
)
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1440)]


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if "part=" in self.path:
            self.send_error(404)  # a card that cannot be loaded, not this whole page once more inside of it
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not (STATIC / "charts.js").is_file():
        pytest.skip("the browser files are not built: Node was not there when assay was installed")
    folder = tmp_path_factory.mktemp("site")
    (folder / "static").symlink_to(STATIC)
    (folder / "index.html").write_text(odd.page(), encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def look(chromium: Any, site: str) -> Iterator[Any]:
    """Opens the page as asked; an error of its scripts or of the policy is one of the test."""
    contexts, errors = [], []

    def opened(**how: Any) -> Any:
        context = chromium.new_context(reduced_motion="reduce", **how)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
        page.goto(f"{site}/index.html")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_nothing_is_wider_than_the_screen_and_every_chart_is_drawn(look: Any, scheme: str, width: int) -> None:
    page = look(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("() => document.querySelectorAll('figure[data-state=drawn]').length == 2")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("figure.chart svg path").count() > 5
    over = page.evaluate(
        """() => [...document.querySelectorAll('.card *')].filter(one => {
             const box = one.getBoundingClientRect(); let up = one;
             while ((up = up.parentElement)) if (getComputedStyle(up).overflowX !== 'visible') return false;
             return one.checkVisibility() && box.right > innerWidth + 1;
           }).map(one => one.outerHTML.slice(0, 120))"""
    )
    assert over == []


def test_what_is_touched_is_large_enough(look: Any) -> None:
    page = look(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.locator("[data-pick=range] > summary").click()
    small = page.evaluate(
        """() => [...document.querySelectorAll('.nav a, .button, select, input[type=date], input[type=search], .menu-panel a, .funnel-lost, .chart-table > summary')]
             .filter(one => one.checkVisibility())
             .map(one => [one.getBoundingClientRect().height, one.outerHTML.slice(0, 90)]).filter(([h]) => h < 43.5)"""
    )
    assert small == []


def test_keys(look: Any) -> None:
    page = look()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    told = page.locator("dialog#keys")
    assert told.is_visible()
    assert all(one.title in told.inner_text() for one in PAGES)
    page.keyboard.press("Escape")
    assert not told.is_visible()
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/shop/funnels?segment=segment_007")


def test_a_menu_opens_definition_and_sql_and_closes(look: Any) -> None:
    page = look(viewport={"width": 1440, "height": 900})
    card = page.locator("section#overview-scorecard")
    card.locator("summary[aria-label^='More about']").click()
    card.get_by_role("link", name="Definition").click()
    assert card.locator("details.how").evaluate("one => one.open")
    assert "שיעור" not in card.locator("details.how dt").first.inner_text()
    assert "sessions with an order / sessions" in card.locator("details.how").inner_text()
    page.locator("[data-pick=segment] > summary").click()
    assert page.locator("[data-pick=segment] a").count() == 201
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0


def test_a_definition_is_read_where_the_number_is(look: Any) -> None:
    page = look(viewport={"width": 1440, "height": 900})
    tip = page.locator(".tile .tip [role=tooltip]").first
    assert not tip.is_visible()
    page.locator(".tile .tip > button").first.focus()
    assert tip.is_visible()
    assert tip.inner_text() == "שיעור ההזמנות מכלל הביקורים"


def test_a_card_that_fails_to_load_says_so_and_keeps_the_page(look: Any) -> None:
    page = look()
    box = page.locator(".part-stopped")
    box.wait_for()
    assert "This part could not be loaded." in box.inner_text()
    assert page.locator("h1").count() == 1


def test_without_scripts_there_are_tables_forms_and_links(look: Any) -> None:
    page = look(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    assert page.locator("figure.chart").first.locator("td", has_text="segment_000").first.is_visible()
    assert not page.locator(".chart-plot").first.is_visible()
    page.locator("[data-pick=range] > summary").click()
    assert page.get_by_role("link", name="Last 7 days").is_visible()
    assert page.locator("form.period button").is_visible()
    assert page.locator("form.choices button[type=submit]").is_visible()
    assert page.get_by_role("link", name="Wait for it").is_visible()


def test_printed_it_is_the_cards_alone(look: Any) -> None:
    page = look(viewport={"width": 1000, "height": 900}, color_scheme="dark")
    dark = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(dark) == "rgb(15, 20, 27)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(dark) == "rgb(255, 255, 255)"
    assert [page.locator(one).first.is_visible() for one in (".side", ".top", ".card-head .menu", "h1", ".tile")] == [
        False, False, False, True, True
    ]  # fmt: skip


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing_serious(chromium: Any, site: str, scheme: str, width: int) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in frontend/")
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{site}/index.html")
    page.locator(".part-stopped").wait_for()
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(
        """axe.run().then(all => all.violations.filter(one => ['serious', 'critical'].includes(one.impact))
             .map(one => [one.id, one.nodes.slice(0, 4).map(node => node.html.slice(0, 160))]))"""
    )
    context.close()
    assert found == []
