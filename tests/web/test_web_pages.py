"""Pages over a small shop: every page answers, says the figures of the questions, works without scripts, escapes."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from browsing import browsing, text_of

from assay.plan.load import loads
from assay.report.brief import spoken
from assay.report.view import Voice, headed
from assay.web import showing as application
from assay.web.asking import Asker
from assay.web.cards import shape
from assay.web.pages import PAGES
from assay.web.pages.base import Card, View
from assay.workspace import Workspace, unfinished
from support import NOW, bought, event, view, workspace

NAME = 'Shop <b>"&'
PLAN = """
site: {name: 'Shop <b>"&', timezone: UTC, currency: EUR}
goals: {order: {event: purchase, kind: macro, journey: shop, agreed_by: [all]}}
objectives: {grow: {goal: Grow}}
metrics:
  rpv: {type: simple, sum: revenue.net, per: visitor}
  rate: {type: conversion, goal: order, per: session, direction: up}
  bounces: {type: rate, of: session, where: is_bounce, direction: down}
kpis: {rpv: {objective: grow}, rate: {objective: grow}, bounces: {guardrail: true, direction: down}}
segments: {mobile: "device = 'mobile'"}
funnels: {buy: {steps: [page_view, add_to_cart, purchase]}}
experiments: {banner: {primary: rate}}
"""


def history() -> list[dict[str, Any]]:
    lines = []
    for day in range(1, 29):
        for n in range(6):
            who, device = f"v{day}-{n}", "mobile" if n % 2 else "desktop"
            lines.append(view(who, f"2024-03-{day:02d} 10:{n:02d}", "/<script>alert(1)</script>", device=device))
            if n < 3:
                lines.append(event(who, "add_to_cart", f"2024-03-{day:02d} 10:{n + 20:02d}", device=device))
            if n == 0:
                lines.append(bought(who, f"2024-03-{day:02d} 10:40", f"o{day}", "20", currency="EUR", device=device))
    return lines


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("pages")
    with workspace(folder, PLAN, history()):
        pass
    with browsing(folder, NOW) as made:
        yield made


def said(text: str) -> str:
    """A sentence with names of the plan as words, as the report says it too."""
    return headed(Voice(frozenset(spoken(loads(PLAN)))).said(text))


def test_a_variant_whose_name_says_nothing_is_named_by_what_it_is() -> None:
    """Unless something else of the plan has that name too."""
    assert said("Ship treatment: it is better; the control has 3 of 12 treatments") == (
        "Ship the new variant: it is better; the old variant has 3 of 12 treatments"
    )
    own = PLAN.replace(
        "{primary: rate}", "{primary: rate, variants: {treatment: 50, big_button: 50}, control: treatment}"
    )
    assert Voice(frozenset(spoken(loads(own)))).said("control, big_button") == "control, big button"
    event = PLAN + "events: {treatment: {description: At the hairdresser's}}\n"
    assert Voice(frozenset(spoken(loads(event)))).said("treatment, control") == "treatment, the old variant"


@pytest.mark.parametrize("picks", ["", "&segment=mobile&range=7d&compare=year"])
@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_every_page_answers_all_its_cards(client: Any, page: str, picks: str) -> None:
    found = client.get(f"/shop/{page}?wait=1{picks}")
    assert (found.status_code, found.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "aria-busy" not in found.text
    assert 'class="banner bad" role="alert"' not in found.text, text_of(found.text)
    assert "<script>alert" not in found.text
    assert NAME not in found.text
    assert html.escape(NAME, quote=False).replace('"', "&#34;") in found.text
    assert found.text.count('aria-current="page"') == 1
    assert not re.search(
        r'\son[a-z]+=|\sstyle=|<script(?![^>]*\s(src=|type="application/json"))', found.text
    )  # what a strict policy forbids


def test_the_scorecard_says_the_figures_of_the_question(client: Any) -> None:
    with Workspace(client.folder, now=NOW) as ws:
        answer = ws.ask("overview")
    page = client.get("/shop/overview?wait=1").text
    for row in answer.records():
        for name in ("now", "range", "change"):
            if row[name]:
                assert str(row[name]) in text_of(page)
    assert said(answer.sentence) in text_of(page)
    assert json.loads(client.get("/shop/api/v1/overview").text)["rows"] == json.loads(
        json.dumps([[str(c) if c.__class__.__name__ in ("date", "Decimal") else c for c in row] for row in answer.rows])
    )


def test_picks_are_kept_from_page_to_page(client: Any) -> None:
    page = client.get("/shop/funnels?from=2024-03-05&to=2024-03-09&segment=mobile&by=device&wait=1").text
    assert 'value="2024-03-05"' in page
    assert 'aria-current="true"><bdi>mobile</bdi></a>' in page
    assert "5 Mar 2024 – 9 Mar 2024" in text_of(page)
    assert 'href="/shop/pages?from=2024-03-05&amp;to=2024-03-09&amp;segment=mobile"' in page
    assert "only the segment mobile" in text_of(page)
    with Workspace(client.folder, now=NOW) as ws:
        answer = ws.ask("funnel", "buy", by="device", segment="mobile", **{"from": "2024-03-05", "to": "2024-03-09"})
    assert said(answer.sentence) in text_of(page)


def test_a_slow_card_is_loaded_later_and_a_link_waits_for_it(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "AT_ONCE", 0.0)
    page = client.get("/shop/pages?from=2024-03-02").text
    assert 'hx-get="?from=2024-03-02&amp;part=0"' in page
    assert 'href="?from=2024-03-02&amp;wait=1"' in page
    assert 'hx-get="?from=2024-03-02&amp;part=told-0"' in page
    assert client.get("/shop/pages?part=told-0").status_code == 204  # nobody asks for it now
    assert client.get("/shop/pages?part=told-99").status_code == 404
    monkeypatch.setattr(Asker, "told", lambda *_: "visitor <b>, 40%")
    assert client.get("/shop/pages?part=told-0").text == "visitor &lt;b&gt;, 40%"
    card = client.get("/shop/pages?from=2024-03-02&part=0").text
    assert card.lstrip().startswith("<section")
    assert "Pages" in card


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nowhere/overview", 404, "there is no site 'nowhere'"),
        ("/shop/overvew", 404, "did you mean 'overview'"),
        ("/shop/overview?part=99", 404, "no such card"),
        ("/shop/overview?from=soon&wait=1", 200, "from"),
        ("/shop/overview?segment=mobil&wait=1", 200, "mobil"),
        ("/shop/<script>", 404, "<script>"),
    ],
)
def test_mistakes_are_said_on_the_page(client: Any, path: str, status: int, says: str) -> None:
    found = client.get(path)
    assert (found.status_code, says in text_of(found.text)) == (status, True)
    assert "Traceback" not in found.text


def test_the_start_leads_to_the_only_site(client: Any) -> None:
    assert client.get("/").headers["location"] == "/shop/"
    assert client.get("/shop/").headers["location"] == "/shop/overview"
    assert client.get("/shop", follow_redirects=True).url.path == "/shop/overview"
    assert client.get("/healthz").json() == {"ok": True}


def test_a_change_within_the_noise_has_no_colour() -> None:
    from assay.analyses.overview import COLUMNS
    from assay.model.answer import Answer
    from assay.model.finding import Finding

    def row(name: str, low: float, high: float) -> tuple[Any, ...]:
        cells: dict[str, Any] = {"kpi": name, "role": "kpi", "now": "1", "difference": (low + high) / 2,
                                 "difference_low": low, "difference_high": high}  # fmt: skip
        return tuple(cells.get(column.name) for column in COLUMNS)

    found = Finding("kpi_moved", "bad", "x", {"metric": "b"})
    answer = Answer(
        "overview", {}, COLUMNS, (row("a", -0.1, 0.2), row("b", -0.3, -0.1), row("c", 0.1, 0.3)), findings=(found,)
    )
    tiles = shape(Card("Scorecard", "overview", view="tiles"), answer, {}, "/api").tiles
    assert [(tile.name, tile.direction, tile.judged) for tile in tiles] == [
        ("a", "none", ""),
        ("b", "down", "bad"),
        ("c", "up", ""),
    ]


def test_a_view_is_its_address() -> None:
    made = View.of({"from": "2024-01-01", "by": "device", "segment": ""})
    assert (made.query(), made.kept, made.query(by=None, wait="1")) == (
        "from=2024-01-01&by=device", "from=2024-01-01", "from=2024-01-01&wait=1"
    )  # fmt: skip


def test_an_empty_workspace_says_what_comes_next(tmp_path: Any) -> None:
    with workspace(tmp_path, PLAN):
        pass
    with browsing(tmp_path, NOW) as client:
        for page in PAGES:
            found = client.get(f"/shop/{page.name}?wait=1")
            assert found.status_code == 200
            assert 'class="banner bad" role="alert"' not in found.text, (page.name, text_of(found.text))
        assert "No events yet Put the tag into your pages" in text_of(client.get("/shop/overview?wait=1").text)


def test_a_workspace_of_which_no_line_can_be_used_says_so_and_asks_for_no_more(tmp_path: Any) -> None:
    (tmp_path / "calls.csv").write_text("began,device\n,a\nsoon,b\n,c\n")
    table = "calls: {from: calls.csv, name: call, map: {time: began, visitor: device}}"
    (tmp_path / "assay.yaml").write_text(f"{PLAN}source: {{tables: {{{table}}}}}\n")
    with Workspace(tmp_path, now=NOW) as ws:
        ws.ask("overview")
    with browsing(tmp_path, NOW) as client:
        page = client.get("/shop/overview?wait=1").text
        assert "Bring in events" not in text_of(page)
        assert "3 lines came and wait in quarantine" in text_of(page)
        assert re.search(r'<div class="empty first">.*href="/shop/data"', page)
        assert 'class="empty first"' not in client.get("/shop/data?wait=1").text


def test_every_page_of_a_half_moved_workspace_says_once_that_events_may_be_missing(tmp_path: Any) -> None:
    with workspace(tmp_path, PLAN, history()) as ws:
        unfinished.begin(ws.data, "/srv/elsewhere")
        data = ws.data
    with browsing(tmp_path, NOW, "admin") as client:
        for path in (*(f"/shop/{page.name}?wait=1" for page in PAGES), "/shop/settings"):
            page = client.get(path).text
            assert text_of(page).count("Events may be missing") == 1, path
            assert "/srv/elsewhere" not in page, path
        unfinished.end(data)
        assert "may be missing" not in client.get("/shop/overview?wait=1").text
