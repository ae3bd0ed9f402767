"""``assay report``: the report for executives; ``verify`` checks a sealed file, ``send`` and ``outbox`` the sending."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import assay
from assay.cli.lazy import Verb, Verbs, group
from assay.cli.output import write
from assay.cli.params import Folder, folder_of
from assay.model.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from assay.report.seal import Made
    from assay.workspace import Workspace


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


class Reports(Verbs):
    """What can be done about reports."""

    def verbs(self) -> tuple[Verb, ...]:
        """Three."""
        here = "assay.cli.reporting"
        return (
            Verb(
                "verify",
                "Check a sealed file: assay report verify report.json; exit 1 where it fails.",
                f"{here}:verify",
            ),
            Verb("send", "Send what is due by the plan's schedules, for a timer.", f"{here}:send"),
            Verb("outbox", "What was sent, what waits, what failed and why.", f"{here}:outbox"),
        )


Experiment = Annotated[str | None, _option("experiment", "NAME", "The report of one experiment.")]
First = Annotated[str | None, _option("from", "YYYY-MM-DD", "First day.")]
Last = Annotated[str | None, _option("to", "YYYY-MM-DD", "Last day, included.")]
Out = Annotated[Path | None, _option("out", "FILE", "report.html, .pdf, .md or .json; default: Markdown, shown here.")]


def _report(
    ctx: typer.Context, experiment: Experiment = None, first: First = None, last: Last = None, out: Out = None,
    workspace: Folder = None,
) -> None:  # fmt: skip
    """One page for executives, one page per KPI or one on an experiment, definitions; the sealed JSON beside it."""
    if ctx.invoked_subcommand is not None:
        return
    from assay.report.making import write as written
    from assay.report.making import writer
    from assay.report.writers import BY_SUFFIX

    if out is not None:
        writer(out.suffix)  # a mistake is told before minutes of work
    made = _made(ctx, workspace, experiment, _day("from", first), _day("to", last))
    if out is None:
        write(BY_SUFFIX["md"].write(made).decode())
        return
    for path in written(made, out):
        write(f"written: {path}\n")
    write(f"\nnext: assay report verify {out.with_suffix('.json')}\n")


def _made(
    ctx: typer.Context, workspace: Path | None, experiment: str | None, first: date | None, last: date | None
) -> Made:
    from assay.cli.progress import Progress
    from assay.jobs import made_report
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        return made_report(opened, first, last, experiment)


def _day(name: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"--{name} {text!r} is no day; write it as 2026-09-30") from None


def report() -> Any:
    """The verb with its own verbs."""
    return group(Reports, "report", _report.__doc__ or "", _report)


def verify(file: Annotated[Path, typer.Argument(metavar="FILE", help="The sealed .json of a report.")]) -> None:
    """Check the seal of a report and make every figure again from the answers inside. Exit 1 where it fails."""
    from assay.report.seal import read, verified

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    found = verified(read(text, str(file)), assay.__version__)
    if not found.wrong:
        counts = f"{found.figures:,} figures stand in its {found.answers} answers"
        write(f"{file} is as it was made: the seal fits, {counts}.\n")
        return
    write("".join(f"{one}\n" for one in found.wrong[:20]))
    if len(found.wrong) > 20:
        write(f"… and {len(found.wrong) - 20} more\n")
    raise CheckFailed(
        f"{file} is not as it was made: {len(found.wrong)} difference{'s' if len(found.wrong) > 1 else ''}"
    )


def send(ctx: typer.Context, workspace: Folder = None) -> None:
    """Send what is due and try again what failed. A slot goes to each receiver once. Exit 1: something failed."""
    from assay.cli.progress import Progress
    from assay.jobs import send_reports
    from assay.workspace import Workspace

    with Progress() as progress, Workspace(folder_of(ctx, workspace), progress=progress) as opened:
        ran = send_reports(opened)
    write(f"{ran.sent} sent, {ran.failed} failed, {ran.waiting} waiting.\n")
    if ran.failed or ran.waiting:
        write("\nnext: assay report outbox\n")
    if ran.failed:
        raise typer.Exit(CheckFailed.exit_code)


def outbox(
    ctx: typer.Context,
    again: Annotated[int | None, _option("again", "NO", "Send this one again, whatever became of it.")] = None,
    workspace: Folder = None,
) -> None:
    """What was sent, what waits, what failed and why."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        if again is not None:
            _again(opened, again)
        rows = opened.state.read("outbox")
        zone = opened.plan.site.timezone
    write(_table(rows, zone))


def _again(opened: Workspace, no: int) -> None:
    from assay.report.outbox import again

    again(opened.state, no, opened.now)


def _table(rows: list[dict[str, Any]], zone: str) -> str:
    from assay.model.answer import Answer, Column
    from assay.report import render
    from assay.report.outbox import said

    if not rows:
        return "Nothing was sent yet.\n\nnext: write report: schedules: [{every: monday 08:00, to: […]}] in the plan\n"
    columns = tuple(Column(name, "count" if name in ("no", "tries") else "text") for name in
                    ("no", "due", "receiver", "format", "state", "tries", "why"))  # fmt: skip
    open_ = sum(row["state"] in ("waiting", "unclear") for row in rows)
    failed = f"{open_} not delivered" if open_ else "all delivered"
    return render(
        Answer(
            "outbox", {}, columns, tuple(said(row, zone) for row in rows), sentence=f"{len(rows)} sendings, {failed}."
        )
    )
