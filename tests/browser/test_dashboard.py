"""The pages in Chromium, over the real server: figures, picks, keys, no scripts, small screens, axe, policy."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pages import BESIDE, NAMES, REAL_DAY, Machine, cards, command, go, surfing, texts, violations

from assay.cli.run import run


def answer(capfd: pytest.CaptureFixture[str], folder: Path, *words: str) -> dict[str, Any]:
    """What the command line says as JSON."""
    capfd.readouterr()
    assert run([*words, "--format", "json", "-w", str(folder)]) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def same(one: Any, other: Any) -> bool:
    """Equal; where the order of adding up differs, to ten digits."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other:
        with suppress(ValueError):
            return math.isclose(float(one), float(other), rel_tol=1e-10)
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-10, abs_tol=1e-12)
    return bool(one == other)


@pytest.mark.parametrize("name", [*NAMES, "programme"])
def test_the_figures_are_those_of_the_command_line(
    machine: Machine, surfer: Any, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    go(surfer, machine.at(name))
    found = cards(surfer)
    assert found
    for card in found:
        assert card["problem"] is None, card
        assert card["json"], card["title"]
        told = answer(capfd, machine.slugs[machine.first], *command(card["json"]))
        exact = surfer.evaluate("async url => (await (await fetch(url)).json())", card["json"])
        assert exact.keys() == told.keys()
        for key in exact.keys() - {"as_of"}:
            assert same(exact[key], told[key]), (card["title"], key)
        wanted = [] if told["empty"] else texts(told)
        assert card["rows"] == wanted[:200] or not card["rows"], card["title"]
        assert card["rows"] or not wanted or card["title"] in ("Alerts", "Situations"), card["title"]


@pytest.mark.parametrize("name", [*NAMES, *BESIDE])
def test_nothing_is_said_refused_or_asked_elsewhere(machine: Machine, surfer: Any, name: str) -> None:
    surfer.said.clear()
    go(surfer, machine.at(name))
    assert violations(surfer) == []
    assert surfer.said == []


def test_picks_stand_in_the_address_and_on_every_page(machine: Machine, surfer: Any) -> None:
    go(surfer, machine.at("overview"))
    surfer.click("[data-pick=range] summary")
    surfer.click("[data-pick=range] >> text=Last 7 days")
    surfer.wait_for_url("**/overview?range=7d")
    surfer.click("[data-pick=compare] summary")
    surfer.click("[data-pick=compare] >> text=No comparison")
    surfer.wait_for_function("() => location.search.includes('compare=none')")
    surfer.click("[data-pick=segment] summary")
    surfer.click("[data-pick=segment] a >> text=mobile")
    surfer.wait_for_function("() => location.search.includes('segment=mobile')")
    surfer.click("nav a[data-go=f]")
    surfer.wait_for_url("**/funnels?**")
    assert query(surfer) == {"range": "7d", "compare": "none", "segment": "mobile"}
    surfer.select_option("select[name=funnel]", "checkout_steps")
    surfer.wait_for_function("() => location.search.includes('funnel=checkout_steps')")
    assert query(surfer)["segment"] == "mobile"
    surfer.go_back()
    surfer.wait_for_function("() => !location.search.includes('funnel=')")
    surfer.wait_for_function("() => document.querySelector('select[name=funnel]').value === 'checkout'")
    surfer.click("[data-pick=range] summary")
    surfer.fill("input[name=from]", "2026-09-01")
    surfer.fill("input[name=to]", "2026-09-10")
    surfer.click("text=Show these days")
    surfer.wait_for_function("() => location.search.includes('from=2026-09-01')")
    assert query(surfer) == {"from": "2026-09-01", "to": "2026-09-10", "compare": "none", "segment": "mobile"}
    assert "1 Sep 2026 – 10 Sep 2026" in surfer.inner_text("[data-pick=range] summary")
    surfer.reload()
    assert "mobile" in surfer.inner_text("[data-pick=segment] summary")


def query(page: Any) -> dict[str, str]:
    found: dict[str, str] = page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")
    return found


def test_a_view_is_kept_and_found_again(machine: Machine, surfer: Any) -> None:
    surfer.goto(machine.at("funnels?segment=mobile&funnel=checkout_steps"))
    surfer.click("[aria-label='Keep this view']")
    surfer.wait_for_url("**/kept?**")
    surfer.fill("main input[name=title]", "Phones at the till")
    surfer.click("main form:has(input[name=title]) button")
    surfer.wait_for_url("**/funnels?**")
    surfer.goto(machine.at("kept"))
    surfer.click("text=Phones at the till")
    surfer.wait_for_url("**/funnels?**")
    assert query(surfer) == {"segment": "mobile", "funnel": "checkout_steps"}


def test_a_name_in_a_table_leads_to_the_person(machine: Machine, surfer: Any) -> None:
    go(surfer, machine.at("journeys"))
    link = surfer.locator("main td a[href*='person?']").first
    who = link.inner_text()
    link.click()
    surfer.wait_for_url("**/person?**")
    surfer.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
    assert who in surfer.inner_text("main")
    assert surfer.locator("main table tbody tr").count() > 0


def test_all_sites_stand_side_by_side(machine: Machine, surfer: Any, capfd: pytest.CaptureFixture[str]) -> None:
    surfer.said.clear()
    surfer.goto(machine.base + "/")
    assert surfer.locator("main > section").count() == 2
    first = answer(capfd, machine.slugs[machine.first], "ask", "overview", "--daily")
    shows = [one.strip() for one in surfer.locator("section >> nth=0 >> .tile-now").all_inner_texts()]
    assert len(shows) == len(first["rows"])
    assert all(any(one in row for row in texts(first)) for one in shows)
    assert violations(surfer) == surfer.said == []


@pytest.mark.parametrize("name", [*NAMES, *BESIDE])
def test_without_scripts(machine: Machine, chromium: Any, name: str) -> None:
    with surfing(chromium, machine, java_script_enabled=False) as page:
        page.goto(machine.at(name))
        while (wait := page.locator("section[aria-busy=true] a.nojs")).count():
            assert wait.first.is_visible()
            wait.first.click()
            page.wait_for_load_state()
        assert page.locator("main h1").is_visible()
        for table in page.locator("main details.chart-table:not(.how):has(table)").all():
            table.locator("summary").first.click()
            assert table.locator("table").first.is_visible()
        if name in NAMES:
            assert page.locator("main table, main .empty, main .findings, main .tiles").count() > 0
            page.click("[data-pick=range] summary")
            page.click("[data-pick=range] >> text=Last 90 days")
            page.wait_for_url("**range=90d**")
            choices = page.locator("form.choices select")
            if choices.count():
                choices.first.select_option(index=1)
                page.click("form.choices button")
                assert f"{choices.first.get_attribute('name')}=" in page.url


def test_what_a_page_weighs_before_its_charts(machine: Machine, chromium: Any) -> None:
    """Uncompressed, as the server sends it."""
    sizes: dict[str, int] = {}
    with surfing(chromium, machine) as page:
        page.on("response", lambda one: sizes.update({one.url: len(one.body())}) if one.url.endswith(".js") else None)
        go(page, machine.at("overview"))
    assert any(one.endswith("/charts.js") for one in sizes)
    assert 0 < sum(size for url, size in sizes.items() if not url.endswith("/charts.js")) < 100_000


def test_one_real_day(merchandise: Machine, chromium: Any, capfd: pytest.CaptureFixture[str]) -> None:
    """The Google Merchandise Store on 2017-08-01: its figures on the pages, which say all of it without a mistake."""
    folder = merchandise.slugs[merchandise.first]
    with surfing(chromium, merchandise) as page:
        for name in (*NAMES, "programme"):
            go(page, merchandise.at(f"{name}?{REAL_DAY}&compare=none"))
            for card in cards(page):
                assert card["problem"] is None, card
                told = answer(capfd, folder, *command(card["json"]))
                assert not card["rows"] or card["rows"] == texts(told)[:200], (name, card["title"])
            assert violations(page) == page.said == []
