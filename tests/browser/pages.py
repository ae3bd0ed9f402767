"""The server as people run it, over a demo shop and others, and an admin who signs in by the form in Chromium."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from assay.analyses import BY_NAME
from assay.model.answer import Answer, Column
from assay.report.view import human
from assay.report.words import shown
from assay.store.state import FILE, State
from assay.web.access import links, users
from assay.web.access.base import Access
from assay.web.access.values import CONSOLE
from assay.web.cards.making import _NAMED
from assay.web.pages import PAGES
from assay.web.process import slugs
from assay.workspace import DATA
from serving import ASSAY, free_port, listening, wait_for

EMAIL, PASSWORD = "ada@example.org", "four words in a row"
BESIDE = ("programme", "build", "build/funnel", "kept", "settings", "snippet", "account")
NAMES = tuple(page.name for page in PAGES)
REAL_DAY = "from=2017-08-01&to=2017-08-01"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
HASTY = "from assay.web import showing, process; showing.AT_ONCE = 0; import sys; sys.exit(process.main(sys.argv[1:]))"
# Every question says how far it is and takes its time.
SLOW = """
import sys, time
from assay.web import process
from assay.workspace import Workspace
real = Workspace.ask
def ask(self, question, **params):
    for done in range(1, 8):
        self.progress("reading <all> events", done, 8)
        time.sleep(1)
    return real(self, question, **params)
Workspace.ask = ask
sys.exit(process.main(sys.argv[1:]))
"""
VIOLATIONS = """window.violations = []; document.addEventListener("securitypolicyviolation",
  event => violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""
SETTLED = """() => !document.querySelector('[aria-busy="true"]')
  && ![...document.querySelectorAll("figure[data-chart]")].some(one => one.dataset.state === "drawing")"""


def demo(folder: Path) -> Path:
    """A demo shop that is small enough; what is planted in it is found all the same."""
    words = ("demo", str(folder), "--visitors", "6000", "--format", "json")
    subprocess.run([*ASSAY, *words], check=True, capture_output=True)
    return folder


@dataclass
class Machine:
    """A running server; ``slugs``: its workspaces by the name in addresses."""

    base: str
    slugs: Mapping[str, Path]
    state: dict[str, Any] = field(default_factory=dict)  # of a browser that is signed in everywhere
    own: dict[str, str] = field(default_factory=dict)  # pages that were made or found by clicks, by name

    @property
    def first(self) -> str:
        """The first workspace's name in addresses."""
        return next(iter(self.slugs))

    def at(self, path: str, slug: str = "") -> str:
        """An address below a workspace."""
        return f"{self.base}/{slug or self.first}/{path}"


@contextmanager
def running(folders: Sequence[Path], program: str = "") -> Iterator[Machine]:
    """Served by a process of its own; ``program``: another one than that of ``assay serve``."""
    named, port = slugs(folders), free_port()
    for slug, folder in named.items():
        _admin(slug, folder)
    words = [
        sys.executable,
        *(["-c", program] if program else ["-m", "assay.web"]),
        *map(str, folders),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: listening(port), 120)
        yield Machine(f"http://127.0.0.1:{port}", named)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            print(process.communicate(timeout=30)[0])  # told where a test fails
        process.kill()


def _admin(slug: str, folder: Path) -> None:
    (folder / DATA).mkdir(exist_ok=True)
    state = State(folder / DATA / FILE)
    access = Access(state, slug=slug)
    if not users.has_admin(state):
        users.add(access, EMAIL, "admin", CONSOLE, "Ada")
        links.use(access, links.make(access, EMAIL, CONSOLE).removeprefix(links.PATH), PASSWORD, "Ada")
    state.close()


def _sign_in(browser: Any, machine: Machine) -> None:
    """By the form of each workspace, as somebody types it."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    for slug in machine.slugs:
        page.goto(machine.at("overview", slug))
        page.wait_for_selector("#email")
        page.keyboard.type(EMAIL)  # the field has the focus
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(machine.at("overview", slug), timeout=60_000)
    machine.state.update(context.storage_state())
    context.close()


@contextmanager
def surfing(browser: Any, machine: Machine, **more: Any) -> Iterator[Any]:
    """A page of a browser that is signed in. ``page.said``: everything on the way that must not be said."""
    if not machine.state:
        _sign_in(browser, machine)
    context = browser.new_context(storage_state=machine.state, **{"viewport": WIDE, "reduced_motion": "reduce", **more})
    context.set_default_timeout(60_000)
    context.add_init_script(VIOLATIONS)
    page = context.new_page()
    page.said = []
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("console", lambda one: page.said.append(one.text) if one.type in ("error", "warning") else None)
    page.on("request", lambda one: _of_others(page, one.url, machine.base))
    yield page
    context.close()


def _of_others(page: Any, url: str, base: str) -> None:
    if not url.startswith((base + "/", "data:", "blob:")):
        page.said.append(f"asked another origin: {url}")


def go(page: Any, address: str) -> None:
    """To a page, until all of its cards and the charts in sight are there."""
    page.goto(address)
    page.wait_for_function(SETTLED)


def violations(page: Any) -> list[str]:
    """What the policy refused on this page."""
    found: list[str] = page.evaluate("window.violations")
    return found


def command(address: str) -> list[str]:
    """What a terminal types for the answer behind an address of the API."""
    parts = urlsplit(address)
    question = parts.path.rpartition("/")[2]
    fields = {one.alias or name: one for name, one in BY_NAME[question].Params.model_fields.items()}
    words = ["ask", question]
    for name, value in parse_qsl(parts.query):
        extra = fields[name].json_schema_extra
        if isinstance(extra, dict) and extra.get("argument"):
            words.append(value)
        elif fields[name].annotation is bool:
            words += [f"--{name.replace('_', '-')}"] if value == "true" else []
        else:
            words += [f"--{name.replace('_', '-')}", value]
    return words


def texts(document: Mapping[str, Any]) -> list[list[str]]:
    """The rows that a page must show for an answer's JSON, by the same words of rounding."""
    columns = tuple(
        Column(one["name"], one["kind"], one["label"], one["definition"], one["currency"], one["detail"])
        for one in document["columns"]
    )
    rows = tuple(
        tuple(_cell(value, column) for value, column in zip(row, columns, strict=True)) for row in document["rows"]
    )
    as_of = datetime.fromisoformat(document["as_of"]) if document["as_of"] else None
    found = shown(Answer(document["question"], {}, columns, rows, as_of=as_of))
    return [
        [_line(human(column.texts[n]) if column.name in _NAMED else column.texts[n]) for column in found]
        for n in range(len(rows))
    ]


def _cell(value: Any, column: Column) -> Any:
    return Decimal(value) if column.kind == "money" and isinstance(value, str) else value


def _line(text: str) -> str:
    return " ".join(text.split())


def cards(page: Any) -> list[dict[str, Any]]:
    """The cards of a page: title, address of the exact figures, rows of the table, words of the tiles."""
    found: list[dict[str, Any]] = json.loads(page.evaluate(CARDS))
    return found


CARDS = """() => JSON.stringify([...document.querySelectorAll("section.card")].map(card => ({
  title: card.getAttribute("aria-label"),
  json: [...card.querySelectorAll(".menu-panel a")].find(one => one.textContent.startsWith("Exact figures"))?.href ?? null,
  rows: [...card.querySelectorAll("table tbody tr")].map(row =>
    [...row.querySelectorAll("td")].map(cell => cell.textContent.replace(/\\s+/g, " ").trim())),
  tiles: [...card.querySelectorAll(".tile-now")].map(one => one.textContent.trim()),
  problem: card.querySelector(".banner.bad[role=alert]")?.textContent ?? null,
})))"""
