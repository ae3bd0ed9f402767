"""Answers in a notebook with their pictures: described, on a ground of their own, nothing that would run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assay.charts import svg
from assay.model.answer import Answer
from assay.workspace import Workspace
from support import bought, view, workspace

PLAN = """
site: {name: Notebook, timezone: UTC, currency: EUR}
metrics:
  views: {type: simple, count: page_view}
  rpv: {type: simple, sum: revenue.net, per: visitor}
funnels: {buy: {steps: [page_view, purchase], per: visitor}}
"""
DAYS = {"from": "2024-03-01", "to": "2024-03-03"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    events = [
        *(view(f"v{n}", f"2024-03-0{day} 10:0{n}", device=f"<b>{n % 2}</b>") for day in (1, 2, 3) for n in range(9)),
        *(bought(f"v{n}", f"2024-03-02 11:0{n}", f"o{n}", "10.00", currency="EUR") for n in range(4)),
    ]
    with workspace(tmp_path_factory.mktemp("notebook"), PLAN, events) as ws:
        yield ws


@pytest.fixture
def drawable() -> None:
    pytest.importorskip("py_mini_racer", reason="the extra charts (mini-racer) is not installed")
    if not svg.available():
        pytest.skip("the browser files are not built: Node was not there when assay was installed")


def pictures(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(one) for one in re.findall(r"<svg .*?</svg>", html, re.S)]


@pytest.mark.usefixtures("drawable")
@pytest.mark.parametrize(
    ("question", "params", "says"),
    [
        ("metric", {"names": ["views"], "grain": "day"}, "views: first 9 (1 Mar)"),
        ("metric", {"names": ["rpv"], "by": ["device"]}, "rpv"),
        ("funnel", {"name": "buy"}, "Funnel. page_view 9, purchase 4 (44.4 %)"),
    ],
)
def test_the_picture_stands_between_sentence_and_table(
    shop: Workspace, question: str, params: dict[str, object], says: str
) -> None:
    answer = shop.ask(question, **params, **DAYS)
    html = answer._repr_html_()
    (picture,) = pictures(html)
    assert picture.attrib["role"] == "img"
    assert says in picture.attrib["aria-label"]
    assert html.index("</strong>") < html.index("<svg") < html.index("<table ")
    assert "<script" not in html
    assert "<b>" not in html


@pytest.mark.usefixtures("drawable")
def test_the_ground_is_light_whatever_the_theme(shop: Workspace) -> None:
    html = shop.ask("metric", names=["views"], grain="day", **DAYS)._repr_html_()
    ground = re.search(r'<div style="background: #fff; color: #([0-9a-f]{6})', html)
    assert ground
    assert int(ground[1][:2], 16) < 0x40
    dark = [one for one in re.findall(r'fill="(?:rgb\(|#)([^")]+)', html) if one.lower() in ("fff", "ffffff")]
    assert dark == []  # no white words on white


@pytest.mark.usefixtures("drawable")
def test_two_pictures_of_a_notebook_share_no_id(shop: Workspace) -> None:
    both = "".join(shop.ask("funnel", name="buy", **DAYS, segment=one)._repr_html_() for one in (None, "device != 'x'"))
    found = re.findall(r'\bid="([^"]+)"', both)
    assert len(found) == len(set(found))


def test_without_the_extra_there_is_the_table_alone(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)
    monkeypatch.setattr(svg, "_made", svg._made.__wrapped__)  # a process that has drawn knows that it can
    html = shop.ask("metric", names=["views"], grain="day", **DAYS)._repr_html_()
    assert "<table " in html
    assert "svg" not in html
    assert "install" not in html


def test_an_answer_without_a_picture_has_none(shop: Workspace, tmp_path: Path) -> None:
    assert "<svg" not in shop.ask("catalog")._repr_html_()
    assert "<svg" not in Answer("x", {}, sentence="Nothing yet.")._repr_html_()
    with workspace(tmp_path, PLAN) as empty:
        assert "<svg" not in empty.ask("metric", names=["views"])._repr_html_()
