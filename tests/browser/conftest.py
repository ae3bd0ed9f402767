"""A shop, its collector, and Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import HASTY, Machine, demo, go, running, surfing
from shops import Shop

from serving import AGENT
from support import bought, view, workspace

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip
SECOND = """
site: {name: Second shop, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {grow: {goal: Grow}}
metrics:
  rpv: {type: simple, sum: revenue.net, per: visitor}
kpis: {rpv: {objective: grow, direction: up}}
"""
REAL = """
site: {name: Merchandise store, timezone: America/Los_Angeles, currency: USD}
rules: {bounce: ga360}
goals: {order: {event: purchase, kind: macro, journey: shop}}
objectives: {sell: {goal: Sell more}}
metrics:
  rate_session: {type: conversion, goal: order, per: session}
  rpv: {type: simple, sum: revenue.net, per: visitor}
  bounces: {type: rate, of: session, where: is_bounce, direction: down}
kpis: {rate_session: {objective: sell}, rpv: {objective: sell}, bounces: {objective: sell}}
funnels: {shop: {steps: [view_item, add_to_cart, begin_checkout, purchase], per: session, window: session}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    from assay.collect.scripts import script

    if script() is None:
        pytest.skip("the snippet is not built: Node was not there when assay was installed")
    made = Shop(tmp_path)
    yield made
    made.stop()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def playwright_api() -> Any:
    """Playwright, where it and Chromium are on this machine."""
    if CHROMIUM is None:
        pytest.skip("chromium is not on this machine")
    return pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def chromium(playwright_api: Any) -> Iterator[Any]:
    """Not for longer than a module: where Playwright runs, so does its event loop, in the way of all others."""
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A page of a fresh profile; what it says on its console is an error of the test."""
    context = chromium.new_context(user_agent=AGENT)
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []
    context.close()


@pytest.fixture(scope="session")
def shop_folder(playwright_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo(tmp_path_factory.mktemp("served") / "kaffeekiste")


@pytest.fixture(scope="session")
def machine(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    other = tmp_path_factory.mktemp("other") / "second"
    other.mkdir()
    with workspace(other, SECOND, [view("a", "2026-09-01 10:00"), bought("a", "2026-09-01 10:05", "o1", "9.50")]):
        pass
    with running([shop_folder, other]) as made:
        yield made


@pytest.fixture(scope="session")
def hasty(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A server whose pages wait for no card: each comes by itself."""
    folder = tmp_path_factory.mktemp("hasty") / "kaffeekiste"
    shutil.copytree(shop_folder, folder, ignore=shutil.ignore_patterns("*.sock", "*.lock"))
    with running([folder], HASTY) as made:
        yield made


@pytest.fixture(scope="session")
def merchandise(data_file: Any, playwright_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A real day of the Google Merchandise Store, 2017-08-01, as its GA360 export brings it."""
    from assay.cli.run import run

    path = data_file("ga3_sessions_20170801_half.parquet")
    folder = tmp_path_factory.mktemp("real") / "merchandise"
    folder.mkdir()
    (folder / "assay.yaml").write_text(REAL)
    assert run(["import", "ga360", str(path), "-w", str(folder)]) == 0
    with running([folder]) as made:
        yield made


@pytest.fixture(scope="module")
def own_pages(machine: Machine, chromium: Any) -> dict[str, str]:
    """Pages that have to be made or found first, by name: a person's, and a board of two cards; by clicks."""
    if machine.own:
        return machine.own
    with surfing(chromium, machine) as page:
        for name in ("overview", "experiments"):
            go(page, machine.at(name))
            card = page.locator("section.card:has(form[action$='/kept'])").nth(1)
            card.locator("summary[aria-label^='More about']").click()
            card.locator("text=Add to board").click()
            page.wait_for_url("**/boards/Ours**")
        go(page, machine.at("journeys"))
        found = page.locator("main td a[href*='person?']").first.get_attribute("href") or ""
    machine.own.update(board="boards/Ours", person=found.partition(f"/{machine.first}/")[2])
    return machine.own


@pytest.fixture(scope="module")
def surfer(machine: Machine, chromium: Any) -> Iterator[Any]:
    with surfing(chromium, machine) as page:
        yield page
