"""Charts as SVG text without a browser: the page's own engine in V8. Needs the extra ``charts``."""

from __future__ import annotations

import atexit
import hashlib
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import Any

from assay.charts.base import Chart

ENGINE = "charts-svg.js"
FONT = "system-ui, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
SECONDS = 20
_ID = re.compile(r'\b(id="|href="#|url\(#)([\w-]+)')
_HOVER = re.compile(r"<style.*?</style>|\sclass=\"[^\"]*\"", re.DOTALL)  # nobody points at paper
_one_at_a_time = threading.Lock()  # one context, which is not made for several threads


def svg(chart: Chart, theme: str = "print", width: int = 680, height: int | None = None) -> str | None:
    """The picture as one ``<svg>`` element with its words for readers of the screen.

    ``theme``: light, dark or print. None where the extra or the built engine is missing. Ids are made from what is
    drawn, so that several pictures may stand in one page.
    """
    engine = _engine()
    if engine is None:
        return None
    drawing = {"option": chart.option, "theme": theme, "width": width, "height": height or chart.height, "font": FONT}
    asked = json.dumps(drawing)
    with _one_at_a_time:
        made = str(engine.call("assayDraw", asked, timeout_sec=SECONDS))
    name = hashlib.sha256(asked.encode()).hexdigest()[:10]
    return _described(_ID.sub(rf"\g<1>a{name}-\g<2>", _HOVER.sub("", made)), chart)


def available() -> bool:
    """True where charts can be drawn without a browser."""
    return _engine() is not None


@cache
def _engine() -> Any | None:
    try:
        from py_mini_racer import MiniRacer
    except ImportError:
        return None
    source = resources.files("assay") / "web" / "static" / ENGINE
    if not source.is_file():
        return None
    with ThreadPoolExecutor(1) as apart:  # in a thread of its own, so that it never ties itself to a running event loop
        return apart.submit(_start, MiniRacer, source.read_text(encoding="utf-8")).result()


def _start(make: Callable[[], Any], source: str) -> Any:
    engine = make()
    atexit.register(engine.close)  # its thread would keep the process from ending
    engine.eval("var window = globalThis; var self = globalThis;")
    engine.eval(source)
    return engine


def _described(text: str, chart: Chart) -> str:
    """The words go in as label; the picture is one image for readers."""
    from html import escape

    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(chart.alt)}" ', 1)
