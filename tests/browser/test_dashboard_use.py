"""How the pages are used: by keys, on a phone, by everybody, while cards are slow."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import BESIDE, NAMES, NARROW, REAL_DAY, SETTLED, SLOW, WIDE, Machine, go, running, surfing

from assay.web.pages import PAGES

AXE = Path(__file__).parent.parent.parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
# Every place where the focus must come by, and what was seen of it when it did.
STOPS = """() => {
  window.stops = new Map();
  document.addEventListener("focusin", event => {
    const style = getComputedStyle(event.target);
    const around = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    stops.set(event.target, around || style.boxShadow !== "none");
  });
  window.wanted = () => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
    .filter(one => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({visibilityProperty: true})
      && !(one.type === "radio" && !one.checked));
  return wanted().length }"""
LEFT = """() => [wanted().filter(one => !stops.has(one)), [...stops].filter(([_, seen]) => !seen).map(([one]) => one)]
  .map(all => all.map(one => one.outerHTML.slice(0, 160)))"""
SMALL = """() => [...document.querySelectorAll(
    ".side a, .side button, .side summary, .top a, .top button, .top summary, .choices select, .top input:not([type=hidden])")]
  .filter(one => one.checkVisibility({visibilityProperty: true}))
  .map(one => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([_, box]) => box.width > 0 && (box.height < 43.5 || box.width < 43.5))
  .map(([text, box]) => `${Math.round(box.width)} x ${Math.round(box.height)} ${text}`)"""
WIDER = """() => [...document.querySelectorAll("main *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map(one => one.outerHTML.slice(0, 120))"""
SHIFTED = """window.shifts = []; new PerformanceObserver(list => { for (const one of list.getEntries())
  if (!one.hadRecentInput) shifts.push(one.value) }).observe({type: "layout-shift", buffered: true})"""


ALL = [*NAMES, *BESIDE, "person", "board"]


@pytest.fixture
def place(machine: Machine, own_pages: dict[str, str], name: str) -> str:
    """The address of the page that a test is about."""
    return machine.at(own_pages.get(name, name))


def reached_by_tab(page: Any) -> None:
    for _ in range(page.evaluate(STOPS) * 2 + 20):
        page.keyboard.press("Tab")
        if page.evaluate("stops.size > 5 && document.activeElement === document.body"):
            break
    missed, unseen = page.evaluate(LEFT)
    assert missed == []
    assert unseen == []


def fits_a_phone(page: Any) -> None:
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390, page.evaluate(WIDER)
    assert page.evaluate(SMALL) == []


def free_of_barriers(page: Any, address: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in frontend/")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        go(page, address)
        page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
        passed, found = page.evaluate(
            "axe.run().then(all => [all.passes.length, all.violations.filter(one => ['serious', 'critical'].includes(one.impact))"
            ".map(one => [one.id, one.nodes.slice(0, 4).map(n => [n.html.slice(0, 200), n.failureSummary.slice(0, 300)])])])"
        )
        assert passed > 10
        assert found == [], scheme
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("name", ALL)
def test_the_tab_key_reaches_everything_and_the_focus_is_seen(surfer: Any, place: str) -> None:
    go(surfer, place)
    reached_by_tab(surfer)


@pytest.mark.parametrize("name", [*NAMES, "programme"])
def test_a_real_shop_is_for_everybody_too(merchandise: Machine, chromium: Any, name: str) -> None:
    """Long names of real campaigns and pages: keys, a phone, axe."""
    address = merchandise.at(f"{name}?{REAL_DAY}")
    with surfing(chromium, merchandise) as page:
        free_of_barriers(page, address)
        page.set_viewport_size(NARROW)
        go(page, address)
        fits_a_phone(page)
        page.set_viewport_size(WIDE)
        go(page, address)
        reached_by_tab(page)


def test_letters_lead_to_pages(machine: Machine, surfer: Any) -> None:
    go(surfer, machine.at(f"{PAGES[-1].name}?segment=mobile"))
    for page in PAGES:
        surfer.keyboard.press("g")
        surfer.keyboard.press(page.letter)
        surfer.wait_for_url(f"**/{page.name}?segment=mobile")
        surfer.wait_for_load_state()


def test_search_help_escape_and_arrows(machine: Machine, surfer: Any) -> None:
    go(surfer, machine.at("funnels"))
    surfer.keyboard.press("?")
    assert surfer.locator("dialog#keys").is_visible()
    surfer.keyboard.press("Escape")
    assert not surfer.locator("dialog#keys").is_visible()
    surfer.focus("[data-pick=segment] summary")
    surfer.keyboard.press("Enter")
    assert surfer.locator("[data-pick=segment] .menu-panel").is_visible()
    surfer.keyboard.press("Tab")
    surfer.keyboard.press("ArrowDown")
    assert surfer.evaluate("document.activeElement.textContent.trim()") == "mobile"
    surfer.keyboard.press("End")
    assert surfer.evaluate("document.activeElement.textContent.trim()") == "safari"
    surfer.keyboard.press("Escape")
    assert not surfer.locator("[data-pick=segment] .menu-panel").is_visible()
    assert surfer.evaluate("document.activeElement.parentElement.dataset.pick") == "segment"
    surfer.keyboard.press("/")
    surfer.keyboard.type("aban")
    surfer.keyboard.press("Enter")
    surfer.wait_for_url("**/find?q=aban**")
    assert "cart abandonment" in surfer.inner_text("main").replace("_", " ").lower()


@pytest.fixture(scope="module")
def phone(machine: Machine, chromium: Any) -> Iterator[Any]:
    with surfing(chromium, machine, viewport=NARROW, has_touch=True) as page:
        yield page


@pytest.mark.parametrize("name", ALL)
def test_a_phone_scrolls_one_way_and_has_room_for_fingers(phone: Any, place: str) -> None:
    go(phone, place)
    fits_a_phone(phone)


def test_bars_and_tables_that_are_wider_than_a_phone_say_so(machine: Machine, phone: Any) -> None:
    """A sign where there is more, gone at the end; keys move what is focused into sight, and tables sideways."""
    go(phone, machine.at("segments"))
    bar, side = phone.locator(".top-inner"), phone.locator(".side")
    assert bar.get_attribute("data-more") == "right"
    assert side.get_attribute("data-more") == "left right"  # the page's own link has been brought into sight
    inside = "one => { const box = one.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth }"
    assert side.locator("[aria-current=page]").evaluate(inside)
    assert bar.evaluate("one => getComputedStyle(one, '::after').content") == '"›"'
    bar.locator(".who > summary").focus()  # the last in it
    phone.wait_for_function("() => document.querySelector('.top-inner').dataset.more === 'left'")
    assert bar.evaluate("one => getComputedStyle(one, '::after').content") == '""'
    go(phone, machine.at("acquisition"))
    table = phone.locator(".table-wrap[aria-label='Models side by side, table']")
    assert "gradient" in table.evaluate("one => getComputedStyle(one).backgroundImage")
    table.focus()
    phone.keyboard.press("ArrowRight")
    phone.wait_for_function("() => document.activeElement.scrollLeft > 0")


def test_no_table_is_cut_where_there_is_room(machine: Machine, surfer: Any) -> None:
    for name in ("acquisition", "definitions", "programme"):
        go(surfer, machine.at(name))
        wide = "all => all.filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1).map(one => one.ariaLabel)"
        assert surfer.locator(".table-wrap").evaluate_all(wide) == []


@pytest.mark.parametrize("name", ALL)
def test_axe_finds_nothing_serious(surfer: Any, place: str) -> None:
    free_of_barriers(surfer, place)


def test_a_slow_card_is_stopped_and_loaded_again(hasty: Machine, chromium: Any) -> None:
    with surfing(chromium, hasty) as page:
        held: list[Any] = []
        page.route("**/*part=1*", lambda route: held.append(route))
        page.goto(hasty.at("overview?range=7d"))  # what nobody has asked for: signing in has opened the overview
        card = page.locator("section.card[aria-label^='Why ']")
        card.locator("[data-cancel]").click()
        assert "Stopped. Nothing was lost." in card.inner_text()
        page.unroute("**/*part=1*")
        card.locator("text=Load it again").click()
        page.wait_for_selector("section.card[aria-label^='Why '] .chart-title")
        assert len(held) == 1


def test_a_slow_card_says_how_far_it_is(shop_folder: Path, chromium: Any, tmp_path: Path) -> None:
    folder = tmp_path / "kaffeekiste"
    shutil.copytree(shop_folder, folder, ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    with running([folder], SLOW) as slow, surfing(chromium, slow) as page:
        page.goto(slow.at("pages"))
        card = page.locator('.part[aria-busy="true"]').first
        said = card.get_by_role("status")
        page.wait_for_function("() => document.body.innerText.includes('reading <all> events, ')")
        assert re.fullmatch(r"reading <all> events, \d\d%", said.inner_text())
        page.screenshot(path=tmp_path / "slow.png")
        page.wait_for_function(SETTLED)
        assert page.locator("main .card table").count() > 0
        assert page.said == []


@pytest.mark.parametrize("name", NAMES)
def test_a_card_that_comes_later_moves_nothing(hasty: Machine, chromium: Any, name: str) -> None:
    with surfing(chromium, hasty) as page:
        page.add_init_script(SHIFTED)
        assert 'aria-busy="true"' in page.goto(hasty.at(name)).text()
        page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
        page.wait_for_timeout(300)
        assert sum(page.evaluate("window.shifts")) < 0.1  # what counts as good
