"""``assay erase``, ``assay export`` and ``assay expire``: people and periods."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.output import told, write
from assay.cli.params import Folder, TableOrJson, folder_of, table_or_json
from assay.cli.progress import Progress
from assay.model.errors import CheckFailed, MachineError, UsageError
from assay.store.own import OWN_PLACE

_User = Annotated[str | None, typer.Option("--user", metavar="ID", help="A known person.", show_default=False)]
_Visitor = Annotated[str | None, typer.Option("--visitor", metavar="ID", help="A device.", show_default=False)]


def _who(
    user: str | None, visitor: str | None, missing: str = "say who: --user ID or --visitor ID, one of them"
) -> tuple[str, str]:
    if (user is None) == (visitor is None):
        raise UsageError(missing)
    return ("user", user) if user is not None else ("visitor", str(visitor))


def erase(
    ctx: typer.Context,
    user: _User = None,
    visitor: _Visitor = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; erase nothing.")] = False,
    workspace: Folder = None,
    form: TableOrJson = None,
) -> None:
    """Erase somebody from store, segments, quarantine, state and cohorts, for good. Exit 1 where an id is left."""
    from assay import privacy
    from assay.workspace import Workspace

    kind, id = _who(user, visitor)
    chosen = table_or_json(ctx, form, str(ctx.info_name))
    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        known = privacy.know(opened, kind, id)
        if dry_run:
            told(chosen, _known(known), f"{_about(known)}\nnothing was erased\n")
            return
        if not yes:
            _confirm(f"{_about(known)}\n")
        done = privacy.erase(opened, kind, id)
        noted(opened, "erase", f"a {kind}", f"{done.events:,} events")
    counts = ((done.events, "event"), (done.lines, "line of segments"), (done.quarantined, "row in quarantine"))
    parts = [_many(n, what) for n, what in counts]
    text = f"Erased of {kind} {id}: {', '.join(parts)}, {_many(done.texts, 'other text')}.\n"
    text += "".join(f"left: {place} ({n:,})\n" for place, n in done.left.items())
    text += "Backups and exports that were made before are not reached: erase there too, or let them run out.\n"
    if any(place.startswith(OWN_PLACE) for place in done.left):
        text += "Own tables are not assay's: delete the rows there. Until then assay leaves them out of every answer.\n"
    elif done.left:
        text += "What is left stands in what others did, such as a property of their events.\n"
    terms = {name: getattr(done, name) for name in ("events", "lines", "quarantined", "texts", "left")}
    told(chosen, {**_known(known), "erased": terms}, text)
    if done.left:
        raise typer.Exit(CheckFailed.exit_code)


def _many(n: int, what: str) -> str:
    head, _, rest = what.partition(" ") if not what.startswith("other") else (what, "", "")
    return f"{n:,} {head}{'s' if n != 1 else ''}{' ' + rest if rest else ''}"


def noted(opened: Any, what: str, about: str, detail: str) -> None:
    """In the audit log, without who it was."""
    from assay.web.access import audit
    from assay.web.access.values import CONSOLE

    audit.note(opened.state, CONSOLE, what, opened.now, about, detail)


def _known(known: Any) -> dict[str, Any]:
    return {
        "kind": known.subject.kind, "id": known.subject.id, "ids": list(known.subject.names),
        "shared_devices": list(known.shared), "events": known.events,
    }  # fmt: skip


def _about(known: Any) -> str:
    devices = len(known.subject.names) - 1
    text = f"{known.subject.kind} {known.subject.id}: {_many(known.events, 'event')}"
    text += f", with {devices} device{'s' if devices != 1 else ''} of their own" if devices else ""
    if known.shared:
        text += f"; of {len(known.shared)} shared device{'s' if len(known.shared) != 1 else ''} only their own spans"
    return text


def _confirm(text: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("erasing cannot be taken back: add --yes, or look first with --dry-run")
    write(text)
    if not typer.confirm("Erase it for good?", default=False):
        raise typer.Exit(0)


def export(
    ctx: typer.Context,
    user: _User = None,
    visitor: _Visitor = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; default: shown.", show_default=False)
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", help="Everything, as Parquet in a folder, one file a day.", show_default=False
        ),
    ] = None,
    workspace: Folder = None,
    form: TableOrJson = None,
) -> None:
    """Everything as Parquet (--to), or all of somebody as JSON: events, sessions, orders, refunds, quarantine."""
    from assay import privacy
    from assay.workspace import Workspace

    if to is not None:
        if user is not None or visitor is not None or out is not None:
            raise UsageError("--to takes everything; leave --user, --visitor and --out out")
        from assay.cli.moving import export as everything

        everything(folder_of(ctx, workspace), to, table_or_json(ctx, form, "export"))
        return
    kind, id = _who(user, visitor, "say who (--user ID or --visitor ID), or where everything goes (--to DIR)")
    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        document = privacy.export(opened, kind, id)
        noted(opened, "export", f"a {kind}", f"{len(document['events']):,} events")
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if out is None:
        write(text)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{out} is already there and stays as it is; choose another file") from None
    except OSError as error:
        raise MachineError(f"{out}: {error.strerror or error}; nothing was written") from error
    write(f"{len(document['events']):,} events of {kind} {id} are written to {out}\n")


def expire(ctx: typer.Context, workspace: Folder = None, form: TableOrJson = None) -> None:
    """Let go of events that are older than the plan's retention says. `assay serve` does it once a day."""
    from assay import privacy
    from assay.workspace import Workspace

    chosen = table_or_json(ctx, form, str(ctx.info_name))
    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        if not opened.plan.retention:
            told(chosen, {"events": 0, "lines": 0}, "The plan has no retention: events are kept for ever.\n")
            return
        done = privacy.expire(opened)
        own = bool(opened.plan.source)
    text = f"{done.events:,} events and {done.lines:,} lines of segments were too old and are gone.\n"
    if own:
        text = (
            f"{done.events:,} events were too old and are left out of every answer. "
            "They stand in your own tables still: delete them there.\n"
        )
    told(chosen, {"events": done.events, "lines": done.lines}, text)
