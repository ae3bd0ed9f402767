"""``assay serve``: a collector in a process of its own, watched, and the loader that brings in what it writes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import AssayError, MachineError

if TYPE_CHECKING:
    from assay.cli.arriving import Arriving
    from assay.workspace import Workspace

EVERY = 2.0  # seconds between two loads
DAY = 86_400.0  # seconds between two looks at what is too old to be kept
STEADY = 30.0  # seconds after which a collector that ended did not fail at its start


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


def serve(
    ctx: typer.Context,
    host: Annotated[str, _option("host", "ADDRESS", "Address to listen at. [default: 127.0.0.1]")] = "127.0.0.1",
    port: Annotated[int, _option("port", "N", "Port to listen at. [default: 8090]")] = 8090,
    workspace: Folder = None,
) -> None:
    """Collect and load until Ctrl-C. A collector that dies is started again; what it had acknowledged is on disk."""
    folder = folder_of(ctx, workspace)
    from assay.collect.webhooks.secrets import hooks
    from assay.workspace import Workspace

    with Workspace(folder) as opened:  # a plan that is wrong, or a missing secret, is told before anything starts
        hooks(opened.plan, folder)
        tag, arriving = _tag(opened, host, port)
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    collector = Supervised(folder, host, port)
    collector.start()
    daily = 0.0
    write(f"collecting at http://{host}:{port}, loading every {EVERY:g} seconds\n\n{tag}\n\n")
    write("that is the tag for the head of every page (assay snippet has its options); waiting for its first event\n")
    try:
        while not stopping.wait(EVERY):
            collector.look()
            write(arriving.look() or "")
            load_once(folder)
            if time.monotonic() >= daily:
                daily = time.monotonic() + DAY
                expire_once(folder)
    finally:
        collector.stop()
        load_once(folder)


def _tag(opened: Workspace, host: str, port: int) -> tuple[str, Arriving]:
    """The tag, and what looks for its first event."""
    from assay.analyses.ledger import INTAKE
    from assay.cli.arriving import Arriving
    from assay.cli.snippet import public_key
    from assay.collect.keys import sources
    from assay.collect.snippet import Tag
    from assay.collect.spool import Stream

    key = public_key(opened)
    source = sources(opened.state.read("keys"))[key].name
    there = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    tag = Tag(f"http://{there}:{port}", key, domains=",".join(opened.plan.site.domains[1:]))
    return tag.html, Arriving(opened.data / INTAKE, Stream(source, "own").label)


class Supervised:
    """The collector's process. It is started again when it ends; slower each time it fails right after its start."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.command = [
            sys.executable,
            "-m",
            "assay.cli",
            "collect",
            "-w",
            str(folder),
            "--host",
            host,
            "--port",
            str(port),
        ]
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.again = 0.0

    def start(self) -> None:
        """Start it. MachineError where no process can be made."""
        try:
            self.process = subprocess.Popen(self.command)
        except OSError as error:
            raise MachineError(f"the collector cannot be started: {error}") from error
        self.started = time.monotonic()

    def look(self) -> None:
        """Start it again where it has ended."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.failures = 0 if now - self.started > STEADY else self.failures + 1
            wait = min(60.0, 2.0**self.failures) if self.failures else 0.0
            write(f"the collector ended ({self.process.returncode}); it is started again in {wait:g} s\n")
            self.process, self.again = None, now + wait
        if self.process is None and now >= self.again:
            self.start()

    def stop(self) -> None:
        """Let it write what waits, then end it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def load_once(folder: Path) -> int:
    """Load what waits; events stored. What cannot be loaded now waits for the next time, and it is said."""
    from assay.jobs import load_intake
    from assay.workspace import Workspace

    try:
        with Workspace(folder) as opened:
            return load_intake(opened).stored
    except AssayError as error:
        write(f"not loaded now: {error}\n")
        return 0


def expire_once(folder: Path) -> None:
    """Let go of what is older than the plan lets it be kept."""
    from assay.privacy import expire
    from assay.workspace import Workspace

    try:
        with Workspace(folder) as opened:
            done = expire(opened)
    except AssayError as error:
        write(f"nothing has expired now: {error}\n")
        return
    if done.events or done.lines:
        write(f"{done.events:,} events were older than they may be kept and are gone\n")
