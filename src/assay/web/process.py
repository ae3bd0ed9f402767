"""The server's process beside the collector: it holds the stores, loads, answers, and shows the pages."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assay.collect.listening import end_with_parent, typed
from assay.plan.load import FILE
from assay.store.engines import chosen
from assay.store.held import Held
from assay.store.lending import Lender
from assay.store.state import FILE as STATE
from assay.store.state import State
from assay.web.access.base import Access
from assay.web.access.links import first_link
from assay.web.app import create
from assay.web.asking import Asker
from assay.web.rounds import Rounds
from assay.web.site import Site
from assay.workspace import DATA

LOOK = 1.0  # seconds between two looks for a first plan


@dataclass(eq=False)
class Running:
    """A workspace as long as the server runs; without a plan it waits for one."""

    site: Site
    held: Held
    lender: Lender | None = None
    rounds: Rounds | None = None
    looking: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> None:
        """Begin as soon as there is a plan."""
        with self.looking:
            self._begin()

    def _begin(self) -> None:
        if self.rounds is None and (self.site.folder / FILE).exists():
            asker = Asker(self.site.folder, self.held)
            self.lender = Lender(self.held)
            self.rounds = Rounds(asker)
            self.site.asker = asker
            self.rounds.start()

    def stop(self) -> None:
        """Load what waits, and let go of the store."""
        if self.rounds is not None:
            self.rounds.stop()
        if self.site.asker is not None:
            self.site.asker.close()
        if self.lender is not None:
            self.lender.close()
        self.held.close()
        self.site.access.state.close()


@dataclass(eq=False)
class Process:
    """Workspaces behind one address. ``url``: the address that people type, where a proxy stands before the server."""

    folders: Sequence[Path]
    host: str = "127.0.0.1"
    port: int = 8080
    url: str | None = None
    collect_port: int = 8090
    running: list[Running] = field(default_factory=list)

    def run(self) -> int:
        """Serve until it is told to end; the exit code."""
        import uvicorn

        named = slugs(self.folders).items()
        self.running = [self._opened(slug, folder, number) for number, (slug, folder) in enumerate(named)]
        for one in self.running:
            one.look()
        application = create([one.site for one in self.running], look=self._look)
        config = uvicorn.Config(
            application, self.host, self.port, log_level="warning", access_log=False,
            server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=15, limit_concurrency=1_000,
            lifespan="on",
        )  # fmt: skip
        server = uvicorn.Server(config)
        end_with_parent()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, _heard)  # uvicorn ends by it, raises it again, and then there is still work to do
        self._greet()
        with self._watching():
            server.run()
        for one in self.running:
            one.stop()
        return 0 if server.started else 3

    def _opened(self, slug: str, folder: Path, number: int) -> Running:
        data = folder / DATA
        data.mkdir(parents=True, exist_ok=True)
        access = Access(State(data / STATE), slug=slug, url=self.url)
        collector = f"http://{typed(self.host)}:{self.collect_port + number}"
        return Running(Site(slug, folder, access, collector=collector), Held(data, chosen(data)))

    def _look(self, site: Site) -> None:
        for one in self.running:
            if one.site is site:
                one.look()

    def _greet(self) -> None:
        address = self.url or f"http://{typed(self.host)}:{self.port}"
        print(f"pages at {address}/", flush=True)
        for one in self.running:
            link = first_link(one.site.access.state)
            if link is not None:
                name = f" of {one.site.slug}" if len(self.running) > 1 else ""
                print(f"nobody can sign in yet: become the admin{name} by this link, once, within a day\n"
                      f"  {address}/{one.site.slug}{link}", flush=True)  # fmt: skip

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Look for first plans."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK):
                for one in self.running:
                    try:
                        one.look()
                    except Exception as error:  # a plan that is just being written, or has mistakes
                        one.site.waiting = str(error)

        thread = threading.Thread(target=watch, name="watching", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _heard(*_: object) -> None:
    """A signal that uvicorn has dealt with."""


def slugs(folders: Sequence[Path]) -> dict[str, Path]:
    """A name in addresses for each folder, after the folder's own; a number where two are called alike."""
    made: dict[str, Path] = {}
    for folder in folders:
        base = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:50] or "site"
        base = f"{base}-site" if base in ("static", "healthz", "metrics") else base
        slug, number = base, 2
        while slug in made:
            slug, number = f"{base}-{number}", number + 1
        made[slug] = folder
    return made


def main(words: Sequence[str]) -> int:
    """``python -m assay.web FOLDER… --host H --port N --url U``: started by ``assay serve``."""
    import argparse

    from assay.model.errors import AssayError

    parser = argparse.ArgumentParser("assay serve")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--url")
    parser.add_argument("--collect-port", type=int, default=8090)
    given = parser.parse_args(words)
    try:
        return Process(given.folders, given.host, given.port, given.url, given.collect_port).run()
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr, flush=True)
        return error.exit_code
