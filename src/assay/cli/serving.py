"""``assay serve``: the pages in one process, a collector per workspace in others, all watched."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.collect.listening import PARENT, typed
from assay.model.errors import AssayError, MachineError, UsageError
from assay.plan.load import FILE

if TYPE_CHECKING:
    from assay.collect.arriving import Arriving
    from assay.workspace import Workspace

EVERY = 2.0  # seconds between two looks at the processes
STEADY = 30.0  # seconds after which a process that ended did not fail at its start
PAGES, COLLECT = 8080, 8090


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


def serve(
    ctx: typer.Context,
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR…", help="Workspaces; default: this folder.")
    ] = None,
    host: Annotated[str, _option("host", "ADDRESS", "Address to listen at. [default: 127.0.0.1]")] = "127.0.0.1",
    port: Annotated[int, _option("port", "N", f"Port of the pages. [default: {PAGES}]")] = PAGES,
    collect_port: Annotated[
        int,
        _option(
            "collect-port", "N", f"Port of the collector, the next ones for further workspaces. [default: {COLLECT}]"
        ),
    ] = COLLECT,
    url: Annotated[
        str | None, _option("url", "URL", "The address that people type, where a proxy stands before it.")
    ] = None,
    workspace: Folder = None,
) -> None:
    """Pages, API and collector until Ctrl-C. A process that dies is started again; what was acknowledged is on disk.

    A folder without a plan asks in the browser what it is for, and writes the first one.
    """
    chosen = folders or [folder_of(ctx, workspace)]
    if len({one.resolve() for one in chosen}) < len(chosen):
        raise UsageError("a workspace is named twice")
    if url is not None:
        url = url.rstrip("/")
    collecting = [Collecting(folder, host, collect_port + number) for number, folder in enumerate(chosen)]
    for one in collecting:  # a plan that is wrong, or a missing secret, is told before anything starts
        one.check()
    _free(host, [port, *(one.port for one in collecting)])
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    words = [*(str(one.resolve()) for one in chosen), "--host", host, "--port", str(port)]
    words += ["--collect-port", str(collect_port), *(["--url", url] if url else [])]
    pages = Supervised("the server of the pages", ["assay.web", *words])
    pages.start()
    try:
        while True:
            for one in collecting:
                one.look()
            pages.look()
            if stopping.wait(EVERY):
                break
    finally:
        for one in collecting:
            one.stop()
        pages.stop(40)


def _free(host: str, ports: list[int]) -> None:
    for port in ports:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(kind, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except (OSError, OverflowError) as error:
                say = getattr(error, "strerror", None) or str(error)
                raise MachineError(f"{host}:{port}: {say}; choose others with --port and --collect-port") from error


class Collecting:
    """The collector of one workspace, from the moment that it has a plan."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.folder, self.host, self.port = folder, host, port
        words = ["assay.cli", "collect", "-w", str(folder), "--host", host, "--port", str(port)]
        self.process = Supervised("the collector", words)
        self.arriving: Arriving | None = None
        self.problem = ""

    @property
    def planned(self) -> bool:
        """Whether there is a plan."""
        return (self.folder / FILE).exists()

    def check(self) -> None:
        """Read the plan, if there is one. Raises what is wrong with it."""
        from assay.collect.webhooks.secrets import hooks
        from assay.workspace import Workspace

        if not self.folder.is_dir():
            raise UsageError(f"{self.folder} is no folder")
        if self.planned:
            with Workspace(self.folder) as opened:
                hooks(opened.plan, self.folder)

    def look(self) -> None:
        """Start it, once there is a plan; start it again where it has ended; say that the first event came."""
        if self.arriving is not None:
            self.process.look()
            write(self.arriving.look() or "")
            return
        if not self.planned:
            return
        from assay.collect.webhooks.secrets import hooks
        from assay.workspace import Workspace
        from assay.workspace.own import only_collected

        try:
            with Workspace(self.folder) as opened:
                only_collected(opened.plan, "collecting")
                hooks(opened.plan, self.folder)
                tag, self.arriving = _tag(opened, self.host, self.port)
        except AssayError as error:
            if str(error) != self.problem:
                self.problem = str(error)
                write(f"not collecting yet: {error}\n")
            return
        self.process.start()
        write(f"collecting at http://{self.host}:{self.port}\n\n{tag}\n\n")
        write(
            "that is the tag for the head of every page (assay snippet has its options); waiting for its first event\n"
        )

    def stop(self) -> None:
        """Let it write what waits, then end it."""
        self.process.stop()


def _tag(opened: Workspace, host: str, port: int) -> tuple[str, Arriving]:
    """The tag, and what looks for its first event."""
    from assay.analyses.ledger import INTAKE
    from assay.collect.arriving import Arriving
    from assay.collect.keys import public, sources
    from assay.collect.snippet import Tag
    from assay.collect.spool import Stream

    key = public(opened.state, opened.now)
    source = sources(opened.state.read("keys"))[key].name
    tag = Tag(f"http://{typed(host)}:{port}", key, domains=",".join(opened.plan.site.domains[1:]))
    return tag.html, Arriving(opened.data / INTAKE, Stream(source, "own").label)


class Supervised:
    """A process of ours. It is started again when it ends; slower each time it fails right after its start."""

    def __init__(self, name: str, words: list[str]) -> None:
        self.name, self.command = name, [sys.executable, "-m", *words]
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.again = 0.0

    def start(self) -> None:
        """Start it. MachineError where no process can be made."""
        try:
            self.process = subprocess.Popen(self.command, env={**os.environ, PARENT: str(os.getpid())})
        except OSError as error:
            raise MachineError(f"{self.name} cannot be started: {error}") from error
        self.started = time.monotonic()

    def look(self) -> None:
        """Start it again where it has ended."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self.failures = 0 if now - self.started > STEADY else self.failures + 1
            wait = min(60.0, 2.0**self.failures) if self.failures else 0.0
            write(f"{self.name} ended ({self.process.returncode}); it is started again in {wait:g} s\n")
            self.process, self.again = None, now + wait
        if self.process is None and now >= self.again:
            self.start()

    def stop(self, patience: float = 10) -> None:
        """Let it write what waits, then end it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
