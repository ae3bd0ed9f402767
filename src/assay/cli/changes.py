"""``assay changes`` answers; ``add``, ``remove`` and ``import`` write the change log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.lazy import Verb, Verbs
from assay.cli.output import write
from assay.cli.params import Folder, folder_of

_KINDS = "deploy|price|campaign|consent|fix|holiday"


def _option(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(f"--{name}", metavar=metavar, help=help, show_default=False)


class Changes(Verbs):
    """What can be done to the change log."""

    def verbs(self) -> tuple[Verb, ...]:
        """Three."""
        return (
            Verb("add", 'Note a change: assay changes add "New checkout" --kind deploy.', "assay.cli.changes:add"),
            Verb("remove", "Take a noted change back by its number.", "assay.cli.changes:remove"),
            Verb("import", "Note all changes of a CSV file.", "assay.cli.changes:import_"),
        )


def add(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="What changed, in a few words.")],
    kind: Annotated[str, _option("kind", _KINDS, "What sort of change. [default: deploy]")] = "deploy",
    date: Annotated[str | None, _option("date", "YYYY-MM-DD", "The day in the site's zone; default: today.")] = None,
    link: Annotated[str | None, _option("link", "URL", "Where more is told: a build, a ticket.")] = None,
    workspace: Folder = None,
) -> None:
    """Note a change. The same day, kind and words are noted once, so a build job may run it again."""
    from assay.decide.words import day
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        made, new = opened.add_change(what, kind, date, link)
    write(f"{'noted' if new else 'was noted already'}: {made.what} ({made.kind}, {day(made.date)})\n")


def remove(
    ctx: typer.Context,
    no: Annotated[int, typer.Argument(metavar="NO", help="The number that assay changes shows.")],
    workspace: Folder = None,
) -> None:
    """Take a noted change back. What the plan says is removed there."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        opened.remove_change(no)
    write(f"change {no} is removed\n")


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with date, kind, what and, if wanted, link.")],
    workspace: Folder = None,
) -> None:
    """Note all changes of a CSV file, or none where a line is wrong. A second time nothing is doubled."""
    from assay.workspace import Workspace

    with Workspace(folder_of(ctx, workspace)) as opened:
        count, new = opened.import_changes(file)
    again = f", {count - new:,} were noted already" if new != count else ""
    write(f"{new:,} change{'s' if new != 1 else ''} noted{again}\n\nnext: assay changes\n")
