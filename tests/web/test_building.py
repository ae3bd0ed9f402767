"""Building by clicking: a form, what it would have counted, the difference, and the plan's file with it."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browsing import browsing, text_of
from doors import HOST

from assay.plan.load import load, raw
from assay.workspace import Workspace
from support import NOW, bought, event, view, workspace

PLAN = """\
# our plan
site: {name: Built, timezone: UTC, currency: EUR}
goals:
  order: {event: purchase, kind: macro, journey: shop}   # what pays
objectives: {grow: {goal: Grow}}
metrics:
  rpv: {type: simple, sum: revenue.net, per: visitor}
  rate: {type: conversion, goal: order, per: session, direction: up}
kpis: {rpv: {objective: grow}}
# who is lost
funnels:
  buy: {steps: [page_view, purchase], exclusions: [refund]}
experiments: {banner: {primary: rate, variants: {control: 90, treatment: 10}}}
"""


def history() -> list[dict[str, Any]]:
    lines = []
    for n in range(20):
        who = f"v{n}"
        lines.append(view(who, f"2024-03-{n + 1:02d} 10:00", device="mobile" if n % 2 else "desktop"))
        if n < 8:
            lines.append(event(who, "quiz_done", f"2024-03-{n + 1:02d} 10:10"))
        if n < 4:
            lines.append(bought(who, f"2024-03-{n + 1:02d} 10:40", f"o{n}", "20", currency="EUR"))
    return lines


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with events, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("building")
    with workspace(folder, PLAN, history()):
        pass
    return folder


@pytest.fixture
def client(tmp_path: Path, base: Path):
    shutil.copytree(base, tmp_path / "shop")
    with browsing(tmp_path / "shop", NOW, "analyst") as made:
        yield made


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return html.unescape(found.group(1))


def send(client: Any, path: str, **fields: Any) -> Any:
    fields = {"csrf": hidden(client.get(path).text, "csrf"), **fields}
    return client.post(
        path, data={name.replace("__", "."): value for name, value in fields.items()}, headers={"Origin": HOST}
    )


STEPS = {"steps__0__event": "page_view", "steps__1__event": "quiz_done", "steps__2__event": "purchase"}


def test_a_funnel_is_built_tried_and_kept(client: Any) -> None:
    page = client.get("/shop/build/funnel").text
    assert "<option>quiz_done</option>" in page  # it came, though no plan names it
    tried = send(client, "/shop/build/funnel", name="quiz", act="try", **STEPS)
    assert tried.status_code == 200
    with Workspace(client.folder, now=NOW) as ws:
        assert "quiz" not in ws.plan.funnels
    assert "20.0 % of 20 visitors" in text_of(tried.text)
    assert "<ins>  quiz: {steps: [page_view, quiz_done, purchase]}</ins>" in tried.text
    kept = send(client, "/shop/build/funnel", name="quiz", act="keep", seen=hidden(tried.text, "seen"), **STEPS)
    assert (kept.status_code, kept.headers["location"]) == (303, "/shop/funnels?funnel=quiz")
    text = (client.folder / "assay.yaml").read_text()
    assert text == PLAN.replace("[refund]}\n", "[refund]}\n  quiz: {steps: [page_view, quiz_done, purchase]}\n")
    assert "20.0 % of 20 visitors" in text_of(client.get("/shop/funnels?funnel=quiz&wait=1").text)
    noted = [
        (row["who"], row["what"], row["about"])
        for row in client.site.access.state.read("audit", limit=50, before=None, what=None)
    ]
    assert ("analyst@example.org", "plan", "funnels.quiz") in noted


def test_what_the_form_cannot_say_stays(client: Any) -> None:
    page = client.get("/shop/build/funnel/buy").text
    assert 'name="steps.0.event"' in page
    fields = {
        "steps__0__event": "page_view",
        "steps__0__where": "device = 'mobile'",
        "steps__1__event": "purchase",
        "window": "7d",
    }
    tried = send(client, "/shop/build/funnel/buy", act="try", **fields)
    assert "of 10 visitors" in text_of(tried.text)
    assert (
        send(client, "/shop/build/funnel/buy", act="keep", seen=hidden(tried.text, "seen"), **fields).status_code == 303
    )
    assert raw(client.folder)["funnels"]["buy"] == {
        "steps": [{"event": "page_view", "where": "device = 'mobile'"}, "purchase"], "window": "7d", "exclusions": ["refund"],
    }  # fmt: skip
    assert "# who is lost" in (client.folder / "assay.yaml").read_text()


def test_an_experiment_keeps_its_weights(client: Any) -> None:
    fields = {
        "hypothesis": "A banner sells",
        "variants": "control, treatment",
        "primary__metric": "rpv",
        "primary__mde": "5%",
    }
    tried = send(client, "/shop/build/experiment/banner", act="try", **fields)
    assert "What it would have counted" in text_of(tried.text)
    assert (
        send(client, "/shop/build/experiment/banner", act="keep", seen=hidden(tried.text, "seen"), **fields).status_code
        == 303
    )
    assert raw(client.folder)["experiments"]["banner"] == {
        "hypothesis": "A banner sells", "variants": {"control": 90, "treatment": 10}, "primary": {"metric": "rpv", "mde": "5%"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "fields", "says", "there"),
    [
        ("goal", "quiz", {"event": "quiz_done"}, "40.0 %", ("goals", "quiz", {"event": "quiz_done"})),
        ("segment", "phones", {"where": "device = 'mobile'"}, "10", ("segments", "phones", "device = 'mobile'")),
        ("cohort", "players", {"did": ["quiz_done"], "within": "30d"}, "8", ("cohorts", "players", {"did": ["quiz_done"], "within": "30d"})),
        ("kpi", "rate", {"objective": "grow", "target": "+10% by 2027-06-30"}, "", ("kpis", "rate", {"objective": "grow", "target": "+10% by 2027-06-30"})),
    ],
)  # fmt: skip
def test_other_building_blocks(
    client: Any, kind: str, name: str, fields: dict[str, Any], says: str, there: tuple[str, str, Any]
) -> None:
    tried = send(client, f"/shop/build/{kind}", name=name, act="try", **fields)
    assert tried.status_code == 200, text_of(tried.text)
    assert 'class="banner bad"' not in tried.text
    assert says in text_of(tried.text).partition("What it would have counted")[2]
    assert (
        send(
            client, f"/shop/build/{kind}", name=name, act="keep", seen=hidden(tried.text, "seen"), **fields
        ).status_code
        == 303
    )
    assert raw(client.folder)[there[0]][there[1]] == there[2]
    load(client.folder)
    again = send(client, f"/shop/build/{kind}/{name}", act="try", **fields)
    assert "what the plan says already" in text_of(again.text)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("funnel", {"name": "x"}, "steps: say at least one"),
        ("funnel", {"name": "no name", **STEPS}, "is no name"),
        ("funnel", {"name": "buy", **STEPS}, "funnels.buy is already there"),
        ("funnel", {"name": "x", "window": "soon", **STEPS}, "soon"),
        ("funnel", {"name": "x", "steps__0__where": "device ="}, "event is missing"),
        ("segment", {"name": "x"}, "Who belongs to it is missing"),
        ("segment", {"name": "x", "where": "devise = 'mobile'"}, "did you mean 'device'"),
        ("segment", {"name": "x", "where": "'; DROP TABLE events; --"}, "segments.x"),
        ("goal", {"name": "x"}, "event"),
        ("cohort", {"name": "x", "did": "page_view", "at_least": "many"}, "'many' is not a number"),
    ],
)
def test_mistakes_are_said_and_change_nothing(client: Any, kind: str, fields: dict[str, Any], says: str) -> None:
    for act in ("try", "keep"):
        got = send(client, f"/shop/build/{kind}", act=act, **fields)
        assert (got.status_code, says in text_of(got.text)) == (422, True), text_of(got.text)
        for value in fields.values():
            assert (
                html.escape(str(value), quote=False).replace("'", "&#39;") in got.text
            )  # nothing has to be typed again
    assert (client.folder / "assay.yaml").read_text() == PLAN


def test_what_others_changed_meanwhile_is_not_overwritten(client: Any) -> None:
    tried = send(client, "/shop/build/funnel", name="quiz", act="try", **STEPS)
    (client.folder / "assay.yaml").write_text(PLAN + "# by hand\n")
    got = send(client, "/shop/build/funnel", name="quiz", act="keep", seen=hidden(tried.text, "seen"), **STEPS)
    assert (got.status_code, "was changed meanwhile" in text_of(got.text)) == (422, True)
    assert (client.folder / "assay.yaml").read_text() == PLAN + "# by hand\n"


def test_an_entry_is_removed_after_a_look_at_the_difference(client: Any) -> None:
    asked = send(client, "/shop/build/funnel/buy", act="remove")
    assert "<del>  buy: {steps: [page_view, purchase], exclusions: [refund]}</del>" in asked.text
    assert (client.folder / "assay.yaml").read_text() == PLAN
    assert send(client, "/shop/build/funnel/buy", act="remove", seen=hidden(asked.text, "seen")).status_code == 303
    assert "funnels" not in raw(client.folder)
    refused = send(client, "/shop/build/goal/order", act="remove")
    assert (refused.status_code, "goal" in text_of(refused.text)) == (422, True)  # a metric needs it


def test_a_ready_metric_comes_with_what_it_needs(client: Any) -> None:
    page = client.get("/shop/build").text
    assert 'href="/shop/build/ready/form_start_rate"' in page
    shown = client.get("/shop/build/ready/form_start_rate").text
    assert "<ins>" in shown
    kept = send(client, "/shop/build/ready/form_start_rate", seen=hidden(shown, "seen"))
    assert kept.status_code == 303
    assert "form_start_rate" in load(client.folder).metrics
    assert client.get(kept.headers["location"]).status_code == 200


def test_one_more_step(client: Any) -> None:
    before = client.get("/shop/build/funnel").text.count('<li class="row bottom">')
    more = send(client, "/shop/build/funnel", name="x", act="more", **STEPS).text
    assert more.count('<li class="row bottom">') == before + 1
    assert "<option selected>quiz_done</option>" in more


def test_entries_of_included_files_are_changed_there(client: Any) -> None:
    parts = client.folder / "parts"
    parts.mkdir()
    (parts / "funnels.yaml").write_text("# lost\nfunnels:\n  buy: {steps: [page_view, purchase]}\n")
    (client.folder / "assay.yaml").write_text("include: [parts/*.yaml]\nsite: {name: B, timezone: UTC}\n")
    client.site.asker.look()
    fields = {"steps__0__event": "page_view", "steps__1__event": "quiz_done"}
    tried = send(client, "/shop/build/funnel/buy", act="try", **fields)
    assert "funnels.yaml" in text_of(tried.text)
    kept = send(client, "/shop/build/funnel/buy", act="keep", seen=hidden(tried.text, "seen"), **fields)
    assert kept.status_code == 303
    assert (parts / "funnels.yaml").read_text() == "# lost\nfunnels:\n  buy: {steps: [page_view, quiz_done]}\n"
