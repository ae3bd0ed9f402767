"""Charts without a browser: the same engine, colours of the theme, no id twice."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from assay.charts import chart, svg
from assay.model.answer import Answer, Column
from assay.workspace import Workspace

DAYS = {"from_": date(2024, 1, 1), "to": date(2024, 1, 3)}


@pytest.fixture(autouse=True)
def _engine() -> None:
    pytest.importorskip("py_mini_racer", reason="the extra charts (mini-racer) is not installed")
    if not svg.available():
        pytest.skip("the browser files are not built: Node was not there when assay was installed")


@pytest.mark.parametrize(
    ("question", "params"),
    [
        ("metric", {"names": ["rate"], "grain": "day"}),
        ("metric", {"names": ["rate"], "by": ["device"]}),
        ("funnel", {"name": "shop", "by": ["device"]}),
        ("time-to", {"name": "order"}),
        ("lifecycle", {"period": "day"}),
    ],
)
def test_a_picture_is_drawn(shop: Workspace, question: str, params: dict[str, object]) -> None:
    made = chart(shop.ask(question, **params, **DAYS))
    assert made is not None
    text = svg.svg(made, width=600)
    assert text is not None
    root = ElementTree.fromstring(text)
    assert root.attrib["aria-label"] == made.alt
    assert root.attrib["width"] == "600"
    assert "NaN" not in text
    assert "@" not in text
    shapes = [one for one in root.iter() if one.tag.endswith(("path", "rect", "polygon", "line"))]
    assert len(shapes) > 5


def test_ids_of_two_pictures_differ(shop: Workspace) -> None:
    found: list[str] = []
    for by in ("device", "country"):
        made = chart(shop.ask("funnel", name="shop", by=[by], **DAYS))
        assert made is not None
        text = svg.svg(made)
        assert text is not None
        found += re.findall(r'\bid="([^"]+)"', text)
        assert "<style" not in text
    assert len(found) == len(set(found))


def test_words_and_theme_are_in_the_picture(shop: Workspace) -> None:
    made = chart(shop.ask("metric", names=["rate"], by=["device"], **DAYS))
    assert made is not None
    light, dark = svg.svg(made, "light"), svg.svg(made, "dark")
    assert light is not None
    assert dark is not None
    assert "mobile" in light
    assert "50.0 %" in light
    assert "#1f5fbf" in light.lower()
    assert "#7fb0ff" in dark.lower()


@pytest.mark.parametrize("kind", ["whiskers", "bars", "line"])
def test_no_label_begins_outside_of_the_picture(kind: str) -> None:
    """With the letters of a wide font: names of any length and script, nine digits, six currencies."""
    font = _dejavu()
    names = ["Wöchentlich mitgliedschaftsverlängernd", "MWMWMWMWMWMWMWMWMWMW", "שיעור ההזמנות מכלל הביקורים באתר", "x"]
    days = [date(2024, 1, 1), date(2024, 1, 8), date(2024, 1, 15), date(2024, 1, 22)]
    for currency in ("EUR", "USD", "GBP", "JPY", "CHF", "KWD"):
        first = Column("day", "day") if kind == "line" else Column("name")
        columns = (
            first,
            *(Column(n, "money", currency=currency) for n in ("difference", "difference_low", "difference_high")),
        )
        rows = [(x, 987_654_321 / n, 9e8 / n, 9.9e8 / n) for n, x in enumerate(days if kind == "line" else names, 1)]
        spec = {"kind": kind, "x": first.name, "y": ["difference"] if kind == "line" else "difference"}
        made = chart(Answer("made-up", {}, columns, tuple(rows), sentence="As it is.", chart=spec))
        assert made is not None
        text = svg.svg(made, width=680)
        assert text is not None
        seen = 0
        for one in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text"):
            place = re.search(r"translate\((-?[\d.]+)", one.attrib.get("transform", ""))
            size = re.search(r"font-size:([\d.]+)px", one.attrib["style"])
            assert size
            x = float(place[1]) if place else float(one.attrib.get("x", "0"))
            wide = font.getlength(one.text or "") * float(size[1]) / 100
            begin = x - wide * {"end": 1.0, "middle": 0.5}.get(one.attrib.get("text-anchor", ""), 0.0)
            assert begin >= 0, one.text
            assert begin + wide <= 680, one.text
            seen += 1
        assert seen > 7


def _dejavu() -> Any:
    fonts = pytest.importorskip("PIL.ImageFont")
    try:
        return fonts.truetype("DejaVuSans.ttf", 100)
    except OSError:
        pytest.skip("the font DejaVu Sans is not on this machine")


def test_a_process_that_has_drawn_ends_well() -> None:
    """V8 is closed by the thread that made it, however the process comes to its end."""
    code = """
from concurrent.futures import ThreadPoolExecutor
from assay.charts import svg
with ThreadPoolExecutor(4) as pool:
    assert all(pool.map(lambda _: svg.available(), range(8)))
assert svg.available()
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_many_threads_may_draw_at_once(shop: Workspace) -> None:
    made = chart(shop.ask("metric", names=["rate"], by=["device"], **DAYS))
    assert made is not None
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: svg.svg(made), range(40)))) == 1
