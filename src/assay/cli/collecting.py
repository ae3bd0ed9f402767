"""``assay collect`` takes events in; ``assay key`` says who may send; ``assay load`` loads what waits."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import MachineError, UsageError

if TYPE_CHECKING:
    pass


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


class KeyVerbs(Verbs):
    """Write keys."""

    def verbs(self) -> tuple[Verb, ...]:
        """Three."""
        return (
            Verb(
                "add", "Make a write key: assay key add web --origin https://shop.example.", "assay.cli.collecting:add"
            ),
            Verb("list", "All keys and what they stand for.", "assay.cli.collecting:list_"),
            Verb("revoke", "Take a key out of use.", "assay.cli.collecting:revoke"),
        )


def add(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What sends with it: web, app, server …")],
    secret: Annotated[bool, typer.Option("--secret", help="For a server: never put it into a page.")] = False,
    staging: Annotated[bool, typer.Option("--staging", help="Its events are kept apart from live ones.")] = False,
    origin: Annotated[list[str] | None, _option("origin", "URL", "Only from this site; repeat for more.")] = None,
    own: Annotated[
        str | None, _option("key", "TEXT", "A key that clients have: the domain (Plausible), the website id (Umami).")
    ] = None,
    workspace: Folder = None,
) -> None:
    """Make a write key and show it."""
    from assay.collect.keys import make
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        key = make(opened.state, opened.now, source, secret, "staging" if staging else "live", origin or [], own)
    write(f"{key}\n\nnext: assay collect\n")


def list_(ctx: typer.Context, workspace: Folder = None) -> None:
    """All keys, those in use first."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        rows = opened.state.read("keys")
    for row in sorted(rows, key=lambda one: one["revoked_at"] is not None):
        origins = ", ".join(json.loads(row["origins"])) or "any site"
        state = "revoked" if row["revoked_at"] else "in use"
        write(f"{row['key']}  {row['source']}  {row['environment']}  {origins}  {state}\n")
    if not rows:
        write("There are no keys yet.\n\nnext: assay key add web\n")


def revoke(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key, as assay key list shows it.")],
    workspace: Folder = None,
) -> None:
    """Take a key out of use: from then on its requests are answered with 401."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        if not opened.state.write("revoke_key", key=key, now=opened.now):
            raise UsageError(f"there is no key {key!r} in use; assay key list shows them")
    write(f"{key} is revoked\n")


def collect(
    ctx: typer.Context,
    host: Annotated[str, _option("host", "ADDRESS", "Address to listen at. [default: 127.0.0.1]")] = "127.0.0.1",
    port: Annotated[int, _option("port", "N", "Port to listen at. [default: 8090]")] = 8090,
    name: Annotated[str, _option("name", "NAME", "Of this collector, where there are several. [default: c0]")] = "c0",
    limits: Annotated[
        str | None,
        typer.Option(
            "--limits",
            metavar="LIST",
            envvar="ASSAY_LIMITS",
            show_default=False,
            help="Events a second of an address, a public and a secret key; 0: none. "
            "[default: address=500,key=5000,secret=20000]",
        ),
    ] = None,
    workspace: Folder = None,
) -> None:
    """Take events in at /e and the other formats' paths. Stop it with Ctrl-C: what waits is written first."""
    folder = folder_of(ctx, workspace)
    if not name.isalnum() or name != name.lower():
        raise UsageError(f"--name {name!r}: small letters and digits only")
    app, key = prepared(folder, name, limits)
    write(f"collecting at http://{host}:{port}/e with the key {key}\n")
    serve(app, host, port)


def prepared(folder: Path, name: str, limits: str | None = None) -> tuple[Any, str]:
    """The collector of a workspace, and a key that it takes: the first, or one made for source web."""
    from assay.analyses.experimenting.running import Running
    from assay.analyses.ledger import INTAKE
    from assay.collect.enrich.bots import is_bot
    from assay.collect.enrich.browser import browser_of
    from assay.collect.http import Collector
    from assay.collect.keys import Keys, make, sources
    from assay.collect.limits import Limits, rates
    from assay.collect.line import Stepper
    from assay.collect.protocols import PROTOCOLS
    from assay.collect.spool import Spool
    from assay.collect.trace import FILE as TRACE
    from assay.collect.trace import Trace
    from assay.collect.webhooks.receive import protocols as webhook_protocols
    from assay.plan.watch import Watched
    from assay.store.state import State
    from assay.workspace import Workspace
    from assay.workspace.own import only_collected

    with Workspace(folder) as opened:
        only_collected(opened.plan, "assay collect")
        rows = [row for row in opened.state.read("keys") if row["revoked_at"] is None]
        if not rows:
            make(opened.state, opened.now, "web")
            rows = opened.state.read("keys")
        intake = opened.data / INTAKE
        trace = Trace(intake, intake / name / TRACE)
        steps = Stepper(opened.plan, intake, Watched(folder, opened.plan).changed, trace, folder)
        protocols = (*PROTOCOLS, *webhook_protocols(opened.plan, folder))
        spool = Spool(opened.data / INTAKE / name, name)
        state = State(opened.state.path)
        experiments = Running(opened.plan, folder, state, lambda: time.time_ns() // 1000)
    browser_of("none", {})  # lists are read now, not with the first odd event
    is_bot("none", {}, None)
    keys = Keys(sources(rows), lambda: sources(state.read("keys")))
    limited = Limits(rates(limits))
    return Collector(spool, keys, steps, protocols, experiments=experiments, limits=limited), rows[0]["key"]


def serve(app: Any, host: str, port: int) -> None:
    """Run an ASGI application until it is told to end."""
    from assay.collect.listening import listen

    try:
        listen(app, host, port)
    except OSError as error:
        raise MachineError(f"{host}:{port}: {error.strerror or error}; choose another --port") from error


def load(ctx: typer.Context, workspace: Folder = None) -> None:
    """Load the ended segments of all collectors into the store, each once."""
    from assay.cli.progress import Progress
    from assay.jobs import load_intake
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        taken = load_intake(opened)
    if not taken.segments:
        write("Nothing waits to be loaded.\n")
        return
    more = "".join(
        f", {n:,} {what}" for n, what in ((taken.duplicates, "duplicates"), (taken.quarantined, "in quarantine")) if n
    )
    write(f"{taken.stored:,} events stored from {taken.segments:,} segments{more}\n\nnext: assay ledger\n")
