"""``assay alerts`` answers; ``run`` judges new days for a timer; ``ack``, ``mute`` and ``unmute`` say what is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of, table_or_json
from assay.model.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from assay.jobs import Ran
    from assay.model.finding import Finding


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


class Alerts(Verbs):
    """What can be done about alerts."""

    def verbs(self) -> tuple[Verb, ...]:
        """Four."""
        return (
            Verb(
                "run",
                "Judge the complete days since the last run; exit 1 when an alert is new.",
                "assay.cli.alerts:run",
            ),
            Verb("ack", "Mark an alert as known: assay alerts ack 3.", "assay.cli.alerts:ack"),
            Verb("mute", "Raise nothing about a subject, by number or name, until a day.", "assay.cli.alerts:mute"),
            Verb("unmute", "Hear a muted subject again.", "assay.cli.alerts:unmute"),
        )


def run(
    ctx: typer.Context,
    as_of: Annotated[str | None, _option("as-of", "MOMENT", "As if it were then; default: now.")] = None,
    workspace: Folder = None,
    form: Annotated[str | None, _option("format", "table|json", "How it is shown. [default: table]")] = None,
) -> None:
    """Judge the complete days since the last run. Exit 1 when an alert is new, 0 when all is as expected or muted."""
    from assay.cli.progress import Progress
    from assay.jobs import run_alerts
    from assay.workspace import Workspace

    chosen = table_or_json(ctx, form, "alerts run")
    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        ran = run_alerts(opened, _moment(as_of))
    write(_json(ran) if chosen == "json" else _table(ran))
    if ran.new:
        raise typer.Exit(CheckFailed.exit_code)


def _moment(text: str | None) -> Any:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"--as-of {text!r} is no moment; write it as 2026-09-30 or 2026-09-30T12:00") from None


def _table(ran: Ran) -> str:
    if ran.reason:
        going = f"; {ran.open} alert{'s go' if ran.open != 1 else ' goes'} on" if ran.open else ""
        return f"Nothing to judge: {ran.reason}{going}.\n"
    days = f"{len(ran.days)} day{'s' if len(ran.days) > 1 else ''} judged, {ran.days[0]} to {ran.days[-1]}"
    counts = f"{len(ran.new)} new, {len(ran.recovered)} recovered, {ran.open} going on" + (
        f", {ran.muted} muted" if ran.muted else ""
    )
    counts += f"; {ran.past} more already over, in the list" if ran.past else ""
    lines = [f"new: {f.text}\n  do: {f.action}\n" for f in ran.new]
    lines += [f"recovered: {f.text}\n" for f in ran.recovered]
    return "".join([f"{days}: {counts}.\n", *lines]) + (
        "\nnext: assay alerts\n" if ran.new or ran.open or ran.past else ""
    )


def _json(ran: Ran) -> str:
    shown = {
        "days": [str(day) for day in ran.days],
        "new": [_of(f) for f in ran.new],
        "recovered": [_of(f) for f in ran.recovered],
        "muted": ran.muted,
        "past": ran.past,
        "open": ran.open,
        "reason": ran.reason or None,
    }
    return json.dumps(shown, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _of(one: Finding) -> dict[str, Any]:
    return {key: getattr(one, key) for key in ("code", "severity", "text", "evidence", "action")}


def ack(
    ctx: typer.Context,
    no: Annotated[int, typer.Argument(metavar="NO", help="The number that assay alerts shows.")],
    workspace: Folder = None,
) -> None:
    """Mark an alert as known: it stays in the list until it has recovered, and is no longer new."""
    from assay.analyses.alert_log import acknowledge
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        entry = acknowledge(opened.state, no, opened.now)
    write(f"acknowledged: {entry.text}\n")


def mute(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="The number of an alert, or such as event:purchase.")],
    until: Annotated[str | None, _option("until", "YYYY-MM-DD", "The last muted day; default: until unmuted.")] = None,
    workspace: Folder = None,
) -> None:
    """Raise nothing about a subject. What happens is still written down."""
    from assay.analyses.alert_log import mute as muting
    from assay.plan import literals
    from assay.workspace import Workspace

    try:
        day = literals.day(until) if until else None
    except ValueError as error:
        raise UsageError(f"--until {error}") from None
    with Workspace(folder_of(ctx, workspace)) as opened:
        name = muting(opened.state, what, day, opened.now)
    write(f"muted: {name}{f' up to {day}' if day else ''}\n")


def unmute(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="The number of an alert, or such as event:purchase.")],
    workspace: Folder = None,
) -> None:
    """Hear a muted subject again."""
    from assay.analyses.alert_log import unmute as hearing
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        name = hearing(opened.state, what)
    write(f"heard again: {name}\n")
