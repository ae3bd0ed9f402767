"""Charts as SVG text without a browser: the page's own engine in V8. Needs the extra ``charts``."""

from __future__ import annotations

import atexit
import hashlib
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from importlib import resources
from queue import SimpleQueue
from typing import Any

from assay.charts.base import Chart

ENGINE = "charts-svg.js"
FONT = "system-ui, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
SECONDS = 20
_ID = re.compile(r'\b(id="|href="#|url\(#)([\w-]+)')
_HOVER = re.compile(r"<style.*?</style>|\sclass=\"[^\"]*\"", re.DOTALL)  # nobody points at paper
_one_at_a_time = threading.Lock()  # a process has one engine


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
    made = engine.draw(asked)
    name = hashlib.sha256(asked.encode()).hexdigest()[:10]
    return _described(_ID.sub(rf"\g<1>a{name}-\g<2>", _HOVER.sub("", made)), chart)


def available() -> bool:
    """True where charts can be drawn without a browser."""
    return _engine() is not None


def _engine() -> _Engine | None:
    with _one_at_a_time:
        return _made()


@cache
def _made() -> _Engine | None:
    try:
        from py_mini_racer import MiniRacer
    except ImportError:
        return None
    source = resources.files("assay") / "web" / "static" / ENGINE
    return _Engine(MiniRacer, source.read_text(encoding="utf-8")) if source.is_file() else None


class _Engine:
    """V8 with the page's engine. It is made, asked and, when the process ends, closed in one thread of its own.

    V8 takes the process down when another thread than the one that began it closes it or begins it once more; never
    closed, it keeps the process from ending; and begun beside a running event loop it would tie itself to that.
    """

    def __init__(self, make: Callable[[], Any], source: str) -> None:
        self._waiting: SimpleQueue[tuple[str, Future[str]] | None] = SimpleQueue()
        begun: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, args=(make, source, begun), name="charts", daemon=True)
        self._thread.start()
        begun.result()
        atexit.register(self._end)

    def draw(self, asked: str) -> str:
        """SVG text for a drawing as JSON."""
        done: Future[str] = Future()
        self._waiting.put((asked, done))
        return done.result()

    def _live(self, make: Callable[[], Any], source: str, begun: Future[None]) -> None:
        try:
            engine = make()
            engine.eval("var window = globalThis; var self = globalThis;")
            engine.eval(source)
        except BaseException as error:
            begun.set_exception(error)
            return
        begun.set_result(None)
        while (one := self._waiting.get()) is not None:
            asked, done = one
            try:
                done.set_result(str(engine.call("assayDraw", asked, timeout_sec=SECONDS)))
            except Exception as error:
                done.set_exception(error)
        engine.close()

    def _end(self) -> None:
        self._waiting.put(None)
        self._thread.join(SECONDS)


def _described(text: str, chart: Chart) -> str:
    """The words go in as label; the picture is one image for readers."""
    from html import escape

    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(chart.alt)}" ', 1)
