"""What pages show beyond their figures: people behind lists, commands as links, search, odd answers, one's own menu."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from browsing import browsing, text_of

import odd
from assay.web.access.values import Principal
from assay.web.pages import BESIDE, BY_NAME, PAGES
from support import NOW, bought, event, view, workspace

PLAN = """
site: {name: Shop, timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop, agreed_by: [all]}}
metrics:
  rpv: {type: simple, sum: revenue.net, per: visitor}
  cart_rate: {type: conversion, event: add_to_cart, per: visitor, within: 7d}
kpis: {rpv: {}, cart_rate: {}}
segments: {mobile: "device = 'mobile'"}
funnels: {buy: {steps: [page_view, add_to_cart, purchase]}}
"""
RANGE = "from=2024-03-01&to=2024-03-20&wait=1"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("look")
    lines = []
    for day in range(1, 21):
        for n in range(5):
            who = f"v {day}&{n}"
            lines.append(view(who, f"2024-03-{day:02d} 10:{n:02d}", "/p", device="mobile" if n % 2 else "desktop"))
            if n < 3:
                lines.append(event(who, "add_to_cart", f"2024-03-{day:02d} 10:2{n}"))
            if n == 0:
                lines.append(bought(who, f"2024-03-{day:02d} 10:40", f"o{day}", "2000", currency="EUR"))
    with workspace(folder, PLAN, lines):
        pass
    with browsing(folder, NOW) as made:
        yield made


def links(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'href="(/shop/[^"]*)"', page)]


def test_a_drop_off_leads_to_its_people_and_each_to_the_timeline(client: Any) -> None:
    page = client.get(f"/shop/funnels?{RANGE}").text
    lost = next(one for one in links(page) if "step=2" in one)
    behind = client.get(f"{lost.partition('#')[0]}&wait=1").text
    assert "Lost between page view and add to cart" in text_of(behind)
    people = [one for one in links(behind) if one.startswith("/shop/person?")]
    assert len(people) == 40  # two of five a day
    story = client.get(people[0] + "&wait=1").text
    assert "1 session, 1 event" in text_of(story)
    assert 'role="alert"' not in story


def test_every_link_of_every_page_is_answered(client: Any) -> None:
    found: set[str] = set()
    for page in PAGES:
        found |= {one.partition("#")[0] for one in links(client.get(f"/shop/{page.name}?{RANGE}").text)}
    asked = sorted(
        one for one in found if "/api/" not in one and "/person?" not in one and ("ask?" in one or "kpi?metric" in one)
    )
    assert len(asked) > 10
    for one in asked:
        answer = client.get(f"{one}{'&' if '?' in one else '?'}wait=1")
        assert answer.status_code == 200, one
        assert 'role="alert"' not in answer.text, (one, text_of(answer.text)[-600:])


def test_any_question_can_be_asked_but_none_that_writes_or_reads_files(client: Any) -> None:
    made = client.get("/shop/ask?question=metric&names=rpv&by=device&wait=1")
    assert "One or several metrics" in text_of(made.text)
    assert client.get("/shop/ask?question=reconcile&file=/etc/passwd").status_code == 404
    assert client.get("/shop/ask?question=nothing").status_code == 404
    kept = client.get("/shop/ask?question=opportunity&name=buy&to_backlog=true&wait=1")
    assert kept.status_code == 200
    assert client.get("/shop/api/v1/backlog").json()["rows"] == []


def test_search_finds_by_name_and_meaning(client: Any) -> None:
    page = client.get("/shop/find?q=CART+rate&wait=1").text
    assert "1 of" in text_of(page)
    assert "/shop/kpi?metric=cart_rate" in links(page)
    assert "Nothing here has that name." in text_of(client.get("/shop/find?q=zebra&wait=1").text)
    assert "<script>x" not in client.get("/shop/find?q=<script>x&wait=1").text


def test_ready_ranges_are_links_that_keep_the_rest(client: Any) -> None:
    page = client.get("/shop/kpi?metric=rpv&segment=mobile&range=7d&wait=1").text
    assert "/shop/kpi?range=last-month&segment=mobile&metric=rpv" in links(page)
    assert "/shop/kpi?range=7d&metric=rpv" in links(page)  # everybody
    assert "14 to 20 Mar 2024" in text_of(page)
    assert '<input type="hidden" name="metric" value="rpv">' in page


def test_a_rate_with_a_window_says_what_is_final(client: Any) -> None:
    page = text_of(client.get("/shop/overview?wait=1").text)
    assert "final up to 12 Mar 2024; 35 since then are still open" in page
    assert "only those whose time is over" in page
    assert "2,000" not in page.partition("more exactly")[0]  # rpv is 400.00 €


def test_pages_beside_the_navigation_are_reached_by_links_only(client: Any) -> None:
    page = client.get(f"/shop/overview?{RANGE}").text
    nav = page[page.index('<ul class="nav"') : page.index("</ul>", page.index('<ul class="nav"'))]
    assert nav.count("<a ") == len(PAGES) == nav.count("data-go=")
    assert len({one.letter for one in PAGES}) == len(PAGES)
    assert all(one.name in BY_NAME and f"/{one.name}" not in nav for one in BESIDE)


@pytest.mark.parametrize(("role", "settings"), [("viewer", False), ("admin", True)])
def test_who_is_signed_in_has_a_menu(role: str, settings: bool) -> None:
    made = odd.page(who=Principal("user", "Zoë <b>", role, csrf="token"))
    assert "Zoë &lt;b&gt;" in made
    assert ('href="/shop/settings"' in made, 'action="/shop/logout"' in made) == (settings, True)
    assert '<input type="hidden" name="csrf" value="token">' in made
    assert 'class="menu up who"' not in odd.page()


def test_odd_answers_are_shown_without_styles_or_scripts_of_their_own() -> None:
    made = odd.page()
    assert not re.search(r'\son[a-z]+=|\sstyle=|<script(?![^>]*\s(src=|type="application/json"))', made)
    ids = re.findall(r'\sid="([^"]+)"', made)
    assert sorted({one for one in ids if ids.count(one) > 1}) == []
    told = text_of(made)
    for said in ("No verdict: the numbers of this test cannot be trusted.", "This could not be answered.",
                 "guardrail: broken, 13 points", "and 2 more rows in the CSV", "No data in 3 to 30 Sep"):  # fmt: skip
        assert said in told


def test_what_a_link_leads_to_is_there(client: Any) -> None:
    for start in ("funnels?", "kpi?metric=rpv&"):
        for one in links(client.get(f"/shop/{start}{RANGE}").text):
            path, _, place = one.partition("#")
            if place:
                assert f'id="{place}"' in client.get(f"{path}&wait=1").text, one
